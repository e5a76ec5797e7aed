//! Whiteouts: they hide what lower layers have, and never what their own layer has.
//!
//! Each directory is walked for this at most once a layer, however often it is hidden: after that it
//! is fresh, and so is all below it.

use super::ApplyError;
use super::layer::Layer;
use super::touched::{Placed, Shape};
use super::walk::{Child, Walker, parent_metadata};
use crate::rules::refuse;
use crate::{Code, NodeId, Tree};

/// A directory that is being hidden.
#[derive(Debug)]
struct Frame {
    dir: NodeId,
    left: std::vec::IntoIter<(Vec<u8>, NodeId)>,
    /// Whether something of this layer was found in it.
    keeps: bool,
    /// Where it stands itself; nothing for the one that the whiteout names.
    place: Option<(NodeId, Vec<u8>, Child)>,
}

impl<T: Tree> Layer<'_, T> {
    /// A whiteout of `name` in the directory `parent`.
    pub(super) fn whiteout(
        &mut self,
        parent: &[&[u8]],
        name: &[u8],
    ) -> Result<(), ApplyError<T::Error>> {
        if self.is_first {
            self.counters.whiteouts_first_layer += 1;
            return Ok(());
        }
        let levels = self.resolve(parent, Walker::Whiteout)?;
        let child = match self.directory(&levels) {
            Some(dir) => {
                let followed = self.touched.followed(dir, name);
                self.expect_unfollowed(followed.by_entry || followed.by_whiteout)?;
                self.child(dir, name)?.map(|child| (dir, child))
            }
            None => None,
        };
        let hides = |layer: &Self, child: Child| match child.placed {
            None => true,
            Some(_) => child.shape == Shape::Directory && !layer.touched.is_fresh(child.node),
        };
        match child {
            Some((dir, child)) if hides(self, child) => {
                self.counters.whiteouts += 1;
                self.hide(dir, name, child)
            }
            _ => {
                self.counters.whiteouts_missing += 1;
                Ok(())
            }
        }
    }

    /// A whiteout of all that is in the directory `path`.
    pub(super) fn opaque(&mut self, path: &[&[u8]]) -> Result<(), ApplyError<T::Error>> {
        if self.is_first {
            self.counters.whiteouts_first_layer += 1;
            return Ok(());
        }
        self.counters.opaque += 1;
        let levels = self.resolve(path, Walker::Whiteout)?;
        match self.directory(&levels) {
            Some(dir) if !self.touched.is_fresh(dir) => self.hide_children(dir).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Hides one name, with all of lower layers below it.
    fn hide(&mut self, dir: NodeId, name: &[u8], child: Child) -> Result<(), ApplyError<T::Error>> {
        if child.shape != Shape::Directory {
            return self.unlink(dir, name, child);
        }
        let keeps = self.hide_children(child.node)?;
        self.settle(dir, name, child, keeps)
    }

    /// Hides all of lower layers below `dir`; whether something is left in it.
    fn hide_children(&mut self, dir: NodeId) -> Result<bool, ApplyError<T::Error>> {
        let mut frames = vec![self.frame(dir, None)?];
        let mut keeps = false;
        while let Some(frame) = frames.last_mut() {
            let Some((name, node)) = frame.left.next() else {
                keeps = frame.keeps;
                let Frame { dir, place, .. } = frames.pop().expect("it was just looked at");
                self.touched.set_fresh(dir);
                if let Some((parent, name, child)) = place {
                    self.settle(parent, &name, child, keeps)?;
                    let above = frames.last_mut().expect("a placed frame has one above it");
                    above.keeps |= keeps || child.placed.is_some();
                }
                continue;
            };
            let dir = frame.dir;
            let child = self.known(dir, &name, node)?;
            match (child.shape, child.placed) {
                (Shape::Directory, Some(_)) if self.touched.is_fresh(node) => frame.keeps = true,
                (Shape::Directory, _) => {
                    let next = self.frame(node, Some((dir, name, child)))?;
                    frames.push(next);
                }
                (_, Some(_)) => frame.keeps = true,
                (_, None) => self.unlink(dir, &name, child)?,
            }
        }
        Ok(keeps)
    }

    fn frame(
        &mut self,
        dir: NodeId,
        place: Option<(NodeId, Vec<u8>, Child)>,
    ) -> Result<Frame, ApplyError<T::Error>> {
        self.expect_unfollowed(self.touched.any_followed(dir))?;
        let left = self
            .tree
            .children(dir)
            .map_err(ApplyError::Tree)?
            .into_iter();
        Ok(Frame {
            dir,
            left,
            keeps: false,
            place,
        })
    }

    /// What becomes of a directory all of whose lower layers' content is hidden. One that this layer
    /// has stays as it is. One that only holds something of this layer's stays too, as if it had been
    /// made for that. Any other goes.
    fn settle(
        &mut self,
        parent: NodeId,
        name: &[u8],
        child: Child,
        keeps: bool,
    ) -> Result<(), ApplyError<T::Error>> {
        if child.placed.is_some() {
            return Ok(());
        }
        if !keeps {
            return self.unlink(parent, name, child);
        }
        self.counters.directories_reset += 1;
        let Child { node, shape, .. } = child;
        self.touched.place(
            parent,
            name,
            Placed {
                node,
                shape,
                named: false,
                times: 0,
            },
        );
        self.tree
            .set_metadata(node, &parent_metadata())
            .map_err(ApplyError::Tree)
    }

    /// Where an entry or a whiteout belongs that went through a symlink depends on whether the symlink
    /// is hidden first.
    fn expect_unfollowed(&self, followed: bool) -> Result<(), ApplyError<T::Error>> {
        if followed {
            refuse(
                Code::WhiteoutAmbiguous,
                "the whiteout hides a symlink that the layer went through before",
            )?;
        }
        Ok(())
    }
}
