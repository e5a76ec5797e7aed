//! A tree in memory: the model that says what every other tree must look like.
//!
//! It is simple rather than fast, and checks what its callers promise: a broken promise of the
//! [`Tree`] trait is an error here, where a disk would silently be damaged. What it keeps of files is
//! its [`Content`]'s business.

use std::collections::{BTreeMap, HashMap};

use super::{
    Content, Kind, Listing, ListingContent, ListingRow, Metadata, NewNode, NodeId, Stat, Tree,
};
use crate::Name;

/// A promise of the [`Tree`] trait that a caller broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("node {}: {broken}", node.get())]
pub struct MemoryTreeError {
    /// The node it was about.
    pub node: NodeId,
    /// What was promised.
    pub broken: &'static str,
}

/// A filesystem that is a map. It keeps every byte of its files, or what `C` keeps of them.
#[derive(Debug, Clone)]
pub struct MemoryTree<C = Vec<u8>> {
    nodes: HashMap<NodeId, Node<C>>,
    free: Vec<NodeId>,
    open: Option<Open>,
}

#[derive(Debug, Clone)]
struct Node<C> {
    body: Body<C>,
    metadata: Metadata,
    links: u32,
}

#[derive(Debug, Clone)]
enum Body<C> {
    File(C),
    Directory(BTreeMap<Vec<u8>, NodeId>),
    Symlink(Vec<u8>),
    Other(Kind),
}

/// The file that is being written, and how far.
#[derive(Debug, Clone, Copy)]
struct Open {
    file: NodeId,
    written: u64,
}

const ROOT: NodeId = NodeId::new(1);

impl MemoryTree {
    /// A tree that keeps every byte, with an empty root directory: see [`MemoryTree::default`].
    pub fn new() -> Self {
        Self::default()
    }
}

impl<C: Content> MemoryTree<C> {
    /// How many nodes there are, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// What is kept of the file at `path` (components joined by `/`), symlinks not followed.
    pub fn content(&self, path: &str) -> Option<&C> {
        let mut node = ROOT;
        for component in path.split('/') {
            match &self.nodes[&node].body {
                Body::Directory(names) => node = *names.get(component.as_bytes())?,
                _ => return None,
            }
        }
        match &self.nodes[&node].body {
            Body::File(content) => Some(content),
            _ => None,
        }
    }

    /// The tree written down.
    pub fn listing(&self) -> Listing {
        let mut paths = BTreeMap::new();
        let mut open = vec![(Vec::new(), ROOT)];
        while let Some((path, node)) = open.pop() {
            if let Body::Directory(names) = &self.nodes[&node].body {
                for (name, child) in names {
                    open.push(([path.as_slice(), b"/", name].concat(), *child));
                }
            }
            paths.insert(if path.is_empty() { b"/".to_vec() } else { path }, node);
        }
        let mut first = HashMap::new();
        for (path, node) in &paths {
            first
                .entry(*node)
                .or_insert_with(|| Name::from(path.as_slice()));
        }
        let row = |node| {
            let Node {
                body,
                metadata,
                links,
            } = &self.nodes[&node];
            ListingRow {
                content: body.listed(),
                mode: metadata.mode,
                uid: metadata.uid,
                gid: metadata.gid,
                mtime: metadata.mtime,
                link_group: (*links > 1).then(|| first[&node].clone()),
                xattrs: named(metadata),
            }
        };
        paths
            .iter()
            .map(|(path, node)| (path.clone(), row(*node)))
            .collect()
    }

    fn node(&mut self, id: NodeId) -> Result<&mut Node<C>, MemoryTreeError> {
        self.nodes.get_mut(&id).ok_or(MemoryTreeError {
            node: id,
            broken: "the node exists",
        })
    }

    fn names(&mut self, id: NodeId) -> Result<&mut BTreeMap<Vec<u8>, NodeId>, MemoryTreeError> {
        match &mut self.node(id)?.body {
            Body::Directory(names) => Ok(names),
            _ => Err(MemoryTreeError {
                node: id,
                broken: "the node is a directory",
            }),
        }
    }

    fn new_name(&mut self, dir: NodeId, name: &[u8], node: NodeId) -> Result<(), MemoryTreeError> {
        self.nothing_open(dir)?;
        let well_formed = (1..=255).contains(&name.len())
            && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
            && !matches!(name, b"." | b"..");
        promised(
            well_formed,
            dir,
            "a name is 1 to 255 bytes, not . or .., without / and NUL",
        )?;
        let before = self.names(dir)?.insert(name.to_vec(), node);
        promised(before.is_none(), dir, "a new name is not there yet")
    }

    fn nothing_open(&self, node: NodeId) -> Result<(), MemoryTreeError> {
        promised(
            self.open.is_none(),
            node,
            "a file is closed before anything else happens",
        )
    }

