//! [`SimulatedBackend`]: the volumes themselves.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use longshore_durable::{Power, Space, Sparse};

use super::disk::SimulatedDisk;
use crate::{
    backend::{
        Access, Activated, Backend, Capacity, Created, Deactivated, Listing, Removed, Share,
        SnapshotKind, Usage, already_there, checked_size, snapshot_size,
    },
    disk::Disk,
    error::{Doing, Holder, VolumeError},
    holders::Holders,
    id::VolumeId,
    name::Name,
};

/// Volumes in memory, with the semantics of a thin pool. Nothing of it is kept.
#[derive(Debug)]
pub struct SimulatedBackend {
    state: Mutex<State>,
    holders: Holders,
    power: Power,
    space: Space,
}

#[derive(Debug, Default)]
struct State {
    volumes: BTreeMap<VolumeId, Volume>,
    active: BTreeMap<Name, VolumeId>,
}

#[derive(Debug)]
struct Volume {
    size: u64,
    bytes: Arc<Mutex<Sparse>>,
}

impl Default for SimulatedBackend {
    fn default() -> Self {
        SimulatedBackend::new()
    }
}

impl SimulatedBackend {
    /// An empty backend without a limit but the memory's.
    pub fn new() -> SimulatedBackend {
        SimulatedBackend::with(Power::new(), Space::unlimited())
    }

