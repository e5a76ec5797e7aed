//! The disk whose writes are recorded: partitions in a table of DOS's form, which every kernel reads, and at its end
//! room for marks that no partition has.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

/// Bytes of a sector: what a disk writes whole or not at all.
pub(crate) const SECTOR: u64 = 512;

/// Before the first partition, between them, and behind the last one, where the marks are.
const ALIGNMENT: u64 = 1 << 20;
/// As many as a table has.
const MOST: usize = 4;
/// Where a table has them, and what each takes.
const ENTRIES: usize = 446;
const ENTRY: usize = 16;
/// What a partition says that is to be found by its sectors alone, and that has a filesystem of Linux.
const BY_SECTORS: [u8; 3] = [0xfe, 0xff, 0xff];
const LINUX: u8 = 0x83;

/// The bytes of a disk with these partitions.
pub(crate) fn disk_bytes(partitions: &[u64]) -> u64 {
    let parts = partitions
        .iter()
        .map(|bytes| bytes.next_multiple_of(ALIGNMENT));
    parts.sum::<u64>() + 2 * ALIGNMENT
}

/// Where on a disk of this size the marks are: its last sector.
pub(crate) fn mark_offset(disk_bytes: u64) -> u64 {
    disk_bytes - SECTOR
}

/// Makes a sparse file that is such a disk, with nothing in its partitions.
pub(crate) fn make(disk: &Path, partitions: &[u64]) -> io::Result<File> {
    let table = table(partitions).map_err(io::Error::other)?;
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(disk)?;
    file.set_len(disk_bytes(partitions))?;
    file.write_all_at(&table, 0)?;
    Ok(file)
}

/// The first sector.
fn table(partitions: &[u64]) -> Result<[u8; 512], &'static str> {
    if partitions.len() > MOST {
        return Err("a recorded disk has at most four partitions");
    }
    let mut table = [0; 512];
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    let mut begin = ALIGNMENT;
    for (number, bytes) in partitions.iter().enumerate() {
        let number_of = |bytes: u64| u32::try_from(bytes / SECTOR);
        let (Ok(first), Ok(sectors)) = (number_of(begin), number_of(*bytes)) else {
            return Err("a recorded disk has at most 2 TiB");
        };
        let entry = &mut table[ENTRIES + number * ENTRY..][..ENTRY];
        entry[1..4].copy_from_slice(&BY_SECTORS);
        entry[4] = LINUX;
        entry[5..8].copy_from_slice(&BY_SECTORS);
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..].copy_from_slice(&sectors.to_le_bytes());
        begin += bytes.next_multiple_of(ALIGNMENT);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_aligned_and_leave_the_end_to_the_marks() {
        let parts = [1 << 20, (1 << 20) + 512];
        let table = table(&parts).unwrap();
        let word = |at: usize| u32::from_le_bytes(table[at..at + 4].try_into().unwrap());
        assert_eq!((word(454), word(458)), (2048, 2048));
        assert_eq!((word(470), word(474)), (4096, 2049));
        assert_eq!(table[446 + 4], 0x83);
        assert_eq!(table[482..510], [0; 28], "there is no third");
        assert_eq!(disk_bytes(&parts), 5 << 20);
        assert!(mark_offset(disk_bytes(&parts)) >= (4096 + 2049) * SECTOR);
    }

    #[test]
    fn what_a_table_cannot_say_is_refused() {
        assert!(table(&[512; 5]).is_err());
        assert!(table(&[3 << 40]).is_err());
    }
}
