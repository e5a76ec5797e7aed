//! Extended attributes: in the room after an inode's fields, and in a block of their own.
//!
//! Source: Documentation/filesystems/ext4/attributes.rst. Entries grow from the front, values
//! from the back. Offsets of values count from the first entry in an inode, and from the
//! beginning of the block in a block.
//!
//! What fits goes into the inode, which is read anyway: of all choices the one that fills it
//! most, and of equals the one whose attributes come first in the order of blocks. So whatever
//! can be stored at all is.

use super::{
    acl,
    bytes::{BLOCK_SIZE, Block, get16, get32, put16, put32, zeroed},
    checksum::Seed,
    fields::xattr::*,
};
use crate::{
    error::{Error, Result},
    metadata::Xattrs,
};

/// Bytes that an inode of 256 with 32 of extra fields has for them.
pub(crate) const XATTR_ROOM: usize = 256 - 128 - 32;

const MAGIC: u32 = 0xea02_0000;
const HEADER: usize = 4;

const BLOCK_HEADER: usize = 32;
const H_REFCOUNT: usize = 4;
const H_BLOCKS: usize = 8;
const H_HASH: usize = 12;
const H_CHECKSUM: usize = 16;

/// Bytes that entries and values can take in an inode, and in a block.
const INODE_CAPACITY: usize = XATTR_ROOM - HEADER - END;
const BLOCK_CAPACITY: usize = BLOCK_SIZE - BLOCK_HEADER - END;

/// Everything is a multiple of that many bytes.
const UNIT: usize = 4;

/// Name prefixes and the number that stands for each.
const PREFIXES: [(&[u8], u8); 5] = [
    (b"user.", 1),
    (b"system.posix_acl_access", ACL_ACCESS),
    (b"system.posix_acl_default", ACL_DEFAULT),
    (b"trusted.", 4),
    (b"security.", 6),
];

/// Attributes as they are stored.
#[derive(Debug)]
pub(crate) struct StoredXattrs {
    /// The bytes in the inode: all zeros for none.
    pub(super) room: [u8; XATTR_ROOM],
    /// The block for what is not in the inode.
    pub(crate) block: Option<XattrBlock>,
}

