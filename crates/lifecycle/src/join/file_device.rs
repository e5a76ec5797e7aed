//! An open file as the device that a filesystem is written to.

use std::{
    fs::File,
    io::{self, ErrorKind},
    sync::Arc,
};

use longshore_durable::{File as DurableFile, opened};
use longshore_ext4::Device;

/// A file or a block device that was handed to this process. Whoever handed it over makes what is written to
/// it durable: this one never does.
#[derive(Debug)]
pub(crate) struct FileDevice {
    file: Arc<dyn DurableFile>,
    size: u64,
}

impl FileDevice {
    /// As long as it is now.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let file = opened(file);
        let size = file.len()?;
        Ok(Self { file, size })
    }

    /// A file grows when it is written past its end; a device does not.
    fn within(&self, offset: u64, len: usize) -> io::Result<()> {
        let end = u64::try_from(len)
            .ok()
            .and_then(|len| offset.checked_add(len));
        match end.is_some_and(|end| end <= self.size) {
            true => Ok(()),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Device for FileDevice {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buf)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.within(offset, bytes.len())?;
        self.file.write_at(offset, bytes)
    }

    fn discard(&mut self, offset: u64, len: u64) -> io::Result<()> {
        self.file.punch(offset, len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_grow() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8192).unwrap();
        let mut device = FileDevice::new(file.try_clone().unwrap()).unwrap();
        device.write_at(4096, &[7; 4096]).unwrap();
        for (offset, len) in [(4097, 4096), (8192, 1), (u64::MAX, 2)] {
            let error = device.write_at(offset, &vec![7; len]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
        device.discard(4096, u64::MAX).unwrap();
        let mut read = [1; 4096];
        device.read_at(4096, &mut read).unwrap();
        assert_eq!(read, [0; 4096]);
        assert_eq!(file.metadata().unwrap().len(), 8192);
    }
}
