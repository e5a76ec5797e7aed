//! Which thin devices a pool has, read from a snapshot of its metadata: no message asks for them.
//!
//! The form is that of the kernel's `drivers/md/dm-thin-metadata.c` (the superblock, the details of a device) and
//! `persistent-data/dm-btree-internal.h` (a node): blocks of 4096 bytes, little endian.

use std::io;

use thiserror::Error;

/// Bytes of a block of metadata.
pub(super) const BLOCK: usize = 4096;

/// `THIN_SUPERBLOCK_MAGIC`.
pub(super) const MAGIC: u64 = 27_022_010;
/// Where the superblock has its magic and the root of the devices.
pub(super) const MAGIC_AT: usize = 32;
const DETAILS_AT: usize = 328;

/// `struct node_header`: 8 blocknr, 4 flags, 16 nr_entries, 20 max_entries, 24 value_size.
const HEADER: usize = 32;
const INTERNAL: u32 = 1;
const LEAF: u32 = 2;
/// Bytes of `struct disk_device_details`, which begins with the number of mapped blocks.
const DETAILS: usize = 24;
/// Levels of a tree: with 126 keys a node, eleven are more than 64 bits have.
const DEEPEST: usize = 11;

/// A thin device, as its pool has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThinDevice {
    /// Its thin id.
    pub id: u64,
    /// Blocks of data that it has, those that it shares included.
    pub mapped: u64,
}

/// Why they cannot be read.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// The metadata device.
    #[error("the pool's metadata cannot be read")]
    Read(#[from] io::Error),
    /// What is there is not the kernel's.
    #[error("block {block} of the pool's metadata is damaged: {what}")]
    Damaged {
        /// The block.
        block: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Every device of the superblock in block `superblock`, by id. `read` gives a block.
pub(super) fn devices(
    superblock: u64,
    mut read: impl FnMut(u64) -> io::Result<[u8; BLOCK]>,
) -> Result<Vec<ThinDevice>, MetadataError> {
    let bytes = read(superblock)?;
    if number(&bytes, MAGIC_AT) != MAGIC {
        return Err(damaged(superblock, "it is no superblock of a thin pool"));
    }
    let mut found = Vec::new();
    let root = number(&bytes, DETAILS_AT);
    walk(root, DEEPEST, None, &mut read, &mut found)?;
    Ok(found)
}

/// Takes in the keys of a node and those below it, all of them above `after`: so that no node comes twice.
fn walk(
    block: u64,
    deeper: usize,
    after: Option<u64>,
    read: &mut impl FnMut(u64) -> io::Result<[u8; BLOCK]>,
    found: &mut Vec<ThinDevice>,
) -> Result<(), MetadataError> {
    let bytes = read(block)?;
    let small = |at: usize| usize::try_from(word(&bytes, at)).unwrap_or(usize::MAX);
    if number(&bytes, 8) != block {
        return Err(damaged(block, "it says that it is another block"));
    }
    let (flags, count, most, size) = (word(&bytes, 4), small(16), small(20), small(24));
    let fits = count <= most && HEADER.saturating_add(most.saturating_mul(8 + size)) <= BLOCK;
    if !fits {
        return Err(damaged(
            block,
            "it has more entries than a block has room for",
        ));
    }
    let mut after = after;
    for entry in 0..count {
        let key = number(&bytes, HEADER + entry * 8);
        let value = HEADER + most * 8 + entry * size;
        match flags {
            LEAF if size == DETAILS => {
                if found.last().is_some_and(|last: &ThinDevice| last.id >= key) {
                    return Err(damaged(block, "its keys are out of order"));
                }
                found.push(ThinDevice {
                    id: key,
                    mapped: number(&bytes, value),
                });
            }
            INTERNAL if size == 8 && deeper > 0 => {
                // The key of a node is the first of those below it.
                if after.is_some_and(|after| after >= key) {
                    return Err(damaged(block, "its keys are out of order"));
                }
                walk(number(&bytes, value), deeper - 1, None, read, found)?;
                after = Some(key);
            }
            _ => return Err(damaged(block, "it is no node of the tree of devices")),
        }
    }
    Ok(())
}

fn number(bytes: &[u8; BLOCK], at: usize) -> u64 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, u64::from_le_bytes)
}

