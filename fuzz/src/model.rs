//! What a filesystem should hold: a tree in memory that knows nothing of blocks.

use std::collections::BTreeMap;

use longshore_ext4::{
    Device, Error, Filesystem, InodeNumber, Kind, MemoryDevice, Metadata, New, Permissions,
};

use crate::operation::{Make, Operation};

/// The tree.
#[derive(Debug)]
pub(crate) struct Model {
    nodes: BTreeMap<InodeNumber, Node>,
}

#[derive(Debug)]
struct Node {
    body: Body,
    metadata: Metadata,
    links: u16,
}

#[derive(Debug)]
enum Body {
    Directory(BTreeMap<Vec<u8>, InodeNumber>),
    /// The size, and what is written where.
    File(u64, Vec<(u64, Vec<u8>)>),
    Symlink(Vec<u8>),
    Special(Kind),
}

/// The filesystem is full, so nothing more can be said of it.
#[derive(Debug)]
pub(crate) struct Full;

type Fs = Filesystem<MemoryDevice>;

impl Model {
    /// What a new filesystem holds.
    pub(crate) fn new(filesystem: &Fs) -> Self {
        let root = filesystem.root();
        let found = filesystem.lookup(root, b"lost+found");
        let found = found.expect("it can be read").expect("it is there");
        let directory = |entries, mode, links| Node {
            body: Body::Directory(entries),
            metadata: Metadata {
                permissions: Permissions::new(mode).expect("at most twelve bits"),
                ..Metadata::default()
            },
            links,
        };
        let entries = BTreeMap::from([(b"lost+found".to_vec(), found)]);
        let nodes = [
            (root, directory(entries, 0o755, 3)),
            (found, directory(BTreeMap::new(), 0o700, 2)),
        ];
        Self {
            nodes: nodes.into(),
        }
    }

    /// Does the same to both.
    pub(crate) fn apply(&mut self, filesystem: &mut Fs, operation: &Operation) -> Result<(), Full> {
        match operation {
            Operation::File {
                dir,
                name,
                metadata,
                pieces,
                tail,
            } => {
                let mut writes = Vec::new();
                let mut size = 0;
                for piece in pieces {
                    size += piece.skip as u64;
                    writes.push((size, piece.bytes.clone()));
                    size += piece.bytes.len() as u64;
                }
                let body = Body::File(size + *tail as u64, writes);
                self.create(filesystem, *dir, name, metadata, body)
            }
            Operation::Comb { dir, name, teeth } => {
                let writes: Vec<_> = (0..*teeth)
                    .map(|nth| (nth as u64 * 8192, vec![b't'; 100]))
                    .collect();
                let body = Body::File(*teeth as u64 * 8192, writes);
                self.create(filesystem, *dir, name, &Metadata::default(), body)
            }
            Operation::Many { dir, count, length } => {
                for nth in 0..*count {
                    let mut name = format!("{nth:03}").into_bytes();
                    name.resize(*length, b'm');
                    let body = Body::File(0, Vec::new());
                    self.create(filesystem, *dir, &name, &Metadata::default(), body)?;
                }
                Ok(())
            }
            Operation::Make {
                dir,
                name,
                metadata,
                what,
            } => {
                let body = match what {
                    Make::Directory => Body::Directory(BTreeMap::new()),
                    Make::Symlink(length) => Body::Symlink(vec![b's'; *length]),
                    Make::Special(kind) => Body::Special(*kind),
                };
                self.create(filesystem, *dir, name, metadata, body)
            }
            Operation::Link { dir, name, node } => self.link(filesystem, *dir, name, *node),
            Operation::Unlink { dir, nth } => self.unlink(filesystem, *dir, *nth),
            Operation::SetMetadata { node, metadata } => {
                let inode = pick(self.nodes.keys(), *node);
                match filesystem.set_metadata(inode, metadata) {
                    Err(Error::XattrsDoNotFit { .. }) if !metadata.xattrs.is_empty() => Ok(()),
                    result => {
                        done(result)?;
                        self.node(inode).metadata = metadata.clone();
                        Ok(())
                    }
                }
            }
            Operation::Commit | Operation::Reopen => done(filesystem.commit()),
        }
    }

    fn node(&mut self, inode: InodeNumber) -> &mut Node {
        self.nodes
            .get_mut(&inode)
            .expect("the model knows its own nodes")
    }

