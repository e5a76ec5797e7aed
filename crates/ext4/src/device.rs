//! The device a filesystem lives on: bytes at offsets, nothing more.

use std::io;

/// Random access to a fixed number of bytes.
///
/// A filesystem is its device's only user while it lives. Offsets and lengths are in bytes;
/// every write and discard the filesystem makes is aligned to 4096 bytes and a multiple of that
/// long, but for nothing: the superblock too is written as the whole block it is in.
pub trait Device {
    /// The length in bytes. It does not change while a filesystem is on the device.
    fn size(&self) -> u64;

    /// Fills `buf` with the bytes at `offset`.
    ///
    /// # Errors
    /// What the device reports; a range past the end is `UnexpectedEof`.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`. They may be lost in a crash until [`Device::flush`].
    ///
    /// # Errors
    /// What the device reports; a range past the end is an error and writes nothing.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Says that the content of the range is not needed any more. It may read as anything
    /// afterwards; a device that cannot release space does nothing and returns `Ok`.
    ///
    /// # Errors
    /// What the device reports.
    fn discard(&mut self, offset: u64, len: u64) -> io::Result<()>;

    /// Makes every write so far durable.
    ///
    /// # Errors
    /// What the device reports; nothing written since the last success may then be believed.
    fn flush(&mut self) -> io::Result<()>;
}
