//! The parts of a pool as devices: looked at, made, attached, let go, and gone.
//!
//! A device that is a file has a loop device while it is used, and is never removed while it has one: the kernel
//! would go on writing to what nobody can find any more.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::{FallocateFlags, OFlags};

use super::{
    blank::{blank, must_be_blank, must_begin_with_nothing},
    error::PoolError,
    spec::Part,
};
use crate::dm::{DeviceNumber, Loop};

/// Where drivers say what a device is called, below `/sys/dev/block/N:M`.
const IDENTITIES: [&str; 5] = ["wwid", "device/wwid", "device/serial", "serial", "dm/uuid"];

impl Part {
    /// A block device as it is now.
    ///
    /// # Errors
    /// [`PoolError::Part`] where it is none, or cannot be opened.
    pub fn device(path: &Path) -> Result<Self, PoolError> {
        let (number, bytes) = measured(path).map_err(failed("look at", path))?;
        Ok(Self::Device {
            path: path.to_owned(),
            bytes,
            identity: identity(number),
        })
    }

    /// Refuses what has something on it, or is in use by somebody. A file that is not there yet is blank.
    ///
    /// # Errors
    /// [`PoolError::NotEmpty`], [`PoolError::Part`], [`PoolError::Unreadable`].
    pub fn must_be_blank(&self) -> Result<(), PoolError> {
        match self {
            Self::Device { path, .. } => {
                exclusive(path).map_err(failed("have to itself", path))?;
                must_be_blank(path)
            }
            Self::File { path, .. } if !path.exists() => Ok(()),
            Self::File { path, .. } => must_be_blank(path),
        }
    }

    /// Makes the file, with its room where it is to have that, unless it is there. Durable when this returns.
    ///
    /// # Errors
    /// [`PoolError::Part`]: a file of another length, no room, or no directory.
    pub fn make(&self) -> Result<(), PoolError> {
        match self {
            Self::Device { .. } => Ok(()),
            Self::File {
                path,
                bytes,
                allocated,
            } => make_file(path, *bytes, *allocated).map_err(failed("make", path)),
        }
    }

    /// Makes the file without what whoever was cut off has written to it; a device has no more of the pool's than what
    /// is written next.
    pub(super) fn make_anew(&self) -> Result<(), PoolError> {
        if let (Self::File { .. }, true) = (self, self.is_there()) {
            self.detach()?;
            self.destroy()?;
        }
        self.make()
    }

    /// Makes a file that is shorter as long as it is to be, and has its loop device take notice.
    pub(super) fn grow(&self) -> Result<(), PoolError> {
        let Self::File {
            path,
            bytes,
            allocated,
        } = self
        else {
            return Ok(());
        };
        let file = File::options().read(true).write(true).open(path);
        let grown = file.and_then(|file| {
            if file.metadata()?.len() < *bytes {
                set_length(&file, *bytes, *allocated)?;
            }
            Ok(())
        });
        grown.map_err(failed("give more room to", path))?;
        match Loop::find(path)? {
            Some(attached) => Ok(attached.grown()?),
            None => Ok(()),
        }
    }

    /// Its device, attached where it is a file; it must be what it was.
    ///
    /// # Errors
    /// [`PoolError::OtherPart`], [`PoolError::Part`], [`PoolError::Loop`].
    pub(super) fn attach(&self) -> Result<DeviceNumber, PoolError> {
        let other = |path: &Path, why: String| PoolError::OtherPart {
            path: path.to_owned(),
            why,
        };
        match self {
            Self::Device {
                path,
                bytes,
                identity: known,
            } => {
                let (number, now) = measured(path).map_err(failed("open", path))?;
                let found = identity(number);
                if known.is_some() && known != &found {
                    let found = found.map_or("not known".to_owned(), |found| format!("{found:?}"));
                    return Err(other(path, format!("what it is called is {found}")));
                }
                match now < *bytes {
                    true => Err(other(path, format!("it has {now} bytes and not {bytes}"))),
                    false => Ok(number),
                }
            }
            Self::File { path, bytes, .. } => {
                let now = fs::metadata(path).map_err(failed("open", path))?.len();
                match now < *bytes {
                    true => Err(other(path, format!("it has {now} bytes and not {bytes}"))),
                    false => Ok(Loop::attach(path)?.device()),
                }
            }
        }
    }

    /// Refuses data at whose beginning something is: of a pool that we have made that is a block of our own, with
    /// nothing in it.
    pub(super) fn must_begin_with_nothing(&self) -> Result<(), PoolError> {
        must_begin_with_nothing(self.path())
    }

    /// Refuses what is not what the pool was made of, without attaching it. A file that was cut off while it was made
    /// is empty.
    pub(super) fn must_be_it(&self) -> Result<(), PoolError> {
        let Self::File { path, bytes, .. } = self else {
            return self.attach().map(drop);
        };
        match fs::metadata(path).map_err(failed("look at", path))?.len() {
            0 => Ok(()),
            // It may have grown by whoever was cut off before that was written down.
            has if has >= *bytes => Ok(()),
            has => Err(PoolError::OtherPart {
                path: path.clone(),
                why: format!("it has {has} bytes and not {bytes}"),
            }),
        }
    }

    /// What was written to it is durable when this returns.
    pub(super) fn sync(&self) -> Result<(), PoolError> {
        let path = self.path();
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(failed("write to", path))
    }

