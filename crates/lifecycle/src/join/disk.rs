//! A volume's disk as the device that a filesystem lives on.

use std::io;

use longshore_ext4::Device;
use longshore_volume::Disk;

/// A disk as a device. A volume's error keeps its kind as an I/O error, so that a full disk is
/// still told apart from a broken one at the edge.
#[derive(Debug)]
pub(crate) struct DiskDevice(pub(crate) Box<dyn Disk>);

impl Device for DiskDevice {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buf).map_err(io::Error::from)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes).map_err(io::Error::from)
    }

    fn discard(&mut self, offset: u64, len: u64) -> io::Result<()> {
        self.0.discard(offset, len).map_err(io::Error::from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(io::Error::from)
    }
}