    fn written(&mut self, file: NodeId) -> Result<&mut Open, MemoryTreeError> {
        let open = self.open.as_mut().filter(|open| open.file == file);
        open.ok_or(MemoryTreeError {
            node: file,
            broken: "the file is the one that is open",
        })
    }
}

fn promised(held: bool, node: NodeId, broken: &'static str) -> Result<(), MemoryTreeError> {
    if held {
        Ok(())
    } else {
        Err(MemoryTreeError { node, broken })
    }
}

fn named(metadata: &Metadata) -> Vec<(Name, Name)> {
    let pair = |(name, value): (&Vec<u8>, &Vec<u8>)| (name[..].into(), value[..].into());
    metadata.xattrs.iter().map(pair).collect()
}

impl<C: Content> Body<C> {
    fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Directory(_) => Kind::Directory,
            Self::Symlink(_) => Kind::Symlink,
            Self::Other(kind) => *kind,
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::File(content) => content.size(),
            Self::Symlink(target) => length(target),
            Self::Directory(_) | Self::Other(_) => 0,
        }
    }

    fn listed(&self) -> ListingContent {
        match self {
            Self::File(content) => ListingContent::File {
                size: content.size(),
                digest: content.digest(),
            },
            Self::Directory(_) => ListingContent::Directory,
            Self::Symlink(target) => ListingContent::Symlink(target[..].into()),
            Self::Other(Kind::CharDevice(number)) => ListingContent::CharDevice(*number),
            Self::Other(Kind::BlockDevice(number)) => ListingContent::BlockDevice(*number),
            Self::Other(_) => ListingContent::Fifo,
        }
    }
}

/// A length in memory as a size on disk.
pub(super) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a length in memory fits 64 bits")
}

impl<C: Content> Default for MemoryTree<C> {
    /// A tree with an empty root directory: 0755 root:root, time 0.
    fn default() -> Self {
        let root = Node {
            body: Body::Directory(BTreeMap::new()),
            metadata: Metadata {
                mode: 0o755,
                ..Metadata::default()
            },
            links: 1,
        };
        Self {
            nodes: HashMap::from([(ROOT, root)]),
            free: Vec::new(),
            open: None,
        }
    }
}

impl<C: Content> Tree for MemoryTree<C> {
    type Error = MemoryTreeError;

    fn root(&self) -> NodeId {
        ROOT
    }

    fn lookup(&mut self, dir: NodeId, name: &[u8]) -> Result<Option<NodeId>, Self::Error> {
        Ok(self.names(dir)?.get(name).copied())
    }

    fn stat(&mut self, id: NodeId) -> Result<Stat, Self::Error> {
        let Node {
            body,
            metadata,
            links,
        } = self.node(id)?;
        let metadata = metadata.clone();
        Ok(Stat {
            kind: body.kind(),
            metadata,
            size: body.size(),
            links: *links,
        })
    }

    fn children(&mut self, dir: NodeId) -> Result<Vec<(Vec<u8>, NodeId)>, Self::Error> {
        Ok(self
            .names(dir)?
            .iter()
            .map(|(name, node)| (name.clone(), *node))
            .collect())
    }

    fn read_link(&mut self, id: NodeId) -> Result<Vec<u8>, Self::Error> {
        match &self.node(id)?.body {
            Body::Symlink(target) => Ok(target.clone()),
            _ => Err(MemoryTreeError {
                node: id,
                broken: "the node is a symlink",
            }),
        }
    }

    fn create(
        &mut self,
        dir: NodeId,
        name: &[u8],
        what: NewNode<'_>,
        metadata: &Metadata,
    ) -> Result<NodeId, Self::Error> {
        // The last number given back is used again first: whoever keeps a number for too long
        // shall notice.
        let next = u64::try_from(self.nodes.len()).expect("fewer than 2^64 nodes") + 1;
        let id = self.free.pop().unwrap_or(NodeId::new(next));
        self.new_name(dir, name, id)?;
        let body = match what {
            NewNode::File { size } => {
                self.open = Some(Open {
                    file: id,
                    written: 0,
                });
                Body::File(C::hole(size).ok_or(MemoryTreeError {
                    node: id,
                    broken: "it fits",
                })?)
            }
            NewNode::Directory => Body::Directory(BTreeMap::new()),
            NewNode::Symlink(target) => Body::Symlink(target.to_vec()),
            NewNode::CharDevice(number) => Body::Other(Kind::CharDevice(number)),
            NewNode::BlockDevice(number) => Body::Other(Kind::BlockDevice(number)),
            NewNode::Fifo => Body::Other(Kind::Fifo),
        };
        self.nodes.insert(
            id,
            Node {
                body,
                metadata: metadata.clone(),
                links: 1,
            },
        );
        Ok(id)
    }

