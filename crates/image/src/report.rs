//! What a layer turned out to be: its identity, its size, and everything that was put right in it.
//!
//! Nothing is skipped or changed in silence: every normalisation has a counter of its own.

use serde::{Deserialize, Serialize};

use crate::{DiffId, Name};

/// What [`apply`](crate::apply()) found in one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// How often each normalisation was applied.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counters {
            /// Each by its name, in the order of this page.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),+].into_iter()
            }
        }
    };
}

counters! {
    /// Names written with a leading `/`, `./`, or a doubled or trailing `/` where none belongs.
    names_normalised,
    /// Parents that no entry had made: created 0755 root:root, time 0.
    parents_created,
    /// Files and other nodes of lower layers that became directories because an entry lies in them.
    parents_replaced,
    /// Entries that a later entry of the same path replaced or merged with.
    duplicates,
    /// Lower-layer names that whiteouts hid, not counting what lay below them.
    whiteouts,
    /// Whiteouts of names that no lower layer has.
    whiteouts_missing,
    /// Opaque whiteouts.
    opaque,
    /// Whiteouts in the first layer, where there is nothing to hide.
    whiteouts_first_layer,
    /// Entries of AUFS's own (`.wh..wh.*`), which are not in the result.
    aufs_entries,
    /// Directories that a whiteout hid and that stay, with default metadata, for what they hold.
    directories_reset,
    /// Times clamped to what ext4 stores.
    times_clamped,
    /// Extended attributes that are not kept.
    xattrs_dropped,
    /// ACLs that are not kept: POSIX ones that name somebody without a number, and NFSv4's.
    acls_dropped,
    /// Devices that the policy leaves out.
    devices_dropped,
    /// Global PAX headers, which are ignored.
    global_headers,
    /// PAX records given twice in one header, of which the last counts.
    pax_repeated,
    /// PAX records that mean nothing here (times other than mtime, names of owners, comments).
    pax_ignored,
    /// Archives that end without both of their zero blocks.
    unclosed,
    /// Sparse files.
    sparse,
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