    /// Refuses what somebody has: a device that is mounted or part of something else, a file that has a loop device.
    ///
    /// # Errors
    /// [`PoolError::Part`].
    pub fn must_be_free(&self) -> Result<(), PoolError> {
        match self {
            Self::Device { path, .. } => exclusive(path).map_err(failed("have to itself", path)),
            Self::File { path, .. } if !path.exists() => Ok(()),
            Self::File { path, .. } => match Loop::find(path)? {
                None => Ok(()),
                Some(_) => {
                    let busy = io::ErrorKind::ResourceBusy.into();
                    Err(failed("have to itself", path)(busy))
                }
            },
        }
    }

    /// Removes the file, or makes the device blank again, which was written to for a pool that was not made of it after
    /// all.
    ///
    /// # Errors
    /// [`PoolError::Part`].
    pub fn abandon(&self) -> Result<(), PoolError> {
        match self.is_there() {
            true => self.destroy(),
            false => Ok(()),
        }
    }

    /// Whether there is anything at all to be destroyed.
    pub(super) fn is_there(&self) -> bool {
        self.path().exists()
    }

    /// Lets go of the loop device, where it has one.
    pub(super) fn detach(&self) -> Result<(), PoolError> {
        let Self::File { path, .. } = self else {
            return Ok(());
        };
        if !path.exists() {
            return Ok(());
        }
        match Loop::find(path)? {
            Some(attached) => Ok(attached.detach()?),
            None => Ok(()),
        }
    }

    /// Removes the file, or makes the device blank again, which was this pool's.
    pub(super) fn destroy(&self) -> Result<(), PoolError> {
        match self {
            Self::Device { path, .. } => {
                self.attach()?;
                exclusive(path).map_err(failed("have to itself", path))?;
                blank(path).map_err(failed("make blank", path))
            }
            Self::File { path, .. } => {
                let removed = match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    _ => sync_dir(path),
                };
                removed.map_err(failed("remove", path))
            }
        }
    }
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl Fn(io::Error) -> PoolError + 'a {
    move |source| PoolError::Part {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// The number of a block device and its bytes.
pub(super) fn measured(path: &Path) -> io::Result<(DeviceNumber, u64)> {
    let found = fs::metadata(path)?;
    if !found.file_type().is_block_device() {
        return Err(io::Error::other("it is not a block device"));
    }
    let bytes = File::open(path)?.seek(SeekFrom::End(0))?;
    let number = DeviceNumber {
        major: rustix::fs::major(found.rdev()),
        minor: rustix::fs::minor(found.rdev()),
    };
    Ok((number, bytes))
}

/// Nobody has it mounted or in a RAID, a volume group or a pool: then it can be opened by one alone.
fn exclusive(path: &Path) -> io::Result<()> {
    let flags = i32::try_from(OFlags::EXCL.bits()).unwrap_or_default();
    let opened = File::options().read(true).custom_flags(flags).open(path);
    opened.map(drop)
}

/// What the driver of a device calls it; of a partition what it calls the whole, and its number.
fn identity(number: DeviceNumber) -> Option<String> {
    let dir = Path::new("/sys/dev/block").join(number.to_string());
    let dir = fs::canonicalize(&dir).unwrap_or(dir);
    if let Ok(partition) = fs::read_to_string(dir.join("partition")) {
        let whole = called(dir.parent()?)?;
        return Some(format!("{whole} part {}", partition.trim()));
    }
    called(&dir)
}

fn called(dir: &Path) -> Option<String> {
    let words = IDENTITIES.iter().filter_map(|place| {
        let text = fs::read_to_string(dir.join(place)).ok()?;
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    });
    words.into_iter().next()
}

fn make_file(path: &Path, bytes: u64, allocated: bool) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let has = file.metadata()?.len();
    // One that was cut off while it was made has not got its length: that comes last.
    if has != 0 && has != bytes {
        return Err(io::Error::other(format!(
            "it is there, with {has} bytes and not {bytes}"
        )));
    }
    set_length(&file, bytes, allocated)?;
    sync_dir(path)
}

/// Its length comes last, when it has its room.
fn set_length(file: &File, bytes: u64, allocated: bool) -> io::Result<()> {
    if allocated {
        rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes)?;
    }
    file.set_len(bytes)?;
    file.sync_all()
}

fn sync_dir(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(path: &Path, bytes: u64, allocated: bool) -> Part {
        Part::File {
            path: path.to_owned(),
            bytes,
            allocated,
        }
    }

    #[test]
    fn a_file_is_made_once_with_its_room_or_without() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pools/web.data");
        let thick = part(&path, 1 << 20, true);
        thick.must_be_blank().unwrap();
        thick.make().unwrap();
        thick.make().unwrap();
        assert!(fs::metadata(&path).unwrap().blocks() * 512 >= 1 << 20);
        let other = part(&path, 2 << 20, true).make().unwrap_err();
        assert!(matches!(other, PoolError::Part { .. }), "{other}");
        thick.destroy().unwrap();
        thick.destroy().unwrap();
        let sparse = part(&path, 1 << 20, false);
        sparse.make().unwrap();
        let found = fs::metadata(&path).unwrap();
        assert_eq!((found.len(), found.blocks()), (1 << 20, 0));
        fs::write(&path, "short").unwrap();
        let error = sparse.attach().unwrap_err();
        assert!(matches!(error, PoolError::OtherPart { .. }), "{error}");
        let error = sparse.must_be_blank().unwrap_err();
        assert!(
            matches!(error, PoolError::NotEmpty { at: 0, .. }),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_block_device_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let error = Part::device(dir.path()).unwrap_err();
        assert!(error.to_string().contains("look at"), "{error}");
    }
}
