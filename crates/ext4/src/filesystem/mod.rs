//! The filesystem: its state, and the operations on it, a file each.

mod state;

pub use state::Filesystem;
