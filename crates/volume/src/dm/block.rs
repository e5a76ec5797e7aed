//! What any block device does.

use std::{fs::File, io, os::fd::AsFd};

use super::ioctl;

/// Discards a range of a block device, in bytes. What its driver does with it is the driver's: the thin target
/// gives up whole blocks, and leaves parts of one as they are.
pub(crate) fn discard(device: &File, offset: u64, len: u64) -> io::Result<()> {
    Ok(ioctl::discard(device.as_fd(), offset, len)?)
}
