//! Leaving a pool: which of its devices are in use, and which a program that ended has left.

use super::{
    backend::ThinBackend,
    error::PoolError,
    opens::{device, machine_of},
    pool::Pool,
};
use crate::{
    dm::{DeviceName, Line, Nodes, Uuid},
    name::Name,
};

impl Pool {
    /// The devices of its volumes, of whoever, by name, with their uuids: the first word of their tables is its
    /// number.
    pub(super) fn users(&self) -> Result<Vec<(DeviceName, Option<Uuid>)>, PoolError> {
        let control = self.control();
        let pool = control
            .info(self.name())?
            .map(|info| info.number.to_string());
        let mut users = Vec::new();
        let listed = control.list()?.into_iter();
        for name in listed.filter_map(|found| DeviceName::new(found.name)) {
            let table = control.table(&name)?;
            let is_of_it = |line: &Line| {
                line.target == "thin" && line.words.split_whitespace().next() == pool.as_deref()
            };
            if table.iter().any(is_of_it) {
                let uuid = control.info(&name)?.and_then(|info| info.uuid);
                users.push((name, uuid));
            }
        }
        users.sort();
        Ok(users)
    }
}

impl ThinBackend {
    /// The machines of this pool whose device somebody has open, by name.
    ///
    /// # Errors
    /// [`PoolError::Dm`].
    pub fn in_use(&self) -> Result<Vec<Name>, PoolError> {
        let control = self.pool().control();
        let mut found = Vec::new();
        for listed in control.list()? {
            let Some(name) = machine_of(&listed.name) else {
                continue;
            };
            let info = control.info(&device(&name))?;
            let is_open = info.is_some_and(|info| {
                let ours = info.uuid.as_ref().and_then(|uuid| self.volume_of(uuid));
                ours.is_some() && info.opened > 0
            });
            if is_open {
                found.push(name);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The devices that somebody else has of volumes of this pool, by name.
    ///
    /// # Errors
    /// [`PoolError::Dm`].
    pub fn foreign_devices(&self) -> Result<Vec<String>, PoolError> {
        let ours = |uuid: &Uuid| self.volume_of(uuid).is_some();
        let users = self.pool().users()?.into_iter();
        let foreign = users.filter(|(_, uuid)| !uuid.as_ref().is_some_and(ours));
        Ok(foreign.map(|(name, _)| name.to_string()).collect())
    }

    /// Removes the devices that a program of ours has left which ended, where nobody has them open.
    ///
    /// # Errors
    /// [`PoolError::Dm`].
    pub fn sweep(&self) -> Result<(), PoolError> {
        let control = self.pool().control();
        for listed in control.list()? {
            let Some(name) = DeviceName::new(listed.name) else {
                continue;
            };
            if machine_of(name.as_str()).is_some() {
                continue;
            }
            let info = control.info(&name)?;
            let uuid = info.and_then(|info| info.uuid);
            if uuid.is_some_and(|uuid| self.volume_of(&uuid).is_some()) {
                control.remove(&name)?;
                Nodes::default().forget(&name)?;
            }
        }
        Ok(())
    }
}