    /// An empty backend whose changes take their numbers from `power`, so that any of them can be
    /// planned to fail, and its pages from `space`.
    pub fn with(power: Power, space: Space) -> SimulatedBackend {
        SimulatedBackend {
            state: Mutex::default(),
            holders: Holders::default(),
            power,
            space,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a number and changes the state.
    fn change<T>(
        &self,
        doing: Doing,
        change: impl FnOnce(&mut State) -> T,
    ) -> Result<T, VolumeError> {
        let what = doing.to_string();
        let done = self.power.step(&what, || Ok(change(&mut self.state())));
        done.map_err(|source| VolumeError::io(doing, source))
    }

    fn check_power(&self, doing: Doing) -> Result<(), VolumeError> {
        let check = self.power.check();
        check.map_err(|source| VolumeError::io(doing, source))
    }

    fn add(&self, doing: Doing, id: VolumeId, volume: Volume) -> Result<Created, VolumeError> {
        self.change(doing, |state| match state.volumes.get(&id) {
            Some(has) => already_there(id, has.size, volume.size),
            None => {
                state.volumes.insert(id, volume);
                Ok(Created::Created)
            }
        })?
    }
}

impl State {
    fn volume(&self, id: VolumeId) -> Result<&Volume, VolumeError> {
        self.volumes.get(&id).ok_or(VolumeError::NotFound { id })
    }

    fn require_inactive(&self, id: VolumeId) -> Result<(), VolumeError> {
        match self.active.iter().find(|(_, on)| **on == id) {
            None => Ok(()),
            Some((name, _)) => {
                let holder = Holder::Machine(name.clone());
                Err(VolumeError::Busy { id, holder })
            }
        }
    }
}

impl Volume {
    fn bytes(&self) -> MutexGuard<'_, Sparse> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for SimulatedBackend {
    fn create(&self, id: VolumeId, size: u64) -> Result<Created, VolumeError> {
        let size = checked_size(size)?;
        let _hold = self.holders.hold(id, Access::Write)?;
        let bytes = Arc::new(Mutex::new(Sparse::new(&self.space)));
        self.add(Doing::Creating(id), id, Volume { size, bytes })
    }

    fn open(&self, id: VolumeId, access: Access) -> Result<Box<dyn Disk>, VolumeError> {
        self.check_power(Doing::Opening(id))?;
        let hold = self.holders.hold(id, access)?;
        let state = self.state();
        if access == Access::Write {
            state.require_inactive(id)?;
        }
        let Volume { size, bytes } = state.volume(id)?;
        Ok(Box::new(SimulatedDisk {
            hold,
            bytes: Arc::clone(bytes),
            size: *size,
            power: self.power.clone(),
        }))
    }

    fn snapshot(
        &self,
        origin: VolumeId,
        id: VolumeId,
        size: Option<u64>,
    ) -> Result<Created, VolumeError> {
        let _origin = self.holders.hold(origin, Access::Read)?;
        let _hold = self.holders.hold(id, Access::Write)?;
        let (has, bytes) = {
            let state = self.state();
            state.require_inactive(origin)?;
            let volume = state.volume(origin)?;
            (volume.size, volume.bytes().clone())
        };
        let size = snapshot_size(origin, has, size)?;
        let bytes = Arc::new(Mutex::new(bytes));
        let doing = Doing::Snapshotting { origin, id };
        self.add(doing, id, Volume { size, bytes })
    }

    fn remove(&self, id: VolumeId) -> Result<Removed, VolumeError> {
        let hold = self.holders.hold_even_broken(id, Access::Write)?;
        self.state().require_inactive(id)?;
        let removed = self.change(Doing::Removing(id), |state| state.volumes.remove(&id))?;
        hold.gone();
        Ok(match removed {
            Some(_) => Removed::Removed,
            None => Removed::NotThere,
        })
    }

    fn list(&self) -> Result<Listing, VolumeError> {
        self.check_power(Doing::Listing)?;
        Ok(Listing {
            volumes: self.state().volumes.keys().copied().collect(),
            foreign: Vec::new(),
            unknown: Vec::new(),
        })
    }

    fn activate(&self, id: VolumeId, name: &Name) -> Result<Activated, VolumeError> {
        let _hold = self.holders.hold(id, Access::Read)?;
        let doing = Doing::Activating(name.clone());
        let changed = self.change(doing, |state| {
            state.volume(id)?;
            match state.active.get(name) {
                Some(on) if *on == id => return Ok(false),
                Some(&on) => {
                    let name = name.clone();
                    return Err(VolumeError::NameTaken { name, id: on });
                }
                None => state.require_inactive(id)?,
            }
            state.active.insert(name.clone(), id);
            Ok(true)
        })??;
        Ok(Activated {
            path: None,
            changed,
        })
    }

    fn deactivate(&self, name: &Name) -> Result<Deactivated, VolumeError> {
        let doing = Doing::Deactivating(name.clone());
        let removed = self.change(doing, |state| state.active.remove(name))?;
        Ok(match removed {
            Some(_) => Deactivated::Deactivated,
            None => Deactivated::NotActive,
        })
    }

    fn active(&self) -> Result<Vec<(Name, VolumeId)>, VolumeError> {
        self.check_power(Doing::Listing)?;
        let state = self.state();
        let active = state.active.iter();
        Ok(active.map(|(name, &id)| (name.clone(), id)).collect())
    }

    fn path(&self, _: VolumeId) -> Option<PathBuf> {
        None
    }

    fn usage(&self, id: VolumeId) -> Result<Usage, VolumeError> {
        self.check_power(Doing::Opening(id))?;
        let state = self.state();
        let volume = state.volume(id)?;
        let allocated_bytes = volume.bytes().allocated();
        Ok(Usage {
            virtual_bytes: volume.size,
            allocated_bytes,
        })
    }

    fn shown(&self, id: VolumeId) -> Result<Option<u64>, VolumeError> {
        Ok(Some(self.usage(id)?.virtual_bytes))
    }

    fn shares(&self, _: &[Vec<VolumeId>]) -> Result<Option<Vec<Share>>, VolumeError> {
        Ok(None)
    }

    fn snapshot_kind(&self) -> SnapshotKind {
        SnapshotKind::Thin
    }

    fn capacity(&self) -> Result<Option<Capacity>, VolumeError> {
        Ok(None)
    }

    fn available(&self) -> Result<Option<u64>, VolumeError> {
        self.check_power(Doing::Listing)?;
        Ok(self.space.available())
    }
}
