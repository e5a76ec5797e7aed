//! [`Loop`]: a file as a block device.

use std::{
    fs::{self, File},
    io,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::{fs::FileType, io::Errno};
use thiserror::Error;

use super::{
    device::DeviceNumber,
    ioctl::{self, LOOP_CONFIG_BYTES, LOOP_INFO_BYTES},
    nodes::{misc, node},
};

/// The major number of loop devices.
const MAJOR: u32 = 7;
/// Times that somebody else may take the device that was free.
const ATTEMPTS: usize = 64;

/// `LO_FLAGS_DIRECT_IO`: what is written is not kept in memory a second time.
const DIRECT_IO: u32 = 16;
/// `LO_FLAGS_AUTOCLEAR`: it lets go of its file when its last user closes it.
const AUTOCLEAR: u32 = 4;
/// What the kernel puts behind the name of a file that has none any more (d_path).
const REMOVED: &str = " (deleted)";
/// Where `struct loop_info64` has the flags.
const INFO_FLAGS_AT: usize = 52;
/// Where `struct loop_config` has the flags and the name, in the `struct loop_info64` at 8.
const FLAGS_AT: usize = 8 + INFO_FLAGS_AT;
const NAME_AT: usize = 8 + 56;
/// Bytes of the name, its NUL included.
const NAME_BYTES: usize = 64;

/// A loop device that has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// Its number: it is `/dev/loopN`.
    pub number: u32,
}

