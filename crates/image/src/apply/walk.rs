//! The way to an entry's directory, inside the tree.
//!
//! Deciding is apart from doing: [`Layer::resolve`] follows the components, through symlinks, to a
//! list of levels, some of which may not be there yet, and changes nothing; [`Layer::make`] makes
//! those. A symlink's target begins at the image's root if it is absolute, and `..` in it stops at
//! that root: there is nothing else it could lead to.

use super::ApplyError;
use super::layer::Layer;
use super::name::too_long;
use super::touched::{Followed, Placed, Shape};
use crate::rules::refuse;
use crate::{Code, Metadata, NewNode, NodeId, Tree};

/// What the parents are that no entry made.
pub(super) fn parent_metadata() -> Metadata {
    Metadata {
        mode: 0o755,
        ..Metadata::default()
    }
}

/// On whose behalf a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walker {
    Entry,
    Whiteout,
}

/// A step from a directory to what stands under a name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    name: Box<[u8]>,
    at: At,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Directory(NodeId),
    /// A lower layer's node that is no directory: an entry below it makes it one.
    Replaceable(Child),
    Missing,
}

/// A name in a directory, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) node: NodeId,
    pub(super) shape: Shape,
    /// What this layer recorded, if it put the name there; else it is a lower layer's.
    pub(super) placed: Option<Placed>,
}

