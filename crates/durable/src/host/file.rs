//! [`HostFile`]: an open regular file, by positioned reads and writes.

#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::{
    fs, io,
    ops::Range,
    os::unix::fs::{FileExt, MetadataExt},
    sync::Arc,
};

use rustix::fs::SeekFrom;

use super::behind::Behind;
use crate::seam::File;

/// `st_blocks` counts these, whatever the filesystem's block size is (`stat(3type)`).
const STAT_BLOCK: u64 = 512;

#[derive(Debug)]
pub(super) struct HostFile {
    file: fs::File,
    behind: Behind,
}

/// A file that was opened elsewhere, for reading and writing: one that was handed to this process by
/// another, which has made its name durable. It may be a block device.
pub fn opened(file: fs::File) -> Arc<dyn File> {
    Arc::new(HostFile::new(file))
}

impl HostFile {
    pub(super) fn new(file: fs::File) -> Self {
        let behind = Behind::default();
        Self { file, behind }
    }
}

impl File for HostFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.file.write_all_at(buf, offset)?;
        if let Some(range) = self.behind.note(offset, buf.len()) {
            begin_writing_out(&self.file, range);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        length(&self.file)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        let end = offset.saturating_add(len).min(self.len()?);
        if offset >= end {
            return Ok(());
        }
        punch_within(&self.file, offset, end - offset)
    }

    fn allocated(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.blocks().saturating_mul(STAT_BLOCK))
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync on Linux, F_FULLFSYNC on macOS (whose fsync does not reach the medium).
        self.file.sync_data()
    }
}

/// The length of a file, or of a block device.
fn length(file: &fs::File) -> io::Result<u64> {
    // Not `File::metadata`, which asks the kernel as it would about a path: a locked-in process may not.
    let stat = rustix::fs::fstat(file)?;
    match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::BlockDevice => Ok(rustix::fs::seek(file, SeekFrom::End(0))?),
        _ => u64::try_from(stat.st_size).map_err(io::Error::other),
    }
}

/// Has the kernel begin to write a range to the disk, and does not wait for it. Nothing depends on it: a
/// kernel that does not listen writes it when it is synced.
#[cfg(target_os = "linux")]
fn begin_writing_out(file: &fs::File, range: Range<u64>) {
    // Its name is what it does to pages that are clean (posix_fadvise(2)); those that are not it begins
    // to write, and keeps. sync_file_range(2) says it better, and no crate has it without unsafe.
    let _ = rustix::fs::fadvise(
        file,
        range.start,
        NonZeroU64::new(range.end - range.start),
        rustix::fs::Advice::DontNeed,
    );
}

#[cfg(not(target_os = "linux"))]
fn begin_writing_out(_file: &fs::File, _range: Range<u64>) {}

/// Punches a hole; zeros are written where the filesystem knows no holes.
#[cfg(target_os = "linux")]
fn punch_within(file: &fs::File, offset: u64, len: u64) -> io::Result<()> {
    use rustix::{fs::FallocateFlags, io::Errno};
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match rustix::fs::fallocate(file, flags, offset, len) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, offset, len),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn punch_within(file: &fs::File, offset: u64, len: u64) -> io::Result<()> {
    write_zeros(file, offset, len)
}

fn write_zeros(file: &fs::File, offset: u64, len: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    let mut done = 0;
    while done < len {
        let step = ZEROS
            .len()
            .min(usize::try_from(len - done).unwrap_or(usize::MAX));
        file.write_all_at(&ZEROS[..step], offset + done)?;
        done += u64::try_from(step).expect("a step is at most 64 KiB");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_written_over_exactly_the_range() {
        let file = tempfile::tempfile().unwrap();
        let before = vec![7; 200_000];
        file.write_all_at(&before, 0).unwrap();
        write_zeros(&file, 1, 150_000).unwrap();
        let mut after = vec![0; before.len()];
        file.read_exact_at(&mut after, 0).unwrap();
        let mut expected = before;
        expected[1..150_001].fill(0);
        assert!(after == expected);
        assert_eq!(file.metadata().unwrap().len(), 200_000);
    }
}
