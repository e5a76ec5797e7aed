//! [`Names`]: the tree of directories, as it is seen and as it is durable.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::content::Content;

/// A directory, by its place in [`Names::dirs`]; there is no way to remove one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DirId(usize);

/// The root.
pub(super) const ROOT: DirId = DirId(0);

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Node {
    File(Arc<Mutex<Content>>),
    Dir(DirId),
    Link(Arc<str>),
}

#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) live: BTreeMap<String, Node>,
    pub(super) durable: BTreeMap<String, Node>,
}

/// One name's new meaning; `None` where it has none any more.
#[derive(Debug, Clone)]
pub(super) struct Rebind {
    pub(super) dir: DirId,
    pub(super) name: String,
    pub(super) to: Option<Node>,
}

/// Names that change together, or what is left of that after the sync of one of two directories.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) rebinds: Vec<Rebind>,
    /// A sync failed with this in it: no later one makes it durable.
    lost: bool,
}

#[derive(Debug)]
pub(super) struct Names {
    dirs: Vec<Directory>,
    /// In the order in which they were made.
    pub(super) unsynced: Vec<Change>,
}

impl Names {
    /// An empty root.
    pub(super) fn new() -> Names {
        Names {
            dirs: vec![Directory::default()],
            unsynced: Vec::new(),
        }
    }

    pub(super) fn dir(&self, id: DirId) -> &Directory {
        &self.dirs[id.0]
    }

    pub(super) fn dir_mut(&mut self, id: DirId) -> &mut Directory {
        &mut self.dirs[id.0]
    }

    /// A new directory without a name.
    pub(super) fn add_dir(&mut self) -> DirId {
        self.dirs.push(Directory::default());
        DirId(self.dirs.len() - 1)
    }

    pub(super) fn live(&self, dir: DirId, name: &str) -> Option<&Node> {
        self.dir(dir).live.get(name)
    }

    /// Changes names for all to see, and not yet durably.
    pub(super) fn change(&mut self, rebinds: Vec<Rebind>) {
        for Rebind { dir, name, to } in &rebinds {
            bind(&mut self.dir_mut(*dir).live, name, to);
        }
        self.unsynced.push(Change {
            rebinds,
            lost: false,
        });
    }

    /// What the sync of a directory does that succeeds.
    pub(super) fn sync(&mut self, dir: DirId) {
        let mut settled = Vec::new();
        // From the newest on: what is settled also settles older, lost changes of that name.
        for change in self.unsynced.iter_mut().rev() {
            let lost = change.lost;
            change.rebinds.retain(|rebind| {
                let here = rebind.dir == dir;
                if here && !lost {
                    settled.push(rebind.clone());
                }
                let overtaken = || settled.iter().any(|done| done.name == rebind.name);
                !(here && (!lost || overtaken()))
            });
        }
        settled.iter().rev().for_each(|rebind| self.settle(rebind));
        self.unsynced.retain(|change| !change.rebinds.is_empty());
    }

    /// What the sync of a directory does that fails.
    pub(super) fn fail_sync(&mut self, dir: DirId) {
        for change in &mut self.unsynced {
            change.lost |= change.rebinds.iter().any(|rebind| rebind.dir == dir);
        }
    }

    /// Makes the newest change durable by itself.
    pub(super) fn settle_newest(&mut self) {
        let newest = self.unsynced.pop();
        for rebind in newest.iter().flat_map(|change| &change.rebinds) {
            self.settle(rebind);
        }
    }

    /// Makes one name's meaning durable.
    pub(super) fn settle(&mut self, Rebind { dir, name, to }: &Rebind) {
        bind(&mut self.dir_mut(*dir).durable, name, to);
    }

    /// The durable names alone; not to be looked at before [`Names::replace_nodes`].
    pub(super) fn only_durable(&self) -> Names {
        let only_durable = |dir: &Directory| Directory {
            live: BTreeMap::new(),
            durable: dir.durable.clone(),
        };
        Names {
            dirs: self.dirs.iter().map(only_durable).collect(),
            unsynced: Vec::new(),
        }
    }

    /// Puts other nodes in the place of the durable ones, and shows them.
    pub(super) fn replace_nodes(&mut self, mut new: impl FnMut(&Node) -> Node) {
        for dir in &mut self.dirs {
            dir.durable.values_mut().for_each(|node| *node = new(node));
            dir.live = dir.durable.clone();
        }
    }
}

/// Gives `name` its new meaning, or none.
fn bind(names: &mut BTreeMap<String, Node>, name: &str, to: &Option<Node>) {
    match to {
        Some(node) => names.insert(name.to_owned(), node.clone()),
        None => names.remove(name),
    };
}