impl<T: Tree> Layer<'_, T> {
    /// What `dir` has under `name`.
    pub(super) fn child(
        &mut self,
        dir: NodeId,
        name: &[u8],
    ) -> Result<Option<Child>, ApplyError<T::Error>> {
        if let Some(placed) = self.touched.placed(dir, name) {
            let Placed { node, shape, .. } = placed;
            return Ok(Some(Child {
                node,
                shape,
                placed: Some(placed),
            }));
        }
        if self.touched.is_fresh(dir) {
            return Ok(None);
        }
        let Some(node) = self.tree.lookup(dir, name).map_err(ApplyError::Tree)? else {
            return Ok(None);
        };
        self.known(dir, name, node).map(Some)
    }

    /// What is known of `name` in `dir`, which the tree says is `node`.
    pub(super) fn known(
        &mut self,
        dir: NodeId,
        name: &[u8],
        node: NodeId,
    ) -> Result<Child, ApplyError<T::Error>> {
        let placed = self.touched.placed(dir, name);
        let shape = match placed {
            Some(placed) => placed.shape,
            None => self.tree.stat(node).map_err(ApplyError::Tree)?.kind.into(),
        };
        Ok(Child {
            node,
            shape,
            placed,
        })
    }

    /// The directory that an entry belongs into, made where it is missing. Archives are mostly in
    /// order, so the last one is remembered until something that could lie on its way is removed.
    pub(super) fn parent(&mut self, path: &[&[u8]]) -> Result<NodeId, ApplyError<T::Error>> {
        let joined = path.join(&b'/');
        if let Some((last, node)) = &self.last_parent
            && *last == joined
        {
            return Ok(*node);
        }
        let levels = self.resolve(path, Walker::Entry)?;
        let node = self.make(&levels)?;
        self.last_parent = Some((joined, node));
        Ok(node)
    }

    /// Follows `components` from the root, every one of them to a directory.
    pub(super) fn resolve(
        &mut self,
        components: &[&[u8]],
        walker: Walker,
    ) -> Result<Vec<Level>, ApplyError<T::Error>> {
        let mut ahead: Vec<Box<[u8]>> = components.iter().rev().map(|it| (*it).into()).collect();
        let mut levels: Vec<Level> = Vec::with_capacity(ahead.len());
        let (mut hops, mut steps) = (0, 0);
        while let Some(mut name) = ahead.pop() {
            steps += 1;
            if steps > self.limits.steps {
                refuse(Code::WalkTooLong, "too many components lead to the entry")?;
            }
            match &*name {
                b"" | b"." => continue,
                b".." => {
                    levels.pop();
                    continue;
                }
                _ => {}
            }
            if name.len() > self.limits.component_bytes {
                too_long(&name, self.limits)?;
                name = name[..self.limits.component_bytes].into();
            }
            if levels.len() == self.limits.depth {
                refuse(Code::NameTooDeep, "symlinks lead to too deep a directory")?;
            }
            let Some(dir) = self.directory(&levels) else {
                levels.push(Level {
                    name,
                    at: At::Missing,
                });
                continue;
            };
            let child = self.child(dir, &name)?;
            if walker == Walker::Whiteout {
                self.expect_not_replaced(dir, &name, child)?;
            }
            let at = match child {
                None => At::Missing,
                Some(Child {
                    node,
                    shape: Shape::Directory,
                    ..
                }) => At::Directory(node),
                Some(
                    child @ Child {
                        shape: Shape::Symlink,
                        ..
                    },
                ) => {
                    hops += 1;
                    if hops > self.limits.hops {
                        refuse(Code::SymlinkLoop, "too many symlinks lead to the entry")?;
                    }
                    self.note_followed(dir, &name, child, walker)?;
                    let target = self.tree.read_link(child.node).map_err(ApplyError::Tree)?;
                    if target.starts_with(b"/") {
                        levels.clear();
                    }
                    ahead.extend(target.rsplit(|byte| *byte == b'/').map(Box::from));
                    continue;
                }
                Some(child) => {
                    if child.placed.is_some() {
                        refuse(
                            Code::ParentNotDirectory,
                            "a parent of the entry is not a directory in this layer",
                        )?;
                    }
                    At::Replaceable(child)
                }
            };
            levels.push(Level { name, at });
        }
        Ok(levels)
    }

    /// A whiteout must not come by where an entry went through a symlink that is replaced by now.
    fn expect_not_replaced(
        &self,
        dir: NodeId,
        name: &[u8],
        child: Option<Child>,
    ) -> Result<(), ApplyError<T::Error>> {
        let is_there = child.is_some_and(|child| child.placed.is_none());
        if is_there || !self.touched.followed(dir, name).by_entry {
            return Ok(());
        }
        refuse(
            Code::WhiteoutAmbiguous,
            "an entry went through a symlink that stood on the way of the whiteout",
        )?;
        Ok(())
    }

    /// Where a whiteout goes through a symlink that its own layer changes, what it hides depends on
    /// which of the two is read first: no such layer has one meaning.
    fn note_followed(
        &mut self,
        dir: NodeId,
        name: &[u8],
        link: Child,
        walker: Walker,
    ) -> Result<(), ApplyError<T::Error>> {
        match (walker, link.placed) {
            (Walker::Entry, Some(_)) => {}
            (Walker::Entry, None) => {
                self.touched.follow(
                    dir,
                    name,
                    Followed {
                        by_entry: true,
                        by_whiteout: false,
                    },
                );
            }
            (Walker::Whiteout, None) => {
                self.touched.follow(
                    dir,
                    name,
                    Followed {
                        by_entry: false,
                        by_whiteout: true,
                    },
                );
            }
            (Walker::Whiteout, Some(_)) => {
                refuse(
                    Code::WhiteoutAmbiguous,
                    "the whiteout goes through a symlink of its own layer",
                )?;
            }
        }
        Ok(())
    }

    /// The directory that the levels end in, if it is there.
    pub(super) fn directory(&self, levels: &[Level]) -> Option<NodeId> {
        match levels.last() {
            None => Some(self.tree.root()),
            Some(Level {
                at: At::Directory(node),
                ..
            }) => Some(*node),
            Some(_) => None,
        }
    }

    /// Makes what is missing of the levels, and answers the directory they end in.
    pub(super) fn make(&mut self, levels: &[Level]) -> Result<NodeId, ApplyError<T::Error>> {
        let mut dir = self.tree.root();
        for Level { name, at } in levels {
            match at {
                At::Directory(node) => {
                    dir = *node;
                    continue;
                }
                At::Replaceable(child) => {
                    self.counters.parents_replaced += 1;
                    self.unlink(dir, name, *child)?;
                }
                At::Missing => self.counters.parents_created += 1,
            }
            let node = self.create(dir, name, NewNode::Directory, &parent_metadata())?;
            let shape = Shape::Directory;
            self.touched.place(
                dir,
                name,
                Placed {
                    node,
                    shape,
                    named: false,
                    times: 0,
                },
            );
            dir = node;
        }
        Ok(dir)
    }
}
