//! A file of the host that holds a disk, open for reading.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    os::unix::fs::{FileExt, FileTypeExt},
    path::Path,
};

use longshore_ext4::ReadAt;

use crate::{Class, Failure};

/// A disk image file or a block device.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    size: u64,
    /// What keeps it there while it is read: let go after the file is closed.
    _held: Option<Box<dyn Held>>,
}

/// Whatever keeps a disk there.
pub(crate) trait Held: std::fmt::Debug + Send {}

impl<T: std::fmt::Debug + Send> Held for T {}

impl DiskFile {
    /// Opens it. Anything but a file or a block device is refused before it is opened: opening a pipe
    /// would wait for who writes to it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let trouble = |error: &io::Error| {
            let class = match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Class::NotFound,
                _ => Class::Failed,
            };
            Failure::new(class, "disk", format!("cannot open the disk {shown}")).caused_by(error)
        };
        let kind = fs::metadata(path)
            .map_err(|error| trouble(&error))?
            .file_type();
        if !kind.is_file() && !kind.is_block_device() {
            return Err(Failure::new(
                Class::Usage,
                "disk",
                format!("{shown} is neither a file nor a block device"),
            ));
        }
        let opened = File::open(path).and_then(|mut file| {
            // Of a block device the metadata do not say how long it is.
            let size = file.seek(SeekFrom::End(0))?;
            Ok(Self {
                file,
                size,
                _held: None,
            })
        });
        opened.map_err(|error| trouble(&error))
    }

    /// The same, with what keeps it there.
    pub(super) fn holding(self, held: Box<dyn Held>) -> Self {
        Self {
            _held: Some(held),
            ..self
        }
    }
}

impl ReadAt for DiskFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }
}
