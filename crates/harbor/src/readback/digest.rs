//! A digest of a disk image by what is in it, not by how its zeros are stored.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::tool::Unreadable;

const BLOCK: usize = 4096;

/// SHA-256, in hexadecimal, over the file's length and every block of 4096 bytes that is not all
/// zeros, each after its offset. Holes are not read, so that a sparse file of 32 GiB costs what is
/// in it; two files have one digest exactly if their bytes are the same.
pub fn disk_digest(path: &Path) -> Result<String, Unreadable> {
    digest(path).map_err(Unreadable::io("read", path))
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut hash = Sha256::new();
    hash.update(length.to_le_bytes());
    let mut buffer = vec![0; 64 * BLOCK];
    let mut at = 0;
    while let Some((start, end)) = data(&file, at)? {
        // Extents may begin and end within a block where the filesystem's own are smaller.
        let start = start - start % block_size();
        let end = end.next_multiple_of(block_size()).min(length);
        file.seek(SeekFrom::Start(start))?;
        at = start;
        while at < end {
            let want =
                usize::try_from(end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
            file.read_exact(&mut buffer[..want])?;
            for block in buffer[..want].chunks(BLOCK) {
                if *block != ZEROS[..block.len()] {
                    hash.update(at.to_le_bytes());
                    hash.update(block);
                }
                at += u64::try_from(block.len()).expect("a length in memory");
            }
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

static ZEROS: [u8; BLOCK] = [0; BLOCK];

fn block_size() -> u64 {
    u64::try_from(BLOCK).expect("a small number")
}

/// The next extent of data at or after `from`.
fn data(file: &File, from: u64) -> io::Result<Option<(u64, u64)>> {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(from)) {
        Ok(start) => {
            let end = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(start))?;
            Ok(Some((start, end)))
        }
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(write: impl FnOnce(&mut File)) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write(file.as_file_mut());
        disk_digest(file.path()).unwrap()
    }

    #[test]
    fn zeros_and_holes_are_the_same_and_nothing_else_is() {
        let holes = file(|f| {
            f.set_len(1 << 20).unwrap();
            f.seek(SeekFrom::Start(500_000)).unwrap();
            f.write_all(b"x").unwrap();
        });
        let zeros = file(|f| {
            let mut bytes = vec![0; 1 << 20];
            bytes[500_000] = b'x';
            f.write_all(&bytes).unwrap();
        });
        assert_eq!(holes, zeros);
        let moved = file(|f| {
            f.set_len(1 << 20).unwrap();
            f.seek(SeekFrom::Start(500_001)).unwrap();
            f.write_all(b"x").unwrap();
        });
        let longer = file(|f| {
            f.set_len((1 << 20) + 1).unwrap();
            f.seek(SeekFrom::Start(500_000)).unwrap();
            f.write_all(b"x").unwrap();
        });
        assert_ne!(holes, moved);
        assert_ne!(holes, longer);
    }

    #[test]
    fn a_large_hole_costs_nothing() {
        let digest = file(|f| {
            f.set_len(1 << 40).unwrap();
            f.seek(SeekFrom::Start(1 << 39)).unwrap();
            f.write_all(b"middle").unwrap();
        });
        assert_eq!(digest.len(), 64);
    }
}