    fn pick_directory(&self, nth: u8) -> InodeNumber {
        let directories = self
            .nodes
            .iter()
            .filter_map(|(inode, node)| matches!(node.body, Body::Directory(_)).then_some(inode));
        pick(directories, nth)
    }

    fn entries(&mut self, dir: InodeNumber) -> &mut BTreeMap<Vec<u8>, InodeNumber> {
        match &mut self.node(dir).body {
            Body::Directory(entries) => entries,
            body => panic!("{body:?} is no directory"),
        }
    }

    fn create(
        &mut self,
        filesystem: &mut Fs,
        dir: u8,
        name: &[u8],
        metadata: &Metadata,
        body: Body,
    ) -> Result<(), Full> {
        let dir = self.pick_directory(dir);
        let new = match &body {
            Body::Directory(_) => New::Directory,
            Body::File(size, _) => New::File { size: *size },
            Body::Symlink(target) => New::Symlink(target),
            Body::Special(Kind::CharDevice { major, minor }) => New::CharDevice {
                major: *major,
                minor: *minor,
            },
            Body::Special(Kind::BlockDevice { major, minor }) => New::BlockDevice {
                major: *major,
                minor: *minor,
            },
            Body::Special(Kind::Fifo) => New::Fifo,
            Body::Special(_) => New::Socket,
        };
        let inode = match filesystem.create(dir, name, new, metadata) {
            Err(error) => return self.expect_refused(dir, name, metadata, error),
            Ok(inode) => inode,
        };
        assert!(is_name(name) && !self.entries(dir).contains_key(name));
        if let Body::File(_, writes) = &body {
            for (offset, bytes) in writes {
                done(filesystem.write(inode, *offset, bytes))?;
            }
            done(filesystem.close(inode))?;
        }
        self.entries(dir).insert(name.to_vec(), inode);
        let links = match body {
            Body::Directory(_) => {
                self.node(dir).links += 1;
                2
            }
            _ => 1,
        };
        let metadata = metadata.clone();
        let node = Node {
            body,
            metadata,
            links,
        };
        assert!(
            self.nodes.insert(inode, node).is_none(),
            "{inode} was in use"
        );
        Ok(())
    }

    /// Whether the filesystem was right in not making a node.
    fn expect_refused(
        &mut self,
        dir: InodeNumber,
        name: &[u8],
        metadata: &Metadata,
        error: Error,
    ) -> Result<(), Full> {
        let right = match error {
            Error::AlreadyExists { .. } => self.entries(dir).contains_key(name),
            Error::NameTooLong { .. } => name.len() > 255,
            Error::InvalidName { .. } => !is_name(name),
            Error::XattrsDoNotFit { .. } => !metadata.xattrs.is_empty(),
            Error::NoSpace | Error::NoInodes => return Err(Full),
            _ => false,
        };
        assert!(right, "{error:?}");
        Ok(())
    }

    fn link(&mut self, filesystem: &mut Fs, dir: u8, name: &[u8], node: u8) -> Result<(), Full> {
        let (dir, target) = (self.pick_directory(dir), pick(self.nodes.keys(), node));
        let result = filesystem.link(dir, name, target);
        let is_directory = matches!(self.node(target).body, Body::Directory(_));
        match result {
            Err(Error::IsADirectory { .. }) if is_directory => return Ok(()),
            Err(error) => return self.expect_refused(dir, name, &Metadata::default(), error),
            Ok(()) => assert!(!is_directory && is_name(name)),
        }
        self.node(target).links += 1;
        let before = self.entries(dir).insert(name.to_vec(), target);
        assert_eq!(before, None);
        Ok(())
    }

    fn unlink(&mut self, filesystem: &mut Fs, dir: u8, nth: u8) -> Result<(), Full> {
        let dir = self.pick_directory(dir);
        let names: Vec<_> = self.entries(dir).keys().cloned().collect();
        if names.is_empty() {
            let result = filesystem.unlink(dir, b"absent");
            assert!(matches!(result, Err(Error::NotFound { .. })));
            return Ok(());
        }
        let name = &names[usize::from(nth) % names.len()];
        let target = self.entries(dir)[name];
        let result = filesystem.unlink(dir, name);
        let node = self.node(target);
        match &node.body {
            Body::Directory(entries) if !entries.is_empty() => {
                assert!(matches!(result, Err(Error::NotEmpty { .. })));
                return Ok(());
            }
            Body::Directory(_) => {
                self.nodes.remove(&target);
                self.node(dir).links -= 1;
            }
            _ if node.links > 1 => node.links -= 1,
            _ => drop(self.nodes.remove(&target)),
        }
        done(result)?;
        self.entries(dir).remove(name);
        Ok(())
    }

