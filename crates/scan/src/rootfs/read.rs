//! Whole files, up to a size.

use super::{Rootfs, RootfsError, RootfsFile};

/// The bytes of a regular file.
///
/// # Errors
/// As [`Rootfs::open`], and [`RootfsError::TooLarge`] where it has more than `limit` bytes: nothing is
/// read of it then.
pub fn read_file(rootfs: &dyn Rootfs, path: &[u8], limit: u64) -> Result<Vec<u8>, RootfsError> {
    let file = rootfs.open(path)?;
    let size = file.size();
    let len = usize::try_from(size)
        .ok()
        .filter(|_| size <= limit)
        .ok_or(RootfsError::TooLarge { size, limit })?;
    read_some(&*file, 0, len)
}

/// Up to `len` bytes of an open file, fewer only where it ends.
///
/// # Errors
/// As [`RootfsFile::read_at`].
pub fn read_some(file: &dyn RootfsFile, offset: u64, len: usize) -> Result<Vec<u8>, RootfsError> {
    let left = usize::try_from(file.size().saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; len.min(left)];
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(offset + done as u64, &mut bytes[done..])? {
            0 => break,
            read => done += read,
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}
