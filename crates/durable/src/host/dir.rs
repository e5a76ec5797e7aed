//! [`Host`]: the directory itself.

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rustix::{
    fs::{AtFlags, FileType, Mode as Permissions, OFlags},
    io::Errno,
};

use super::{copy, file::HostFile};
use crate::{
    component::checked,
    seam::{CloneOutcome, Dir, Entry, File, Mode},
};

/// Files hold root disks and blobs of private images: nobody but the owner reads them.
const FILE_PERMISSIONS: Permissions = Permissions::RUSR.union(Permissions::WUSR);
const DIR_PERMISSIONS: Permissions = Permissions::RWXU;

/// A directory of the host's filesystem.
#[derive(Debug)]
pub struct Host {
    fd: fs::File,
    path: PathBuf,
    shares: OnceLock<bool>,
}

impl Host {
    /// Opens the existing directory `path`. Symbolic links in `path` itself are followed: it is
    /// the operator's own word.
    ///
    /// # Errors
    /// Those of `open(2)`: `NotFound`, `NotADirectory`, `PermissionDenied`.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Host> {
        let path = path.into();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&path, flags, Permissions::empty())?;
        Ok(Host::over(fd, path))
    }

    /// Opens the directory `path`, making it and those above it where they are missing; each is
    /// durable before the next is made.
    ///
    /// # Errors
    /// Those of `open(2)` and `mkdir(2)`.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Host> {
        let path = path.into();
        match Host::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let Some(above) = path.parent() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let above = match above {
            empty if empty.as_os_str().is_empty() => Path::new("."),
            named => named,
        };
        let above = Host::create(above)?;
        if let Some(name) = path.file_name() {
            make_dir(&above.fd, name)?;
            above.sync()?;
        }
        Host::open(path)
    }

    fn over(fd: OwnedFd, path: PathBuf) -> Host {
        Host {
            fd: fd.into(),
            path,
            shares: OnceLock::new(),
        }
    }

    fn open_file(&self, name: &str, mode: Mode) -> io::Result<fs::File> {
        let how = match mode {
            Mode::Read => OFlags::RDONLY,
            Mode::Write => OFlags::RDWR,
            Mode::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
        };
        // NONBLOCK: a fifo put where a file belongs would otherwise stop us for good.
        let flags = how | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(&self.fd, checked(name)?, flags, FILE_PERMISSIONS)?;
        let file = fs::File::from(fd);
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(Errno::ISDIR.into());
        }
        if !kind.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name} is not a regular file"),
            ));
        }
        Ok(file)
    }

    /// Shares or copies the bytes of `from` into the empty file `to`.
    fn fill(&self, from: &fs::File, to: &fs::File) -> io::Result<CloneOutcome> {
        if share(to, from)? {
            return Ok(CloneOutcome::Shared);
        }
        copy::keeping_holes(from, to)?;
        Ok(CloneOutcome::Copied)
    }
}

impl Dir for Host {
    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn File>> {
        let file = self.open_file(name, mode)?;
        Ok(Arc::new(HostFile::new(file)))
    }

    fn dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        let name = checked(name)?;
        make_dir(&self.fd, name)?;
        // Also where it was there already: whoever made it may have been cut off before this.
        self.sync()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Permissions::empty())?;
        Ok(Arc::new(Host::over(fd, self.path.join(name))))
    }

    /// A name that is not UTF-8 is shown with U+FFFD in place of the bytes that are not, and
    /// cannot be opened by what is shown.
    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for found in rustix::fs::Dir::read_from(&self.fd)? {
            let found = found?;
            let name = found.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // Removed since it was listed.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            entries.push(Entry {
                name: name.to_string_lossy().into_owned(),
                is_dir,
                len: match is_dir {
                    true => 0,
                    false => u64::try_from(stat.st_size).expect("no file has a negative size"),
                },
            });
        }
        entries.sort();
        Ok(entries)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (checked(from)?, checked(to)?);
        Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?)
    }

    fn rename_into(&self, from: &str, other: &dyn Dir, to: &str) -> io::Result<()> {
        let (from, to) = (checked(from)?, checked(to)?);
        let Some(other) = other.as_any().downcast_ref::<Host>() else {
            return Err(Errno::XDEV.into());
        };
        Ok(rustix::fs::renameat(&self.fd, from, &other.fd, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.fd, checked(name)?, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn symlink(&self, target: &str, name: &str) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.fd, checked(name)?)?)
    }

    fn read_link(&self, name: &str) -> io::Result<Option<String>> {
        match rustix::fs::readlinkat(&self.fd, checked(name)?, Vec::new()) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn clone_file(&self, from: &str, to: &str) -> io::Result<CloneOutcome> {
        let source = self.open_file(from, Mode::Read)?;
        let target = self.open_file(to, Mode::CreateNew)?;
        let filled = self.fill(&source, &target);
        if filled.is_err() {
            // The first error is the one to tell; what remains is found under `to`.
            let _ = self.remove(to);
        }
        filled
    }

    fn can_share(&self) -> io::Result<bool> {
        if let Some(&known) = self.shares.get() {
            return Ok(known);
        }
        let shares = try_sharing(&self.fd)?;
        Ok(*self.shares.get_or_init(|| shares))
    }

    fn sync(&self) -> io::Result<()> {
        // fsync on Linux, F_FULLFSYNC on macOS.
        self.fd.sync_all()
    }

    fn available(&self) -> io::Result<Option<u64>> {
        let stat = rustix::fs::fstatvfs(&self.fd)?;
        Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize)))
    }

    fn host_path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn make_dir(above: &fs::File, name: impl rustix::path::Arg) -> io::Result<()> {
    match rustix::fs::mkdirat(above, name, DIR_PERMISSIONS) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes the empty `to` share all extents of `from`; `false` where the filesystem cannot.
#[cfg(target_os = "linux")]
fn share(to: &fs::File, from: &fs::File) -> io::Result<bool> {
    match rustix::fs::ioctl_ficlone(to, from) {
        Ok(()) => Ok(true),
        // ioctl_ficlone(2): not supported here, of this file, or between these two.
        Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::INVAL | Errno::XDEV | Errno::NOSYS) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn share(_to: &fs::File, _from: &fs::File) -> io::Result<bool> {
    Ok(false)
}

/// Clones one block between two files that never have a name, so that a crash leaves nothing.
/// Where the filesystem has no such files, the answer is no.
#[cfg(target_os = "linux")]
fn try_sharing(dir: &fs::File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let unnamed = || {
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        match rustix::fs::openat(dir, ".", flags, FILE_PERMISSIONS) {
            Ok(fd) => Ok(Some(fs::File::from(fd))),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Ok(None),
            Err(error) => Err(io::Error::from(error)),
        }
    };
    let (Some(from), Some(to)) = (unnamed()?, unnamed()?) else {
        return Ok(false);
    };
    from.write_all_at(&[1; 4096], 0)?;
    share(&to, &from)
}

#[cfg(not(target_os = "linux"))]
fn try_sharing(_dir: &fs::File) -> io::Result<bool> {
    Ok(false)
}
