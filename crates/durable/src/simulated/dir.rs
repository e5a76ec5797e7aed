//! [`Simulated`]: a directory of the filesystem in memory.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use rustix::io::Errno;

use super::{
    content::Content,
    file::{SimulatedFile, no_space},
    names::{DirId, Names, Node, ROOT, Rebind},
};
use crate::{
    component::checked,
    power::{Power, Verdict, lock},
    seam::{CloneOutcome, Dir, Entry, File, Mode},
    sparse::{Full, Page, Space, Sparse},
};

/// A directory of a filesystem in memory; the module's page has its model.
///
/// Clones are the same directory. What is on it is gone with its last handle.
#[derive(Debug, Clone)]
pub struct Simulated {
    pub(super) world: Arc<World>,
    at: DirId,
}

/// What all directories of one filesystem share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) power: Power,
    pub(super) space: Space,
    pub(super) shares: bool,
    pub(super) names: Mutex<Names>,
}

impl Default for Simulated {
    fn default() -> Self {
        Simulated::new()
    }
}

impl Simulated {
    /// The root of an empty filesystem without a limit, whose clones share their extents.
    pub fn new() -> Simulated {
        Simulated::with(Power::new(), Space::unlimited(), true)
    }

    /// The root of an empty filesystem that takes its numbers from `power` and its pages from
    /// `space`; `shares` says whether clones share their extents or are copies.
    pub fn with(power: Power, space: Space, shares: bool) -> Simulated {
        Simulated::over(power, space, shares, Names::new())
    }

    pub(super) fn over(power: Power, space: Space, shares: bool, names: Names) -> Simulated {
        let names = Mutex::new(names);
        let world = Arc::new(World {
            power,
            space,
            shares,
            names,
        });
        Simulated { world, at: ROOT }
    }

    /// The sequence that every change takes its number from.
    pub fn power(&self) -> &Power {
        &self.world.power
    }

    /// The space that every page is taken from.
    pub fn space(&self) -> &Space {
        &self.world.space
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        lock(&self.world.names)
    }

    /// A change of names that, where it is planned to fail, does not happen.
    fn change<T>(
        &self,
        what: fmt::Arguments<'_>,
        change: impl FnOnce(&mut Names) -> io::Result<T>,
    ) -> io::Result<T> {
        self.world.power.perform(what, |verdict| match verdict {
            Verdict::Fail(failure) => Err(failure.into()),
            Verdict::Go | Verdict::Cut => change(&mut self.names()),
        })
    }

    fn rebind(&self, name: &str, to: Option<Node>) -> Rebind {
        let (dir, name) = (self.at, name.to_owned());
        Rebind { dir, name, to }
    }

    fn opened(&self, name: &str, content: Arc<Mutex<Content>>, writable: bool) -> Arc<dyn File> {
        Arc::new(SimulatedFile {
            name: name.to_owned(),
            content,
            writable,
            power: self.world.power.clone(),
        })
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let content = Content::empty(&self.world.space);
        let content = Arc::new(Mutex::new(content));
        self.change(format_args!("creating {name}"), |names| {
            self.require_free(names, name)?;
            let node = Node::File(Arc::clone(&content));
            names.change(vec![self.rebind(name, Some(node))]);
            Ok(())
        })?;
        Ok(self.opened(name, content, true))
    }

    fn require_free(&self, names: &Names, name: &str) -> io::Result<()> {
        match names.live(self.at, name) {
            Some(_) => Err(Errno::EXIST.into()),
            None => Ok(()),
        }
    }

    fn file(&self, names: &Names, name: &str) -> io::Result<Arc<Mutex<Content>>> {
        match names.live(self.at, name) {
            None => Err(Errno::NOENT.into()),
            Some(Node::Dir(_)) => Err(Errno::ISDIR.into()),
            Some(Node::Link(_)) => Err(Errno::LOOP.into()),
            Some(Node::File(content)) => Ok(Arc::clone(content)),
        }
    }

    fn rename_to(&self, from: &str, other: DirId, to: &str) -> io::Result<()> {
        let (from, to) = (checked(from)?, checked(to)?);
        self.change(format_args!("renaming {from} to {to}"), |names| {
            let node = match names.live(self.at, from) {
                None => return Err(Errno::NOENT.into()),
                Some(Node::Dir(_)) => return Err(Errno::ISDIR.into()),
                Some(node) => node.clone(),
            };
            if matches!(names.live(other, to), Some(Node::Dir(_))) {
                return Err(Errno::ISDIR.into());
            }
            if (self.at, from) == (other, to) {
                return Ok(());
            }
            let gains = Rebind {
                dir: other,
                name: to.to_owned(),
                to: Some(node),
            };
            names.change(vec![self.rebind(from, None), gains]);
            Ok(())
        })
    }

