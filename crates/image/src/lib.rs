//! Hostile bytes in, meaning out: digests, limits, layer archives and the merged tree.
//!
//! [`apply()`] reads one stored layer (a tar, plain, gzip or zstd) and applies it to a [`Tree`], the merged
//! filesystem of the layers below it. It does so without a network, without async, without a host
//! path and without a helper program: a name from an archive is bytes that are looked up in the
//! tree, and nothing else. What breaks a rule is [`Rejected`] with a [`Code`] and the entry; what is
//! accepted but was put right is counted in the [`LayerReport`].
//!
//! A [`Bundle`] is an image as one archive or directory, down to the layers that are applied.
//!
//! A rejected or failed layer leaves its tree half done: the caller drops it.
#![deny(missing_docs)]

mod apply;
mod bundle;
mod digest;
mod limits;
mod name;
mod reject;
mod report;
mod rules;
mod tar;
mod tree;

pub use apply::{ApplyError, apply, apply_ahead};
pub use bundle::{
    ArchiveBytes, ArchiveParts, Bundle, BundleError, BundleForm, BundleLayer, LayerBytes, Part,
    PartError, PartName, Parts, Platform, WrongBytes, is_docker_manifest,
};
pub use digest::{ChainId, DiffId, Digest, Hasher, ParseDigestError};
pub use limits::{DevicePolicy, Limit, Limits, Unit};
pub use name::Name;
pub use reject::{Code, Rejected};
pub use report::{Counters, LayerReport, Listed, Totals};
#[cfg(longshore_image_rules)]
pub use rules::without;
pub use tar::{Ahead, Budget, Proof, StoredLayer, is_compressed};
pub use tree::{
    Content, DeviceNumber, Kind, Listing, ListingContent, ListingRow, MemoryTree, MemoryTreeError,
    Metadata, NewNode, NodeId, Stat, Summary, Timestamp, Tree, Xattrs,
};
