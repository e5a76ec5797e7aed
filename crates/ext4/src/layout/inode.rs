//! Inodes. One is kept as its 256 bytes: what is not named here stays as it was.
//!
//! Source: Documentation/filesystems/ext4/inodes.rst, whose names the constants have.

use super::{
    bytes::{get16, get32, low16, low32, put16, put32},
    checksum::Seed,
    extent::Root,
    fields::inode::*,
    time,
    xattr::{self, StoredXattrs},
};
use crate::{
    error::{Error, Place, Result},
    metadata::{Metadata, Permissions, Timestamp, Xattrs},
    node::{InodeNumber, Kind, Stat},
};

/// Bytes in an inode.
pub(super) const INODE_SIZE: u16 = 256;
/// Bytes of fields past the first 128: up to `i_projid`.
pub(super) const EXTRA_ISIZE: u16 = 32;
/// The first inode that is not reserved.
pub(super) const FIRST_INO: u32 = InodeNumber::FIRST.get();
/// The journal's inode.
pub(super) const JOURNAL_INO: u32 = InodeNumber::JOURNAL.get();

/// The most links that are counted (`EXT4_LINK_MAX`).
pub(crate) const MAX_LINKS: u16 = 65_000;

/// The longest target of a symbolic link that is stored in the inode, in bytes.
/// Source: Documentation/filesystems/ext4/ifork.rst, "Symbolic Links".
pub(crate) const FAST_SYMLINK_MAX: usize = 59;

const LEN: usize = INODE_SIZE as usize;
/// Where extended attributes begin.
const XATTRS: usize = 128 + EXTRA_ISIZE as usize;

/// The flag of an inode whose blocks are mapped by extents (`EXT4_EXTENTS_FL`).
const EXTENTS: u32 = 0x8_0000;
/// The flag of a directory that has an index (`EXT4_INDEX_FL`).
const INDEX: u32 = 0x1000;
/// Flags that are hints and promises to a kernel and change nothing of what is stored: secure
/// deletion, undelete, synchronous, immutable, append only, no dump, no access times,
/// synchronous directory, top directory.
const HARMLESS: u32 = 0x3_00fb;

const FORMAT: u16 = 0xf000;
const FIFO: u16 = 0x1000;
const CHAR_DEVICE: u16 = 0x2000;
const DIRECTORY: u16 = 0x4000;
const BLOCK_DEVICE: u16 = 0x6000;
const REGULAR: u16 = 0x8000;
const SYMLINK: u16 = 0xa000;
const SOCKET: u16 = 0xc000;

/// The most bits of a device number (`MINORBITS` is 20 of 32).
const MAX_MAJOR: u32 = (1 << 12) - 1;
const MAX_MINOR: u32 = (1 << 20) - 1;

/// An inode as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct RawInode([u8; LEN]);

impl RawInode {
    /// Bytes in an inode.
    pub(crate) const LEN: usize = LEN;

