//! Each difference put right. Whatever is done may be cut off and done again.

use longshore_catalog::{MachineRow, MachineState, VolumeId, Writer};
use longshore_source::{ETag, Receipt};

use super::difference::Difference;
use crate::{
    Class, Event, Failure, MachineName,
    deps::{Deps, DomainWrite, Record, volume_id},
    trouble::Trouble,
};

/// Puts right what differs.
pub(super) fn repair(
    deps: &Deps,
    difference: &Difference,
    record: Record<'_>,
) -> Result<(), Failure> {
    match difference {
        Difference::MachineGoing(machine) => {
            unless_busy(deps, remove_machine(deps, machine, record))
        }
        Difference::PathOfNobody(name) => {
            let gone = deps.backend.deactivate(name).map(drop);
            unless_busy(deps, gone.map_err(Trouble::failure))
        }
        Difference::Unfinished(id) => {
            tracing::info!(volume = id.0, "dropping a volume that was never finished");
            deps.drop_unsealed(*id, record)
        }
        Difference::Newer(id) => {
            // A machine that this catalogue does not know has it.
            for (name, on) in deps.backend.active().map_err(Trouble::failure)? {
                if on == *id {
                    let _ = deps.backend.deactivate(&name).map_err(Trouble::failure)?;
                }
            }
            tracing::info!(volume = id.get(), "removing a volume of another catalogue");
            deps.backend.remove(*id).map(drop).map_err(Trouble::failure)
        }
        Difference::Unknown(id) | Difference::UnknownThin(id) => {
            tracing::info!(
                volume = id.get(),
                "removing a volume that the catalogue does not know"
            );
            deps.backend.remove(*id).map(drop).map_err(Trouble::failure)
        }
        Difference::VolumeGone(id) => {
            say(deps, difference);
            lost(*id, record)
        }
        Difference::VolumeLength { volume, .. } => {
            say(deps, difference);
            lost(*volume, record)?;
            let removed = deps.backend.remove(volume_id(*volume)?);
            removed.map(drop).map_err(Trouble::failure)
        }
        Difference::Stray(stray) => {
            tracing::info!(%stray, "sweeping what is nobody's");
            deps.backend.sweep_stray(stray).map_err(Trouble::failure)
        }
        Difference::NoPath { machine, disk } => {
            // One machine's trouble is not the others'.
            if let Err(error) = deps.backend.activate(volume_id(*disk)?, machine) {
                let failure = error.failure();
                let text = format!("machine {machine} has no disk for now: {failure}");
                deps.say(Event::Notice { text });
            }
            Ok(())
        }
        Difference::BlobUnknown { digest, size } => {
            let (digest, size, now) = (*digest, *size, deps.now());
            record(Box::new(move |connection| {
                Ok(Writer::new(connection).record_blob(&digest, size, now)?)
            }))
        }
        Difference::BlobGone(digest) => {
            tracing::info!(%digest, "forgetting a blob that is gone");
            let digest = *digest;
            record(Box::new(move |connection| {
                Ok(Writer::new(connection).forget_blob(&digest)?)
            }))
        }
        Difference::Receipt(receipt) => record_receipt(deps, receipt, record),
        Difference::PartialUnwanted(id) => {
            tracing::info!(partial = %id, "removing bytes that nobody wants any more");
            let removed = deps.blobs.remove_partial(*id);
            removed.map(drop).map_err(Trouble::failure)
        }
        Difference::Foreign(_) | Difference::DiskGone { .. } | Difference::DiskLength { .. } => {
            say(deps, difference);
            Ok(())
        }
    }
}

pub(super) fn say(deps: &Deps, difference: &Difference) {
    deps.say(Event::Notice {
        text: difference.text(),
    });
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

/// A volume whose bytes are gone: what rests on it is built again.
fn lost(id: VolumeId, record: Record<'_>) -> Result<(), Failure> {
    record(Box::new(move |connection| {
        Ok(Writer::new(connection).volume_lost(id)?)
    }))
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

fn record_receipt(deps: &Deps, receipt: &Receipt, record: Record<'_>) -> Result<(), Failure> {
    let here = deps.blobs.contains(&receipt.digest);
    if here.map_err(Trouble::failure)? {
        let (locator, digest) = (receipt.locator.clone(), receipt.digest);
        record(Box::new(move |connection| {
            let etag = locator.etag.as_ref().map(ETag::as_str);
            let (origin, key) = (locator.origin.as_str(), locator.key.as_str());
            let write = Writer::new(connection);
            write.object_digest(origin, key, etag, locator.size, &digest)?;
            Ok(())
        }))?;
    }
    // Where the bytes have not got their name yet, they are gone on with as a partial blob.
    let settled = deps.blobs.settle(&receipt.locator);
    settled.map(drop).map_err(Trouble::failure)
}
