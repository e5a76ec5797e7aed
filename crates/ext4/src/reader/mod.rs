//! Reading any ext2, ext3 or ext4 filesystem, whoever made it: the only part that is not bound to
//! the one layout that this crate writes.
//!
//! A [`Reader`] is opened on anything that can be read at an offset ([`ReadAt`]). Everything on it
//! is taken for hostile: what holds for damage in this crate holds here against intent too. No
//! length, count or depth that stands on the device decides how much is allocated or how long
//! something goes on, a node of a tree is only followed to a lower level, and a directory is
//! walked once.
//!
//! Source of every layout: Documentation/filesystems/ext4, and where that page is silent the
//! kernel's fs/ext4, named where it was followed.

mod block_map;
mod blocks;
mod checksum;
mod children;
mod content;
mod directory;
mod extents;
mod feature;
mod group;
mod inode;
mod map;
mod open;
mod path;
mod read_at;
mod segments;
mod superblock;
mod walk;
mod xattr_list;
mod xattrs;

pub use children::{Children, Entry, EntryKind};
pub use inode::Times;
pub use open::{Open, Reader};
pub use path::Follow;
pub use read_at::ReadAt;
pub use segments::{Segment, Segments};
pub use walk::{Step, Walk};