    /// An inode of that kind with one link, without content.
    pub(crate) fn new(kind: Kind) -> Result<Self> {
        let mut inode = Self([0; LEN]);
        put16(&mut inode.0, I_EXTRA_ISIZE, EXTRA_ISIZE);
        let format = match kind {
            Kind::File => REGULAR,
            Kind::Directory => DIRECTORY,
            Kind::Symlink => SYMLINK,
            Kind::CharDevice { .. } => CHAR_DEVICE,
            Kind::BlockDevice { .. } => BLOCK_DEVICE,
            Kind::Fifo => FIFO,
            Kind::Socket => SOCKET,
        };
        put16(&mut inode.0, I_MODE, format);
        inode.set_links(1);
        match kind {
            Kind::File | Kind::Directory => inode.start_map(),
            Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
                inode.set_device(major, minor)?;
            }
            Kind::Symlink | Kind::Fifo | Kind::Socket => {}
        }
        Ok(inode)
    }

    /// The inode in these bytes, if its checksum is right and it holds only what is known here.
    pub(crate) fn parse(bytes: &[u8], number: InodeNumber, seed: Seed) -> Result<Self> {
        let mut raw = [0; LEN];
        raw.copy_from_slice(&bytes[..LEN]);
        let inode = Self(raw);
        if inode.checksum(number, seed) != inode.stored_checksum() {
            return Err(corrupt(number, "its checksum does not match"));
        }
        if inode.links() == 0 {
            return Err(corrupt(number, "it is in use and has no link"));
        }
        let flags = get32(&inode.0, I_FLAGS);
        let unknown = flags & !(EXTENTS | INDEX | HARMLESS);
        if unknown != 0 {
            return Err(Error::Unsupported {
                what: format!("{number} has the flags {unknown:#x}"),
            });
        }
        if flags & INDEX != 0 && !inode.is_directory() {
            return Err(corrupt(number, "it has an index and is no directory"));
        }
        if get16(&inode.0, I_EXTRA_ISIZE) != EXTRA_ISIZE {
            return Err(corrupt(number, "its extra fields have another length"));
        }
        Ok(inode)
    }

    /// The bytes to store, with their checksum.
    pub(crate) fn sealed(&self, number: InodeNumber, seed: Seed) -> [u8; LEN] {
        let mut raw = self.0;
        let checksum = self.checksum(number, seed);
        put16(&mut raw, L_I_CHECKSUM_LO, low16(checksum));
        put16(&mut raw, I_CHECKSUM_HI, low16(checksum >> 16));
        raw
    }

    fn checksum(&self, number: InodeNumber, seed: Seed) -> u32 {
        let mut raw = self.0;
        put16(&mut raw, L_I_CHECKSUM_LO, 0);
        put16(&mut raw, I_CHECKSUM_HI, 0);
        self.seed(number, seed).of(&raw)
    }

    fn stored_checksum(&self) -> u32 {
        u32::from(get16(&self.0, L_I_CHECKSUM_LO)) | u32::from(get16(&self.0, I_CHECKSUM_HI)) << 16
    }

    /// The seed of the checksums of what belongs to this inode.
    pub(crate) fn seed(&self, number: InodeNumber, seed: Seed) -> Seed {
        seed.inode(number.get(), get32(&self.0, I_GENERATION))
    }

    /// What it is.
    pub(crate) fn kind(&self, number: InodeNumber) -> Result<Kind> {
        Ok(match get16(&self.0, I_MODE) & FORMAT {
            REGULAR => Kind::File,
            DIRECTORY => Kind::Directory,
            SYMLINK => Kind::Symlink,
            CHAR_DEVICE => {
                let (major, minor) = self.device();
                Kind::CharDevice { major, minor }
            }
            BLOCK_DEVICE => {
                let (major, minor) = self.device();
                Kind::BlockDevice { major, minor }
            }
            FIFO => Kind::Fifo,
            SOCKET => Kind::Socket,
            _ => return Err(corrupt(number, "its mode has no type")),
        })
    }

    pub(crate) fn is_directory(&self) -> bool {
        get16(&self.0, I_MODE) & FORMAT == DIRECTORY
    }

    pub(crate) fn is_regular(&self) -> bool {
        get16(&self.0, I_MODE) & FORMAT == REGULAR
    }

    pub(crate) fn is_symlink(&self) -> bool {
        get16(&self.0, I_MODE) & FORMAT == SYMLINK
    }

    pub(crate) fn stat(&self, number: InodeNumber) -> Result<Stat> {
        Ok(Stat {
            inode: number,
            kind: self.kind(number)?,
            permissions: Permissions::of_mode(get16(&self.0, I_MODE)),
            uid: self.halves(I_UID, L_I_UID_HIGH),
            gid: self.halves(I_GID, L_I_GID_HIGH),
            size: self.size(),
            links: self.links(),
            mtime: self
                .mtime()
                .ok_or_else(|| corrupt(number, "its time has too many nanoseconds"))?,
            allocated: self.sectors().saturating_mul(512),
        })
    }

    pub(crate) fn size(&self) -> u64 {
        u64::from(get32(&self.0, I_SIZE_LO)) | u64::from(get32(&self.0, I_SIZE_HIGH)) << 32
    }

    pub(crate) fn set_size(&mut self, size: u64) {
        put32(&mut self.0, I_SIZE_LO, low32(size));
        put32(&mut self.0, I_SIZE_HIGH, low32(size >> 32));
    }

    pub(crate) fn links(&self) -> u16 {
        get16(&self.0, I_LINKS_COUNT)
    }

    pub(crate) fn set_links(&mut self, links: u16) {
        put16(&mut self.0, I_LINKS_COUNT, links);
    }

    /// Units of 512 bytes that the inode's blocks take (48 bits with `huge_file`).
    fn sectors(&self) -> u64 {
        u64::from(get32(&self.0, I_BLOCKS_LO)) | u64::from(get16(&self.0, L_I_BLOCKS_HIGH)) << 32
    }

    /// Counts blocks that the inode has got.
    pub(crate) fn add_blocks(&mut self, blocks: u64) {
        self.set_sectors(self.sectors().saturating_add(blocks.saturating_mul(8)));
    }

    fn subtract_block(&mut self) {
        self.set_sectors(self.sectors().saturating_sub(8));
    }

    fn set_sectors(&mut self, sectors: u64) {
        put32(&mut self.0, I_BLOCKS_LO, low32(sectors));
        put16(&mut self.0, L_I_BLOCKS_HIGH, low16(low32(sectors >> 32)));
    }

    /// Whether extents map its blocks.
    pub(crate) fn has_extents(&self) -> bool {
        get32(&self.0, I_FLAGS) & EXTENTS != 0
    }

    /// Whether this directory has an index.
    pub(crate) fn has_index(&self) -> bool {
        get32(&self.0, I_FLAGS) & INDEX != 0
    }

    /// Says that this directory has an index.
    pub(crate) fn set_index(&mut self) {
        let flags = get32(&self.0, I_FLAGS) | INDEX;
        put32(&mut self.0, I_FLAGS, flags);
    }

    /// The root of its map of extents.
    pub(crate) fn root(&self) -> Root {
        Root::new(self.map())
    }

    /// Starts a map of extents, which maps nothing yet.
    pub(crate) fn start_map(&mut self) {
        let flags = get32(&self.0, I_FLAGS) | EXTENTS;
        put32(&mut self.0, I_FLAGS, flags);
        self.set_root(&Root::empty());
    }

    /// Sets the root of the map of extents.
    pub(crate) fn set_root(&mut self, root: &Root) {
        self.0[I_BLOCK..I_BLOCK + 60].copy_from_slice(root.bytes());
    }

    /// The 60 bytes of `i_block`.
    pub(crate) fn map(&self) -> [u8; 60] {
        let mut map = [0; 60];
        map.copy_from_slice(&self.0[I_BLOCK..I_BLOCK + 60]);
        map
    }

    /// Stores the target of a short symbolic link in the inode itself.
    pub(crate) fn set_fast_symlink(&mut self, target: &[u8]) {
        self.0[I_BLOCK..I_BLOCK + target.len()].copy_from_slice(target);
    }

    /// Device numbers that fit in eight bits each are stored as they always were, others in
    /// the wider form in the second word (`old_encode_dev`, `new_encode_dev`).
    fn set_device(&mut self, major: u32, minor: u32) -> Result<()> {
        if major > MAX_MAJOR || minor > MAX_MINOR {
            return Err(Error::DeviceNumber { major, minor });
        }
        if major < 256 && minor < 256 {
            put32(&mut self.0, I_BLOCK, major << 8 | minor);
        } else {
            let wide = (minor & 0xff) | major << 8 | (minor & !0xff) << 12;
            put32(&mut self.0, I_BLOCK + 4, wide);
        }
        Ok(())
    }

    fn device(&self) -> (u32, u32) {
        let old = get32(&self.0, I_BLOCK);
        if old != 0 {
            return (old >> 8 & 0xff, old & 0xff);
        }
        let wide = get32(&self.0, I_BLOCK + 4);
        (wide >> 8 & 0xfff, (wide & 0xff) | (wide >> 12 & 0xf_ff00))
    }

    /// Sets mode, owner and times.
    pub(crate) fn set_metadata(&mut self, metadata: &Metadata) {
        let format = get16(&self.0, I_MODE) & FORMAT;
        put16(&mut self.0, I_MODE, format | metadata.permissions.bits());
        self.set_halves(I_UID, L_I_UID_HIGH, metadata.uid);
        self.set_halves(I_GID, L_I_GID_HIGH, metadata.gid);
        let (low, extra) = time::encode(metadata.mtime);
        for (at, at_extra) in [
            (I_ATIME, I_ATIME_EXTRA),
            (I_CTIME, I_CTIME_EXTRA),
            (I_MTIME, I_MTIME_EXTRA),
            (I_CRTIME, I_CRTIME_EXTRA),
        ] {
            put32(&mut self.0, at, low);
            put32(&mut self.0, at_extra, extra);
        }
    }

    fn mtime(&self) -> Option<Timestamp> {
        time::decode(get32(&self.0, I_MTIME), get32(&self.0, I_MTIME_EXTRA))
    }

    /// The extended attributes that are in the inode itself, in their order.
    pub(crate) fn xattrs(&self, number: InodeNumber) -> Result<Xattrs> {
        xattr::decode_room(&self.0[XATTRS..]).map_err(|what| corrupt(number, what))
    }

    /// Replaces the extended attributes that are in the inode itself.
    pub(crate) fn set_xattrs(&mut self, stored: &StoredXattrs) {
        self.0[XATTRS..].copy_from_slice(&stored.room);
    }

    /// Where its block of extended attributes is.
    pub(crate) fn xattr_block(&self) -> Option<u64> {
        let high = u64::from(get16(&self.0, L_I_FILE_ACL_HIGH)) << 32;
        Some(high | u64::from(get32(&self.0, I_FILE_ACL_LO))).filter(|place| *place != 0)
    }

    /// Sets where its block of extended attributes is, and counts it.
    pub(crate) fn set_xattr_block(&mut self, place: Option<u64>) {
        match (self.xattr_block(), place) {
            (None, Some(_)) => self.add_blocks(1),
            (Some(_), None) => self.subtract_block(),
            _ => {}
        }
        let place = place.unwrap_or(0);
        put32(&mut self.0, I_FILE_ACL_LO, low32(place));
        put16(&mut self.0, L_I_FILE_ACL_HIGH, low16(low32(place >> 32)));
    }

    fn halves(&self, low: usize, high: usize) -> u32 {
        u32::from(get16(&self.0, low)) | u32::from(get16(&self.0, high)) << 16
    }

    fn set_halves(&mut self, low: usize, high: usize, value: u32) {
        put16(&mut self.0, low, low16(value));
        put16(&mut self.0, high, low16(value >> 16));
    }
}

