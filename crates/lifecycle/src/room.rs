//! Room in a pool, promised before work begins: a pool that cannot hold what is to come refuses first.
//!
//! A layer of plain tar takes about what it has; of a compressed one nobody knows before it is unpacked, and it is
//! promised 256 MiB at a time. Metadata is promised by the kernel's own rule, 48 bytes a block (thin-provisioning.rst),
//! twice: for what is new, and for what of the parent's is copied on the way. What is promised and not yet taken is
//! kept from others; what is unpacked is promised no more, for the pool counts it itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_catalog::{VolumeKind, VolumeRow, VolumeState};
use longshore_volume::Capacity;

use crate::{Class, Failure, deps::Deps, trouble::Trouble};

/// What is promised at a time where nobody knows how much it will be.
const STEP: u64 = 256 << 20;
/// Bytes of metadata for a mapping.
const MAPPING: u64 = 48;
/// Bytes of metadata that a new volume takes at most, its nodes and those above them.
const VOLUME: u64 = 64 << 10;
/// Bytes of metadata that stay free: the pool has to be able to free blocks, too.
const SPARE: u64 = 256 << 10;

/// What work will take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) data: u64,
    pub(crate) volumes: u64,
}

impl std::ops::Add for Need {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            data: self.data.saturating_add(other.data),
            volumes: self.volumes.saturating_add(other.volumes),
        }
    }
}

impl Need {
    /// Of a layer, by its key and the bytes that it has where it is stored.
    pub(crate) fn of_layer(key: &str, stored: u64) -> Self {
        let data = match key.ends_with(".tar") {
            true => stored,
            false => stored.max(1).next_multiple_of(STEP),
        };
        Self { data, volumes: 1 }
    }

    /// Of a machine's disk, before its guest has written anything.
    const MACHINE: Self = Self {
        data: 0,
        volumes: 1,
    };

    fn metadata(self, block: u64) -> u64 {
        let mappings = self.data.div_ceil(block.max(1)).saturating_mul(MAPPING);
        mappings
            .saturating_mul(2)
            .saturating_add(self.volumes.saturating_mul(VOLUME))
    }
}

/// Whether a pool can hold it. Pure.
fn fits(capacity: &Capacity, need: Need) -> Result<(), Failure> {
    let metadata = need.metadata(capacity.block).saturating_add(SPARE);
    let full = |what: &str, needs: u64, has: u64| {
        let text = format!(
            "the pool has no room for it: {needs} bytes of {what} may be needed, {has} are free"
        );
        Err(Failure::new(Class::Full, "pool-full", text)
            .hint("see what takes how much with `longshore df`, and remove what is not needed"))
    };
    if need.data > capacity.data_free {
        return full("data", need.data, capacity.data_free);
    }
    if metadata > capacity.metadata_free {
        return full("metadata", metadata, capacity.metadata_free);
    }
    Ok(())
}

/// Whether the disks that machines have may be so large together. Pure.
fn may_promise(
    capacity: &Capacity,
    volumes: &[VolumeRow],
    size: u64,
    overcommit: Option<u64>,
) -> Result<(), Failure> {
    let Some(overcommit) = overcommit else {
        return Ok(());
    };
    let is_disk = |volume: &&VolumeRow| {
        volume.kind == VolumeKind::Disk && volume.state != VolumeState::Deleting
    };
    let disks = volumes.iter().filter(is_disk).map(|volume| volume.size);
    let promised = disks.fold(size, u64::saturating_add);
    let most = capacity.data.saturating_mul(overcommit);
    if promised <= most {
        return Ok(());
    }
    let text = format!(
        "the disks of all machines would have {promised} bytes, and pool_overcommit = {overcommit} allows {most}"
    );
    Err(Failure::new(Class::Full, "pool-overcommitted", text)
        .hint("remove machines that are not needed, or raise pool_overcommit"))
}

/// Refuses a machine's disk for which a pool has no room, or that is more than machines may be promised; `more` is
/// what it has beyond a disk that it takes the place of.
pub(crate) fn for_machine(deps: &Deps, more: u64) -> Result<(), Failure> {
    let Some(capacity) = deps.backend.capacity().map_err(Trouble::failure)? else {
        return Ok(());
    };
    fits(&capacity, Need::MACHINE)?;
    let volumes = deps.read(|read| read.volumes())?;
    may_promise(&capacity, &volumes, more, deps.pool_overcommit)
}

