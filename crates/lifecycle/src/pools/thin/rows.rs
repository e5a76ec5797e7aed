//! [`Rows`]: what a catalogue has of a pool, held against what the pool has.

use std::collections::BTreeSet;

use longshore_catalog::{MachineRow, Reader, VolumeKind, VolumeRow, VolumeState};
use longshore_volume::thin::ThinDevice;

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
    use crate::made_up::volume;

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