fn corrupt(number: InodeNumber, what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Inode(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back() {
        for secs in [
            Timestamp::MIN_SECS,
            -1,
            0,
            1,
            i64::from(i32::MAX),
            1 << 31,
            u32::MAX.into(),
            1 << 32,
            1 << 33,
            Timestamp::MAX_SECS,
        ] {
            let mtime = Timestamp::new(secs, 999_999_999).unwrap();
            let mut inode = RawInode::new(Kind::Fifo).unwrap();
            let metadata = Metadata {
                mtime,
                ..Metadata::default()
            };
            inode.set_metadata(&metadata);
            assert_eq!(inode.mtime(), Some(mtime));
        }
        assert_eq!(time::encode(Timestamp::new(1 << 31, 1).unwrap()).1, 0b101);
        assert!(Timestamp::new(Timestamp::MAX_SECS + 1, 0).is_err());
        assert!(Timestamp::new(Timestamp::MIN_SECS - 1, 0).is_err());
        assert!(Timestamp::new(0, 1_000_000_000).is_err());
    }

    #[test]
    fn device_numbers_come_back() {
        for (major, minor) in [
            (0, 0),
            (1, 3),
            (255, 255),
            (256, 0),
            (8, 256),
            (4095, 1_048_575),
        ] {
            let inode = RawInode::new(Kind::CharDevice { major, minor }).unwrap();
            assert_eq!(inode.device(), (major, minor));
        }
        let kind = Kind::BlockDevice {
            major: 4096,
            minor: 0,
        };
        assert!(matches!(
            RawInode::new(kind),
            Err(Error::DeviceNumber {
                major: 4096,
                minor: 0
            })
        ));
    }

    #[test]
    fn a_changed_inode_is_refused() {
        let number = InodeNumber::ROOT;
        let seed = Seed::new(1);
        let mut bytes = RawInode::new(Kind::File).unwrap().sealed(number, seed);
        assert!(RawInode::parse(&bytes, number, seed).is_ok());
        assert!(RawInode::parse(&bytes, InodeNumber::FIRST, seed).is_err());
        bytes[255] = 1;
        assert!(RawInode::parse(&bytes, number, seed).is_err());
    }
}