impl StoredXattrs {
    /// How these attributes are stored.
    pub(crate) fn plan(xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<Self> {
        let mut stored = xattrs
            .iter()
            .map(|(name, value)| parse(name, value))
            .collect::<Result<Vec<_>>>()?;
        stored.sort();
        if let Some(pair) = stored
            .windows(2)
            .find(|pair| pair[0].index == pair[1].index && pair[0].name == pair[1].name)
        {
            return Err(invalid(
                &full_name(pair[0].index, pair[0].name),
                "it is there twice",
            ));
        }
        let chosen = fullest(&stored);
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for (nth, xattr) in stored.into_iter().enumerate() {
            if chosen.contains(&nth) {
                inside.push(xattr);
            } else {
                outside.push(xattr);
            }
        }
        let mut room = [0; XATTR_ROOM];
        if !inside.is_empty() {
            put32(&mut room, 0, MAGIC);
            put_entries(&mut room[HEADER..], 0, &inside);
        }
        let block = if outside.is_empty() {
            None
        } else {
            Some(XattrBlock::new(&outside)?)
        };
        Ok(Self { room, block })
    }
}

/// Which attributes go into the inode.
fn fullest(xattrs: &[Stored<'_>]) -> Vec<usize> {
    // For a number of units the first attributes that were found to take just that many.
    let mut taken: [Option<Vec<usize>>; INODE_CAPACITY / UNIT + 1] = Default::default();
    taken[0] = Some(Vec::new());
    for (nth, xattr) in xattrs.iter().enumerate() {
        let units = xattr.len() / UNIT;
        for sum in (units..taken.len()).rev() {
            if taken[sum].is_none()
                && let Some(mut before) = taken[sum - units].clone()
            {
                before.push(nth);
                taken[sum] = Some(before);
            }
        }
    }
    taken.into_iter().flatten().next_back().unwrap_or_default()
}

/// A block of attributes.
#[derive(Debug, Clone)]
pub(crate) struct XattrBlock(Box<Block>);

impl XattrBlock {
    fn new(xattrs: &[Stored<'_>]) -> Result<Self> {
        let needed = xattrs.iter().map(Stored::len).sum();
        if needed > BLOCK_CAPACITY {
            return Err(Error::XattrsDoNotFit {
                needed,
                available: BLOCK_CAPACITY,
            });
        }
        let mut block = Box::new(zeroed());
        let raw = block.as_mut_slice();
        put_entries(raw, BLOCK_HEADER, xattrs);
        let mut hash = 0u32;
        let mut at = BLOCK_HEADER;
        for xattr in xattrs {
            put32(raw, at + E_HASH, xattr.hash());
            hash = hash.rotate_left(16) ^ xattr.hash();
            at += ENTRY + padded(xattr.name.len());
        }
        if xattrs.iter().any(|xattr| xattr.hash() == 0) {
            // Says that the block is not to be shared.
            hash = 0;
        }
        put32(raw, 0, MAGIC);
        put32(raw, H_REFCOUNT, 1);
        put32(raw, H_BLOCKS, 1);
        put32(raw, H_HASH, hash);
        Ok(Self(block))
    }

    /// The block, if it is one and its checksum is right.
    pub(crate) fn parse(
        block: &Block,
        place: u64,
        seed: Seed,
    ) -> std::result::Result<Self, &'static str> {
        let found = Self(Box::new(*block));
        let raw = block.as_slice();
        if get32(raw, 0) != MAGIC || get32(raw, H_BLOCKS) != 1 || get32(raw, H_REFCOUNT) == 0 {
            return Err("it is no block of extended attributes");
        }
        if found.checksum(place, seed) != get32(raw, H_CHECKSUM) {
            return Err("its checksum does not match");
        }
        Ok(found)
    }

    /// The bytes to store at that place, with their checksum.
    pub(crate) fn sealed(mut self, place: u64, seed: Seed) -> Block {
        let checksum = self.checksum(place, seed);
        put32(self.0.as_mut_slice(), H_CHECKSUM, checksum);
        *self.0
    }

    fn checksum(&self, place: u64, seed: Seed) -> u32 {
        seed.then(&place.to_le_bytes())
            .then(&self.0[..H_CHECKSUM])
            .then(&[0; 4])
            .of(&self.0[H_CHECKSUM + 4..])
    }

    /// How many inodes have this block. Here it is one; a kernel lets equal ones be shared.
    pub(crate) fn owners(&self) -> u32 {
        get32(self.0.as_slice(), H_REFCOUNT)
    }

    pub(crate) fn set_owners(&mut self, owners: u32) {
        put32(self.0.as_mut_slice(), H_REFCOUNT, owners);
    }

    /// The attributes, in their order.
    pub(crate) fn xattrs(&self) -> std::result::Result<Xattrs, &'static str> {
        get_entries(self.0.as_slice(), BLOCK_HEADER)
    }
}

/// An attribute as it is stored; the order is that of blocks of attributes: by index, length
/// of name, name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stored<'a> {
    index: u8,
    name_len: u8,
    name: &'a [u8],
    value: Vec<u8>,
}

impl Stored<'_> {
    /// Bytes that entry and value take.
    fn len(&self) -> usize {
        ENTRY + padded(self.name.len()) + padded(self.value.len())
    }

    /// What an entry in a block tells of its name and value (`ext4_xattr_hash_entry`).
    fn hash(&self) -> u32 {
        let name = self
            .name
            .iter()
            .fold(0u32, |hash, byte| hash.rotate_left(5) ^ u32::from(*byte));
        let mut value = self.value.clone();
        value.resize(padded(value.len()), 0);
        let (words, _) = value.as_chunks::<UNIT>();
        words.iter().fold(name, |hash, word| {
            hash.rotate_left(16) ^ u32::from_le_bytes(*word)
        })
    }
}

/// Puts entries at `first` and values at the end of bytes that are zeros and have room.
fn put_entries(raw: &mut [u8], first: usize, xattrs: &[Stored<'_>]) {
    let mut at = first;
    let mut end = raw.len();
    for xattr in xattrs {
        raw[at] = xattr.name_len;
        raw[at + E_NAME_INDEX] = xattr.index;
        if !xattr.value.is_empty() {
            end -= padded(xattr.value.len());
            raw[end..end + xattr.value.len()].copy_from_slice(&xattr.value);
            put16(raw, at + E_VALUE_OFFS, small(end));
        }
        put32(raw, at + E_VALUE_SIZE, small(xattr.value.len()).into());
        let name = at + ENTRY;
        raw[name..name + xattr.name.len()].copy_from_slice(xattr.name);
        at = name + padded(xattr.name.len());
    }
}

/// The attributes in the room of an inode, in their order.
pub(super) fn decode_room(room: &[u8]) -> std::result::Result<Xattrs, &'static str> {
    if get32(room, 0) != MAGIC {
        return Ok(Xattrs::new());
    }
    get_entries(&room[HEADER..], 0)
}

