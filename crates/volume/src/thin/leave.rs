//! Leaving a pool: which of its devices are in use, and which a program that ended has left.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::{
    backend::ThinBackend,
    error::PoolError,
    opens::{device, machine_of, own_prefix, own_uuid},
    pool::Pool,
};
use crate::{
    backend::Stray,
    dm::{DeviceName, Info, Line, Nodes, Uuid},
    id::VolumeId,
    name::Name,
};

impl Pool {
    /// Whether a path below `/dev/mapper` leads to the device of this volume, by the uuid that the kernel has for it.
    ///
    /// # Errors
    /// [`PoolError::Dm`].
    pub fn shows(&self, path: &Path, id: VolumeId) -> Result<bool, PoolError> {
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.and_then(DeviceName::new) else {
            return Ok(false);
        };
        let Some(info) = self.control().info(&name)? else {
            return Ok(false);
        };
        let uuid = Uuid::ours(&own_uuid(self.name(), id));
        let leads = fs::metadata(path).is_ok_and(|found| {
            rustix::fs::major(found.rdev()) == info.number.major
                && rustix::fs::minor(found.rdev()) == info.number.minor
        });
        Ok(leads && uuid.is_some() && info.uuid == uuid)
    }

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

    /// Devices that a program of ours has left which ended, and nodes under names of ours that lead to no such device:
    /// whoever opened one of those would open whatever has its number by then.
    pub(super) fn find_strays(&self) -> Result<Vec<Stray>, PoolError> {
        let control = self.pool().control();
        let mut strays = Vec::new();
        for listed in control.list()? {
            let Some(name) = DeviceName::new(listed.name) else {
                continue;
            };
            let info = control.info(&name)?;
            let is_stray = info.is_some_and(|info| {
                let ours = info.uuid.as_ref().and_then(|uuid| self.volume_of(uuid));
                // One of a machine that never got its table shows nothing.
                let is_nobodys = machine_of(name.as_str()).is_none() || !info.has_table;
                ours.is_some() && info.opened == 0 && is_nobodys
            });
            if is_stray {
                strays.push(Stray::Device(name.to_string()));
            }
        }
        for (name, number) in Nodes::default().all()? {
            let is_ours = machine_of(name.as_str()).is_some()
                || name.as_str().starts_with(&own_prefix(self.pool().name()));
            let leads = |info: Info| number.is_none_or(|number| info.number == number);
            if is_ours && !control.info(&name)?.is_some_and(leads) {
                strays.push(Stray::Node(Nodes::default().path(&name)));
            }
        }
        Ok(strays)
    }

    /// Removes one of them, if it is one still.
    pub(super) fn sweep_one(&self, stray: &Stray) -> Result<(), PoolError> {
        if !self.find_strays()?.contains(stray) {
            return Ok(());
        }
        let name = match stray {
            Stray::Device(name) => DeviceName::new(name.as_str()),
            Stray::Node(path) => path
                .file_name()
                .and_then(|name| DeviceName::new(name.to_str()?)),
        };
        let Some(name) = name else { return Ok(()) };
        if let Stray::Device(_) = stray {
            self.pool().control().remove(&name)?;
        }
        Ok(Nodes::default().forget(&name)?)
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
