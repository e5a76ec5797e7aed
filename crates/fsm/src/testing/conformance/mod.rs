//! What every store passes.
//!
//! [`store_conformance!`](crate::store_conformance) makes a test of each check, for a subject. A check
//! panics where the store does not do as [`Store`](crate::store::Store) says.

mod batches;
mod forgetting;
mod runs;
mod suite;
mod writes;

pub use forgetting::*;
pub use runs::*;
pub use writes::*;
