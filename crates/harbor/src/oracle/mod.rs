//! An application of layers that shares nothing with the product's: slow, plain, in memory.
//!
//! A layer is read twice with the `tar` crate, first for its whiteouts, which concern the layers
//! below it wherever they stand, and then for its entries. Contents are hashed as they pass and not
//! kept. What it does not understand it refuses, so that it never agrees by accident: PAX sparse
//! files, `SCHILY.acl` text, zstd, links to what stands under `.wh..wh.plnk`.

mod archive;
mod fill;
mod pax;
mod tree;

pub use self::fill::{Refused, manifest};
