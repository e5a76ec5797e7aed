//! Inodes of any size: found, held against their checksum, and what their fields say.
//!
//! Source: Documentation/filesystems/ext4/inodes.rst, whose names the constants have, and
//! `ext4_inode_csum` in fs/ext4/inode.c.

use super::{
    feature::{incompat, ro_compat},
    open::Reader,
    read_at::ReadAt,
    superblock::Superblock,
};
use crate::{
    error::{Error, Place, Result},
    layout::{Seed, decode_time, fields::inode::*, get16, get32, to_index},
    metadata::{Permissions, Timestamp},
    node::{InodeNumber, Kind, Stat},
};

/// Bytes of what every inode has.
const BASE: usize = 128;
/// Bytes of `i_block`.
pub(super) const MAP_LEN: usize = 60;

/// Values of `i_flags`.
pub(super) mod flag {
    pub(in crate::reader) const ENCRYPTED: u32 = 0x800;
    pub(in crate::reader) const INDEXED: u32 = 0x1000;
    pub(in crate::reader) const HUGE_FILE: u32 = 0x4_0000;
    pub(in crate::reader) const EXTENTS: u32 = 0x8_0000;
    pub(in crate::reader) const EA_INODE: u32 = 0x20_0000;
    pub(in crate::reader) const INLINE_DATA: u32 = 0x1000_0000;
}

const FORMAT: u16 = 0xf000;

/// The times of an inode beside that of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the content was read last, as far as that was recorded.
    pub accessed: Timestamp,
    /// When content or metadata changed last.
    pub changed: Timestamp,
    /// When it was made, where the filesystem records that.
    pub created: Option<Timestamp>,
}

/// An inode that is in use.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) number: InodeNumber,
    raw: Box<[u8]>,
    /// The seed of the checksums of what belongs to it.
    pub(super) seed: Seed,
}

impl<D: ReadAt> Reader<D> {
    /// What is known of an inode.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::Device`], [`Error::Corrupt`].
    pub fn stat(&self, inode: InodeNumber) -> Result<Stat> {
        let inode = self.inode(inode)?;
        Ok(Stat {
            inode: inode.number,
            kind: inode.kind()?,
            permissions: Permissions::of_mode(inode.get16(I_MODE)),
            uid: inode.halves(I_UID, L_I_UID_HIGH),
            gid: inode.halves(I_GID, L_I_GID_HIGH),
            size: inode.size(self.superblock()),
            links: inode.get16(I_LINKS_COUNT),
            mtime: inode.time(I_MTIME, I_MTIME_EXTRA)?,
            allocated: inode.allocated(self.superblock()),
        })
    }

    /// All the times of an inode.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::Device`], [`Error::Corrupt`].
    pub fn times(&self, inode: InodeNumber) -> Result<Times> {
        let inode = self.inode(inode)?;
        let created = if inode.fits(I_CRTIME) {
            Some(inode.time(I_CRTIME, I_CRTIME_EXTRA)?)
        } else {
            None
        };
        Ok(Times {
            accessed: inode.time(I_ATIME, I_ATIME_EXTRA)?,
            changed: inode.time(I_CTIME, I_CTIME_EXTRA)?,
            created,
        })
    }

    /// An inode that has a name.
    pub(super) fn inode(&self, number: InodeNumber) -> Result<Inode> {
        let inode = self.any_inode(number)?;
        if inode.get16(I_LINKS_COUNT) == 0 || inode.has(flag::EA_INODE) {
            return Err(Error::NoSuchInode { inode: number });
        }
        Ok(inode)
    }

    /// An inode, in use or not.
    pub(super) fn any_inode(&self, number: InodeNumber) -> Result<Inode> {
        let superblock = self.superblock();
        if number.get() > superblock.inodes {
            return Err(Error::NoSuchInode { inode: number });
        }
        let nth = u64::from(number.get() - 1);
        let per_group = u64::from(superblock.inodes_per_group);
        let table = self.inode_table(nth / per_group)?;
        let byte = nth % per_group * superblock.inode_size as u64;
        let block = self.blocks().read(table + byte / self.block_size())?;
        let at = superblock.within_block(byte);
        let raw: Box<[u8]> = block[at..at + superblock.inode_size].into();
        let inode = Inode {
            number,
            seed: superblock
                .seed
                .inode(number.get(), get32(&raw, I_GENERATION)),
            raw,
        };
        inode.check(superblock)?;
        Ok(inode)
    }
}

impl Inode {
    fn check(&self, superblock: &Superblock) -> Result<()> {
        let extra = self.extra_len();
        if !extra.is_multiple_of(4) || BASE + extra > self.raw.len() {
            return Err(self.corrupt("its extra fields have a length that cannot be"));
        }
        if !superblock.features.has_checksums() {
            return Ok(());
        }
        let high = self.fits(I_CHECKSUM_HI);
        let (base, rest) = self.raw.split_at(BASE);
        let mut sum = self
            .seed
            .then(&base[..L_I_CHECKSUM_LO])
            .then(&[0; 2])
            .then(&base[L_I_CHECKSUM_LO + 2..]);
        if high {
            sum = sum.then(&rest[..2]).then(&[0; 2]).then(&rest[4..]);
        } else {
            sum = sum.then(rest);
        }
        let stored = u32::from(self.get16(L_I_CHECKSUM_LO));
        let right = if high {
            sum.value() == stored | u32::from(self.get16(I_CHECKSUM_HI)) << 16
        } else {
            sum.value() & 0xffff == stored
        };
        if right {
            Ok(())
        } else {
            Err(self.corrupt("its checksum does not match"))
        }
    }