    /// Bytes of their own where the filesystem does not share.
    fn copied(&self, bytes: &Sparse) -> Result<Sparse, Full> {
        if self.world.shares {
            return Ok(bytes.clone());
        }
        let mut copy = Sparse::new(&self.world.space);
        for number in bytes.present_in(0, u64::MAX) {
            let page = bytes.page(number).map(|page| page.bytes);
            let page = page.map(|page| Page::new(page, &self.world.space));
            copy.put(number, page.transpose()?);
        }
        Ok(copy)
    }
}

impl Dir for Simulated {
    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn File>> {
        let name = checked(name)?;
        if mode == Mode::CreateNew {
            return self.create(name);
        }
        self.world.power.check()?;
        let content = self.file(&self.names(), name)?;
        Ok(self.opened(name, content, mode == Mode::Write))
    }

    fn dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        let name = checked(name)?;
        self.world.power.check()?;
        let found = self.names().live(self.at, name).cloned();
        let at = match found {
            Some(Node::Dir(at)) => at,
            Some(_) => return Err(Errno::NOTDIR.into()),
            None => {
                let what = format_args!("making the directory {name}");
                self.world.power.perform(what, |verdict| {
                    if let Verdict::Fail(failure) = verdict {
                        return Err(failure.into());
                    }
                    let mut names = self.names();
                    self.require_free(&names, name)?;
                    let at = names.add_dir();
                    names.change(vec![self.rebind(name, Some(Node::Dir(at)))]);
                    if verdict == Verdict::Go {
                        names.settle_newest();
                    }
                    Ok(at)
                })?
            }
        };
        let world = Arc::clone(&self.world);
        Ok(Arc::new(Simulated { world, at }))
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        self.world.power.check()?;
        let names = self.names();
        let entry = |(name, node): (&String, &Node)| Entry {
            name: name.clone(),
            is_dir: matches!(node, Node::Dir(_)),
            len: match node {
                Node::Dir(_) => 0,
                Node::File(content) => lock(content).live_len,
                Node::Link(target) => u64::try_from(target.len()).unwrap_or(u64::MAX),
            },
        };
        Ok(names.dir(self.at).live.iter().map(entry).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.rename_to(from, self.at, to)
    }

    fn rename_into(&self, from: &str, other: &dyn Dir, to: &str) -> io::Result<()> {
        match other.as_any().downcast_ref::<Simulated>() {
            Some(other) if Arc::ptr_eq(&self.world, &other.world) => {
                self.rename_to(from, other.at, to)
            }
            _ => Err(Errno::XDEV.into()),
        }
    }

    fn remove(&self, name: &str) -> io::Result<bool> {
        let name = checked(name)?;
        self.change(format_args!("removing {name}"), |names| {
            match names.live(self.at, name) {
                None => return Ok(false),
                Some(Node::Dir(_)) => return Err(Errno::ISDIR.into()),
                Some(_) => names.change(vec![self.rebind(name, None)]),
            }
            Ok(true)
        })
    }

    fn symlink(&self, target: &str, name: &str) -> io::Result<()> {
        let name = checked(name)?;
        self.change(format_args!("linking {name} to {target}"), |names| {
            self.require_free(names, name)?;
            let node = Node::Link(target.into());
            names.change(vec![self.rebind(name, Some(node))]);
            Ok(())
        })
    }

    fn read_link(&self, name: &str) -> io::Result<Option<String>> {
        let name = checked(name)?;
        self.world.power.check()?;
        match self.names().live(self.at, name) {
            None => Err(Errno::NOENT.into()),
            Some(Node::Link(target)) => Ok(Some(target.to_string())),
            Some(_) => Ok(None),
        }
    }

    fn clone_file(&self, from: &str, to: &str) -> io::Result<CloneOutcome> {
        let (from, to) = (checked(from)?, checked(to)?);
        self.change(format_args!("cloning {from} to {to}"), |names| {
            let source = self.file(names, from)?;
            self.require_free(names, to)?;
            let source = lock(&source);
            let bytes = self.copied(&source.live).map_err(no_space)?;
            let content = Content::cloned(bytes, source.live_len, &self.world.space);
            let node = Node::File(Arc::new(Mutex::new(content)));
            names.change(vec![self.rebind(to, Some(node))]);
            Ok(match self.world.shares {
                true => CloneOutcome::Shared,
                false => CloneOutcome::Copied,
            })
        })
    }

    fn can_share(&self) -> io::Result<bool> {
        self.world.power.check()?;
        Ok(self.world.shares)
    }

    fn sync(&self) -> io::Result<()> {
        let what = format_args!("sync of a directory");
        self.world.power.perform(what, |verdict| {
            let mut names = self.names();
            match verdict {
                Verdict::Go => names.sync(self.at),
                Verdict::Cut => {}
                Verdict::Fail(failure) => {
                    names.fail_sync(self.at);
                    return Err(failure.into());
                }
            }
            Ok(())
        })
    }

    fn available(&self) -> io::Result<Option<u64>> {
        self.world.power.check()?;
        Ok(self.world.space.available())
    }

    fn host_path(&self) -> Option<&Path> {
        None
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
