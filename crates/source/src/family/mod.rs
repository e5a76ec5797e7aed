//! Families of layers: from the objects of a bucket to ordered layers, or to what is wrong with
//! them.

mod error;
mod list;
mod order;
mod summary;

pub use error::ListError;
pub use order::{Ignored, Listing};
pub use summary::{Families, FamilySummary};
