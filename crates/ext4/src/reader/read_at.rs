//! What a filesystem is read from: bytes at offsets, never changed.

use std::io;

use crate::device::Device;

/// Random access to a fixed number of bytes, for reading only.
///
/// Every [`Device`] is one.
pub trait ReadAt {
    /// The length in bytes. It does not change while a filesystem is read.
    fn size(&self) -> u64;

    /// Fills `buf` with the bytes at `offset`.
    ///
    /// # Errors
    /// What the device reports; a range past the end is `UnexpectedEof`.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;
}

impl<D: Device> ReadAt for D {
    fn size(&self) -> u64 {
        Device::size(self)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        Device::read_at(self, offset, buf)
    }
}
