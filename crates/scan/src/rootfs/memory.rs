//! A root filesystem in memory, for tests.

use std::collections::BTreeMap;

use super::{Enough, FileKind, Rootfs, RootfsEntry, RootfsError, RootfsFile, Visited};

/// A root filesystem in memory: paths and what is at them. Directories on the way are made.
#[derive(Debug, Clone, Default)]
pub struct MemoryRootfs {
    nodes: BTreeMap<Vec<u8>, Node>,
}

#[derive(Debug, Clone)]
enum Node {
    File { bytes: Vec<u8>, executable: bool },
    Directory,
    Symlink(Vec<u8>),
    Special,
    Damaged,
}

impl Node {
    fn kind(&self) -> FileKind {
        match self {
            Self::File { .. } | Self::Damaged => FileKind::File,
            Self::Directory => FileKind::Directory,
            Self::Symlink(_) => FileKind::Symlink,
            Self::Special => FileKind::Special,
        }
    }
}

impl MemoryRootfs {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a file.
    #[must_use]
    pub fn file(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let (bytes, executable) = (bytes.into(), false);
        self.with(path, Node::File { bytes, executable })
    }

    /// With a file that may be executed.
    #[must_use]
    pub fn executable(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let (bytes, executable) = (bytes.into(), true);
        self.with(path, Node::File { bytes, executable })
    }

    /// With a directory.
    #[must_use]
    pub fn dir(self, path: &str) -> Self {
        self.with(path, Node::Directory)
    }

    /// With a symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.with(path, Node::Symlink(target.as_bytes().to_vec()))
    }

    /// With a pipe.
    #[must_use]
    pub fn fifo(self, path: &str) -> Self {
        self.with(path, Node::Special)
    }

    /// With a file that cannot be read.
    #[must_use]
    pub fn damaged(self, path: &str) -> Self {
        self.with(path, Node::Damaged)
    }

    fn with(mut self, path: &str, node: Node) -> Self {
        let path = path.trim_matches('/').as_bytes();
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let parent = self.nodes.entry(path[..at].to_vec());
            parent.or_insert(Node::Directory);
        }
        self.nodes.insert(path.to_vec(), node);
        self
    }

    /// Where a path leads, with its links followed.
    fn resolve(&self, path: &[u8]) -> Result<(Vec<u8>, &Node), RootfsError> {
        let mut links = 0;
        let mut left: Vec<Vec<u8>> = parts(path).rev().map(<[u8]>::to_vec).collect();
        let mut at: Vec<Vec<u8>> = Vec::new();
        while let Some(part) = left.pop() {
            if part == b".." {
                at.pop();
                continue;
            }
            at.push(part);
            match self.nodes.get(&at.join(&b'/')) {
                None => return Err(RootfsError::Missing),
                Some(Node::Symlink(target)) => {
                    links += 1;
                    if links > 40 {
                        return Err(RootfsError::Missing);
                    }
                    at.pop();
                    if target.starts_with(b"/") {
                        at.clear();
                    }
                    left.extend(parts(target).rev().map(<[u8]>::to_vec));
                }
                Some(Node::Directory) => {}
                Some(_) if left.is_empty() => {}
                Some(_) => return Err(RootfsError::Missing),
            }
        }
        let path = at.join(&b'/');
        match self.nodes.get(&path) {
            Some(node) => Ok((path, node)),
            None => Ok((path, &Node::Directory)),
        }
    }
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

impl Rootfs for MemoryRootfs {
    fn open(&self, path: &[u8]) -> Result<Box<dyn RootfsFile + '_>, RootfsError> {
        match self.resolve(path)?.1 {
            Node::File { bytes, .. } => Ok(Box::new(bytes.as_slice())),
            Node::Damaged => Err(RootfsError::Damaged("it is said to be".to_owned())),
            other => Err(RootfsError::WrongKind {
                found: other.kind(),
                expected: FileKind::File,
            }),
        }
    }

    fn list(&self, path: &[u8], limit: usize) -> Result<Vec<RootfsEntry>, RootfsError> {
        let (mut path, node) = self.resolve(path)?;
        if !matches!(node, Node::Directory) {
            return Err(RootfsError::WrongKind {
                found: node.kind(),
                expected: FileKind::Directory,
            });
        }
        if !path.is_empty() {
            path.push(b'/');
        }
        let below = self.nodes.range(path.clone()..);
        let inside = below.take_while(|(other, _)| other.starts_with(&path));
        let mut entries: Vec<_> = inside
            .filter(|(other, _)| other.len() > path.len() && !other[path.len()..].contains(&b'/'))
            .map(|(other, node)| RootfsEntry {
                name: other[path.len()..].to_vec(),
                kind: node.kind(),
            })
            .collect();
        if entries.len() > limit {
            return Err(RootfsError::TooMany { limit });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn walk(&self, visit: &mut dyn FnMut(Visited<'_>) -> Enough) -> Result<(), RootfsError> {
        for (path, node) in &self.nodes {
            let (executable, size) = match node {
                Node::File { bytes, executable } => (*executable, bytes.len() as u64),
                // It is not empty: something is there that cannot be read.
                Node::Damaged => (false, 1),
                _ => (false, 0),
            };
            let kind = node.kind();
            if visit(Visited {
                path,
                kind,
                executable,
                size,
            }) == Enough::Yes
            {
                break;
            }
        }
        Ok(())
    }
}

impl RootfsFile for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, RootfsError> {
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.len());
        let len = buf.len().min(self.len() - from);
        buf[..len].copy_from_slice(&self[from..from + len]);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::conformance::{SAMPLE, Sample, rootfs_conforms};

    #[test]
    fn it_conforms() {
        let rootfs = SAMPLE
            .iter()
            .fold(MemoryRootfs::new(), |rootfs, sample| match *sample {
                Sample::File(path, bytes) => rootfs.file(path, bytes),
                Sample::Executable(path, bytes) => rootfs.executable(path, bytes),
                Sample::Dir(path) => rootfs.dir(path),
                Sample::Symlink(path, target) => rootfs.symlink(path, target),
                Sample::Fifo(path) => rootfs.fifo(path),
            });
        rootfs_conforms(&rootfs);
    }
}
