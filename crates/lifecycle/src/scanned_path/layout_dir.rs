//! An OCI image layout in a directory of the host. Only fixed names and digests are opened, step by step and
//! never through a link.

use std::{fs::File, io, path::Path};

use longshore_image::{Part, PartError, PartName, Parts};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, Mode, OFlags, fstat, openat},
    io::Errno,
};

/// A directory that has `oci-layout` and `index.json`.
#[derive(Debug)]
pub(super) struct LayoutDir {
    root: OwnedFd,
}

impl LayoutDir {
    /// `None` for any other directory.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        let dir = Self { root };
        for name in [PartName::Layout, PartName::Index] {
            match dir.open(&name) {
                Ok(Some(_)) => {}
                Ok(None) | Err(PartError::Refused(_)) => return Ok(None),
                Err(PartError::Read(error)) => return Err(error),
            }
        }
        Ok(Some(dir))
    }

    fn blob(&self, hex: &str) -> Result<Option<Part>, PartError> {
        let Some(blobs) = open_dir(&self.root, "blobs")? else {
            return Ok(None);
        };
        match open_dir(&blobs, "sha256")? {
            Some(blobs) => open_file(&blobs, hex),
            None => Ok(None),
        }
    }
}

impl Parts for LayoutDir {
    fn open(&self, name: &PartName) -> Result<Option<Part>, PartError> {
        match name {
            PartName::Layout => open_file(&self.root, "oci-layout"),
            PartName::Index => open_file(&self.root, "index.json"),
            PartName::DockerManifest => open_file(&self.root, "manifest.json"),
            PartName::Blob(digest) => self.blob(&digest.to_hex()),
            PartName::Free(_) => Ok(None),
        }
    }
}

fn open_dir(dir: impl AsFd, name: &str) -> Result<Option<OwnedFd>, PartError> {
    step(dir, name, OFlags::DIRECTORY)
}

fn open_file(dir: impl AsFd, name: &str) -> Result<Option<Part>, PartError> {
    // A pipe is not waited for.
    let Some(file) = step(dir, name, OFlags::NONBLOCK)? else {
        return Ok(None);
    };
    let mode = fstat(&file).map_err(io::Error::from)?.st_mode;
    if FileType::from_raw_mode(mode) != FileType::RegularFile {
        return Err(PartError::Refused("it is not a regular file"));
    }
    let file = File::from(file);
    Ok(Some(Part {
        size: file.metadata()?.len(),
        bytes: Box::new(file),
    }))
}

fn step(dir: impl AsFd, name: &str, flags: OFlags) -> Result<Option<OwnedFd>, PartError> {
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(dir, name, flags, Mode::empty()) {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT) => Ok(None),
        // The second of them is what a link instead of a directory gives.
        Err(Errno::LOOP | Errno::NOTDIR) => Err(PartError::Refused(
            "a symbolic link stands there or on the way, and is not followed",
        )),
        // A socket, or a device that nobody drives.
        Err(Errno::NXIO | Errno::NODEV) => Err(PartError::Refused("it is not a regular file")),
        Err(error) => Err(PartError::Read(error.into())),
    }
}
