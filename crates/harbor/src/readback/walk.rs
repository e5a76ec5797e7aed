//! A tree on this host as a manifest.
//!
//! Names are opened relative to open directories and links are never followed, so that neither the
//! length of a path nor what a link says matters.

use std::ffi::CStr;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use sha2::{Digest, Sha256};

use super::tool::Unreadable;
use crate::manifest::{Kind, Manifest, Node, Xattrs};

type Found = Vec<(Vec<u8>, (u64, u64), Node)>;

/// Everything at and below `root`.
pub fn directory(root: &Path) -> Result<Manifest, Unreadable> {
    tree(root, false)
}

/// Everything at and below `root`; `lost+found` in it is left out if `filesystem` says that `root`
/// is a filesystem's.
pub(super) fn tree(root: &Path, filesystem: bool) -> Result<Manifest, Unreadable> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let walked = || -> rustix::io::Result<Found> {
        let top = fs::openat(CWD, root, flags, Mode::empty())?;
        let mut found = Vec::new();
        let stat = fs::fstat(&top)?;
        let xattrs = xattrs(&format!("/proc/self/fd/{}", top.as_raw_fd()))?;
        found.push((Vec::new(), key(&stat), node(&stat, Kind::Directory, xattrs)));
        below(&top, b"", filesystem, &mut found)?;
        Ok(found)
    };
    walked()
        .map(Manifest::of_inodes)
        .map_err(|error| Unreadable::io("walk", root)(error.into()))
}

fn below(dir: &OwnedFd, path: &[u8], skip_lost: bool, found: &mut Found) -> rustix::io::Result<()> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let bytes = name.to_bytes();
        if bytes == b"." || bytes == b".." || (skip_lost && bytes == b"lost+found") {
            continue;
        }
        let mut below_path = path.to_vec();
        if !path.is_empty() {
            below_path.push(b'/');
        }
        below_path.extend_from_slice(bytes);
        let stat = fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = kind(dir, name, &stat)?;
        let is_dir = kind == Kind::Directory;
        let xattrs = xattrs_at(dir, name)?;
        found.push((below_path.clone(), key(&stat), node(&stat, kind, xattrs)));
        if is_dir {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let child = fs::openat(dir, name, flags, Mode::empty())?;
            below(&child, &below_path, false, found)?;
        }
    }
    Ok(())
}

fn key(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn node(stat: &Stat, kind: Kind, xattrs: Xattrs) -> Node {
    let nanos = u32::try_from(stat.st_mtime_nsec).expect("less than a second");
    Node {
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: (stat.st_mtime, nanos),
        xattrs,
        group: None,
    }
}

fn kind(dir: &OwnedFd, name: &CStr, stat: &Stat) -> rustix::io::Result<Kind> {
    let device = (fs::major(stat.st_rdev), fs::minor(stat.st_rdev));
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => file(dir, name)?,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink(fs::readlinkat(dir, name, Vec::new())?.into_bytes()),
        FileType::CharacterDevice => Kind::CharDevice(device.0, device.1),
        FileType::BlockDevice => Kind::BlockDevice(device.0, device.1),
        FileType::Fifo => Kind::Fifo,
        _ => Kind::Socket,
    })
}

fn file(dir: &OwnedFd, name: &CStr) -> rustix::io::Result<Kind> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = fs::openat(dir, name, flags, Mode::empty())?;
    let (size, sha256) = hash(&mut std::fs::File::from(file)).map_err(|error| {
        error
            .raw_os_error()
            .map_or(rustix::io::Errno::IO, rustix::io::Errno::from_raw_os_error)
    })?;
    Ok(Kind::File { size, sha256 })
}

/// Length and SHA-256 of all that a reader gives.
pub(super) fn hash(reader: &mut impl Read) -> std::io::Result<(u64, [u8; 32])> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok((size, hash.finalize().into()));
        }
        hash.update(&buffer[..count]);
        size += u64::try_from(count).expect("a length in memory");
    }
}

/// There is no `lgetxattrat`; the directory's descriptor serves as the path that leads to it.
fn xattrs_at(dir: &OwnedFd, name: &CStr) -> rustix::io::Result<Xattrs> {
    let mut path = format!("/proc/self/fd/{}/", dir.as_raw_fd()).into_bytes();
    path.extend_from_slice(name.to_bytes());
    let mut names = vec![0; 64 * 1024];
    let count = fs::llistxattr(path.as_slice(), names.as_mut_slice())?;
    values(&names[..count], |attribute, value| {
        fs::lgetxattr(path.as_slice(), attribute, value)
    })
}

fn xattrs(path: &str) -> rustix::io::Result<Xattrs> {
    let mut names = vec![0; 64 * 1024];
    let count = fs::listxattr(path, names.as_mut_slice())?;
    values(&names[..count], |attribute, value| {
        fs::getxattr(path, attribute, value)
    })
}

fn values(
    names: &[u8],
    get: impl Fn(&[u8], &mut [u8]) -> rustix::io::Result<usize>,
) -> rustix::io::Result<Xattrs> {
    let mut found = Xattrs::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        // The kernel's limit on a value, XATTR_SIZE_MAX (linux/limits.h).
        let mut value = vec![0; 64 * 1024];
        let count = get(name, &mut value)?;
        value.truncate(count);
        found.insert(name.to_vec(), value);
    }
    Ok(found)
}
