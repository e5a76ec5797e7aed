//! The filesystem: its state, and the operations on it, a file each.
//!
//! `make`, `open` and `commit` are its life; `tree`, `write` and `read` are what callers do with
//! it; `space`, `inodes`, `extents`, `xattrs`, `directories` and their `index` are what those are made of.

mod commit;
mod directories;
mod extents;
mod index;
mod inodes;
mod make;
mod open;
mod places;
mod read;
mod space;
mod state;
mod tree;
mod used;
mod write;
mod xattrs;

pub use state::Filesystem;
