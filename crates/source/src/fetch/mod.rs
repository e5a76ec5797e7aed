//! One object on its way into the blob store: resumable, followed while it arrives, proven at its
//! end.
//!
//! A fetch is one driver task and one hashing thread over shared [`Shared`] state: the set of
//! bytes that are written. The driver hands out ranges, lowest first; each is downloaded with its
//! own retries and written at its place. The hasher and the followers read the file behind the
//! frontier, the end of what is there without a gap from byte 0. Checkpoints make what is written
//! durable now and then, so that an interrupted fetch goes on from there.
//!
//! Nothing of a fetch outlives the interest in it: with the last handle gone or cancelled the
//! driver stops, makes durable what has arrived, and ends.

mod checkpoint;
mod digest;
mod download;
mod driver;
mod error;
mod follow;
mod handle;
mod plan;
mod shared;
mod transfer;

pub use error::FetchError;
pub use follow::Follower;
pub use handle::Fetch;
pub use shared::Progress;

pub(crate) use shared::Shared;