/// Why a file is not a block device.
#[derive(Debug, Error)]
pub enum LoopError {
    /// There is no `loop` in this kernel, or its node cannot be opened.
    #[error("there are no loop devices here")]
    Absent(#[source] io::Error),
    /// The file cannot be attached, or asked about.
    #[error("could not {doing} {path}")]
    File {
        /// `attach`, `detach`, `keep`, `find the loop device of`.
        doing: &'static str,
        /// The file, or the device.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Loop {
    /// Attaches a file, with direct I/O, unless it is attached already: it has one device.
    ///
    /// # Errors
    /// [`LoopError`].
    pub fn attach(path: &Path) -> Result<Self, LoopError> {
        if let Some(found) = Self::find(path)? {
            return Ok(found);
        }
        let file = File::options().read(true).write(true).open(path);
        let failed = |source| LoopError::File {
            doing: "attach",
            path: path.to_owned(),
            source,
        };
        let file = file.map_err(failed)?;
        let control =
            misc(Path::new("/dev/loop-control"), "loop-control").map_err(LoopError::Absent)?;
        let mut config = config(path);
        for _ in 0..ATTEMPTS {
            let number = ioctl::loop_free(control.as_fd()).map_err(|error| failed(error.into()))?;
            let device = open(number).map_err(failed)?;
            match ioctl::loop_configure(device.as_fd(), file.as_fd(), &mut config) {
                Ok(()) => return Ok(Self { number }),
                // Somebody else was faster.
                Err(Errno::BUSY) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    /// The device that has a file, found by the file itself and not by a name: that may have changed, or be
    /// another file's by now. One that goes when it is closed, as after [`Loop::detach`] while somebody looks into
    /// it, is none any more.
    ///
    /// # Errors
    /// [`LoopError::File`].
    pub fn find(path: &Path) -> Result<Option<Self>, LoopError> {
        let failed = |source| LoopError::File {
            doing: "find the loop device of",
            path: path.to_owned(),
            source,
        };
        let wanted = fs::metadata(path).map_err(failed)?;
        for number in numbers().map_err(failed)? {
            let info = match info(number) {
                Ok(Some(info)) => info,
                Ok(None) => continue,
                Err(error) => return Err(failed(error)),
            };
            if is_of(&info, &wanted) && flags(&info) & AUTOCLEAR == 0 {
                return Ok(Some(Self { number }));
            }
        }
        Ok(None)
    }

    /// The loop device of this number, if it has this file: also where it goes when it is closed.
    ///
    /// # Errors
    /// [`LoopError::File`].
    pub fn of(device: DeviceNumber, path: &Path) -> Result<Option<Self>, LoopError> {
        let failed = |source| LoopError::File {
            doing: "find the loop device of",
            path: path.to_owned(),
            source,
        };
        if device.major != MAJOR {
            return Ok(None);
        }
        let wanted = fs::metadata(path).map_err(failed)?;
        let number = device.minor;
        let info = info(number).map_err(failed)?;
        Ok(info
            .filter(|info| is_of(info, &wanted))
            .map(|_| Self { number }))
    }

    /// Has it stay when it is closed, whoever has said that it is to go.
    ///
    /// # Errors
    /// [`LoopError::File`].
    pub fn keep(&self) -> Result<(), LoopError> {
        let failed = |source| LoopError::File {
            doing: "keep",
            path: self.path(),
            source,
        };
        let Some(mut info) = info(self.number).map_err(failed)? else {
            return Err(failed(io::ErrorKind::NotFound.into()));
        };
        let has = flags(&info);
        if has & AUTOCLEAR == 0 {
            return Ok(());
        }
        info[INFO_FLAGS_AT..INFO_FLAGS_AT + 4].copy_from_slice(&(has & !AUTOCLEAR).to_ne_bytes());
        let device = open(self.number).map_err(failed)?;
        ioctl::loop_set_status(device.as_fd(), &mut info).map_err(|error| failed(error.into()))
    }

    /// Whether the file of a loop device was removed, and is there only as long as that has it.
    #[must_use]
    pub fn has_removed(device: DeviceNumber) -> bool {
        let listed = format!("/sys/block/loop{}/loop/backing_file", device.minor);
        let path = fs::read_to_string(listed);
        device.major == MAJOR && path.is_ok_and(|path| path.trim_end().ends_with(REMOVED))
    }

    /// The file of a loop device, and its bytes; `None` where the device is none.
    ///
    /// # Errors
    /// [`LoopError::File`] where it has no file that can be found.
    pub fn backing(device: DeviceNumber) -> Result<Option<(PathBuf, u64)>, LoopError> {
        if device.major != MAJOR {
            return Ok(None);
        }
        let failed = |source| LoopError::File {
            doing: "find the file of",
            path: node_of(device.minor),
            source,
        };
        let listed = format!("/sys/block/loop{}/loop/backing_file", device.minor);
        let path = fs::read_to_string(listed).map_err(failed)?;
        let path = PathBuf::from(path.trim_end_matches('\n'));
        let bytes = fs::metadata(&path).map_err(failed)?.len();
        Ok(Some((path, bytes)))
    }

    /// Lets go of its file. Where it is open it goes when it is closed.
    ///
    /// # Errors
    /// [`LoopError::File`].
    pub fn detach(self) -> Result<(), LoopError> {
        let cleared = open(self.number).and_then(|device| Ok(ioctl::loop_clear(device.as_fd())?));
        match cleared {
            Err(error) if !is_gone(&error) => Err(LoopError::File {
                doing: "detach",
                path: self.path(),
                source: error,
            }),
            _ => Ok(()),
        }
    }

    /// Takes notice of a file that has grown.
    ///
    /// # Errors
    /// [`LoopError::File`].
    pub fn grown(&self) -> Result<(), LoopError> {
        let grown =
            open(self.number).and_then(|device| Ok(ioctl::loop_set_capacity(device.as_fd())?));
        grown.map_err(|source| LoopError::File {
            doing: "look again at the length of",
            path: self.path(),
            source,
        })
    }

    /// Its node.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        node_of(self.number)
    }

    /// Its device number.
    #[must_use]
    pub fn device(&self) -> DeviceNumber {
        DeviceNumber {
            major: MAJOR,
            minor: self.number,
        }
    }
}

/// What a loop device has, as a `struct loop_info64`; `None` where it has nothing, or is not there.
fn info(number: u32) -> io::Result<Option<[u8; LOOP_INFO_BYTES]>> {
    let device = match open(number) {
        Ok(device) => device,
        // Gone since it was listed.
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    match ioctl::loop_status(device.as_fd()) {
        Ok(info) => Ok(Some(info)),
        Err(Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_of(info: &[u8; LOOP_INFO_BYTES], wanted: &fs::Metadata) -> bool {
    let field = |at: usize| info.get(at..).and_then(<[u8]>::first_chunk).copied();
    // Both as the kernel encodes a device's number for programs of 64 bits.
    field(0).map(u64::from_ne_bytes) == Some(wanted.dev())
        && field(8).map(u64::from_ne_bytes) == Some(wanted.ino())
}

fn flags(info: &[u8; LOOP_INFO_BYTES]) -> u32 {
    let flags = info.get(INFO_FLAGS_AT..).and_then(<[u8]>::first_chunk);
    flags.copied().map_or(0, u32::from_ne_bytes)
}

fn node_of(number: u32) -> PathBuf {
    PathBuf::from(format!("/dev/loop{number}"))
}

/// Opens a loop device, and makes its node where that is missing.
fn open(number: u32) -> io::Result<File> {
    let path = node_of(number);
    let device = DeviceNumber {
        major: MAJOR,
        minor: number,
    };
    node(&path, FileType::BlockDevice, device)?;
    File::options().read(true).write(true).open(path)
}

/// The loop devices that the kernel has.
fn numbers() -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir("/sys/block")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("loop"));
        numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn is_gone(error: &io::Error) -> bool {
    let gone = [Errno::NXIO, Errno::NODEV, Errno::NOENT];
    let raw = error.raw_os_error();
    gone.iter().any(|errno| raw == Some(errno.raw_os_error()))
}

/// The configuration, but for the file: direct I/O, and a name for `losetup` to show.
fn config(path: &Path) -> [u8; LOOP_CONFIG_BYTES] {
    let mut config = [0; LOOP_CONFIG_BYTES];
    config[FLAGS_AT..FLAGS_AT + 4].copy_from_slice(&DIRECT_IO.to_ne_bytes());
    let name = path.as_os_str().as_encoded_bytes();
    let name = &name[..name.len().min(NAME_BYTES - 1)];
    config[NAME_AT..NAME_AT + name.len()].copy_from_slice(name);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_is_cut_and_ends() {
        let config = config(Path::new(&format!("/{}", "x".repeat(100))));
        assert_eq!(config[NAME_AT], b'/');
        assert_eq!(config[NAME_AT + NAME_BYTES - 1], 0);
        assert_eq!(config[FLAGS_AT], 16);
    }
}
