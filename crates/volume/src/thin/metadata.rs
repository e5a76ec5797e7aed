//! Which thin devices a pool has, and where the mappings of each begin, read from a snapshot of its metadata: no
//! message asks for them.
//!
//! The form is that of the kernel's `drivers/md/dm-thin-metadata.c`: the superblock, and the details of a device.

use std::io;

use super::{
    damage::{MetadataError, damaged},
    node::{Block, DISORDER, NUMBER, Node, check, number},
};

/// `THIN_SUPERBLOCK_MAGIC`.
pub(super) const MAGIC: u64 = 27_022_010;
/// What its checksum is mixed with: `SUPERBLOCK_CSUM_XOR`.
pub(super) const SUPERBLOCK_SUM: u32 = 160_774;
/// Where the superblock has its magic, the root of the mappings and that of the devices.
pub(super) const MAGIC_AT: usize = 32;
pub(super) const MAPPINGS_AT: usize = 320;
pub(super) const DETAILS_AT: usize = 328;

/// Bytes of `struct disk_device_details`, which begins with the number of mapped blocks.
const DETAILS: usize = 24;
/// Levels of a tree below its root: with 126 keys a node, eleven are more than 64 bits have.
pub(super) const DEEPEST: usize = 11;

pub(super) const TOO_DEEP: &str = "it is deeper in its tree than one can be";
pub(super) const EMPTY: &str = "it has no entries";

/// A thin device, as its pool has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThinDevice {
    /// Its thin id.
    pub id: u64,
    /// Blocks of data that it has, those that it shares included.
    pub mapped: u64,
}

/// Every device of the superblock in block `superblock`, by id. `read` gives a block.
pub(super) fn devices(
    superblock: u64,
    mut read: impl FnMut(u64) -> io::Result<Block>,
) -> Result<Vec<ThinDevice>, MetadataError> {
    let root = root(superblock, DETAILS_AT, &mut read)?;
    let entries = entries(root, DETAILS, &mut read)?;
    let device = |(id, mapped)| ThinDevice { id, mapped };
    Ok(entries.into_iter().map(device).collect())
}

/// The id of every device of the superblock in block `superblock` and the root of its mappings, by id.
pub(super) fn mappings(
    superblock: u64,
    read: &mut impl FnMut(u64) -> io::Result<Block>,
) -> Result<Vec<(u64, u64)>, MetadataError> {
    let root = root(superblock, MAPPINGS_AT, read)?;
    entries(root, NUMBER, read)
}

/// The root of a tree, which the superblock has at `at`.
fn root(
    superblock: u64,
    at: usize,
    read: &mut impl FnMut(u64) -> io::Result<Block>,
) -> Result<u64, MetadataError> {
    let bytes = read(superblock)?;
    if number(&bytes, MAGIC_AT) != MAGIC {
        return Err(damaged(superblock, "it is no superblock of a thin pool"));
    }
    check(superblock, &bytes, SUPERBLOCK_SUM)?;
    Ok(number(&bytes, at))
}

/// The keys of a tree, each with the first number of its value of `size` bytes.
fn entries(
    root: u64,
    size: usize,
    read: &mut impl FnMut(u64) -> io::Result<Block>,
) -> Result<Vec<(u64, u64)>, MetadataError> {
    let mut found = Vec::new();
    walk(root, size, DEEPEST, read, &mut found)?;
    Ok(found)
}

/// Takes in what is below a node: something, and all of it after what was there, so that no node comes twice.
fn walk(
    block: u64,
    size: usize,
    deeper: usize,
    read: &mut impl FnMut(u64) -> io::Result<Block>,
    found: &mut Vec<(u64, u64)>,
) -> Result<(), MetadataError> {
    let node = Node::read(block, size, read)?;
    if node.len() == 0 && deeper < DEEPEST {
        return Err(damaged(block, EMPTY));
    }
    for (key, value) in node.entries() {
        let before = found.len();
        if node.is_leaf() {
            found.push((key, value));
        } else if deeper > 0 {
            walk(value, size, deeper - 1, read, found)?;
        } else {
            return Err(damaged(block, TOO_DEEP));
        }
        let last = before.checked_sub(1).map(|last| found[last].0);
        // The key of a node is none of those after the first below it.
        let is_first = found.get(before).is_some_and(|(first, _)| key <= *first);
        if !is_first || last.is_some_and(|last| last >= key) {
            return Err(damaged(block, DISORDER));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            node::{BLOCK, INTERNAL, LEAF},
            testing::{Blocks, node, reader, seal, superblock},
        },
        *,
    };

    fn read(blocks: &Blocks) -> Result<Vec<ThinDevice>, MetadataError> {
        devices(5, reader(blocks))
    }

    fn two_levels() -> Blocks {
        Blocks::from([
            (5, superblock(5, 0, 10)),
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
        let empty = Blocks::from([(5, superblock(5, 0, 10)), (10, node(10, LEAF, 24, &[]))]);
        assert_eq!(read(&empty).unwrap(), []);
    }

    #[test]
    fn the_root_of_a_device_is_found_by_its_id() {
        let blocks = Blocks::from([
            (5, superblock(5, 10, 0)),
            (10, node(10, LEAF, 8, &[(1, 100), (2, 0)])),
        ]);
        let found = mappings(5, &mut reader(&blocks)).unwrap();
        assert_eq!(found, [(1, 100), (2, 0)]);
    }

    #[test]
    fn what_is_damaged_is_named_and_ends() {
        let with = |block: u64, bytes: Block| {
            let mut blocks = two_levels();
            blocks.insert(block, bytes);
            read(&blocks).unwrap_err().to_string()
        };
        assert!(with(5, [0; BLOCK]).contains("no superblock"));
        assert!(with(5, superblock(6, 0, 10)).contains("another block"));
        let mut changed = superblock(5, 0, 10);
        changed[DETAILS_AT] ^= 1;
        assert!(with(5, changed).contains("checksum"));
        seal(&mut changed, SUPERBLOCK_SUM + 1);
        assert!(with(5, changed).contains("checksum"));
        assert!(with(10, node(9, LEAF, 24, &[])).contains("another block"));
        assert!(with(10, node(10, LEAF, 8, &[(1, 11)])).contains("no node of its tree"));
        // A node below itself.
        assert!(with(10, node(10, INTERNAL, 8, &[(1, 10)])).contains("deeper"));
        // One that is below it twice.
        assert!(with(10, node(10, INTERNAL, 8, &[(1, 11), (7, 11)])).contains("out of order"));
        // Empty ones could be there any number of times.
        assert!(with(11, node(11, LEAF, 24, &[])).contains("no entries"));
        // Keys that are not those of what is below them.
        assert!(with(10, node(10, INTERNAL, 8, &[(2, 11), (7, 12)])).contains("out of order"));
        assert!(with(10, node(10, INTERNAL, 8, &[(1, 11), (2, 12)])).contains("out of order"));
        assert!(matches!(
            read(&Blocks::from([(5, superblock(5, 0, 10))])).unwrap_err(),
            MetadataError::Read(_)
        ));
    }
}
