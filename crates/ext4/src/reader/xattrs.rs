//! Extended attributes: those in an inode, those in a block, and values in inodes of their own.
//!
//! Source: Documentation/filesystems/ext4/attributes.rst; for values in inodes fs/ext4/xattr.c.

use super::{
    feature::incompat,
    inode::{Inode, flag},
    open::Reader,
    read_at::ReadAt,
    xattr_list::{Stored, Value, parse},
};
use crate::{
    error::{Error, Place, Result},
    layout::{
        Seed, acl_to_xattr,
        fields::xattr::{ACL_ACCESS, ACL_DEFAULT},
        get32, to_index,
    },
    metadata::Xattrs,
    node::InodeNumber,
};

const MAGIC: u32 = 0xea02_0000;
/// Bytes before the list: in an inode, and in a block.
const INODE_HEADER: usize = 4;
const BLOCK_HEADER: usize = 32;
const H_BLOCKS: usize = 8;
const H_CHECKSUM: usize = 16;
/// The longest value that a system call takes (`XATTR_SIZE_MAX`).
const MAX_VALUE: u32 = 65536;
/// Bytes of values in inodes that one inode can have here: 256 of the longest.
const MAX_VALUES: u64 = 16 << 20;

impl<D: ReadAt> Reader<D> {
    /// An inode's extended attributes, full name and value, sorted by name. POSIX ACLs are in the
    /// form that `setxattr(2)` takes.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::Device`], [`Error::Corrupt`], [`Error::Unsupported`].
    pub fn xattrs(&self, inode: InodeNumber) -> Result<Xattrs> {
        let inode = self.inode(inode)?;
        let corrupt = |what| corrupt(&inode, what);
        let mut budget = MAX_VALUES;
        let mut xattrs = Vec::new();
        let block = match inode.xattr_block(self.superblock()) {
            0 => None,
            block => Some(self.xattr_block(&inode, block)?),
        };
        let mut stored = list_in(&inode).map_err(corrupt)?;
        if let Some(block) = &block {
            stored.extend(parse(block, BLOCK_HEADER).map_err(corrupt)?);
        }
        for xattr in stored {
            let Some(name) = xattr.full_name().map_err(corrupt)? else {
                continue;
            };
            let value = self.value(&inode, &xattr, &mut budget)?;
            xattrs.push((name, value));
        }
        xattrs.sort();
        if xattrs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(corrupt("one is there twice"));
        }
        Ok(xattrs)
    }

    /// What of an inode's content stands among its attributes (`inline_data`).
    pub(super) fn inline_rest(&self, inode: &Inode) -> Result<Vec<u8>> {
        let corrupt = |what| corrupt(inode, what);
        let found = list_in(inode).map_err(corrupt)?;
        match found.iter().find(|xattr| xattr.is_content()) {
            Some(Stored {
                value: Value::Here(value),
                ..
            }) => Ok(value.to_vec()),
            _ => Err(corrupt("the content of the inode is not among them")),
        }
    }

    fn xattr_block(&self, inode: &Inode, number: u64) -> Result<std::sync::Arc<[u8]>> {
        let corrupt = |what| corrupt(inode, what);
        let block = self.block(number, Place::Xattrs(inode.number))?;
        if get32(&block, 0) != MAGIC || get32(&block, H_BLOCKS) != 1 {
            return Err(corrupt("their block is not one of attributes"));
        }
        let superblock = self.superblock();
        if superblock.features.has_checksums() {
            let sum = superblock
                .seed
                .then(&number.to_le_bytes())
                .then(&block[..H_CHECKSUM])
                .then(&[0; 4])
                .of(&block[H_CHECKSUM + 4..]);
            if sum != get32(&block, H_CHECKSUM) {
                return Err(corrupt("the checksum of their block does not match"));
            }
        }
        Ok(block)
    }

    fn value(&self, inode: &Inode, xattr: &Stored<'_>, budget: &mut u64) -> Result<Vec<u8>> {
        let value = match xattr.value {
            Value::Here(value) => value.to_vec(),
            Value::Inode { number, len } => self.value_in(inode, number, len, budget)?,
        };
        match xattr.index {
            ACL_ACCESS | ACL_DEFAULT => {
                acl_to_xattr(&value).ok_or_else(|| corrupt(inode, "its ACL is malformed"))
            }
            _ => Ok(value),
        }
    }

    /// A value that is all the content of an inode (`ea_inode`).
    fn value_in(&self, inode: &Inode, number: u32, len: u32, budget: &mut u64) -> Result<Vec<u8>> {
        let corrupt = |what| corrupt(inode, what);
        if !self.superblock().features.has_incompat(incompat::EA_INODE) {
            return Err(corrupt("a value is in another inode, without the feature"));
        }
        if len > MAX_VALUE {
            return Err(corrupt("a value is longer than values can be"));
        }
        *budget = budget
            .checked_sub(len.into())
            .ok_or_else(|| Error::Unsupported {
                what: format!("{} has over 16 MiB of extended attributes", inode.number),
            })?;
        let holder = InodeNumber::new(number)
            .ok_or_else(|| corrupt("a value is in an inode that cannot be"))?;
        let holder = self.any_inode(holder)?;
        if !holder.has(flag::EA_INODE) || holder.size(self.superblock()) != u64::from(len) {
            return Err(corrupt("a value is in an inode that is not one of values"));
        }
        let mut value = vec![0; to_index(len)];
        self.read_inode(&holder, 0, &mut value)?;
        // The hash stands in its access time; inodes that Lustre made name their owner instead.
        let (hash, owner) = holder.value_marks();
        if self.value_seed().of(&value) != hash && owner != inode.number.get() {
            return Err(corrupt("the hash of a value does not match"));
        }
        Ok(value)
    }

    fn value_seed(&self) -> Seed {
        self.superblock().seed
    }
}

/// The attributes that stand in an inode.
fn list_in(inode: &Inode) -> std::result::Result<Vec<Stored<'_>>, &'static str> {
    let room = inode.xattr_room();
    if room.len() < 2 * INODE_HEADER || get32(room, 0) != MAGIC {
        return Ok(Vec::new());
    }
    parse(&room[INODE_HEADER..], 0)
}

fn corrupt(inode: &Inode, what: &'static str) -> Error {
    Error::Corrupt {
        what,
        place: Place::Xattrs(inode.number),
    }
}
