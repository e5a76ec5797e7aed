//! The table of cases: for every rule the archives that break it alone, and those just beside it.
//!
//! A case is a layer, perhaps on lower ones, and what must become of it: a code and an entry, or a
//! tree and what was counted. [`table`] checks all of them; in a build of `scripts/see-rules`,
//! [`switched`] checks that each rule stands alone.

mod acls;
mod bounds;
mod case;
mod compression;
mod devices;
mod ends;
mod headers;
mod limits;
mod links;
mod metadata;
mod names;
mod parents;
mod pax;
mod sparse;
#[cfg(longshore_image_rules)]
mod switched;
mod table;
mod types;
mod whiteouts;
mod xattrs;
pub(crate) mod zstd;
