//! Holds what is installed against what is known.

mod affected;
mod hit;
mod inventory;
mod merge;

pub(crate) use affected::within;
pub use hit::{Hit, match_package};
pub use inventory::{Matched, match_inventory};
