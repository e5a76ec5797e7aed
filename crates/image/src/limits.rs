//! Every limit on what an image may ask for, in one place, each with its reason.
//!
//! The defaults let every real image pass that we know of; all of them can be set. What goes over a
//! limit is [`Rejected`](crate::Rejected) at once, before what is too much is written.

use std::num::NonZeroU64;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The limits that [`apply`](crate::apply()) holds a layer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file, its holes included (2 GiB): the largest files of real images are database
    /// logs and model weights, and one entry must not fill a disk.
    pub file_bytes: u64,
    /// Bytes of all files of an image, holes included, over all its layers (20 GiB). Files that a
    /// higher layer replaces count: they were written.
    pub image_bytes: u64,
    /// Bytes of the uncompressed archives of an image together (28 GiB): the files at their limit and
    /// 4 KiB of headers for every entry at its limit. It bounds what is only read: extended headers,
    /// bodies that are not kept, padding.
    pub stream_bytes: u64,
    /// Uncompressed bytes for one stored byte (100): honest layers stay below 30, and deflate cannot
    /// pass 1,032.
    pub ratio: NonZeroU64,
    /// Uncompressed bytes of one layer from which on the ratio counts (1 GiB): honest layers with a
    /// sparse lastlog or empty database logs pass it while they are small.
    pub ratio_from_bytes: u64,
    /// The window of a zstd frame, as a power of two (27: 128 MiB): what `zstd --ultra --long` makes
    /// at most without a flag of its reader. It is memory that the decoder takes.
    pub zstd_window_log: u32,
    /// Entries of all archives of an image, and inodes made of them (2,000,000): the largest real
    /// images have about 800,000. It bounds memory, about 350 bytes an entry.
    pub entries: u64,
    /// Layers of an image (127): what Docker's overlay2 driver stacks at most.
    pub layers: u32,
    /// Bytes of a path in an archive (4,096): Linux's `PATH_MAX`.
    pub path_bytes: usize,
    /// Bytes of one component of a path (255): ext4's and Linux's `NAME_MAX`.
    pub component_bytes: usize,
    /// Components of a path, as written and as resolved (256): deeper trees are made to break
    /// whatever walks them.
    pub depth: usize,
    /// Bytes of a symlink's target (4,095): `PATH_MAX` without its terminating NUL.
    pub symlink_bytes: usize,
    /// Symlinks followed for one path (40): Linux's `MAXSYMLINKS`.
    pub hops: u32,
    /// Components looked at for one path, those of its symlinks' targets included (4,096): without
    /// it 40 hops through targets of 2,000 components each would cost 80,000 look-ups an entry.
    pub steps: u32,
    /// Names of one inode (65,000): ext4's `EXT4_LINK_MAX`.
    pub links: u32,
    /// Extended attributes of one entry (256): real files have at most a handful.
    pub xattrs: usize,
    /// Bytes that the extended attributes of one entry may take as ext4 stores them (4,064): one
    /// block of 4 KiB without its header.
    pub xattr_bytes: usize,
    /// Bytes of extended headers (PAX records, GNU long names) before one entry (1 MiB): as much as
    /// Go reads since CVE-2022-2879.
    pub extension_bytes: u64,
    /// Bytes of the map of a sparse file (1 MiB).
    pub sparse_map_bytes: u64,
    /// Times that one path other than a directory's may occur in one layer (1,000): broken writers
    /// repeat a file a few times; more is made to cost time.
    pub duplicates: u32,
    /// Names that each list in a layer's report may hold (1,000); what is beyond it is counted.
    pub listed: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 2 * GIB,
            image_bytes: 20 * GIB,
            stream_bytes: 28 * GIB,
            ratio: NonZeroU64::new(100).expect("100 is not zero"),
            ratio_from_bytes: GIB,
            zstd_window_log: 27,
            entries: 2_000_000,
            layers: 127,
            path_bytes: 4_096,
            component_bytes: 255,
            depth: 256,
            symlink_bytes: 4_095,
            hops: 40,
            steps: 4_096,
            links: 65_000,
            xattrs: 256,
            xattr_bytes: 4_064,
            extension_bytes: MIB,
            sparse_map_bytes: MIB,
            duplicates: 1_000,
            listed: 1_000,
        }
    }
}
