//! [`Opens`]: the devices of volumes that this program uses itself.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use super::{error::PoolError, pool::Pool, reload::not_reloading};
use crate::{
    dm::{DeviceName, DmError, Errno, Nodes, Uuid},
    id::VolumeId,
    name::Name,
};

/// What the names of machines' devices begin with.
const PREFIX: &str = "longshore-";
/// And of those that this program uses itself, which are no machine's name.
const OWN: &str = "longshore.";

/// The devices by which this program reads and writes volumes, one for each that is in use.
#[derive(Debug)]
pub(super) struct Opens {
    pool: Arc<Pool>,
    nodes: Nodes,
    counts: Mutex<HashMap<VolumeId, usize>>,
}

/// A device in use, until this is dropped.
#[derive(Debug)]
pub(super) struct Open {
    opens: Arc<Opens>,
    id: VolumeId,
    pub(super) path: PathBuf,
}

impl Opens {
    pub(super) fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            nodes: Nodes::default(),
            counts: Mutex::default(),
        }
    }

    /// The uuid that any device of a volume has.
    pub(super) fn uuid(&self, id: VolumeId) -> Uuid {
        Uuid::ours(&own_uuid(self.pool.name(), id))
            .expect("a pool's name and a number are letters of a uuid")
    }

    /// The volume that a uuid is of, if it is one of this pool's.
    pub(super) fn volume(&self, uuid: &Uuid) -> Option<VolumeId> {
        let rest = uuid.rest()?.strip_prefix(self.pool.name().as_str())?;
        rest.strip_prefix('-')?.parse().ok()
    }

    /// The name of the device that this program uses.
    pub(super) fn name(&self, id: VolumeId) -> DeviceName {
        DeviceName::new(own_name(self.pool.name(), id))
            .expect("a pool's name and a number are letters of a name")
    }

    /// Has a volume of `size` bytes on a device. `None` where the pool has no such volume.
    pub(super) fn open(
        self: &Arc<Self>,
        id: VolumeId,
        size: u64,
    ) -> Result<Option<Open>, PoolError> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let name = self.name(id);
        let path = match counts.get(&id) {
            Some(_) => self.nodes.path(&name),
            None => match self.make(id, size, &name)? {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        *counts.entry(id).or_default() += 1;
        Ok(Some(Open {
            opens: Arc::clone(self),
            id,
            path,
        }))
    }

    fn make(
        &self,
        id: VolumeId,
        size: u64,
        name: &DeviceName,
    ) -> Result<Option<PathBuf>, PoolError> {
        let control = self.pool.control();
        let _working = not_reloading();
        // One that is there was left by a program that ended: it gets the right table.
        if control.info(name)?.is_none() {
            control.create(name, &self.uuid(id))?;
        }
        let made = control
            .load(name, &[self.pool.thin(id, size)])
            .and_then(|_| control.resume(name));
        match made {
            Ok(info) => Ok(Some(self.nodes.ensure(name, info.number)?)),
            Err(error) => {
                control.remove(name)?;
                match is_missing(&error) {
                    true => Ok(None),
                    false => Err(error.into()),
                }
            }
        }
    }

    /// Removes the device that a program left which ended, where nobody has it.
    pub(super) fn sweep(&self, id: VolumeId) -> Result<(), PoolError> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.contains_key(&id) {
            return Ok(());
        }
        let name = self.name(id);
        self.pool.control().remove(&name)?;
        Ok(self.nodes.forget(&name)?)
    }

    fn close(&self, id: VolumeId) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = counts.get_mut(&id) else {
            return;
        };
        *count -= 1;
        if *count > 0 {
            return;
        }
        counts.remove(&id);
        // Given to a machine meanwhile, it has another name. What cannot be removed now is swept later.
        let name = self.name(id);
        let _ = self.pool.control().remove_deferred(&name);
        let _ = self.nodes.forget(&name);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.opens.close(self.id);
    }
}

/// The device of a machine.
pub(super) fn device(name: &Name) -> DeviceName {
    DeviceName::new(format!("{PREFIX}{name}")).expect("a machine's name is letters of a name")
}

/// The machine that a device is of, by its name.
pub(super) fn machine_of(device: &str) -> Option<Name> {
    Name::new(device.strip_prefix(PREFIX)?).ok()
}

/// What the uuid of a volume has behind the prefix of ours.
pub(super) fn own_uuid(pool: &DeviceName, id: VolumeId) -> String {
    format!("{pool}-{id}")
}

/// What a volume's device is called that this program uses.
pub(super) fn own_name(pool: &DeviceName, id: VolumeId) -> String {
    format!("{}{id}", own_prefix(pool))
}

/// What the names of those devices begin with.
pub(super) fn own_prefix(pool: &DeviceName) -> String {
    format!("{OWN}{pool}.")
}

/// Whether a thin device has no table because the pool has no such volume: its metadata say ENODATA, and the thin
/// target hands that on.
pub(super) fn is_missing(error: &DmError) -> bool {
    error.errno() == Some(Errno::NoData)
}