fn word(bytes: &[u8; BLOCK], at: usize) -> u32 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.copied().map_or(0, u32::from_le_bytes)
}

fn damaged(block: u64, what: &'static str) -> MetadataError {
    MetadataError::Damaged { block, what }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Blocks = BTreeMap<u64, [u8; BLOCK]>;

    fn superblock(root: u64) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        bytes[MAGIC_AT..MAGIC_AT + 8].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[DETAILS_AT..DETAILS_AT + 8].copy_from_slice(&root.to_le_bytes());
        bytes
    }

    /// A node with these keys and the first numbers of their values.
    fn node(block: u64, flags: u32, size: u32, entries: &[(u64, u64)]) -> [u8; BLOCK] {
        let mut bytes = [0; BLOCK];
        let most = 126_u32;
        bytes[4..8].copy_from_slice(&flags.to_le_bytes());
        bytes[8..16].copy_from_slice(&block.to_le_bytes());
        let count = u32::try_from(entries.len()).unwrap();
        for (at, number) in [(16, count), (20, most), (24, size)] {
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        for (entry, (key, value)) in entries.iter().enumerate() {
            let at = HEADER + entry * 8;
            bytes[at..at + 8].copy_from_slice(&key.to_le_bytes());
            let at = HEADER + 126 * 8 + entry * usize::try_from(size).unwrap();
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    fn read(blocks: &Blocks) -> Result<Vec<ThinDevice>, MetadataError> {
        devices(5, |block| {
            blocks
                .get(&block)
                .copied()
                .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        })
    }

    fn two_levels() -> Blocks {
        Blocks::from([
            (5, superblock(10)),
            (10, node(10, INTERNAL, 8, &[(1, 11), (7, 12)])),
            (11, node(11, LEAF, 24, &[(1, 100), (2, 0)])),
            (12, node(12, LEAF, 24, &[(7, 3)])),
        ])
    }

    #[test]
    fn all_devices_are_found_below_the_root() {
        let device = |id, mapped| ThinDevice { id, mapped };
        let expected = [device(1, 100), device(2, 0), device(7, 3)];
        assert_eq!(read(&two_levels()).unwrap(), expected);
        let empty = Blocks::from([(5, superblock(10)), (10, node(10, LEAF, 24, &[]))]);
        assert_eq!(read(&empty).unwrap(), []);
    }

    #[test]
    fn what_is_damaged_is_named_and_ends() {
        let with = |block: u64, bytes: [u8; BLOCK]| {
            let mut blocks = two_levels();
            blocks.insert(block, bytes);
            read(&blocks).unwrap_err().to_string()
        };
        assert!(with(5, [0; BLOCK]).contains("no superblock"));
        assert!(with(10, node(9, LEAF, 24, &[])).contains("another block"));
        assert!(with(10, node(10, 3, 8, &[(1, 11)])).contains("no node of the tree"));
        assert!(with(10, node(10, LEAF, 8, &[(1, 11)])).contains("no node of the tree"));
        // A node below itself.
        assert!(with(10, node(10, INTERNAL, 8, &[(1, 10)])).contains("no node of the tree"));
        // One that is below it twice.
        assert!(with(10, node(10, INTERNAL, 8, &[(1, 11), (7, 11)])).contains("out of order"));
        assert!(with(10, node(10, INTERNAL, 8, &[(7, 11), (7, 12)])).contains("out of order"));
        let mut full = node(11, LEAF, 24, &[]);
        full[16..20].copy_from_slice(&200_u32.to_le_bytes());
        assert!(with(11, full).contains("more entries"));
        full[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(with(11, full).contains("more entries"));
        assert!(matches!(
            read(&Blocks::from([(5, superblock(10))])).unwrap_err(),
            MetadataError::Read(_)
        ));
    }
}
