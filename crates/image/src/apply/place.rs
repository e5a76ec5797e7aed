//! Entries put into the tree: made, replaced, merged, linked.

use super::ApplyError;
use super::layer::Layer;
use super::name::Path;
use super::touched::{Followed, Placed, Shape};
use super::walk::{Child, Walker};
use crate::reject::reject;
use crate::rules::{held, refuse};
use crate::tar::{Archive, Uncompressed};
use crate::{Code, Metadata, NewNode, NodeId, Tree};

/// Where e2fsck puts what it finds without a name. It makes the directory where there is none, and
/// takes away what else is there.
const LOST_AND_FOUND: &[u8] = b"lost+found";

impl<T: Tree> Layer<'_, T> {
    /// Puts `what` under a name, in place of whatever stands there. A directory over a directory
    /// only replaces its metadata. Answers a node whose content is still to be written.
    pub(super) fn place(
        &mut self,
        dir: NodeId,
        name: &[u8],
        what: NewNode<'_>,
        metadata: &Metadata,
    ) -> Result<NodeId, ApplyError<T::Error>> {
        let shape = match what {
            NewNode::Directory => Shape::Directory,
            NewNode::Symlink(_) => Shape::Symlink,
            _ => Shape::Other,
        };
        self.expect_free(dir, name, shape)?;
        let there = self.child(dir, name)?;
        let times = self.count_duplicate(there, shape)?;
        let node = match there {
            Some(there) if (shape, there.shape) == (Shape::Directory, Shape::Directory) => {
                self.tree
                    .set_metadata(there.node, metadata)
                    .map_err(ApplyError::Tree)?;
                there.node
            }
            _ => {
                if let Some(there) = there {
                    self.remove(dir, name, there)?;
                }
                self.create(dir, name, what, metadata)?
            }
        };
        self.touched.place(
            dir,
            name,
            Placed {
                node,
                shape,
                named: true,
                times,
            },
        );
        Ok(node)
    }

    /// Writes the body of the entry that was read last into the file that was created last.
    pub(super) fn write<U: Uncompressed>(
        &mut self,
        file: NodeId,
        archive: &mut Archive<'_, U>,
    ) -> Result<(), ApplyError<T::Error>> {
        while let Some(chunk) = archive.chunk()? {
            self.tree
                .write(file, chunk.offset, chunk.bytes)
                .map_err(ApplyError::Tree)?;
        }
        self.tree.close(file).map_err(ApplyError::Tree)
    }

    /// Gives what the tree has at `target` one more name. The target is looked up at this moment, and
    /// its last component is not followed. Answers the node, if there is one.
    pub(super) fn link(
        &mut self,
        dir: NodeId,
        name: &[u8],
        target: &[u8],
    ) -> Result<Option<NodeId>, ApplyError<T::Error>> {
        let target = Path::parse(target, false, self.limits)?;
        let Some(mut found) = held(self.link_target(&target))? else {
            return Ok(None);
        };
        self.expect_free(dir, name, found.shape)?;
        let there = self.child(dir, name)?;
        let times = self.count_duplicate(there, found.shape)?;
        // GNU tar writes a link of a file to itself if it is told to store the file twice.
        if there.is_none_or(|there| there.node != found.node) {
            if let Some(there) = there {
                self.remove(dir, name, there)?;
                if there.shape == Shape::Directory {
                    // The target may have been in it.
                    match held(self.link_target(&target))? {
                        Some(again) => found = again,
                        None => return Ok(None),
                    }
                }
            }
            let links = self.tree.stat(found.node).map_err(ApplyError::Tree)?.links;
            if links >= self.limits.links {
                refuse(
                    Code::HardLinkTooMany,
                    format!(
                        "the target has {links} names, {} are allowed",
                        self.limits.links
                    ),
                )?;
            }
            self.tree
                .link(dir, name, found.node)
                .map_err(ApplyError::Tree)?;
        }
        let Child { node, shape, .. } = found;
        self.touched.place(
            dir,
            name,
            Placed {
                node,
                shape,
                named: true,
                times,
            },
        );
        Ok(Some(node))
    }

    /// Refuses what would stand where ext4 keeps a directory of its own.
    fn expect_free(
        &self,
        dir: NodeId,
        name: &[u8],
        shape: Shape,
    ) -> Result<(), ApplyError<T::Error>> {
        if name != LOST_AND_FOUND || shape == Shape::Directory || dir != self.tree.root() {
            return Ok(());
        }
        Ok(refuse(
            Code::NameReserved,
            "/lost+found is ext4's own directory, and nothing else can stand there",
        )?)
    }

    fn link_target(&mut self, target: &Path<'_>) -> Result<Child, ApplyError<T::Error>> {
        let Some((name, parent)) = target.components.split_last() else {
            return reject(Code::HardLinkToDirectory, "a hard link to the root");
        };
        let levels = self.resolve(parent, Walker::Entry)?;
        let found = match self.directory(&levels) {
            Some(dir) => self.child(dir, name)?,
            None => None,
        };
        match found {
            Some(Child {
                shape: Shape::Directory,
                ..
            }) => reject(
                Code::HardLinkToDirectory,
                "the target of the hard link is a directory",
            ),
            Some(found) => Ok(found),
            None => reject(
                Code::HardLinkMissing,
                "the target of the hard link does not exist",
            ),
        }
    }

    /// Counts an entry for a path that this layer has an entry for already. Answers how many of them
    /// are no directories, this one included.
    fn count_duplicate(
        &mut self,
        there: Option<Child>,
        shape: Shape,
    ) -> Result<u32, ApplyError<T::Error>> {
        let Some(placed) = there.and_then(|there| there.placed) else {
            return Ok(u32::from(shape != Shape::Directory));
        };
        if placed.named || shape != Shape::Directory {
            self.counters.duplicates += 1;
        }
        let times = placed.times + u32::from(shape != Shape::Directory);
        if times > self.limits.duplicates {
            refuse(
                Code::LimitDuplicates,
                format!("the path occurs more than {} times", self.limits.duplicates),
            )?;
        }
        Ok(times)
    }

    /// Makes a node, within the limit on them.
    pub(super) fn create(
        &mut self,
        dir: NodeId,
        name: &[u8],
        what: NewNode<'_>,
        metadata: &Metadata,
    ) -> Result<NodeId, ApplyError<T::Error>> {
        if self.totals.inodes >= self.limits.entries {
            refuse(
                Code::LimitEntries,
                format!("the image has more than {} inodes", self.limits.entries),
            )?;
        }
        self.totals.inodes += 1;
        let node = self
            .tree
            .create(dir, name, what, metadata)
            .map_err(ApplyError::Tree)?;
        if what == NewNode::Directory {
            self.touched.set_fresh(node);
        }
        Ok(node)
    }

    /// Removes a name, and all below it.
    pub(super) fn remove(
        &mut self,
        dir: NodeId,
        name: &[u8],
        child: Child,
    ) -> Result<(), ApplyError<T::Error>> {
        if child.shape == Shape::Directory {
            if self.remove_children(child.node)? {
                let by = Followed {
                    by_entry: true,
                    by_whiteout: false,
                };
                self.touched.follow(dir, name, by);
            }
        } else {
            self.expect_not_followed(dir, name, child)?;
        }
        self.unlink(dir, name, child)
    }

    /// Empties a directory; whether an entry had gone through a lower layer's symlink in it.
    fn remove_children(&mut self, dir: NodeId) -> Result<bool, ApplyError<T::Error>> {
        let mut followed = false;
        let mut found = Vec::new();
        let mut open = vec![dir];
        while let Some(dir) = open.pop() {
            followed |= self.touched.any_followed(dir);
            for (name, node) in self.tree.children(dir).map_err(ApplyError::Tree)? {
                let child = self.known(dir, &name, node)?;
                if child.shape == Shape::Directory {
                    open.push(node);
                }
                found.push((dir, name, child));
            }
        }
        // A directory was found before what is in it.
        for (dir, name, child) in found.into_iter().rev() {
            self.expect_not_followed(dir, &name, child)?;
            self.unlink(dir, &name, child)?;
        }
        Ok(followed)
    }

    /// An entry must not take away a symlink that a whiteout went through.
    fn expect_not_followed(
        &self,
        dir: NodeId,
        name: &[u8],
        child: Child,
    ) -> Result<(), ApplyError<T::Error>> {
        if child.shape == Shape::Symlink && self.touched.followed(dir, name).by_whiteout {
            refuse(
                Code::WhiteoutAmbiguous,
                "the entry replaces a symlink that a whiteout of the layer went through",
            )?;
        }
        Ok(())
    }

    /// Takes a name away, which is that of an empty directory or of something else.
    pub(super) fn unlink(
        &mut self,
        dir: NodeId,
        name: &[u8],
        child: Child,
    ) -> Result<(), ApplyError<T::Error>> {
        if child.shape == Shape::Directory {
            self.touched.forget(child.node);
        }
        if child.shape != Shape::Other {
            self.last_parent = None;
        }
        self.touched.unplace(dir, name);
        self.tree.unlink(dir, name).map_err(ApplyError::Tree)
    }
}
