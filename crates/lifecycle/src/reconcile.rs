//! Making the catalogue and the disk agree, at every start, before anything new is begun.
//!
//! | difference | what is done |
//! |---|---|
//! | a volume in the catalogue that was never sealed, and no machine's disk | dropped |
//! | a volume or machine that was being deleted | deleted to the end |
//! | a volume on disk that the catalogue does not know | removed |
//! | a sealed volume in the catalogue that is not on disk | forgotten, to be built again |
//! | a blob on disk that the catalogue does not know | recorded: its name is its proof |
//! | a blob in the catalogue that is not on disk | forgotten, to be fetched again |
//! | a receipt for a blob whose digest was not recorded | recorded, and removed |
//! | a partial blob of a layer that is still wanted | kept, to be gone on with |
//! | any other partial blob | removed |
//! | an active machine without its path | given it again; where that fails it is said, and the others have theirs |
//! | a path of no active machine | taken away; one that somebody uses is left for the next start |
//! | a directory of a scan that was cut off | removed |
//!
//! Files that are nobody's are left alone and reported. Every part may be cut off and done again.

use std::collections::{BTreeMap, BTreeSet};

use longshore_catalog::{
    ImageRow, LayerRow, MachineRow, MachineState, VolumeId, VolumeKind, VolumeRow, VolumeState,
    Writer,
};
use longshore_image::Digest;
use longshore_source::{ETag, PartialLocator};

use crate::{
    Class, Event, Failure, MachineName,
    deps::{Deps, DomainWrite, volume_id},
    scanning::clear_rooms,
    trouble::Trouble,
};

/// Writes to the catalogue; durable when it returns.
pub(crate) type Record<'a> = &'a dyn Fn(DomainWrite) -> Result<(), Failure>;

/// What the catalogue knows.
struct Known {
    volumes: Vec<VolumeRow>,
    machines: Vec<MachineRow>,
    images: Vec<(ImageRow, Vec<LayerRow>)>,
    blobs: BTreeMap<Digest, u64>,
}

impl Known {
    fn look(deps: &Deps) -> Result<Self, Failure> {
        deps.read(|read| {
            let images = read
                .images()?
                .into_iter()
                .map(|image| Ok((image.clone(), read.layers(image.id)?)))
                .collect::<Result<_, longshore_catalog::Error>>()?;
            let blobs = read
                .blobs()?
                .into_iter()
                .map(|blob| (blob.digest, blob.size))
                .collect();
            Ok(Self {
                volumes: read.volumes()?,
                machines: read.machines()?,
                images,
                blobs,
            })
        })
    }
}

impl Known {
    /// Whether a layer is this object, in this version, and its bytes are not here.
    fn wants(&self, locator: &PartialLocator) -> bool {
        let etag = locator.etag.as_ref().map(ETag::as_str);
        let is_it = |layer: &LayerRow| {
            layer.key == locator.key.as_str()
                && layer.size == locator.size
                && layer.etag.as_deref() == etag
                && layer
                    .digest
                    .is_none_or(|digest| !self.blobs.contains_key(&digest))
        };
        self.images.iter().any(|(image, layers)| {
            image.origin == locator.origin.as_str() && layers.iter().any(is_it)
        })
    }
}

/// Makes the catalogue and the disk agree. Nothing else may be at work in the state directory.
pub(crate) fn reconcile(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    finish_machines(deps, record)?;
    // A volume that a path leads to belongs to a machine, and would not be removed.
    take_paths_away(deps)?;
    drop_unsealed(deps, record)?;
    agree_on_volumes(deps, record)?;
    give_paths_back(deps)?;
    agree_on_blobs(deps, record)?;
    record_receipts(deps, record)?;
    keep_wanted_partials(deps)?;
    if let Err(failure) = clear_rooms(&deps.state_dir) {
        // Nothing rests on it, and nothing finds it.
        deps.say(Event::Notice {
            text: failure.to_string(),
        });
    }
    Ok(())
}

/// Machines that were being removed.
fn finish_machines(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    for machine in Known::look(deps)?.machines {
        if machine.state == MachineState::Deleting {
            unless_busy(deps, remove_machine(deps, &machine, record))?;
        }
    }
    Ok(())
}

