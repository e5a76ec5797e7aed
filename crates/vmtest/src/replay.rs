//! Making the disk that a cut of the power leaves: a sparse file to which what is kept is written in turn.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use crate::{
    cut::Kept,
    partitions::{SECTOR, make, mark_offset},
};

/// How much is held in memory.
const PIECE: u64 = 1 << 20;
/// What a filesystem of the host gives room for at once: of these what is zero is left out where nothing is.
const BLOCK: usize = 4096;

/// Makes it, with the mark that was reached where the machine had left it: marks are the test's and never lost.
pub(crate) fn replay(log: &File, kept: &Kept<'_>, partitions: &[u64], to: &Path) -> io::Result<()> {
    let disk = make(to, partitions)?;
    let mut bytes = vec![0; usize::try_from(PIECE).map_err(io::Error::other)?];
    let mut before = bytes.clone();
    for (write, part) in &kept.writes {
        let (begin, end) = (part.start * SECTOR, part.end * SECTOR);
        for piece in (begin..end).step_by(bytes.len()) {
            let length = usize::try_from(PIECE.min(end - piece)).map_err(io::Error::other)?;
            let bytes = &mut bytes[..length];
            match write.data {
                Some(data) => log.read_exact_at(bytes, data + piece)?,
                // As a disk does that gives what was discarded back as zeros, which is what the recorded one did.
                None => bytes.fill(0),
            }
            put(&disk, bytes, &mut before, write.sector * SECTOR + piece)?;
        }
    }
    let mark = kept.mark.as_bytes();
    disk.write_all_at(mark, mark_offset(disk.metadata()?.len()))
}

/// Writes what is not zero, and zeros only over what is something.
fn put(disk: &File, bytes: &[u8], before: &mut [u8], at: u64) -> io::Result<()> {
    let is_zero = |bytes: &[u8]| bytes == &[0; BLOCK][..bytes.len()];
    let mut offset = at;
    for block in bytes.chunks(BLOCK) {
        let before = &mut before[..block.len()];
        if is_zero(block) {
            disk.read_exact_at(before, offset)?;
        }
        if !is_zero(block) || !is_zero(before) {
            disk.write_all_at(block, offset)?;
        }
        offset += u64::try_from(block.len()).map_err(io::Error::other)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::{
        partitions::disk_bytes,
        recording::{Recording, testing::log},
    };

    #[test]
    fn what_is_kept_is_there_and_nothing_else() {
        let partitions = [64 << 20];
        let bytes = disk_bytes(&partitions);
        let last = bytes / SECTOR - 1;
        // A write, discarded in part, flushed; one over it that is pending; zeros of half the disk; a mark.
        let log = log(&[
            (4096, 4, 0, 7),
            (4097, 1, 4, 0),
            (0, 0, 1, 0),
            (4099, 4, 0, 8),
            (8192, 65536, 0, 0),
            (last, 1, 0, b'm'),
        ]);
        let recording = Recording::read(&log, bytes).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        for (cut, expected) in [
            ("0:lost", [0, 0, 0, 0, 0]),
            ("1:lost", [7, 0, 7, 7, 0]),
            ("1:all", [7, 0, 7, 8, 8]),
        ] {
            let cut: crate::cut::Position = cut.parse().unwrap();
            let kept = cut.kept(&recording).unwrap();
            replay(&log, &kept, &partitions, &path).unwrap();
            let disk = File::open(&path).unwrap();
            let found = [4096, 4097, 4098, 4099, 4100].map(|sector| {
                let mut bytes = [0; 512];
                disk.read_exact_at(&mut bytes, sector * SECTOR).unwrap();
                assert!(bytes.iter().all(|byte| *byte == bytes[0]));
                bytes[0]
            });
            assert_eq!(found, expected, "{cut}");
            let mut mark = [0; 512];
            disk.read_exact_at(&mut mark, mark_offset(bytes)).unwrap();
            assert_eq!(mark, [if cut.flush == 1 { b'm' } else { 0 }; 512]);
            let found = disk.metadata().unwrap();
            assert_eq!(found.len(), bytes);
            assert!(found.blocks() * 512 < 1 << 20, "{}", found.blocks());
        }
    }
}