/// The attributes whose entries begin at `first`.
fn get_entries(raw: &[u8], first: usize) -> std::result::Result<Xattrs, &'static str> {
    let mut found = Vec::new();
    let mut at = first;
    loop {
        let Some(head) = raw.get(at..at + ENTRY) else {
            // The list ends with four zeros, and they may stand at the very end.
            return match raw.get(at..at + END) {
                Some([0, 0, 0, 0]) => Ok(found),
                _ => Err("its extended attributes have no end"),
            };
        };
        if head[..END] == [0; END] {
            return Ok(found);
        }
        let name_len = usize::from(head[0]);
        let name = raw
            .get(at + ENTRY..at + ENTRY + name_len)
            .ok_or("an extended attribute's name is cut off")?;
        if get32(head, E_VALUE_INUM) != 0 {
            return Err("an extended attribute's value is in another inode");
        }
        let value = usize::try_from(get32(head, E_VALUE_SIZE))
            .ok()
            .and_then(|len| {
                let start = usize::from(get16(head, E_VALUE_OFFS));
                raw.get(start..start.checked_add(len)?)
            })
            .ok_or("an extended attribute's value is cut off")?;
        let index = head[E_NAME_INDEX];
        let value = match index {
            ACL_ACCESS | ACL_DEFAULT => acl::to_xattr(value).ok_or("its ACL is malformed")?,
            _ => value.to_vec(),
        };
        if !PREFIXES.iter().any(|(_, known)| *known == index) {
            return Err("an extended attribute has an unknown prefix");
        }
        found.push((full_name(index, name), value));
        at += ENTRY + padded(name_len);
    }
}

fn parse<'a>(name: &'a [u8], value: &[u8]) -> Result<Stored<'a>> {
    let (prefix, index) = PREFIXES
        .into_iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .ok_or_else(|| invalid(name, "its prefix is none that ext4 knows"))?;
    let rest = &name[prefix.len()..];
    let is_acl = matches!(index, ACL_ACCESS | ACL_DEFAULT);
    if rest.is_empty() != is_acl {
        return Err(invalid(name, "its name does not go with its prefix"));
    }
    if rest.contains(&0) {
        return Err(invalid(name, "its name has a NUL in it"));
    }
    let name_len =
        u8::try_from(rest.len()).map_err(|_| invalid(name, "its name is over 255 bytes"))?;
    let value = if is_acl {
        acl::from_xattr(value).ok_or_else(|| invalid(name, "it is not a POSIX ACL"))?
    } else {
        value.to_vec()
    };
    Ok(Stored {
        index,
        name_len,
        name: rest,
        value,
    })
}

fn full_name(index: u8, rest: &[u8]) -> Vec<u8> {
    let prefix = PREFIXES
        .iter()
        .find(|(_, known)| *known == index)
        .map_or(&b""[..], |(prefix, _)| prefix);
    [prefix, rest].concat()
}

/// Names and values begin at multiples of four.
const fn padded(len: usize) -> usize {
    len.next_multiple_of(4)
}

fn small(offset: usize) -> u16 {
    u16::try_from(offset).expect("an offset within a block")
}

