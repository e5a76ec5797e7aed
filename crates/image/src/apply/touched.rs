//! What one layer has done to the tree so far: which names are its own.
//!
//! By directory and name, not by node: a hard link to a lower layer's file is a name of this layer's
//! for a node that is not. This is what lets a whiteout hide lower layers only, wherever in its layer
//! it stands. A node's number may be used again once it is gone, so whoever removes a directory says
//! so here ([`Touched::forget`]).

use std::collections::HashMap;

use crate::{Kind, NodeId};

/// The record of one layer.
#[derive(Debug, Default)]
pub(super) struct Touched {
    dirs: HashMap<NodeId, Dir>,
}

/// What is known about one directory.
#[derive(Debug, Default)]
struct Dir {
    /// The names that this layer put here.
    placed: HashMap<Box<[u8]>, Placed>,
    /// Symlinks of lower layers that led an entry or a whiteout of this layer on, and directories
    /// that had such a symlink in them when an entry replaced them.
    followed: HashMap<Box<[u8]>, Followed>,
    /// Whether nothing of a lower layer is here or anywhere below.
    fresh: bool,
}

/// A name that this layer put into a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) node: NodeId,
    pub(super) shape: Shape,
    /// Whether an entry named it; else it is the parent of one.
    pub(super) named: bool,
    /// Entries so far that put something other than a directory here.
    pub(super) times: u32,
}

/// As much of a node's kind as walking needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Directory,
    Symlink,
    Other,
}

impl From<Kind> for Shape {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Directory => Self::Directory,
            Kind::Symlink => Self::Symlink,
            _ => Self::Other,
        }
    }
}

/// What followed a symlink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) by_entry: bool,
    pub(super) by_whiteout: bool,
}

impl Touched {
    /// What this layer has under `name` in `dir`.
    pub(super) fn placed(&self, dir: NodeId, name: &[u8]) -> Option<Placed> {
        self.dirs.get(&dir)?.placed.get(name).copied()
    }

    /// Records a name that this layer put into `dir`.
    pub(super) fn place(&mut self, dir: NodeId, name: &[u8], placed: Placed) {
        self.dirs
            .entry(dir)
            .or_default()
            .placed
            .insert(name.into(), placed);
    }

    /// Takes back what was recorded of a name, which is gone.
    pub(super) fn unplace(&mut self, dir: NodeId, name: &[u8]) {
        if let Some(dir) = self.dirs.get_mut(&dir) {
            dir.placed.remove(name);
        }
    }

    /// Whether all that is in and below `dir` is this layer's.
    pub(super) fn is_fresh(&self, dir: NodeId) -> bool {
        self.dirs.get(&dir).is_some_and(|dir| dir.fresh)
    }

    /// Records that all that is in and below `dir` is this layer's.
    pub(super) fn set_fresh(&mut self, dir: NodeId) {
        self.dirs.entry(dir).or_default().fresh = true;
    }

    /// Records that a lower layer's symlink led somewhere.
    pub(super) fn follow(&mut self, dir: NodeId, name: &[u8], by: Followed) {
        let followed = self.dirs.entry(dir).or_default();
        let followed = followed.followed.entry(name.into()).or_default();
        followed.by_entry |= by.by_entry;
        followed.by_whiteout |= by.by_whiteout;
    }

    /// What a lower layer's symlink of this name led on, though it may be replaced by now.
    pub(super) fn followed(&self, dir: NodeId, name: &[u8]) -> Followed {
        let followed = self.dirs.get(&dir).and_then(|dir| dir.followed.get(name));
        followed.copied().unwrap_or_default()
    }

    /// Whether any symlink of lower layers in `dir` led something on.
    pub(super) fn any_followed(&self, dir: NodeId) -> bool {
        self.dirs
            .get(&dir)
            .is_some_and(|dir| !dir.followed.is_empty())
    }

    /// Forgets a directory that is gone.
    pub(super) fn forget(&mut self, dir: NodeId) {
        self.dirs.remove(&dir);
    }
}
