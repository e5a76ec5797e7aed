//! One document by its address, whole: what advisories are brought by.
//!
//! Unlike an object of a bucket, a document has no listing and no pinned version. It is asked for with what
//! was seen of it last ([`Seen`]), comes whole or not at all, and is tried again from its beginning.
//! Redirects are followed, a few, and never from `https` to `http`: advisories are published behind them.

mod address;
mod clients;
mod documents;
mod error;
mod fetched;
mod local;
mod sink;
mod transfer;

pub use documents::Documents;
pub use error::DocumentError;
pub use fetched::{Fetched, Seen};