fn invalid(name: &[u8], why: &'static str) -> Error {
    Error::InvalidXattr {
        name: name.to_vec(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &[u8]) -> (Vec<u8>, Vec<u8>) {
        (name.as_bytes().to_vec(), value.to_vec())
    }

    fn room(xattrs: &[(Vec<u8>, Vec<u8>)]) -> [u8; XATTR_ROOM] {
        let stored = StoredXattrs::plan(xattrs).unwrap();
        assert!(stored.block.is_none());
        stored.room
    }

    #[test]
    fn attributes_come_back_and_do_not_depend_on_order() {
        let mut xattrs = vec![
            pair("user.b", b"12345"),
            pair("user.em", b""),
            pair("security.cap", &[7; 5]),
        ];
        let stored = room(&xattrs);
        assert_eq!(decode_room(&stored).unwrap(), xattrs);
        xattrs.reverse();
        assert_eq!(room(&xattrs), stored);
        assert_eq!(decode_room(&[0; XATTR_ROOM]).unwrap(), []);
    }

    #[test]
    fn what_does_not_fit_by_a_byte_goes_into_the_block_and_then_nowhere() {
        let full = [pair("user.abcd", &[1; INODE_CAPACITY - ENTRY - 4])];
        assert_eq!(decode_room(&room(&full)).unwrap(), full);
        for len in [INODE_CAPACITY - ENTRY - 3, BLOCK_CAPACITY - ENTRY - 4] {
            let xattrs = [pair("user.abcd", &vec![1; len])];
            let stored = StoredXattrs::plan(&xattrs).unwrap();
            assert_eq!(stored.room, [0; XATTR_ROOM]);
            assert_eq!(stored.block.unwrap().xattrs().unwrap(), xattrs);
        }
        let over = [pair("user.abcd", &[1; BLOCK_CAPACITY - ENTRY - 3])];
        assert!(matches!(
            StoredXattrs::plan(&over),
            Err(Error::XattrsDoNotFit {
                needed: 4064,
                available: 4060
            })
        ));
    }

    /// One of 20 bytes is first, but only without it does the rest fit into the block.
    #[test]
    fn the_inode_is_filled_as_far_as_it_can_be() {
        let xattrs = [
            pair("user.a", b""),
            pair("user.b", &[2; INODE_CAPACITY - ENTRY - 4]),
            pair("user.c", &[3; BLOCK_CAPACITY - 2 * (ENTRY + 4)]),
        ];
        let stored = StoredXattrs::plan(&xattrs).unwrap();
        assert_eq!(decode_room(&stored.room).unwrap(), xattrs[1..2]);
        let block = stored.block.unwrap().xattrs().unwrap();
        assert_eq!(block, [xattrs[0].clone(), xattrs[2].clone()]);
    }

    /// As `debugfs` writes it (`ea_set` of a value that does not fit into the inode).
    #[test]
    fn hashes_are_those_that_others_compute() {
        const HASH: u32 = 0x7640_ffc5;
        let value = [b'v'; 101];
        let stored = StoredXattrs::plan(&[pair("user.name", &value)]).unwrap();
        let block = stored.block.unwrap().0;
        assert_eq!(get32(block.as_slice(), BLOCK_HEADER + E_HASH), HASH);
        assert_eq!(get32(block.as_slice(), H_HASH), HASH);
    }

    #[test]
    fn a_block_belongs_to_its_place() {
        let seed = Seed::new(5);
        let stored = StoredXattrs::plan(&[pair("user.name", &[1; 200])]).unwrap();
        let mut block = stored.block.unwrap().sealed(77, seed);
        assert_eq!(XattrBlock::parse(&block, 77, seed).unwrap().owners(), 1);
        assert!(XattrBlock::parse(&block, 78, seed).is_err());
        block[4095] ^= 1;
        assert!(XattrBlock::parse(&block, 77, seed).is_err());
    }

    #[test]
    fn names_that_cannot_be_stored_are_refused() {
        for name in ["user.", "plain", "system.other", "system.posix_acl_accessx"] {
            assert!(matches!(
                StoredXattrs::plan(&[pair(name, b"x")]),
                Err(Error::InvalidXattr { .. })
            ));
        }
        let twice = [pair("user.a", b"1"), pair("user.a", b"2")];
        assert!(StoredXattrs::plan(&twice).is_err());
    }

    #[test]
    fn damage_is_told() {
        let room = room(&[pair("user.a", b"value")]);
        for at in HEADER..HEADER + ENTRY {
            for byte in [1, 0x7f, 0xff] {
                let mut damaged = room;
                damaged[at] = byte;
                let _ = decode_room(&damaged);
            }
        }
        let mut damaged = room;
        damaged[HEADER] = 200;
        assert!(decode_room(&damaged).is_err());
        let mut endless = room;
        endless[HEADER + ENTRY + 4..].fill(1);
        assert!(decode_room(&endless).is_err());
    }
}
