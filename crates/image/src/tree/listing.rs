//! A tree written down: one row a path, sorted, with all that an image means.
//!
//! Two trees hold the same image exactly if their listings are equal.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{DeviceNumber, Timestamp};
use crate::{Digest, Name};

/// The rows of a tree by path from its root (the root itself is `/`).
pub type Listing = BTreeMap<Vec<u8>, ListingRow>;

/// What stands at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListingRow {
    /// Kind and content.
    pub content: ListingContent,
    /// The low 12 bits of `st_mode`.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of the last change.
    pub mtime: Timestamp,
    /// The first path, in order, of the same node, where it has more than one.
    pub link_group: Option<Name>,
    /// Extended attributes.
    pub xattrs: Vec<(Name, Name)>,
}

/// Kind and content of what stands at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ListingContent {
    /// A regular file.
    File {
        /// Bytes, holes included.
        size: u64,
        /// Digest of the content, holes being zeros.
        digest: Digest,
    },
    /// A directory.
    Directory,
    /// A symbolic link and its target.
    Symlink(Name),
    /// A character device.
    CharDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
    /// A named pipe.
    Fifo,
}
