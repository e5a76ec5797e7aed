//! A volume's disk as the device that a filesystem is read from.

use std::io;

use longshore_ext4::ReadAt;
use longshore_volume::Disk;

/// A disk, for reading only.
#[derive(Debug)]
pub(crate) struct DiskRead(pub(crate) Box<dyn Disk>);

impl ReadAt for DiskRead {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buf).map_err(io::Error::from)
    }
}
