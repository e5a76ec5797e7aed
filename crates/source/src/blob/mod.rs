//! The blob store: what is proven, under the digest of its bytes; what is on its way, under the
//! identity of where it comes from.
//!
//! On disk, in the directory it is given:
//!
//! ```text
//! sha256/<hex of the digest>   a blob, whole, proven and durable
//! partial/<id>                 bytes that have arrived, with holes
//! partial/<id>.json            of whom, and which ranges of them are durable; checksummed
//! partial/<id>.json.new        the next one of these, being written
//! receipts/<id>                what a blob was proven to be, until its caller has recorded it
//! ```
//!
//! The order of writes holds at every instant, also of a power cut: a name under `sha256/` exists
//! only after its bytes were synced and hashed; a range stands in a sidecar only after its bytes
//! were synced; a file that an old sidecar could be mistaken to describe is gone, durably, before
//! a new one of that name is made.

mod disk;
mod id;
mod ranges;
mod receipt;
mod record;
mod sidecar;
mod store;
mod workspace;

pub use disk::DiskError;
pub use id::PartialId;
pub use receipt::Receipt;
pub use sidecar::PartialLocator;
pub use store::{Blob, BlobEntry, BlobList, BlobStore, Partial, PartialError};

pub(crate) use disk::{Doing, failed};
pub(crate) use ranges::RangeSet;
pub(crate) use store::Turn;
pub(crate) use workspace::Workspace;
