//! ext4 in user space: make, open, extend and read, on any device, without a mount.
//!
//! A [`Filesystem`] lives on a [`Device`], which is anything that can be read and written at an
//! offset. [`Filesystem::make`] writes an empty filesystem onto a device that reads as zeros,
//! [`Filesystem::open`] continues one that was made here; both are then changed by the same tree
//! operations and become durable with [`Filesystem::commit`].
//!
//! A [`Reader`] reads filesystems of every other make too: ext2, ext3 and ext4 with the features
//! that mke2fs and the kernel give them.
//!
//! What holds:
//!
//! * **Same operations, same bytes.** Nothing is taken from a clock, a random source, the
//!   machine or the way a file's bytes were cut into writes, and nothing that decides where
//!   something goes outlives a commit in memory only: to go on after a commit and to open the
//!   committed device anew and go on give the same bytes.
//! * **Data first and once, metadata last.** A file's blocks go to the device in large aligned
//!   writes while the file is written; metadata waits in memory (a bounded cache may spill it)
//!   until the commit. A device whose commit did not return is worth nothing and is dropped.
//! * **Zeros are holes.** A block of a file that is all zeros is never stored.
//! * **Memory goes with the blocks and inodes in use, never with the size of a file** or the
//!   number of names in a directory: a name is found by an index on the device.
//! * **A damaged image is an [`Error`]**, never a panic, a loop or an unbounded allocation.
//!
//! The layout that is written is that of the kernel's documentation (`Documentation/filesystems/ext4`); every
//! constant names its source. It has 4096-byte blocks, extents, 64-bit block numbers, metadata
//! checksums with a seed of their own, flexible block groups, a clean journal, hashed
//! directories, and 256-byte inodes with nanosecond times, whose extended attributes go on in a
//! block.
//!
//! Nothing is reserved for growing: resize2fs makes a filesystem larger as it is, and a kernel
//! that has it mounted turns `meta_bg` on to do it. What has that is a machine's own disk, and is
//! not opened here any more.

#![deny(missing_docs)]

mod block_cache;
mod device;
mod error;
mod filesystem;
mod format;
mod free_runs;
mod held;
mod layout;
mod memory;
mod metadata;
mod node;
mod reader;

pub use device::Device;
pub use error::{Error, Place, Result};
pub use filesystem::Filesystem;
pub use format::{DEFAULT_SIZE, FORMAT_VERSION, Format, MAX_SIZE, MIN_SIZE, Usage};
pub use memory::MemoryDevice;
pub use metadata::{Metadata, Permissions, Timestamp, Xattrs};
pub use node::{Child, InodeNumber, Kind, New, Stat};
pub use reader::{
    Children, Entry, EntryKind, Follow, Open, ReadAt, Reader, Segment, Segments, Step, Times, Walk,
};
