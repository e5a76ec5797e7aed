//! The pool's metadata checked, and held against the catalogue.

use std::collections::BTreeSet;

use longshore_catalog::{MachineRow, Reader, VolumeKind, VolumeRow, VolumeState};
use longshore_volume::thin::{Checked, PoolError, ThinDevice};

use super::{
    row::{Known, known, none, pool_of},
    while_down::while_down,
};
use crate::{Events, Failure, PoolCheck, Settings, View, site::Site, trouble::Trouble};

/// Checks the pool: while it is at work by a snapshot of its metadata; `whole`, or while it is down, by thin_check,
/// for which it is taken down.
///
/// # Errors
/// [`Class::NotFound`](crate::Class::NotFound) where there is none; [`Class::Busy`](crate::Class::Busy) where it would
/// have to be taken down and a disk is open. Damage is no error.
pub async fn check_pool(
    settings: Settings,
    whole: bool,
    events: Events,
) -> Result<PoolCheck, Failure> {
    let is_up = {
        let view = View::open(&settings.state_dir)?.ok_or_else(none)?;
        let pool = known(|look| view.read(look))?.ok_or_else(none)?;
        match pool.spec.find(&pool.name) {
            Ok(_) => true,
            Err(PoolError::NotUp { .. }) => false,
            Err(error) => return Err(error.failure()),
        }
    };
    if whole || !is_up {
        return while_down(&settings, events, whole_check).await;
    }
    // Others make and remove volumes, and hold a snapshot of the metadata as they look at it: nobody else may.
    let site = Site::open(&settings).await?;
    let checked = tokio::task::spawn_blocking(move || {
        let pool = pool_of(&site)?;
        let up = pool.spec.find(&pool.name).map_err(Trouble::failure)?;
        let looked = up.devices().and_then(|devices| {
            // Every node, and that no block of data is mapped twice by others than snapshots.
            up.shares(&[])?;
            Ok(devices)
        });
        let (devices, damage) = match looked {
            Ok(devices) => (devices, None),
            Err(PoolError::Metadata(error)) => (Vec::new(), Some(error.to_string())),
            Err(error) => return Err(error.failure()),
        };
        report(&site, &pool, "snapshot", &devices, damage)
    });
    checked
        .await
        .map_err(|error| Failure::broken("checking a pool stopped").caused_by(&error))?
}

fn whole_check(site: &Site, pool: &Known) -> Result<PoolCheck, Failure> {
    let damage = match pool.spec.check(&pool.name).map_err(Trouble::failure)? {
        Checked::Clean => None,
        Checked::Damaged(said) => Some(said),
    };
    // What is damaged may be read as far as that goes.
    let contents = pool.spec.contents(&pool.name);
    let devices = match contents {
        Ok(contents) => contents.devices,
        Err(_) if damage.is_some() => Vec::new(),
        Err(error) => return Err(error.failure()),
    };
    report(site, pool, "whole", &devices, damage)
}

fn report(
    site: &Site,
    pool: &Known,
    extent: &'static str,
    devices: &[ThinDevice],
    damage: Option<String>,
) -> Result<PoolCheck, Failure> {
    let rows = site.read(Rows::look)?;
    let difference = rows.difference(devices);
    // Of one that somebody else has made, what is unknown is theirs.
    let is_whole = damage.is_none()
        && difference.missing.is_empty()
        && (difference.unknown.is_empty() || pool.spec.adopted);
    Ok(PoolCheck {
        name: pool.name.to_string(),
        extent,
        clean: is_whole,
        volumes: devices.len(),
        damage,
        missing: difference.missing,
        unknown: difference.unknown,
    })
}

/// What a catalogue has of a pool.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) volumes: Vec<VolumeRow>,
    pub(super) machines: Vec<MachineRow>,
}

/// What a catalogue and a pool do not both have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What the pool has not, in words.
    pub(super) missing: Vec<String>,
    /// What the catalogue does not know.
    pub(super) unknown: Vec<u64>,
}

impl Rows {
    pub(super) fn look(read: &Reader<'_>) -> Result<Self, longshore_catalog::Error> {
        Ok(Self {
            volumes: read.volumes()?,
            machines: read.machines()?,
        })
    }

    /// What a volume is, to whoever has lost it.
    pub(super) fn in_words(&self, volume: &VolumeRow) -> String {
        let machine = self
            .machines
            .iter()
            .find(|machine| machine.disk == volume.id);
        match (volume.kind, machine) {
            (VolumeKind::Disk, Some(machine)) => {
                format!("volume {}, the disk of machine {}", volume.id, machine.name)
            }
            (VolumeKind::Disk, None) => format!("volume {}, a disk of no machine", volume.id),
            (VolumeKind::Base, _) => format!("volume {}, of an image", volume.id),
        }
    }

    /// Sealed volumes that have less than was in use when they were sealed, in words: metadata of an earlier day has
    /// them as they were then. Pure.
    pub(super) fn shrunk(&self, devices: &[ThinDevice], block: u64) -> Vec<String> {
        let less = self.volumes.iter().filter(|volume| {
            let device = devices.iter().find(|device| device.id == volume.id.0);
            let has = device.map(|device| device.mapped.saturating_mul(block));
            volume.state == VolumeState::Sealed
                && has.zip(volume.used).is_some_and(|(has, used)| has < used)
        });
        less.map(|volume| format!("part of {}", self.in_words(volume)))
            .collect()
    }

    /// Pure. A volume that is reserved, or going, may be there or not.
    pub(super) fn difference(&self, devices: &[ThinDevice]) -> Difference {
        let there: BTreeSet<u64> = devices.iter().map(|device| device.id).collect();
        let known: BTreeSet<u64> = self.volumes.iter().map(|volume| volume.id.0).collect();
        let is_there = |volume: &&VolumeRow| {
            matches!(volume.state, VolumeState::Created | VolumeState::Sealed)
        };
        let missing = self.volumes.iter().filter(is_there);
        let missing = missing.filter(|volume| !there.contains(&volume.id.0));
        Difference {
            missing: missing.map(|volume| self.in_words(volume)).collect(),
            unknown: there.difference(&known).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::volume;

    #[test]
    fn what_only_one_of_them_has_is_told() {
        let rows = Rows {
            volumes: vec![
                volume(1, VolumeKind::Base, VolumeState::Sealed),
                volume(2, VolumeKind::Disk, VolumeState::Created),
                volume(3, VolumeKind::Base, VolumeState::Reserved),
                volume(4, VolumeKind::Base, VolumeState::Deleting),
            ],
            machines: Vec::new(),
        };
        let devices = |ids: &[u64]| -> Vec<ThinDevice> {
            let device = |id: &u64| ThinDevice { id: *id, mapped: 0 };
            ids.iter().map(device).collect()
        };
        let same = rows.difference(&devices(&[1, 2]));
        assert_eq!((same.missing.len(), same.unknown.len()), (0, 0));
        let other = rows.difference(&devices(&[2, 3, 9]));
        assert_eq!(other.missing, ["volume 1, of an image"]);
        assert_eq!(other.unknown, [9]);
    }
}
