//! Applying a layer to a tree.
//!
//! [`apply`] reads a stored layer from its first to its last byte, and does to a [`Tree`](crate::Tree)
//! what its entries say.

mod error;
mod hide;
mod layer;
mod name;
mod place;
mod touched;
mod walk;

pub use error::ApplyError;
pub use layer::{apply, apply_ahead};
