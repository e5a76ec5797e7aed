//! The filesystem on a disk as the root filesystem that a scanner looks into.
//!
//! `/lost+found` belongs to the filesystem while it is empty, and is not seen then. What an image puts there
//! is the image's.

use longshore_ext4::{Error, Follow, InodeNumber, Kind, ReadAt, Reader};
use longshore_scan::{Enough, FileKind, Rootfs, RootfsEntry, RootfsError, RootfsFile, Visited};

const LOST_AND_FOUND: &[u8] = b"lost+found";

/// A filesystem of any make, as a root filesystem.
#[derive(Debug)]
pub(crate) struct DiskRootfs<D>(pub(crate) Reader<D>);

impl<D: ReadAt> DiskRootfs<D> {
    /// What a path leads to, and what that is.
    fn find(&self, path: &[u8]) -> Result<longshore_ext4::Stat, RootfsError> {
        let found = self.0.resolve(path, Follow::Last).map_err(on_the_way)?;
        self.0.stat(found).map_err(trouble)
    }

    fn is_own(&self, dir: InodeNumber, name: &[u8], inode: InodeNumber) -> Result<bool, Error> {
        if dir != self.0.root() || name != LOST_AND_FOUND {
            return Ok(false);
        }
        if self.0.stat(inode)?.kind != Kind::Directory {
            return Ok(false);
        }
        Ok(self.0.children(inode)?.next().transpose()?.is_none())
    }
}

impl<D: ReadAt> Rootfs for DiskRootfs<D> {
    fn open(&self, path: &[u8]) -> Result<Box<dyn RootfsFile + '_>, RootfsError> {
        let stat = self.find(path)?;
        match kind(stat.kind) {
            FileKind::File => Ok(Box::new(DiskRootfsFile {
                reader: &self.0,
                inode: stat.inode,
                size: stat.size,
            })),
            found => Err(RootfsError::WrongKind {
                found,
                expected: FileKind::File,
            }),
        }
    }

    fn list(&self, path: &[u8], limit: usize) -> Result<Vec<RootfsEntry>, RootfsError> {
        let stat = self.find(path)?;
        if stat.kind != Kind::Directory {
            return Err(RootfsError::WrongKind {
                found: kind(stat.kind),
                expected: FileKind::Directory,
            });
        }
        let mut entries = Vec::new();
        for child in self.0.children(stat.inode).map_err(trouble)? {
            let child = child.map_err(trouble)?;
            let own = self.is_own(stat.inode, &child.name, child.inode);
            if own.map_err(trouble)? {
                continue;
            }
            if entries.len() == limit {
                return Err(RootfsError::TooMany { limit });
            }
            let found = self.0.stat(child.inode).map_err(trouble)?;
            entries.push(RootfsEntry {
                name: child.name,
                kind: kind(found.kind),
            });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        if entries.windows(2).any(|pair| pair[0].name == pair[1].name) {
            let what = format!("{}: a name of it is there twice", stat.inode);
            return Err(RootfsError::Damaged(what));
        }
        Ok(entries)
    }

    /// Goes on after damage, with what can still be reached, and answers the first of it at the end. A disk
    /// that fails ends it.
    fn walk(&self, visit: &mut dyn FnMut(Visited<'_>) -> Enough) -> Result<(), RootfsError> {
        let mut first = None;
        let mut walk = self.0.walk(self.0.root());
        while let Some(step) = walk.next() {
            let step = step.and_then(|step| {
                let own = self.is_own(step.dir, &step.entry.name, step.entry.inode)?;
                Ok((step, own))
            });
            let stat = match step {
                Ok((_, true)) => {
                    walk.leave_out();
                    continue;
                }
                Ok((step, false)) => step.stat,
                Err(error) => match trouble(error) {
                    RootfsError::Host(error) => return Err(RootfsError::Host(error)),
                    damage => {
                        first.get_or_insert(damage);
                        continue;
                    }
                },
            };
            let kind = kind(stat.kind);
            let visited = Visited {
                path: walk.path(),
                kind,
                executable: stat.permissions.bits() & 0o111 != 0,
                size: if kind == FileKind::File { stat.size } else { 0 },
            };
            if visit(visited) == Enough::Yes {
                return Ok(());
            }
        }
        first.map_or(Ok(()), Err)
    }
}

/// A regular file on a disk.
struct DiskRootfsFile<'a, D> {
    reader: &'a Reader<D>,
    inode: InodeNumber,
    size: u64,
}

