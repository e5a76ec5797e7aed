//! A filesystem in memory that knows what is durable, and loses the rest when asked.
//!
//! # The model
//!
//! **Changes.** Creating, writing, setting the length, punching, renaming, removing, linking,
//! cloning, making a directory, and syncing a file or a directory each take one number of the
//! filesystem's [`Power`](crate::Power), also where they then fail by themselves. A change is
//! whole before the next begins. Once the power is out everything fails, reads too.
//!
//! **Crash.** [`Simulated::crash`] gives the filesystem as it is found after the power came back.
//! What was synced is there. Of the rest, drawn by the seed:
//! * of each unsynced 512-byte sector, what was durable or one of its last four unsynced
//!   versions, independent of every other sector: writes are lost, torn and reordered;
//! * of the length, the durable one or one of the last four unsynced ones, independent of the
//!   content; bytes that the length covers and no write reached are zeros, never garbage (as
//!   ext4, XFS and btrfs promise);
//! * each unsynced change of a name happened or did not, independent of the others. A rename
//!   within a directory is one change: the old name and the new one change together. One into
//!   another directory is one change as long as neither directory was synced; the sync of one
//!   makes that half durable and leaves the other half to chance, so syncing only the source may
//!   lose the file, and syncing only the target may leave it under both names.
//!
//! Seed 0 loses all that was not synced, 1 keeps all of it, 2 keeps the names and loses the
//! bytes, 3 keeps the bytes and loses the names; any other seed draws each thing by itself.
//!
//! **Failure.** A change that is planned to fail did not happen, but a write has happened in its
//! first half (a short write), and a failed sync is Linux's: what was unsynced counts as clean
//! from then on. It still reads back, a later sync succeeds without making it durable, and a
//! crash may lose it; only a page or a name that is written again is made durable again.
//!
//! **Space.** Each distinct page of 4 KiB that any file has, or that a crash could still bring
//! back, is counted once: as on a copy-on-write filesystem, overwritten and removed bytes are
//! freed when what replaced them is synced (or, had they never been durable, at once).
//!
//! Not modelled: permissions, times, a page cache that drops a page after its write failed,
//! directories that are renamed or removed.

mod content;
mod crash;
mod dir;
mod file;
mod names;

pub use dir::Simulated;