/// The write from which on a machine goes, whoever comes to it: it is removed to the end at the next
/// start.
pub(crate) fn let_machine_go(machine: &MachineRow) -> DomainWrite {
    let (name, disk) = (machine.name.clone(), machine.disk);
    Box::new(move |connection| {
        let write = Writer::new(connection);
        write.machine_state(&name, MachineState::Deleting, None)?;
        write.volume_deleting(disk)?;
        Ok(())
    })
}

/// Removes a machine and its disk, from wherever it was cut off.
pub(crate) fn remove_machine(
    deps: &Deps,
    machine: &MachineRow,
    record: Record<'_>,
) -> Result<(), Failure> {
    // Before anything is said to go: a machine that somebody uses stays what it is. Cut off here, it gets its path
    // again at the next start.
    if let Ok(name) = MachineName::new(machine.name.as_str()) {
        let _ = deps.backend.deactivate(&name).map_err(Trouble::failure)?;
    }
    record(let_machine_go(machine))?;
    let _ = deps
        .backend
        .remove(volume_id(machine.disk)?)
        .map_err(Trouble::failure)?;
    let name = machine.name.clone();
    record(Box::new(move |connection| {
        Ok(Writer::new(connection).forget_machine(&name)?)
    }))
}

/// Volumes that nobody can be at work on any more.
fn drop_unsealed(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    let known = Known::look(deps)?;
    let bases: BTreeSet<VolumeId> = known.machines.iter().map(|machine| machine.base).collect();
    let disks: BTreeSet<VolumeId> = known.machines.iter().map(|machine| machine.disk).collect();
    // Newest first: a snapshot before what it was taken of.
    for volume in known.volumes.iter().rev() {
        let is_wanted = match volume.kind {
            VolumeKind::Base => volume.state == VolumeState::Sealed || bases.contains(&volume.id),
            // A disk whose making was cut off is gone on with by the run that makes it.
            VolumeKind::Disk => disks.contains(&volume.id),
        };
        if !is_wanted {
            tracing::info!(
                volume = volume.id.0,
                "dropping a volume that was never finished"
            );
            deps.drop_unsealed(volume.id, record)?;
        }
    }
    Ok(())
}

fn agree_on_volumes(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    let known = Known::look(deps)?;
    let listing = deps.backend.list().map_err(Trouble::failure)?;
    for foreign in &listing.foreign {
        deps.say(Event::Notice {
            text: format!("{foreign} among the volumes is left alone"),
        });
    }
    let there: BTreeSet<u64> = listing.volumes.iter().map(|id| id.get()).collect();
    let in_catalogue: BTreeSet<u64> = known.volumes.iter().map(|volume| volume.id.0).collect();
    for id in listing.volumes.iter().rev() {
        if !in_catalogue.contains(&id.get()) {
            tracing::info!(
                volume = id.get(),
                "removing a volume that the catalogue does not know"
            );
            let _ = deps.backend.remove(*id).map_err(Trouble::failure)?;
        }
    }
    for volume in &known.volumes {
        let is_lost = volume.state == VolumeState::Sealed && !there.contains(&volume.id.0)
            || volume.kind == VolumeKind::Disk
                && volume.state == VolumeState::Created
                && !there.contains(&volume.id.0);
        if is_lost {
            forget_lost(deps, &known, volume, record)?;
        }
    }
    Ok(())
}

/// A volume whose bytes are gone: what rests on it cannot be used, and says so.
fn forget_lost(
    deps: &Deps,
    known: &Known,
    volume: &VolumeRow,
    record: Record<'_>,
) -> Result<(), Failure> {
    let id = volume.id;
    let machine = known.machines.iter().find(|machine| machine.disk == id);
    if let Some(machine) = machine {
        deps.say(Event::Notice {
            text: format!(
                "the disk of machine {} is gone; remove the machine",
                machine.name
            ),
        });
        return Ok(());
    }
    deps.say(Event::Notice {
        text: format!("volume {id} is gone and will be built again"),
    });
    record(Box::new(move |connection| {
        Ok(Writer::new(connection).volume_lost(id)?)
    }))
}

