//! A copy of a file that keeps its holes.
//!
//! Linux says where the data is (`SEEK_DATA`, `SEEK_HOLE`; a filesystem that cannot say so
//! reports one run of data) and moves it without a detour through this process
//! (`copy_file_range`). Elsewhere everything is read, and blocks of zeros are not written.

use std::{fs, io, os::unix::fs::FileExt};

/// What is read and written at once where the kernel does not copy.
const CHUNK: usize = 128 * 1024;

/// Copies all of `from` into the empty file `to`, and gives it the same length.
pub(super) fn keeping_holes(from: &fs::File, to: &fs::File) -> io::Result<()> {
    let len = from.metadata()?.len();
    to.set_len(len)?;
    copy_data(from, to, len)
}

#[cfg(target_os = "linux")]
fn copy_data(from: &fs::File, to: &fs::File, len: u64) -> io::Result<()> {
    use rustix::{
        fs::{SeekFrom, seek},
        io::Errno,
    };
    let mut at = 0;
    while at < len {
        let start = match seek(from, SeekFrom::Data(at)) {
            Ok(start) => start,
            // No data between here and the end.
            Err(Errno::NXIO) => return Ok(()),
            // This filesystem does not know its holes.
            Err(Errno::INVAL) => return skipping_zeros(from, to, at, len),
            Err(error) => return Err(error.into()),
        };
        let end = seek(from, SeekFrom::Hole(start))?.min(len);
        copy_run(from, to, start, end)?;
        at = end.max(at + 1);
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn copy_data(from: &fs::File, to: &fs::File, len: u64) -> io::Result<()> {
    skipping_zeros(from, to, 0, len)
}

#[cfg(target_os = "linux")]
fn copy_run(from: &fs::File, to: &fs::File, start: u64, end: u64) -> io::Result<()> {
    use rustix::{fs::copy_file_range, io::Errno};
    let (mut source, mut target) = (start, start);
    while source < end {
        let wanted = usize::try_from(end - source).unwrap_or(usize::MAX);
        match copy_file_range(from, Some(&mut source), to, Some(&mut target), wanted) {
            // 0 before the end is what some filesystems answer instead of an error.
            Ok(0) | Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                return skipping_zeros(from, to, source, end);
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn skipping_zeros(from: &fs::File, to: &fs::File, start: u64, end: u64) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut at = start;
    while at < end {
        let wanted = CHUNK.min(usize::try_from(end - at).unwrap_or(usize::MAX));
        let chunk = &mut buffer[..wanted];
        from.read_exact_at(chunk, at)?;
        if chunk.iter().any(|&byte| byte != 0) {
            to.write_all_at(chunk, at)?;
        }
        at += u64::try_from(wanted).expect("a chunk is 128 KiB");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data, a hole of 8 MiB, data with a zero run within, a hole up to an odd end.
    fn sample() -> (fs::File, Vec<u8>) {
        let file = tempfile::tempfile().unwrap();
        let mut bytes = vec![0; 9_000_001];
        bytes[..5000].fill(1);
        bytes[8_400_000..8_500_000].fill(2);
        bytes[8_420_000..8_480_000].fill(0);
        file.set_len(9_000_001).unwrap();
        file.write_all_at(&bytes[..5000], 0).unwrap();
        file.write_all_at(&bytes[8_400_000..8_500_000], 8_400_000)
            .unwrap();
        (file, bytes)
    }

    fn content(file: &fs::File) -> Vec<u8> {
        let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    fn allocated(file: &fs::File) -> u64 {
        use std::os::unix::fs::MetadataExt;
        file.sync_all().unwrap();
        file.metadata().unwrap().blocks() * 512
    }

    #[test]
    fn the_copy_has_the_same_bytes_and_holes() {
        let (from, bytes) = sample();
        let to = tempfile::tempfile().unwrap();
        keeping_holes(&from, &to).unwrap();
        assert!(content(&to) == bytes);
        assert!(allocated(&to) <= 1024 * 1024, "{}", allocated(&to));
    }

    #[test]
    fn so_has_the_copy_that_reads_and_writes() {
        let (from, bytes) = sample();
        let to = tempfile::tempfile().unwrap();
        to.set_len(9_000_001).unwrap();
        skipping_zeros(&from, &to, 0, 9_000_001).unwrap();
        assert!(content(&to) == bytes);
        assert!(allocated(&to) <= 1024 * 1024, "{}", allocated(&to));
    }
}
