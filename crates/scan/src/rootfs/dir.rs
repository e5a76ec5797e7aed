//! A directory of the host as a root filesystem. Every step is taken from an open directory, by a name
//! that may not be a link; links are followed by reading them, and `..` goes back to a directory that was
//! come through. So nothing that changes meanwhile leads out of it.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            ffi::OsStrExt,
            fs::{FileExt, MetadataExt},
        },
    },
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat},
    io::Errno,
};

use super::{Enough, FileKind, Rootfs, RootfsEntry, RootfsError, RootfsFile, Visited};

/// Links that are followed on the way to one thing (`MAXSYMLINKS` of the kernel).
const MAX_SYMLINKS: usize = 40;

/// Directories below each other that are gone into: a walk holds one descriptor for each.
const MAX_DEPTH: usize = 512;

/// A directory of the host, from which nothing leads out.
#[derive(Debug)]
pub struct DirRootfs {
    root: OwnedFd,
}

/// Where a path leads.
enum Found {
    Directory(OwnedFd),
    Other {
        dir: OwnedFd,
        name: Vec<u8>,
        kind: FileKind,
    },
}

impl DirRootfs {
    /// Takes a directory of the host as a root filesystem.
    ///
    /// # Errors
    /// Of opening it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { root })
    }

    fn resolve(&self, path: &[u8]) -> Result<Found, RootfsError> {
        let mut links = 0;
        // The directories on the way down, without the root.
        let mut way: Vec<OwnedFd> = Vec::new();
        let mut left: Vec<Vec<u8>> = parts(path).rev().map(<[u8]>::to_vec).collect();
        while let Some(part) = left.pop() {
            if part == b".." {
                way.pop();
                continue;
            }
            let at = way.last().unwrap_or(&self.root);
            match kind_at(at, &part)? {
                FileKind::Directory if way.len() < MAX_DEPTH => way.push(open_dir(at, &part)?),
                FileKind::Directory => return Err(RootfsError::Missing),
                FileKind::Symlink => {
                    links += 1;
                    let target =
                        readlinkat(at, OsStr::from_bytes(&part), Vec::new()).map_err(trouble)?;
                    if links > MAX_SYMLINKS || left.len() > MAX_DEPTH {
                        return Err(RootfsError::Missing);
                    }
                    if target.as_bytes().starts_with(b"/") {
                        way.clear();
                    }
                    left.extend(parts(target.as_bytes()).rev().map(<[u8]>::to_vec));
                }
                kind if left.is_empty() => {
                    let dir = at.try_clone().map_err(RootfsError::Host)?;
                    return Ok(Found::Other {
                        dir,
                        name: part,
                        kind,
                    });
                }
                FileKind::File | FileKind::Special => return Err(RootfsError::Missing),
            }
        }
        let dir = match way.pop() {
            Some(dir) => dir,
            None => self.root.try_clone().map_err(RootfsError::Host)?,
        };
        Ok(Found::Directory(dir))
    }
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

fn kind_at(dir: impl AsFd, name: &[u8]) -> Result<FileKind, RootfsError> {
    let stat = statat(dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).map_err(trouble)?;
    Ok(kind_of(FileType::from_raw_mode(stat.st_mode)))
}

fn kind_of(file_type: FileType) -> FileKind {
    match file_type {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Special,
    }
}

fn open_dir(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd, RootfsError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(dir, OsStr::from_bytes(name), flags, Mode::empty()).map_err(trouble)
}

fn trouble(error: Errno) -> RootfsError {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL => {
            RootfsError::Missing
        }
        other => RootfsError::Host(other.into()),
    }
}

/// The names in a directory, in their order.
fn names(dir: &OwnedFd, limit: usize) -> Result<Vec<Vec<u8>>, RootfsError> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if names.len() == limit {
            return Err(RootfsError::TooMany { limit });
        }
        names.push(name.to_vec());
    }
    names.sort();
    Ok(names)
}

