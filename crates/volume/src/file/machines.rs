//! [`Machines`]: the symbolic links by which machines find their volumes.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use longshore_durable::Dir;

use super::{layout, names::Names};
use crate::{
    backend::{Activated, Deactivated},
    error::{Doing, Holder, VolumeError},
    id::VolumeId,
    name::Name,
};

#[derive(Debug)]
pub(super) struct Machines {
    names: Names,
    /// Held from looking who is active on a volume to having changed it.
    changing: Mutex<()>,
}

/// The links, and what is among them and is none.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) active: Vec<(Name, VolumeId)>,
    pub(super) foreign: Vec<String>,
}

impl Machines {
    pub(super) fn new(dir: Arc<dyn Dir>) -> Machines {
        Machines {
            names: Names::new(dir),
            changing: Mutex::new(()),
        }
    }

    pub(super) fn settle(&self, doing: Doing) -> Result<(), VolumeError> {
        self.names.settle(doing)
    }

    pub(super) fn found(&self) -> io::Result<Found> {
        let (dir, mut found) = (self.names.look(), Found::default());
        for entry in dir.list()? {
            let name = layout::machine_named(&entry.name);
            match (name, self.target(&entry.name)?) {
                (Some(name), Some(id)) => found.active.push((name, id)),
                _ => found.foreign.push(entry.name),
            }
        }
        // By name: the order of the entries is another one ("a-b.img" is before "a.img").
        found.active.sort();
        Ok(found)
    }

    /// Refuses where a machine is active on the volume.
    pub(super) fn require_inactive(&self, id: VolumeId, doing: &Doing) -> Result<(), VolumeError> {
        let found = self.found();
        let found = found.map_err(|source| VolumeError::io(doing.clone(), source))?;
        match found.active.into_iter().find(|(_, on)| *on == id) {
            None => Ok(()),
            Some((name, _)) => {
                let holder = Holder::Machine(name);
                Err(VolumeError::Busy { id, holder })
            }
        }
    }

    /// Links a volume that the caller holds.
    pub(super) fn link(&self, id: VolumeId, name: &Name) -> Result<Activated, VolumeError> {
        let doing = Doing::Activating(name.clone());
        let io = |source| VolumeError::io(doing.clone(), source);
        let _changing = self.changing();
        let (dir, entry) = (self.names.change()?, layout::machine(name));
        let path = dir.host_path().map(|path| path.join(&entry));
        match self.target(&entry).map_err(io)? {
            None => self.require_inactive(id, &doing)?,
            Some(on) if on == id => {
                let changed = false;
                return Ok(Activated { path, changed });
            }
            Some(id) => {
                let name = name.clone();
                return Err(VolumeError::NameTaken { name, id });
            }
        }
        dir.symlink(&layout::link_to(id), &entry).map_err(io)?;
        self.names.settle(doing)?;
        let changed = true;
        Ok(Activated { path, changed })
    }

    pub(super) fn unlink(&self, name: &Name) -> Result<Deactivated, VolumeError> {
        let doing = Doing::Deactivating(name.clone());
        let io = |source| VolumeError::io(doing.clone(), source);
        let _changing = self.changing();
        let (dir, entry) = (self.names.change()?, layout::machine(name));
        if self.target(&entry).map_err(io)?.is_none() {
            return Ok(Deactivated::NotActive);
        }
        dir.remove(&entry).map_err(io)?;
        self.names.settle(doing)?;
        Ok(Deactivated::Deactivated)
    }

    /// The volume that an entry links to; `None` where it is nothing, or no link of ours.
    fn target(&self, entry: &str) -> io::Result<Option<VolumeId>> {
        match self.names.look().read_link(entry) {
            Ok(target) => Ok(target.as_deref().and_then(layout::linked)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
