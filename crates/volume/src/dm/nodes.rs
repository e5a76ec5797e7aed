//! [`Nodes`]: the files by which devices are opened.
//!
//! devtmpfs makes `/dev/dm-N` and udev links to it; in a container there may be neither. A node that is there
//! and has the right number is taken as it is.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FileType, Mode, mknodat};

use super::{
    device::{DeviceName, DeviceNumber},
    error::DmError,
};

/// The major number of `misc` devices.
const MISC: u32 = 10;

/// A directory of device nodes, `/dev/mapper`.
#[derive(Debug, Clone)]
pub struct Nodes(PathBuf);

impl Default for Nodes {
    fn default() -> Self {
        Self(PathBuf::from("/dev/mapper"))
    }
}

impl Nodes {
    /// Where the node of a device is, or would be.
    #[must_use]
    pub fn path(&self, name: &DeviceName) -> PathBuf {
        self.0.join(name.as_str())
    }

    /// Sees to it that a device has its node.
    ///
    /// # Errors
    /// [`DmError::Node`].
    pub fn ensure(&self, name: &DeviceName, number: DeviceNumber) -> Result<PathBuf, DmError> {
        let path = self.path(name);
        let made =
            fs::create_dir_all(&self.0).and_then(|()| node(&path, FileType::BlockDevice, number));
        match made {
            Ok(()) => Ok(path),
            Err(source) => Err(DmError::Node {
                path: path.display().to_string(),
                source,
            }),
        }
    }

    /// Whether a device's node is there and leads to it.
    #[must_use]
    pub fn leads(&self, name: &DeviceName, number: DeviceNumber) -> bool {
        let dev = rustix::fs::makedev(number.major, number.minor);
        let found = fs::metadata(self.path(name));
        found.is_ok_and(|found| found.rdev() == dev && is_kind(&found, FileType::BlockDevice))
    }

    /// Takes a node away that may be left of a device that is gone. What is neither a device's node nor a link
    /// to one is left alone.
    ///
    /// # Errors
    /// [`DmError::Node`].
    pub fn forget(&self, name: &DeviceName) -> Result<(), DmError> {
        let path = self.path(name);
        let removed = match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_block_device() || found.is_symlink() => {
                fs::remove_file(&path)
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        match removed {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(DmError::Node {
                path: path.display().to_string(),
                source,
            }),
            _ => Ok(()),
        }
    }

    /// All that are there, with the number of the device that each leads to; `None` where it is a link that leads nowhere.
    ///
    /// # Errors
    /// [`DmError::Node`].
    pub fn all(&self) -> Result<Vec<(DeviceName, Option<DeviceNumber>)>, DmError> {
        let failed = |source| DmError::Node {
            path: self.0.display().to_string(),
            source,
        };
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Some(name) = entry.file_name().to_str().and_then(DeviceName::new) else {
                continue;
            };
            let number = match fs::metadata(entry.path()) {
                Ok(found) if found.file_type().is_block_device() => Some(DeviceNumber {
                    major: rustix::fs::major(found.rdev()),
                    minor: rustix::fs::minor(found.rdev()),
                }),
                Ok(_) => continue,
                Err(_) => None,
            };
            found.push((name, number));
        }
        found.sort();
        Ok(found)
    }

    /// Opens device-mapper's own node, and makes it where the kernel has device-mapper and the node is missing.
    pub(super) fn control() -> io::Result<File> {
        misc(Path::new("/dev/mapper/control"), "device-mapper")
    }
}

/// Opens the node of a `misc` device that is called `name` in `/proc/misc`, and makes it where it is missing.
pub(super) fn misc(path: &Path, name: &str) -> io::Result<File> {
    let open = || File::options().read(true).write(true).open(path);
    match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    let listed = fs::read_to_string("/proc/misc")?;
    let minor = minor_of(&listed, name).ok_or(ErrorKind::NotFound)?;
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let number = DeviceNumber { major: MISC, minor };
    node(path, FileType::CharacterDevice, number)?;
    open()
}

/// The minor number of a device in `/proc/misc`.
fn minor_of(listed: &str, name: &str) -> Option<u32> {
    let mut lines = listed.lines().map(str::split_whitespace);
    lines.find_map(|mut line| {
        let minor = line.next()?.parse().ok()?;
        (line.next()? == name).then_some(minor)
    })
}

/// Sees to it that there is a node of this kind and number.
pub(super) fn node(path: &Path, kind: FileType, number: DeviceNumber) -> io::Result<()> {
    let dev = rustix::fs::makedev(number.major, number.minor);
    // Through a link of udev's.
    let is_it = || match fs::metadata(path) {
        Ok(found) => Ok(found.rdev() == dev && is_kind(&found, kind)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    if is_it()? {
        return Ok(());
    }
    let found = fs::symlink_metadata(path);
    if found.is_ok_and(|found| found.is_symlink() || found.file_type().is_block_device()) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // The device is root's alone: what is on it may be anybody's.
    let made = mknodat(rustix::fs::CWD, path, kind, Mode::RUSR | Mode::WUSR, dev);
    match made {
        // udev was faster.
        Err(rustix::io::Errno::EXIST) if is_it()? => Ok(()),
        other => Ok(other?),
    }
}

fn is_kind(found: &fs::Metadata, kind: FileType) -> bool {
    match kind {
        FileType::BlockDevice => found.file_type().is_block_device(),
        _ => found.file_type().is_char_device(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_number_is_found_by_the_whole_name() {
        let listed = "237 loop-control\n236 device-mapper\n130 device-mapper-x\n";
        assert_eq!(minor_of(listed, "device-mapper"), Some(236));
        assert_eq!(minor_of(listed, "mapper"), None);
        assert_eq!(minor_of("", "device-mapper"), None);
    }

    #[test]
    fn what_is_no_node_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let nodes = Nodes(dir.path().to_owned());
        let name = DeviceName::new("web").unwrap();
        fs::write(nodes.path(&name), "a file").unwrap();
        nodes.forget(&name).unwrap();
        assert!(nodes.path(&name).is_file());
        fs::remove_file(nodes.path(&name)).unwrap();
        nodes.forget(&name).unwrap();
        std::os::unix::fs::symlink("../dm-7", nodes.path(&name)).unwrap();
        nodes.forget(&name).unwrap();
        assert!(fs::symlink_metadata(nodes.path(&name)).is_err());
    }
}