impl Rootfs for DirRootfs {
    fn open(&self, path: &[u8]) -> Result<Box<dyn RootfsFile + '_>, RootfsError> {
        let wrong = |found| RootfsError::WrongKind {
            found,
            expected: FileKind::File,
        };
        let (dir, name) = match self.resolve(path)? {
            Found::Directory(_) => return Err(wrong(FileKind::Directory)),
            Found::Other {
                dir,
                name,
                kind: FileKind::File,
            } => (dir, name),
            Found::Other { kind, .. } => return Err(wrong(kind)),
        };
        // It may have become a pipe since it was looked at: that is not waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&dir, OsStr::from_bytes(&name), flags, Mode::empty()).map_err(trouble)?;
        let kind = kind_of(FileType::from_raw_mode(
            fstat(&file).map_err(trouble)?.st_mode,
        ));
        if kind != FileKind::File {
            return Err(wrong(kind));
        }
        let file = File::from(file);
        let size = file.metadata().map_err(RootfsError::Host)?.size();
        Ok(Box::new(HostFile { file, size }))
    }

    fn list(&self, path: &[u8], limit: usize) -> Result<Vec<RootfsEntry>, RootfsError> {
        let dir = match self.resolve(path)? {
            Found::Directory(dir) => dir,
            Found::Other { kind, .. } => {
                return Err(RootfsError::WrongKind {
                    found: kind,
                    expected: FileKind::Directory,
                });
            }
        };
        let mut entries = Vec::new();
        for name in names(&dir, limit)? {
            let kind = kind_at(&dir, &name)?;
            entries.push(RootfsEntry { name, kind });
        }
        Ok(entries)
    }

    fn walk(&self, visit: &mut dyn FnMut(Visited<'_>) -> Enough) -> Result<(), RootfsError> {
        let root = self.root.try_clone().map_err(RootfsError::Host)?;
        let below = names(&root, usize::MAX)?;
        let mut stack = vec![(root, below.into_iter())];
        let mut path = Vec::new();
        while let Some((dir, names_left)) = stack.last_mut() {
            let Some(name) = names_left.next() else {
                stack.pop();
                let parent = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                path.truncate(parent);
                continue;
            };
            let stat = match statat(&*dir, OsStr::from_bytes(&name), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // Taken away since the directory was read.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(trouble(error)),
            };
            let parent = path.len();
            if parent > 0 {
                path.push(b'/');
            }
            path.extend(&name);
            let kind = kind_of(FileType::from_raw_mode(stat.st_mode));
            let enough = visit(Visited {
                path: &path,
                kind,
                executable: stat.st_mode & 0o111 != 0,
                size: u64::try_from(stat.st_size).unwrap_or(0),
            });
            if enough == Enough::Yes {
                return Ok(());
            }
            if kind == FileKind::Directory {
                if stack.len() == MAX_DEPTH {
                    return Err(RootfsError::TooMany { limit: MAX_DEPTH });
                }
                let (dir, _) = stack.last().expect("the walk is in a directory");
                let below = open_dir(dir, &name)?;
                let inside = names(&below, usize::MAX)?;
                stack.push((below, inside.into_iter()));
            } else {
                path.truncate(parent);
            }
        }
        Ok(())
    }
}

/// A regular file of the host.
#[derive(Debug)]
struct HostFile {
    file: File,
    size: u64,
}

impl RootfsFile for HostFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, RootfsError> {
        if offset >= self.size {
            return Ok(0);
        }
        loop {
            match self.file.read_at(buf, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(RootfsError::Host),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;
    use crate::rootfs::conformance::{SAMPLE, Sample, rootfs_conforms};

    #[test]
    fn it_conforms() {
        let root = tempfile::tempdir().expect("a directory for the test");
        for sample in SAMPLE {
            let at = |path: &str| root.path().join(path);
            let write = |path: &str, bytes: &[u8], mode| {
                fs::write(at(path), bytes).expect("a file");
                fs::set_permissions(at(path), fs::Permissions::from_mode(mode)).expect("its mode");
            };
            match *sample {
                Sample::File(path, bytes) => write(path, bytes, 0o644),
                Sample::Executable(path, bytes) => write(path, bytes, 0o755),
                Sample::Dir(path) => fs::create_dir(at(path)).expect("a directory"),
                Sample::Symlink(path, target) => symlink(target, at(path)).expect("a link"),
                Sample::Fifo(path) => {
                    let made = std::process::Command::new("mkfifo").arg(at(path)).status();
                    assert!(made.expect("mkfifo runs").success());
                }
            }
        }
        rootfs_conforms(&DirRootfs::open(root.path()).expect("it was just made"));
    }
}