impl<D: ReadAt> RootfsFile for DiskRootfsFile<'_, D> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, RootfsError> {
        if offset >= self.size {
            return Ok(0);
        }
        self.reader.read(self.inode, offset, buf).map_err(trouble)
    }
}

fn kind(kind: Kind) -> FileKind {
    match kind {
        Kind::File => FileKind::File,
        Kind::Directory => FileKind::Directory,
        Kind::Symlink => FileKind::Symlink,
        Kind::CharDevice { .. } | Kind::BlockDevice { .. } | Kind::Fifo | Kind::Socket => {
            FileKind::Special
        }
    }
}

/// What stops a path before its end: most of it is only a way that leads nowhere.
fn on_the_way(error: Error) -> RootfsError {
    match error {
        Error::NotFound { .. }
        | Error::WrongKind { .. }
        | Error::TooManySymlinks { .. }
        | Error::SymlinkTarget { .. }
        | Error::NameTooLong { .. }
        | Error::InvalidName { .. } => RootfsError::Missing,
        other => trouble(other),
    }
}

fn trouble(error: Error) -> RootfsError {
    match error {
        Error::Device { source, .. } => RootfsError::Host(source),
        Error::Corrupt { what, place } => RootfsError::Damaged(format!("{place}: {what}")),
        // What a name leads to and is not in use; what is encrypted, without its key.
        other => RootfsError::Damaged(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use longshore_ext4::{
        Device, Filesystem, Format, MIN_SIZE, MemoryDevice, Metadata, New, Open, Permissions,
    };
    use longshore_scan::{SAMPLE, Sample, read_some, rootfs_conforms};

    use super::*;

    fn metadata(mode: u32) -> Metadata {
        Metadata {
            permissions: Permissions::new(mode).unwrap(),
            ..Metadata::default()
        }
    }

    fn sample() -> MemoryDevice {
        let device = MemoryDevice::new(MIN_SIZE);
        let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
        for sample in SAMPLE {
            let (path, mode, new, bytes) = match *sample {
                Sample::File(path, bytes) => (path, 0o644, file(bytes), bytes),
                Sample::Executable(path, bytes) => (path, 0o755, file(bytes), bytes),
                Sample::Dir(path) => (path, 0o755, New::Directory, &b""[..]),
                Sample::Symlink(path, to) => (path, 0o777, New::Symlink(to.as_bytes()), &b""[..]),
                Sample::Fifo(path) => (path, 0o644, New::Fifo, &b""[..]),
            };
            let mut dir = filesystem.root();
            let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
            for part in dirs.split('/').filter(|part| !part.is_empty()) {
                dir = filesystem.lookup(dir, part.as_bytes()).unwrap().unwrap();
            }
            let made = filesystem.create(dir, name.as_bytes(), new, &metadata(mode));
            let made = made.unwrap();
            if !bytes.is_empty() {
                filesystem.write(made, 0, bytes).unwrap();
            }
            if matches!(new, New::File { .. }) {
                filesystem.close(made).unwrap();
            }
        }
        filesystem.commit().unwrap();
        filesystem.into_device()
    }

    fn file(bytes: &[u8]) -> New<'_> {
        New::File {
            size: bytes.len() as u64,
        }
    }

    fn rootfs(device: MemoryDevice) -> DiskRootfs<MemoryDevice> {
        DiskRootfs(Reader::open(device, Open::default()).unwrap())
    }

    #[test]
    fn it_conforms() {
        rootfs_conforms(&rootfs(sample()));
    }

    #[test]
    fn what_is_in_lost_and_found_is_seen() {
        let mut filesystem = Filesystem::open(sample()).unwrap();
        let root = filesystem.root();
        let own = filesystem.lookup(root, LOST_AND_FOUND).unwrap().unwrap();
        let new = New::File { size: 0 };
        filesystem
            .create(own, b"hidden", new, &metadata(0o755))
            .unwrap();
        filesystem.commit().unwrap();
        let rootfs = rootfs(filesystem.into_device());
        let mut seen = Vec::new();
        let walked = rootfs.walk(&mut |visited| {
            seen.push(visited.path.to_vec());
            Enough::No
        });
        walked.unwrap();
        assert!(seen.contains(&b"lost+found/hidden".to_vec()));
        assert_eq!(rootfs.list(b"lost+found", 9).unwrap().len(), 1);
        assert_eq!(rootfs.list(b"", 9).unwrap().len(), 7);
    }

    #[test]
    fn names_that_cannot_be_are_missing() {
        let rootfs = rootfs(sample());
        for path in [vec![b'x'; 300], b"dir/\0".to_vec(), vec![b'x'; 5000]] {
            assert!(matches!(rootfs.open(&path), Err(RootfsError::Missing)));
        }
    }

    /// Asks for everything; true where all of it was there.
    fn look_at_all(rootfs: &dyn Rootfs) -> bool {
        let mut paths = Vec::new();
        let walked = rootfs.walk(&mut |visited| {
            paths.push((visited.path.to_vec(), visited.kind));
            Enough::No
        });
        let mut whole = walked.is_ok();
        for (path, kind) in paths {
            whole &= match kind {
                FileKind::File => rootfs
                    .open(&path)
                    .and_then(|file| read_some(&*file, 0, 100))
                    .is_ok(),
                FileKind::Directory => rootfs.list(&path, 100).is_ok(),
                _ => rootfs.open(&path).is_err(),
            };
        }
        whole
    }

    #[test]
    fn damage_is_an_error_and_no_panic() {
        let intact = sample();
        let pages: Vec<u64> = intact.written_pages().collect();
        let (mut opened, mut damaged) = (0, 0);
        for page in pages {
            for (at, bit) in [
                (0, 1),
                (26, 0x40),
                (40, 0xff),
                (160, 1),
                (300, 0x80),
                (1100, 3),
            ] {
                let mut device = intact.clone();
                let mut byte = [0];
                Device::read_at(&device, page + at, &mut byte).unwrap();
                device.write_at(page + at, &[byte[0] ^ bit]).unwrap();
                let Ok(reader) = Reader::open(device, Open { unclean: true }) else {
                    continue;
                };
                opened += 1;
                damaged += u32::from(!look_at_all(&DiskRootfs(reader)));
            }
        }
        assert!(opened > 50 && damaged > 5, "{damaged} of {opened}");
    }

    #[test]
    fn a_walk_goes_on_after_damage_and_tells_of_it_at_the_end() {
        let intact = sample();
        let reader = Reader::open(intact.clone(), Open::default()).unwrap();
        let all = count(&DiskRootfs(reader)).0;
        let damaged = intact.written_pages().any(|page| {
            let mut device = intact.clone();
            device.write_at(page, &[0xff; 32]).unwrap();
            let Ok(reader) = Reader::open(device, Open { unclean: true }) else {
                return false;
            };
            let (seen, walked) = count(&DiskRootfs(reader));
            let told = matches!(walked, Err(RootfsError::Damaged(_)));
            // The directory `dir` cannot be read any more, and what stands beside it can.
            told && seen > 1 && seen < all
        });
        assert!(damaged);
    }

    fn count(rootfs: &dyn Rootfs) -> (usize, Result<(), RootfsError>) {
        let mut seen = 0;
        let walked = rootfs.walk(&mut |_| {
            seen += 1;
            Enough::No
        });
        (seen, walked)
    }
}
