//! The devices of machines: given, taken away, and told of.

use std::io;

use super::{
    backend::{ThinBackend, failed},
    opens::{device, is_missing, machine_of},
    reload::not_reloading,
    users::user_of,
};
use crate::{
    backend::{Access, Activated, Deactivated},
    dm::{DmError, Errno, Info},
    error::{Doing, Holder, VolumeError},
    id::VolumeId,
    name::Name,
};

impl ThinBackend {
    /// What [`Backend::activate`](crate::Backend::activate) does.
    pub(super) fn give_device(&self, id: VolumeId, name: &Name) -> Result<Activated, VolumeError> {
        let doing = Doing::Activating(name.clone());
        let dm = |error: DmError| failed(&doing, error.into());
        let _hold = self.holders.hold(id, Access::Read)?;
        let _machines = self.machines();
        let size = self.size(id, &doing)?;
        let (control, device) = (self.pool.control(), device(name));
        let is_active = match control.info(&device).map_err(dm)? {
            None => false,
            Some(info) => match info.uuid.and_then(|uuid| self.opens.volume(&uuid)) {
                // One with another table shows something else, or less: it is not handed out as it is.
                Some(on) if on == id => {
                    let is_it = info.has_table
                        && control.table(&device).map_err(dm)? == [self.pool.thin(id, size)];
                    if info.has_table && !is_it && info.opened > 0 {
                        let who = user_of(info.number);
                        let who = who.unwrap_or_else(|| "somebody has it open".to_owned());
                        let holder = Holder::Host(format!("{who}, with another table"));
                        return Err(VolumeError::Busy { id, holder });
                    }
                    is_it
                }
                Some(on) => {
                    let name = name.clone();
                    return Err(VolumeError::NameTaken { name, id: on });
                }
                None => {
                    let found = "a device of that name is there, and is none of this pool";
                    return Err(VolumeError::io(doing, io::Error::other(found)));
                }
            },
        };
        if !is_active {
            self.require_other_inactive(id, name, &doing)?;
            self.opens
                .sweep(id)
                .map_err(|error| failed(&doing, error))?;
            if control.info(&device).map_err(dm)?.is_none() {
                control.create(&device, &self.opens.uuid(id)).map_err(dm)?;
            }
            let _working = not_reloading();
            let made = control
                .load(&device, &[self.pool.thin(id, size)])
                .and_then(|_| control.resume(&device));
            if let Err(error) = made {
                control.remove(&device).map_err(dm)?;
                return Err(match is_missing(&error) {
                    true => VolumeError::NotFound { id },
                    false => dm(error),
                });
            }
        }
        let info = control.info(&device).map_err(dm)?;
        let info = info.ok_or(VolumeError::NotFound { id })?;
        let path = self.nodes.ensure(&device, info.number).map_err(dm)?;
        Ok(Activated {
            path: Some(path),
            changed: !is_active,
        })
    }

    /// What [`Backend::deactivate`](crate::Backend::deactivate) does.
    pub(super) fn take_device(&self, name: &Name) -> Result<Deactivated, VolumeError> {
        let doing = Doing::Deactivating(name.clone());
        let dm = |error: DmError| failed(&doing, error.into());
        let _machines = self.machines();
        let (control, device) = (self.pool.control(), device(name));
        let found = control.info(&device).map_err(dm)?;
        let ours = found.and_then(|info| {
            let id = self.opens.volume(info.uuid.as_ref()?)?;
            Some((info.number, id))
        });
        let Some((number, id)) = ours else {
            return Ok(Deactivated::NotActive);
        };
        match control.remove(&device) {
            Err(error) if error.errno() == Some(Errno::Busy) => {
                let who = user_of(number).unwrap_or_else(|| "somebody has it open".to_owned());
                let holder = Holder::Host(who);
                return Err(VolumeError::Busy { id, holder });
            }
            removed => removed.map_err(dm)?,
        };
        self.nodes.forget(&device).map_err(dm)?;
        Ok(Deactivated::Deactivated)
    }

    /// What [`Backend::active`](crate::Backend::active) does: whoever was cut off may have left a device without its
    /// table, or without its node.
    pub(super) fn devices_given(&self) -> Result<Vec<(Name, VolumeId)>, VolumeError> {
        let devices = self.devices_of_machines()?.into_iter();
        let given = devices.filter(|(name, _, info)| {
            info.has_table && self.nodes.leads(&device(name), info.number)
        });
        Ok(given.map(|(name, id, _)| (name, id)).collect())
    }

    /// Every device of a machine's name and this pool, also half made, by name.
    ///
    /// # Errors
    /// [`VolumeError::Io`].
    pub fn devices_of_machines(&self) -> Result<Vec<(Name, VolumeId, Info)>, VolumeError> {
        let dm = |error: DmError| failed(&Doing::Listing, error.into());
        let control = self.pool.control();
        let mut devices = Vec::new();
        for found in control.list().map_err(dm)? {
            let Some(name) = machine_of(&found.name) else {
                continue;
            };
            let info = control.info(&device(&name)).map_err(dm)?;
            devices.extend(info.and_then(|info| {
                let id = self.opens.volume(info.uuid.as_ref()?)?;
                Some((name, id, info))
            }));
        }
        devices.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(devices)
    }

    /// Refuses where another machine is active on the volume.
    fn require_other_inactive(
        &self,
        id: VolumeId,
        name: &Name,
        doing: &Doing,
    ) -> Result<(), VolumeError> {
        match self.machine_on(id, doing)? {
            Some((other, _)) if other != *name => Err(VolumeError::Busy {
                id,
                holder: Holder::Machine(other),
            }),
            _ => Ok(()),
        }
    }
}
