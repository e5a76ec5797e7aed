//! The tree that layers are applied to: inodes, and directories of names.

use std::collections::BTreeMap;

use crate::manifest::{Kind, Manifest, Node, Xattrs};

/// Hops over symbolic links before a path counts as a loop.
const MOST_HOPS: usize = 40;

/// Index of an inode.
pub(super) type Id = usize;

/// The root directory's.
pub(super) const ROOT: Id = 0;

#[derive(Debug)]
struct Inode {
    node: Node,
    /// Names in it, if it is a directory.
    children: BTreeMap<Vec<u8>, Id>,
    /// The layer that last wrote it.
    layer: usize,
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Missing,
    NotADirectory,
    Loop,
    AboveRoot,
}

#[derive(Debug)]
pub(super) struct Tree {
    inodes: Vec<Inode>,
    /// The layer that is being applied, from 1.
    layer: usize,
}

/// What a directory is that no entry describes.
pub(super) fn bare_directory() -> Node {
    Node {
        kind: Kind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: (0, 0),
        xattrs: Xattrs::new(),
        group: None,
    }
}

/// A path's components. `Err` for a `..`; a leading slash, `.` and doubled slashes mean nothing.
pub(super) fn components(path: &[u8]) -> Result<Vec<&[u8]>, Lost> {
    let parts: Vec<_> = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    if parts.contains(&&b".."[..]) {
        Err(Lost::AboveRoot)
    } else {
        Ok(parts)
    }
}

impl Tree {
    pub(super) fn new() -> Self {
        let root = Inode {
            node: bare_directory(),
            children: BTreeMap::new(),
            layer: 0,
        };
        Self {
            inodes: vec![root],
            layer: 0,
        }
    }

    pub(super) fn next_layer(&mut self) {
        self.layer += 1;
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.inodes[id].node
    }

    pub(super) fn is_dir(&self, id: Id) -> bool {
        self.inodes[id].node.kind == Kind::Directory
    }

    /// Whether the layer that is being applied wrote this inode.
    pub(super) fn is_of_this_layer(&self, id: Id) -> bool {
        self.inodes[id].layer == self.layer
    }

    pub(super) fn child(&self, dir: Id, name: &[u8]) -> Option<Id> {
        self.inodes[dir].children.get(name).copied()
    }

    /// A new inode under this name, in place of what was there.
    pub(super) fn put(&mut self, dir: Id, name: &[u8], node: Node) -> Id {
        let id = self.inodes.len();
        self.inodes.push(Inode {
            node,
            children: BTreeMap::new(),
            layer: self.layer,
        });
        self.link(dir, name, id);
        id
    }

    /// A further name for an inode.
    pub(super) fn link(&mut self, dir: Id, name: &[u8], id: Id) {
        self.inodes[dir].children.insert(name.to_vec(), id);
    }

    pub(super) fn set(&mut self, id: Id, node: Node) {
        self.inodes[id].node = node;
        self.inodes[id].layer = self.layer;
    }

    pub(super) fn remove(&mut self, dir: Id, name: &[u8]) {
        self.inodes[dir].children.remove(name);
    }

    pub(super) fn clear(&mut self, dir: Id) {
        self.inodes[dir].children.clear();
    }

    /// The directory that these components lead to. Symbolic links are followed within the tree:
    /// an absolute one begins at the root again, and no `..` climbs out of it.
    pub(super) fn directory(&self, path: &[&[u8]]) -> Result<Id, Lost> {
        let (id, rest) = self.walk(path)?;
        match rest.first() {
            None if self.is_dir(id) => Ok(id),
            None => Err(Lost::NotADirectory),
            Some(_) => Err(Lost::Missing),
        }
    }

    /// Follows components as far as there is anything: where that is, and the names that are
    /// missing there.
    pub(super) fn walk(&self, path: &[&[u8]]) -> Result<(Id, Vec<Vec<u8>>), Lost> {
        let mut todo: Vec<Vec<u8>> = path.iter().rev().map(|part| part.to_vec()).collect();
        let mut above = Vec::new();
        let mut here = ROOT;
        let mut hops = 0;
        while let Some(name) = todo.pop() {
            if !self.is_dir(here) {
                return Err(Lost::NotADirectory);
            }
            if name == b".." {
                here = above.pop().unwrap_or(ROOT);
                continue;
            }
            let Some(id) = self.child(here, &name) else {
                todo.push(name);
                todo.reverse();
                return Ok((here, todo));
            };
            if let Kind::Symlink(target) = &self.node(id).kind {
                hops += 1;
                if hops > MOST_HOPS {
                    return Err(Lost::Loop);
                }
                if target.first() == Some(&b'/') {
                    here = ROOT;
                    above.clear();
                }
                let parts = target.split(|byte| *byte == b'/');
                let parts = parts.filter(|part| !part.is_empty() && *part != b".");
                let at = todo.len();
                todo.extend(parts.map(<[u8]>::to_vec));
                todo[at..].reverse();
            } else {
                above.push(here);
                here = id;
            }
        }
        Ok((here, Vec::new()))
    }

    pub(super) fn manifest(&self) -> Manifest {
        let mut paths = Vec::new();
        let mut todo = vec![(Vec::new(), ROOT)];
        while let Some((path, id)) = todo.pop() {
            for (name, child) in &self.inodes[id].children {
                let mut below = path.clone();
                if !below.is_empty() {
                    below.push(b'/');
                }
                below.extend_from_slice(name);
                todo.push((below, *child));
            }
            paths.push((path, id, self.node(id).clone()));
        }
        Manifest::of_inodes(paths)
    }
}
