//! The archive reader: stored bytes in, entries out.
//!
//! [`Inline`] and [`Ahead`] inflate and hash, [`Archive`] turns blocks into [`Entry`] values, the other modules
//! each know one format inside them. Nothing here knows of a filesystem. Sources: POSIX.1-2017 `pax`
//! (ustar and pax interchange formats), GNU tar's manual (appendix "Tar Internals"), RFC 1952, RFC
//! 8878.

mod acl;
mod ahead;
mod archive;
mod budget;
mod entry;
mod extended;
mod fault;
mod fields;
mod header;
mod inflate;
mod members;
mod number;
mod pax;
mod sparse;
mod stream;
mod uncompressed;
mod xattr;

pub use ahead::{Ahead, Proof, StoredLayer};
pub(crate) use archive::Archive;
pub use budget::Budget;
pub(crate) use entry::{Entry, What};
pub(crate) use fault::Fault;
pub use inflate::is_compressed;
pub(crate) use members::{MemberKind, Members};
pub(crate) use stream::{Finished, Stream};
pub(crate) use uncompressed::{Inline, Uncompressed};
