//! The merged filesystem that layers are applied to: its trait, its words, and a model in memory.
//!
//! [`Tree`] is all that [`apply`](crate::apply()) needs of a filesystem. [`MemoryTree`] is the model
//! that other implementations are compared with.

mod content;
mod listing;
mod memory;
mod merged;
mod nodes;

pub use content::{Content, Summary};
pub use listing::{Listing, ListingContent, ListingRow};
pub use memory::{MemoryTree, MemoryTreeError};
pub use merged::Tree;
pub use nodes::{DeviceNumber, Kind, Metadata, NewNode, NodeId, Stat, Timestamp, Xattrs};