    pub(super) fn has(&self, flag: u32) -> bool {
        get32(&self.raw, I_FLAGS) & flag != 0
    }

    /// What it is.
    pub(super) fn kind(&self) -> Result<Kind> {
        Ok(match self.get16(I_MODE) & FORMAT {
            0x1000 => Kind::Fifo,
            0x2000 => {
                let (major, minor) = self.device();
                Kind::CharDevice { major, minor }
            }
            0x4000 => Kind::Directory,
            0x6000 => {
                let (major, minor) = self.device();
                Kind::BlockDevice { major, minor }
            }
            0x8000 => Kind::File,
            0xa000 => Kind::Symlink,
            0xc000 => Kind::Socket,
            _ => return Err(self.corrupt("its mode has no type")),
        })
    }

    /// The same inode, if it is of that kind and can be read.
    pub(super) fn expect(self, kind: Kind, expected: &'static str) -> Result<Self> {
        if self.kind()? != kind {
            return Err(Error::WrongKind {
                inode: self.number,
                expected,
            });
        }
        if self.has(flag::ENCRYPTED) {
            return Err(Error::Encrypted { inode: self.number });
        }
        Ok(self)
    }

    /// Bytes of content.
    pub(super) fn size(&self, superblock: &Superblock) -> u64 {
        let low = u64::from(get32(&self.raw, I_SIZE_LO));
        let regular = self.get16(I_MODE) & FORMAT == 0x8000;
        if regular || superblock.features.has_incompat(incompat::LARGE_DIR) {
            low | u64::from(get32(&self.raw, I_SIZE_HIGH)) << 32
        } else {
            low
        }
    }

    /// Bytes of the blocks it takes.
    fn allocated(&self, superblock: &Superblock) -> u64 {
        let low = u64::from(get32(&self.raw, I_BLOCKS_LO));
        if !superblock.features.has_ro_compat(ro_compat::HUGE_FILE) {
            return low * 512;
        }
        let count = low | u64::from(self.get16(L_I_BLOCKS_HIGH)) << 32;
        let unit = if self.has(flag::HUGE_FILE) {
            superblock.block_size as u64
        } else {
            512
        };
        count.saturating_mul(unit)
    }

    /// The 60 bytes of `i_block`.
    pub(super) fn map(&self) -> &[u8] {
        &self.raw[I_BLOCK..I_BLOCK + MAP_LEN]
    }

    /// The target of a symbolic link that is stored in place of its map; `None` where it is not.
    pub(super) fn fast_symlink(&self, superblock: &Superblock) -> Option<&[u8]> {
        let len = self.size(superblock);
        if len >= MAP_LEN as u64 || self.has(flag::INLINE_DATA) || self.has(flag::EXTENTS) {
            return None;
        }
        // Values in inodes of their own count as blocks too; the length alone decides then
        // (`ext4_inode_is_fast_symlink`).
        let by_length = superblock.features.has_incompat(incompat::EA_INODE);
        let xattrs = if self.xattr_block(superblock) == 0 {
            0
        } else {
            superblock.cluster_size
        };
        if by_length || self.allocated(superblock) == xattrs {
            Some(&self.map()[..to_index(len)])
        } else {
            None
        }
    }

    /// The block of extended attributes; 0 for none.
    pub(super) fn xattr_block(&self, superblock: &Superblock) -> u64 {
        let low = u64::from(get32(&self.raw, I_FILE_ACL_LO));
        if superblock.features.has_incompat(incompat::BITS_64) {
            low | u64::from(self.get16(L_I_FILE_ACL_HIGH)) << 32
        } else {
            low
        }
    }

    /// The room after the fields, for extended attributes.
    pub(super) fn xattr_room(&self) -> &[u8] {
        if self.raw.len() == BASE {
            &[]
        } else {
            &self.raw[BASE + self.extra_len()..]
        }
    }

    /// Access time and the word of the modification time, which inodes of values use otherwise.
    pub(super) fn value_marks(&self) -> (u32, u32) {
        (get32(&self.raw, I_ATIME), get32(&self.raw, I_MTIME))
    }

    pub(super) fn corrupt(&self, what: &'static str) -> Error {
        Error::Corrupt {
            what,
            place: Place::Inode(self.number),
        }
    }

    /// Bytes of fields past the first 128.
    fn extra_len(&self) -> usize {
        if self.raw.len() == BASE {
            0
        } else {
            self.get16(I_EXTRA_ISIZE).into()
        }
    }

    /// Whether a field of four bytes (of two, the checksum's upper half) is one of the inode's.
    fn fits(&self, at: usize) -> bool {
        let len = if at == I_CHECKSUM_HI { 2 } else { 4 };
        at + len <= BASE + self.extra_len() && self.raw.len() > BASE
    }

    fn time(&self, at: usize, extra_at: usize) -> Result<Timestamp> {
        let extra = if self.fits(extra_at) {
            get32(&self.raw, extra_at)
        } else {
            0
        };
        decode_time(get32(&self.raw, at), extra)
            .ok_or_else(|| self.corrupt("its time has too many nanoseconds"))
    }

    /// A device number, in the old form or the wider one.
    fn device(&self) -> (u32, u32) {
        let old = get32(self.map(), 0);
        if old != 0 {
            return (old >> 8 & 0xff, old & 0xff);
        }
        let wide = get32(self.map(), 4);
        (wide >> 8 & 0xfff, (wide & 0xff) | (wide >> 12 & 0xf_ff00))
    }

    fn get16(&self, at: usize) -> u16 {
        get16(&self.raw, at)
    }

    fn halves(&self, low: usize, high: usize) -> u32 {
        u32::from(self.get16(low)) | u32::from(self.get16(high)) << 16
    }
}
