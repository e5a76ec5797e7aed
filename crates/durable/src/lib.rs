//! Files that survive: one numbered seam for durable writes, the real one and one that loses.
//!
//! Everything outside the database that must outlive a power cut is written through [`Dir`] and
//! [`File`]: blobs, partial blobs and their sidecars, and the volumes of the file backend. The
//! seam says what each call promises once it has returned, in the terms of POSIX: bytes are
//! durable after [`File::sync`], a name is durable after [`Dir::sync`] of the directory it is in.
//!
//! * [`Host`] is a directory of the host's filesystem.
//! * [`Simulated`] is a filesystem in memory that numbers every call which changes something,
//!   stops or fails at the n-th, and then loses, tears or reorders what was not synced. It is
//!   also what the program runs on where it is asked to touch no disk.
//!
//! Both pass the same conformance suite. [`Sparse`] is the bytes in
//! memory that the simulated things are made of.
#![deny(missing_docs)]

mod component;
mod host;
mod power;
mod seam;
pub mod simulated;
mod sparse;

pub use host::{Host, opened};
pub use power::{Failure, Plan, Power, PowerOut, is_power_out};
pub use seam::{CloneOutcome, Dir, Entry, File, Mode};
pub use simulated::Simulated;
pub use sparse::{Full, PAGE_BYTES, Space, Sparse};
