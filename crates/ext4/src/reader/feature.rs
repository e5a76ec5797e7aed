//! Features: which there are, and which of them can be read.
//!
//! Source: Documentation/filesystems/ext4/super.rst, "Feature Compatibility", and e2fsprogs'
//! lib/e2p/feature.c for the names that people know them by.
//!
//! A bit among the incompatible ones that is not known here means that nothing may be read. The
//! others never stand in the way of reading.

use crate::error::{Error, Result};

/// Which features a filesystem has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Features {
    pub(super) compat: u32,
    pub(super) incompat: u32,
    pub(super) ro_compat: u32,
}

/// Incompatible features.
pub(super) mod incompat {
    pub(in crate::reader) const FILETYPE: u32 = 0x2;
    pub(in crate::reader) const RECOVER: u32 = 0x4;
    pub(in crate::reader) const META_BG: u32 = 0x10;
    pub(in crate::reader) const BITS_64: u32 = 0x80;
    pub(in crate::reader) const EA_INODE: u32 = 0x400;
    pub(in crate::reader) const CSUM_SEED: u32 = 0x2000;
    pub(in crate::reader) const LARGE_DIR: u32 = 0x4000;
}

/// Features that are incompatible with writing only.
pub(super) mod ro_compat {
    pub(in crate::reader) const SPARSE_SUPER: u32 = 0x1;
    pub(in crate::reader) const HUGE_FILE: u32 = 0x8;
    pub(in crate::reader) const GDT_CSUM: u32 = 0x10;
    pub(in crate::reader) const BIGALLOC: u32 = 0x200;
    pub(in crate::reader) const METADATA_CSUM: u32 = 0x400;
    pub(in crate::reader) const SHARED_BLOCKS: u32 = 0x4000;
}

/// Compatible features.
pub(super) mod compat {
    pub(in crate::reader) const SPARSE_SUPER2: u32 = 0x200;
}

/// Incompatible features that can be read: filetype, needs_recovery (only where it is asked for),
/// meta_bg, extent, 64bit, mmp, flex_bg, ea_inode, metadata_csum_seed, large_dir, inline_data,
/// encrypt (all but what is encrypted), casefold.
const READABLE: u32 = 0x2
    | 0x4
    | 0x10
    | 0x40
    | 0x80
    | 0x100
    | 0x200
    | 0x400
    | 0x2000
    | 0x4000
    | 0x8000
    | 0x1_0000
    | 0x2_0000;

/// What cannot be read but has a name.
const NAMED: [(u32, &str); 3] = [
    (0x1, "compression"),
    (0x8, "journal_dev (it is the journal of another filesystem)"),
    (0x1000, "dirdata"),
];

impl Features {
    pub(super) const fn has_incompat(self, bit: u32) -> bool {
        self.incompat & bit != 0
    }

    pub(super) const fn has_ro_compat(self, bit: u32) -> bool {
        self.ro_compat & bit != 0
    }

    pub(super) const fn has_compat(self, bit: u32) -> bool {
        self.compat & bit != 0
    }

    /// Whether metadata carries CRC-32C checksums.
    pub(super) const fn has_checksums(self) -> bool {
        self.has_ro_compat(ro_compat::METADATA_CSUM)
    }

    /// # Errors
    /// [`Error::Unsupported`] with the name of a feature that stands in the way of reading, or
    /// with its bit where it has none here.
    pub(super) fn check_readable(self) -> Result<()> {
        let unknown = self.incompat & !READABLE;
        let Some(bit) = (0..32)
            .map(|nth| 1u32 << nth)
            .find(|bit| unknown & bit != 0)
        else {
            return Ok(());
        };
        let name = NAMED.iter().find(|(named, _)| *named == bit);
        Err(Error::Unsupported {
            what: name.map_or_else(
                || format!("it has an unknown incompatible feature, {bit:#x}"),
                |(_, name)| format!("it has the feature {name}"),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named() {
        let said = |incompat| {
            let features = Features {
                incompat,
                ..Features::default()
            };
            features.check_readable().map_err(|error| error.to_string())
        };
        assert_eq!(said(0x2 | 0x40 | 0x80), Ok(()));
        assert!(said(0x2 | 0x8).unwrap_err().contains("journal_dev"));
        assert!(said(0x1000).unwrap_err().contains("dirdata"));
        assert!(said(0x0800_0000).unwrap_err().contains("0x8000000"));
    }
}
