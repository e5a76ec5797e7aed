//! Whether a device has anything on it.
//!
//! What is there is never overwritten unasked. Labels of filesystems, partitions, RAID and volume managers are at
//! the beginning of a device or at its end; a device of which both are zeros has none.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::fs::Advice;

use super::error::PoolError;

/// Bytes at either end that are looked at: btrfs's superblock is at 64 KiB, the last of MD's labels within 128 KiB
/// of the end.
const END: u64 = 128 << 10;
const CHUNK: usize = 4096;
const LEAST_BLOCK: usize = 64 << 10;

/// Opens what is to be read as it is now: a pool writes past the page cache, where something older may be.
pub(super) fn fresh(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(file)
}

pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> PoolError + '_ {
    |source| PoolError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// Refuses a device or a file that has something on it.
pub(super) fn must_be_blank(path: &Path) -> Result<(), PoolError> {
    let found = fresh(path).and_then(|mut file| first_of_ends(&mut file));
    match found.map_err(unreadable(path))? {
        None => Ok(()),
        Some(at) => Err(PoolError::NotEmpty {
            path: path.to_owned(),
            at,
        }),
    }
}

/// Refuses a device at whose beginning, as long as the smallest block of a pool, anything is.
pub(super) fn must_begin_with_nothing(path: &Path) -> Result<(), PoolError> {
    let found = fresh(path).and_then(|file| {
        let mut chunk = vec![0; LEAST_BLOCK];
        match file.read_exact_at(&mut chunk, 0) {
            // A file that was cut off while it was made.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        Ok(chunk.iter().position(|&byte| byte != 0))
    });
    match found.map_err(unreadable(path))? {
        None => Ok(()),
        Some(at) => Err(PoolError::OtherPart {
            path: path.to_owned(),
            why: format!("its byte {at} is not zero, and a pool of ours has nothing there"),
        }),
    }
}

/// Makes the ends of a device zeros, which was a part of a pool: so that it is blank again.
pub(super) fn blank(path: &Path) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let zeros = [0; CHUNK];
    for (from, to) in ends(&mut file)? {
        file.seek(SeekFrom::Start(from))?;
        let mut left = to - from;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            file.write_all(&zeros[..step])?;
            left -= u64::try_from(step).map_err(io::Error::other)?;
        }
    }
    file.sync_all()
}

fn ends(file: &mut File) -> io::Result<[(u64, u64); 2]> {
    let len = file.seek(SeekFrom::End(0))?;
    Ok([
        (0, END.min(len)),
        (len.saturating_sub(END).max(END.min(len)), len),
    ])
}

fn first_of_ends(file: &mut File) -> io::Result<Option<u64>> {
    for (mut from, to) in ends(file)? {
        let mut chunk = [0; CHUNK];
        while from < to {
            let step = usize::try_from(to - from).unwrap_or(CHUNK).min(CHUNK);
            file.read_exact_at(&mut chunk[..step], from)?;
            if let Some(at) = chunk[..step].iter().position(|&byte| byte != 0) {
                return Ok(Some(from + u64::try_from(at).map_err(io::Error::other)?));
            }
            from += u64::try_from(step).map_err(io::Error::other)?;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_either_end_is_found_and_only_that_is_blanked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 20).unwrap();
        must_be_blank(&path).unwrap();
        for at in [0, 4095, END - 1, (1 << 20) - END, (1 << 20) - 1] {
            file.write_all_at(b"x", at).unwrap();
            let error = must_be_blank(&path).unwrap_err();
            assert!(
                matches!(error, PoolError::NotEmpty { at: found, .. } if found == at),
                "{error}"
            );
            blank(&path).unwrap();
        }
        file.write_all_at(b"x", END).unwrap();
        must_be_blank(&path).unwrap();
        file.set_len(10).unwrap();
        must_be_blank(&path).unwrap();
        let error = must_be_blank(&dir.path().join("none")).unwrap_err();
        assert!(matches!(error, PoolError::Unreadable { .. }));
    }
}