/// The machines that are active, by the catalogue, with their disks.
fn active_machines(deps: &Deps) -> Result<BTreeMap<String, VolumeId>, Failure> {
    let machines = deps.read(|read| read.machines())?;
    let active = machines
        .into_iter()
        .filter(|machine| machine.state == MachineState::Active);
    Ok(active.map(|machine| (machine.name, machine.disk)).collect())
}

fn take_paths_away(deps: &Deps) -> Result<(), Failure> {
    let wanted = active_machines(deps)?;
    for (name, id) in deps.backend.active().map_err(Trouble::failure)? {
        if wanted
            .get(name.as_str())
            .is_none_or(|disk| disk.0 != id.get())
        {
            let gone = deps.backend.deactivate(&name).map(drop);
            unless_busy(deps, gone.map_err(Trouble::failure))?;
        }
    }
    Ok(())
}

/// What somebody uses is left for the next start, and is nobody's reason not to work here.
fn unless_busy(deps: &Deps, done: Result<(), Failure>) -> Result<(), Failure> {
    match done {
        Err(failure) if failure.class == Class::Busy => {
            deps.say(Event::Notice {
                text: failure.to_string(),
            });
            Ok(())
        }
        done => done,
    }
}

fn give_paths_back(deps: &Deps) -> Result<(), Failure> {
    let there = deps.backend.list().map_err(Trouble::failure)?.volumes;
    for (name, disk) in active_machines(deps)? {
        let disk = volume_id(disk)?;
        if let (true, Ok(name)) = (there.contains(&disk), MachineName::new(name)) {
            // One machine's trouble is not the others'.
            if let Err(error) = deps.backend.activate(disk, &name) {
                let failure = error.failure();
                deps.say(Event::Notice {
                    text: format!("machine {name} has no disk for now: {failure}"),
                });
            }
        }
    }
    Ok(())
}

fn agree_on_blobs(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    let mut known = Known::look(deps)?.blobs;
    let list = deps.blobs.list().map_err(Trouble::failure)?;
    for foreign in &list.foreign {
        deps.say(Event::Notice {
            text: format!("{foreign} among the blobs is left alone"),
        });
    }
    let now = deps.now();
    for blob in list.blobs {
        if known.remove(&blob.digest).is_none() {
            record(Box::new(move |connection| {
                Ok(Writer::new(connection).record_blob(&blob.digest, blob.size, now)?)
            }))?;
        }
    }
    for (digest, _) in known {
        tracing::info!(%digest, "forgetting a blob that is gone");
        record(Box::new(move |connection| {
            Ok(Writer::new(connection).forget_blob(&digest)?)
        }))?;
    }
    Ok(())
}

/// What blobs were proven to be just before somebody was cut off from recording it.
fn record_receipts(deps: &Deps, record: Record<'_>) -> Result<(), Failure> {
    for receipt in deps.blobs.receipts().map_err(Trouble::failure)? {
        let here = deps
            .blobs
            .contains(&receipt.digest)
            .map_err(Trouble::failure)?;
        let (locator, digest) = (receipt.locator.clone(), receipt.digest);
        if here {
            record(Box::new(move |connection| {
                let etag = locator.etag.as_ref().map(ETag::as_str);
                let (origin, key) = (locator.origin.as_str(), locator.key.as_str());
                let write = Writer::new(connection);
                write.object_digest(origin, key, etag, locator.size, &digest)?;
                Ok(())
            }))?;
        }
        // Where the bytes have not got their name yet, they are gone on with as a partial blob.
        deps.blobs
            .settle(&receipt.locator)
            .map_err(Trouble::failure)?;
    }
    Ok(())
}

fn keep_wanted_partials(deps: &Deps) -> Result<(), Failure> {
    let known = Known::look(deps)?;
    for partial in deps.blobs.partials().map_err(Trouble::failure)? {
        let is_wanted = partial
            .locator
            .as_ref()
            .is_some_and(|locator| known.wants(locator));
        if !is_wanted {
            tracing::info!(partial = %partial.id, "removing bytes that nobody wants any more");
            let _ = deps
                .blobs
                .remove_partial(partial.id)
                .map_err(Trouble::failure)?;
        }
    }
    Ok(())
}