    fn write(&mut self, file: NodeId, offset: u64, bytes: &[u8]) -> Result<(), Self::Error> {
        let open = self.written(file)?;
        promised(offset >= open.written, file, "the offsets of writes ascend")?;
        open.written = offset.saturating_add(length(bytes));
        let Body::File(content) = &mut self.node(file)?.body else {
            return promised(false, file, "what is written is a file");
        };
        promised(
            content.write(offset, bytes),
            file,
            "a write stays within the size",
        )
    }

    fn close(&mut self, file: NodeId) -> Result<(), Self::Error> {
        self.written(file)?;
        self.open = None;
        if let Body::File(content) = &mut self.node(file)?.body {
            content.close();
        }
        Ok(())
    }

    fn set_metadata(&mut self, id: NodeId, metadata: &Metadata) -> Result<(), Self::Error> {
        self.nothing_open(id)?;
        self.node(id)?.metadata = metadata.clone();
        Ok(())
    }

    fn link(&mut self, dir: NodeId, name: &[u8], id: NodeId) -> Result<(), Self::Error> {
        let node = self.node(id)?;
        let directory = matches!(node.body, Body::Directory(_));
        promised(!directory, id, "a directory has one name")?;
        node.links += 1;
        self.new_name(dir, name, id)
    }

    fn unlink(&mut self, dir: NodeId, name: &[u8]) -> Result<(), Self::Error> {
        self.nothing_open(dir)?;
        let Some(id) = self.names(dir)?.remove(name) else {
            return promised(false, dir, "a name that is taken away is there");
        };
        let node = self.node(id)?;
        let empty = !matches!(&node.body, Body::Directory(names) if !names.is_empty());
        promised(empty, id, "a directory that is taken away is empty")?;
        node.links -= 1;
        if node.links == 0 {
            self.nodes.remove(&id);
            self.free.push(id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Metadata {
        Metadata::default()
    }

    fn broken<T: std::fmt::Debug>(result: Result<T, MemoryTreeError>) -> &'static str {
        result.unwrap_err().broken
    }

    #[test]
    fn a_file_is_written_in_order_and_holes_are_zeros() {
        let mut tree = MemoryTree::new();
        let file = tree
            .create(ROOT, b"f", NewNode::File { size: 9 }, &meta())
            .unwrap();
        tree.write(file, 1, b"ab").unwrap();
        tree.write(file, 6, b"cd").unwrap();
        assert_eq!(
            broken(tree.write(file, 0, b"x")),
            "the offsets of writes ascend"
        );
        assert_eq!(
            broken(tree.write(file, 8, b"xy")),
            "a write stays within the size"
        );
        assert_eq!(
            broken(tree.unlink(ROOT, b"f")),
            "a file is closed before anything else happens"
        );
        tree.close(file).unwrap();
        assert_eq!(
            broken(tree.write(file, 9, b"")),
            "the file is the one that is open"
        );
        assert_eq!(tree.content("f").unwrap(), b"\0ab\0\0\0cd\0");
        assert_eq!(tree.stat(file).unwrap().size, 9);
    }

    #[test]
    fn nodes_live_as_long_as_their_names() {
        let mut tree = MemoryTree::new();
        let link = tree
            .create(ROOT, b"a", NewNode::Symlink(b"t"), &meta())
            .unwrap();
        let dir = tree
            .create(ROOT, b"d", NewNode::Directory, &meta())
            .unwrap();
        tree.link(dir, b"b", link).unwrap();
        assert_eq!(tree.stat(link).unwrap().links, 2);
        assert_eq!(
            tree.listing()[&b"/d/b"[..]].link_group,
            Some(b"/a"[..].into())
        );
        let not_empty = "a directory that is taken away is empty";
        assert_eq!(broken(tree.clone().unlink(ROOT, b"d")), not_empty);
        tree.unlink(ROOT, b"a").unwrap();
        assert_eq!(tree.read_link(link).unwrap(), b"t");
        tree.unlink(dir, b"b").unwrap();
        assert_eq!(broken(tree.read_link(link)), "the node exists");
        tree.unlink(ROOT, b"d").unwrap();
        assert!(tree.is_empty());
    }

    #[test]
    fn names_are_held_to_the_traits_promises() {
        let mut tree = MemoryTree::new();
        tree.create(ROOT, b"a", NewNode::Fifo, &meta()).unwrap();
        for name in [&b""[..], b".", b"..", b"a/b", b"a\0", &[b'a'; 256]] {
            assert!(
                tree.clone()
                    .create(ROOT, name, NewNode::Fifo, &meta())
                    .is_err()
            );
        }
        let again = tree.clone().create(ROOT, b"a", NewNode::Fifo, &meta());
        assert_eq!(broken(again), "a new name is not there yet");
        assert_eq!(
            broken(tree.unlink(ROOT, b"b")),
            "a name that is taken away is there"
        );
        assert_eq!(
            broken(tree.link(ROOT, b"b", ROOT)),
            "a directory has one name"
        );
    }
}
