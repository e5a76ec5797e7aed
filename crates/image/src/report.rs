//! What a layer turned out to be: its identity, its size, and everything that was put right in it.
//!
//! Nothing is skipped or changed in silence: every normalisation has a counter of its own.

use serde::{Deserialize, Serialize};

use crate::{DiffId, Name};

/// What [`apply`](crate::apply()) found in one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerReport {
    /// Digest of the uncompressed archive, to the end of its padding.
    pub diff_id: DiffId,
    /// Bytes as they were stored.
    pub stored_bytes: u64,
    /// Bytes of the uncompressed archive.
    pub stream_bytes: u64,
    /// Bytes of the files in it, holes included.
    pub content_bytes: u64,
    /// Entries, whiteouts included, extended headers not.
    pub entries: u64,
    /// What was put right.
    pub counters: Counters,
    /// Devices and fifos: an inode in the image, and nothing on the host.
    pub devices: Listed,
    /// What has setuid, setgid or sticky, and names linked to it.
    pub special_modes: Listed,
    /// Files with capabilities.
    pub capabilities: Listed,
}

/// Names that a report lists, in order of appearance, up to a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub names: Vec<Name>,
}

impl Listed {
    pub(crate) fn push(&mut self, name: &[u8], limit: usize) {
        self.count += 1;
        if self.names.len() < limit {
            self.names.push(name.into());
        }
    }
}

/// How often each normalisation was applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Names written with a leading `/`, `./`, or a doubled or trailing `/` where none belongs.
    pub names_normalised: u64,
    /// Parents that no entry had made: created 0755 root:root, time 0.
    pub parents_created: u64,
    /// Files and other nodes of lower layers that became directories because an entry lies in them.
    pub parents_replaced: u64,
    /// Entries that a later entry of the same path replaced or merged with.
    pub duplicates: u64,
    /// Lower-layer names that whiteouts hid, not counting what lay below them.
    pub whiteouts: u64,
    /// Whiteouts of names that no lower layer has.
    pub whiteouts_missing: u64,
    /// Opaque whiteouts.
    pub opaque: u64,
    /// Whiteouts in the first layer, where there is nothing to hide.
    pub whiteouts_first_layer: u64,
    /// Entries of AUFS's own (`.wh..wh.*`), which are not in the result.
    pub aufs_entries: u64,
    /// Directories that a whiteout hid and that stay, with default metadata, for what they hold.
    pub directories_reset: u64,
    /// Times clamped to what ext4 stores.
    pub times_clamped: u64,
    /// Extended attributes that are not kept.
    pub xattrs_dropped: u64,
    /// ACLs that are not kept: POSIX ones that name somebody without a number, and NFSv4's.
    pub acls_dropped: u64,
    /// Global PAX headers, which are ignored.
    pub global_headers: u64,
    /// PAX records given twice in one header, of which the last counts.
    pub pax_repeated: u64,
    /// PAX records that mean nothing here (times other than mtime, names of owners, comments).
    pub pax_ignored: u64,
    /// Archives that end without both of their zero blocks.
    pub unclosed: u64,
    /// Sparse files.
    pub sparse: u64,
}

/// What the layers of one image add up to; begun empty, passed to [`apply`](crate::apply()) for each
/// layer in order. Whoever keeps the result of some layers keeps their totals with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Layers applied or begun.
    pub layers: u32,
    /// Entries of their archives.
    pub entries: u64,
    /// Inodes made of them.
    pub inodes: u64,
    /// Bytes of their files, holes included.
    pub content_bytes: u64,
    /// Bytes of their uncompressed archives.
    pub stream_bytes: u64,
}