    /// Reads all of a filesystem.
    ///
    /// # Panics
    /// Where it holds anything else.
    pub(crate) fn assert_same<D: Device>(&self, filesystem: &Filesystem<D>) {
        for (inode, node) in &self.nodes {
            let stat = filesystem.stat(*inode).expect("it can be read");
            let metadata = Metadata {
                permissions: stat.permissions,
                uid: stat.uid,
                gid: stat.gid,
                mtime: stat.mtime,
                xattrs: filesystem.xattrs(*inode).expect("it can be read"),
            };
            assert_eq!(metadata, node.metadata, "{inode}");
            assert_eq!(stat.links, node.links, "{inode}");
            match &node.body {
                Body::Directory(entries) => {
                    assert_eq!(stat.kind, Kind::Directory);
                    let found = filesystem.children(*inode).expect("it can be read");
                    assert_eq!(found.len(), entries.len());
                    for child in found {
                        assert_eq!(entries.get(&child.name), Some(&child.inode));
                        let again = filesystem.lookup(*inode, &child.name);
                        assert_eq!(again.expect("it can be read"), Some(child.inode));
                    }
                }
                Body::File(size, writes) => {
                    assert_eq!((stat.kind, stat.size), (Kind::File, *size));
                    assert_content(filesystem, *inode, *size, writes);
                }
                Body::Symlink(target) => {
                    let found = filesystem.read_link(*inode).expect("it can be read");
                    assert_eq!(found, *target);
                }
                Body::Special(kind) => assert_eq!(stat.kind, *kind),
            }
        }
        let usage = filesystem.usage();
        // Ten inodes are reserved, the root among them.
        let used = usize::try_from(usage.inodes - usage.free_inodes);
        assert_eq!(used, Ok(self.nodes.len() + 10 - 1));
    }
}

fn assert_content<D: Device>(
    filesystem: &Filesystem<D>,
    inode: InodeNumber,
    size: u64,
    writes: &[(u64, Vec<u8>)],
) {
    let mut buffer = Vec::new();
    let mut read = |offset: u64, length: usize| {
        buffer.clear();
        buffer.resize(length, 1);
        let count = filesystem.read(inode, offset, &mut buffer);
        assert_eq!(count.expect("it can be read"), length);
        std::mem::take(&mut buffer)
    };
    let mut at = 0;
    for (offset, bytes) in writes {
        let hole = usize::try_from(offset - at).expect("a hole that was drawn");
        assert!(read(at, hole).iter().all(|byte| *byte == 0), "{inode}");
        assert!(read(*offset, bytes.len()) == *bytes, "{inode}");
        at = offset + bytes.len() as u64;
    }
    let rest = usize::try_from((size - at).min(9000)).expect("it is little");
    assert!(read(at, rest).iter().all(|byte| *byte == 0), "{inode}");
    let rest = usize::try_from((size - at).min(100)).expect("it is little");
    let last = read(size - rest as u64, rest);
    assert!(last.iter().all(|byte| *byte == 0), "{inode}");
}

fn done(result: Result<(), Error>) -> Result<(), Full> {
    match result {
        Ok(()) => Ok(()),
        Err(Error::NoSpace | Error::NoInodes) => Err(Full),
        Err(error) => panic!("{error:?}"),
    }
}

fn is_name(name: &[u8]) -> bool {
    (1..=255).contains(&name.len())
        && !name.contains(&b'/')
        && !name.contains(&0)
        && !matches!(name, b"." | b"..")
}

fn pick<'a>(inodes: impl Iterator<Item = &'a InodeNumber> + Clone, nth: u8) -> InodeNumber {
    let count = inodes.clone().count();
    let mut inodes = inodes;
    *inodes
        .nth(usize::from(nth) % count)
        .expect("the root is always there")
}