/// What is promised to work that is under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promises(Arc<Mutex<Need>>);

/// What one image is promised, layer by layer, until this is dropped.
#[derive(Debug)]
pub(crate) struct Promised {
    promises: Promises,
    layers: Mutex<Vec<Need>>,
}

impl Promises {
    fn all(&self) -> MutexGuard<'_, Need> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises room for layers; refused where the pool may not have it, beside what others are promised.
    pub(crate) fn make(&self, deps: &Deps, layers: Vec<Need>) -> Result<Promised, Failure> {
        let mut all = self.all();
        let need = layers.iter().copied().fold(Need::default(), |a, b| a + b);
        if let Some(capacity) = deps.backend.capacity().map_err(Trouble::failure)? {
            fits(&capacity, *all + need)?;
        }
        *all = *all + need;
        Ok(Promised {
            promises: self.clone(),
            layers: Mutex::new(layers),
        })
    }

    fn give_back(&self, need: Need) {
        let mut all = self.all();
        all.data = all.data.saturating_sub(need.data);
        all.volumes = all.volumes.saturating_sub(need.volumes);
    }
}

impl Promised {
    /// A layer is in its volume: counted from the first that was promised.
    pub(crate) fn taken(&self, layer: usize) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(need) = layers.get_mut(layer) {
            self.promises.give_back(std::mem::take(need));
        }
    }
}

impl Drop for Promised {
    fn drop(&mut self) {
        let layers = self
            .layers
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for need in layers.drain(..) {
            self.promises.give_back(need);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::volume;

    const MIB: u64 = 1 << 20;

    fn capacity(data_free: u64, metadata_free: u64) -> Capacity {
        Capacity {
            data: 1 << 30,
            data_free,
            metadata_free,
            block: 64 << 10,
        }
    }

    #[test]
    fn what_is_compressed_is_promised_in_steps() {
        let data = |key, stored| Need::of_layer(key, stored).data;
        assert_eq!(data("images/a/1.tar", 10 * MIB), 10 * MIB);
        assert_eq!(data("images/a/1.tar.gz", 1), STEP);
        assert_eq!(data("images/a/1.tar.zst", STEP + 1), 2 * STEP);
    }

    #[test]
    fn data_and_metadata_both_have_to_do() {
        let need = Need {
            data: 64 * MIB,
            volumes: 1,
        };
        // 1,024 mappings.
        let metadata = 1024 * 48 * 2 + VOLUME + SPARE;
        assert!(fits(&capacity(64 * MIB, metadata), need).is_ok());
        let full = |capacity: Capacity| fits(&capacity, need).unwrap_err();
        let data = full(capacity(64 * MIB - 1, metadata));
        assert_eq!((data.class, data.code.as_str()), (Class::Full, "pool-full"));
        assert!(
            full(capacity(64 * MIB, metadata - 1))
                .message
                .contains("metadata")
        );
        assert!(fits(&capacity(0, SPARE), Need::MACHINE).is_err());
        assert!(fits(&capacity(0, SPARE + VOLUME), Need::MACHINE).is_ok());
    }

    #[test]
    fn what_is_taken_is_promised_no_more() {
        let promises = Promises::default();
        let layers = vec![Need::of_layer("1.tar", 7), Need::of_layer("2.tar", 8)];
        *promises.all() = layers[0] + layers[1];
        let promised = Promised {
            promises: promises.clone(),
            layers: Mutex::new(layers),
        };
        promised.taken(0);
        promised.taken(0);
        promised.taken(9);
        assert_eq!(promises.all().data, 8);
        drop(promised);
        assert_eq!(*promises.all(), Need::default());
    }

    #[test]
    fn machines_are_promised_so_many_times_what_there_is() {
        let capacity = capacity(0, 0);
        let disk = VolumeRow {
            size: 1 << 30,
            ..volume(1, VolumeKind::Disk, VolumeState::Created)
        };
        let may = |overcommit, size| {
            may_promise(&capacity, std::slice::from_ref(&disk), size, overcommit)
        };
        assert!(may(None, u64::MAX).is_ok());
        assert!(may(Some(2), 1 << 30).is_ok());
        let failure = may(Some(2), (1 << 30) + 4096).unwrap_err();
        assert_eq!(failure.code, "pool-overcommitted");
        assert!(may(Some(1), 4096).is_err());
    }
}
