//! What differs, of what the catalogue knows and what is there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use longshore_catalog::{MachineState, VolumeId, VolumeKind, VolumeState};

use super::{
    difference::Difference,
    look::{Found, Known},
    stage::Stage,
};
use crate::MachineName;

/// What differs in a stage, in the order in which it is to be repaired.
pub(super) fn compare(stage: Stage, known: &Known, found: &Found) -> Vec<Difference> {
    match stage {
        Stage::Ids => ids(known, found),
        Stage::Machines => machines(known),
        Stage::Paths => paths(known, found),
        Stage::Unfinished => unfinished(known),
        Stage::Volumes => volumes(known, found),
        Stage::Strays => found
            .strays
            .iter()
            .cloned()
            .map(Difference::Stray)
            .collect(),
        Stage::Given => given(known, found),
        Stage::Blobs => blobs(known, found),
        Stage::Receipts => {
            let receipts = found.receipts.iter().cloned();
            receipts
                .map(|receipt| Difference::Receipt(Box::new(receipt)))
                .collect()
        }
        Stage::Partials => partials(known, found),
    }
}

/// An id is given out before anything is made under it: one that never was is of another catalogue.
fn ids(known: &Known, found: &Found) -> Vec<Difference> {
    let listed = found.listing.volumes.iter();
    let newer = listed.filter(|id| id.get() > known.last);
    newer.copied().map(Difference::Newer).collect()
}

fn machines(known: &Known) -> Vec<Difference> {
    let machines = known.machines.iter();
    let going = machines.filter(|machine| machine.state == MachineState::Deleting);
    going
        .map(|machine| Difference::MachineGoing(Box::new(machine.clone())))
        .collect()
}

fn paths(known: &Known, found: &Found) -> Vec<Difference> {
    let wanted = known.active();
    let leads_astray = |(name, id): &&(MachineName, longshore_volume::VolumeId)| {
        let disk = wanted.get(name.as_str());
        disk.is_none_or(|disk| disk.0 != id.get())
    };
    let astray = found.active.iter().filter(leads_astray);
    astray
        .map(|(name, _)| Difference::PathOfNobody(name.clone()))
        .collect()
}

/// Volumes that nobody can be at work on any more. Newest first: a snapshot before what it was taken of.
fn unfinished(known: &Known) -> Vec<Difference> {
    let bases: BTreeSet<VolumeId> = known.machines.iter().map(|machine| machine.base).collect();
    let disks: BTreeSet<VolumeId> = known.machines.iter().map(|machine| machine.disk).collect();
    let volumes = known.volumes.iter().rev();
    let unwanted = volumes.filter(|volume| match volume.kind {
        VolumeKind::Base => volume.state != VolumeState::Sealed && !bases.contains(&volume.id),
        // A disk whose making was cut off is gone on with by the run that makes it.
        VolumeKind::Disk => !disks.contains(&volume.id),
    });
    unwanted
        .map(|volume| Difference::Unfinished(volume.id))
        .collect()
}

fn volumes(known: &Known, found: &Found) -> Vec<Difference> {
    let there: BTreeSet<u64> = found.listing.volumes.iter().map(|id| id.get()).collect();
    let in_catalogue: BTreeSet<u64> = known.volumes.iter().map(|volume| volume.id.0).collect();
    let foreign = found.listing.foreign.iter();
    let mut differences: Vec<_> = foreign
        .map(|name| Difference::Foreign(format!("{name} among the volumes")))
        .collect();
    let unknown = found.listing.unknown.iter().copied();
    differences.extend(unknown.map(Difference::UnknownThin));
    let listed = found.listing.volumes.iter().rev();
    let unknown = listed.filter(|id| !in_catalogue.contains(&id.get()));
    let unknown = unknown.filter(|id| id.get() <= known.last);
    differences.extend(unknown.copied().map(Difference::Unknown));
    for volume in &known.volumes {
        let (id, recorded) = (volume.id, volume.size);
        let machine = known.machines.iter().find(|machine| machine.disk == id);
        let is_there = there.contains(&id.0);
        let other = found.lengths.get(&id.0).copied();
        let other = other.filter(|has| *has != recorded);
        let is_sealed = volume.state == VolumeState::Sealed;
        let is_made = volume.kind == VolumeKind::Disk && volume.state == VolumeState::Created;
        differences.extend(match (machine, is_there, other) {
            (Some(machine), false, _) if is_made => Some(Difference::DiskGone {
                machine: machine.name.clone(),
            }),
            (None, false, _) if is_sealed || is_made => Some(Difference::VolumeGone(id)),
            (Some(machine), true, Some(has)) if is_made => Some(Difference::DiskLength {
                machine: machine.name.clone(),
                has,
                recorded,
            }),
            (None, true, Some(has)) if is_sealed => Some(Difference::VolumeLength {
                volume: id,
                has,
                recorded,
            }),
            _ => None,
        });
    }
    differences
}

/// Active machines without their path. One whose disk is not there, or not what it was, gets none.
fn given(known: &Known, found: &Found) -> Vec<Difference> {
    let there: BTreeSet<u64> = found.listing.volumes.iter().map(|id| id.get()).collect();
    let sizes: BTreeMap<u64, u64> = known
        .volumes
        .iter()
        .map(|volume| (volume.id.0, volume.size))
        .collect();
    let has_path = |name: &str, disk: VolumeId| {
        let mut active = found.active.iter();
        active.any(|(of, id)| of.as_str() == name && id.get() == disk.0)
    };
    let is_as_it_was = |disk: VolumeId| {
        let has = found.lengths.get(&disk.0);
        there.contains(&disk.0) && has.is_none_or(|has| sizes.get(&disk.0) == Some(has))
    };
    let active = known.active().into_iter();
    let lacking = active.filter(|(name, disk)| !has_path(name, *disk) && is_as_it_was(*disk));
    lacking
        .filter_map(|(name, disk)| {
            let machine = MachineName::new(name).ok()?;
            Some(Difference::NoPath { machine, disk })
        })
        .collect()
}

fn blobs(known: &Known, found: &Found) -> Vec<Difference> {
    let foreign = found.blobs.foreign.iter();
    let mut differences: Vec<_> = foreign
        .map(|name| Difference::Foreign(format!("{name} among the blobs")))
        .collect();
    let there: BTreeSet<_> = found.blobs.blobs.iter().map(|blob| blob.digest).collect();
    let unknown = found.blobs.blobs.iter();
    let unknown = unknown.filter(|blob| !known.blobs.contains_key(&blob.digest));
    differences.extend(unknown.map(|blob| Difference::BlobUnknown {
        digest: blob.digest,
        size: blob.size,
    }));
    let gone = known.blobs.keys().filter(|digest| !there.contains(digest));
    differences.extend(gone.copied().map(Difference::BlobGone));
    differences
}

fn partials(known: &Known, found: &Found) -> Vec<Difference> {
    let unwanted = found.partials.iter().filter(|partial| {
        let locator = partial.locator.as_ref();
        !locator.is_some_and(|locator| known.wants(locator))
    });
    unwanted
        .map(|partial| Difference::PartialUnwanted(partial.id))
        .collect()
}

#[cfg(test)]
mod tests {
    use longshore_catalog::{ImageId, MachineRow};
    use longshore_volume::{Listing, VolumeId as Id};

    use super::*;
    use crate::made_up::volume;

    fn machine(name: &str, base: u64, disk: u64, state: MachineState) -> MachineRow {
        MachineRow {
            name: name.to_owned(),
            image: ImageId(1),
            base: VolumeId(base),
            disk: VolumeId(disk),
            state,
            path: None,
            created_at: 0,
            owner: None,
            expires_at: None,
        }
    }

    /// A sealed base 1 and the disk 2 of the active machine `web`, all of it there.
    fn agreed() -> (Known, Found) {
        let known = Known {
            volumes: vec![
                volume(1, VolumeKind::Base, VolumeState::Sealed),
                volume(2, VolumeKind::Disk, VolumeState::Created),
            ],
            last: 2,
            machines: vec![machine("web", 1, 2, MachineState::Active)],
            ..Known::default()
        };
        let found = Found {
            listing: Listing {
                volumes: vec![Id::new(1).unwrap(), Id::new(2).unwrap()],
                ..Listing::default()
            },
            active: vec![(MachineName::new("web").unwrap(), Id::new(2).unwrap())],
            lengths: BTreeMap::from([(1, 4096), (2, 4096)]),
            ..Found::default()
        };
        (known, found)
    }

    fn names(known: &Known, found: &Found) -> Vec<&'static str> {
        let stages = Stage::ALL.iter();
        let all = stages.flat_map(|stage| compare(*stage, known, found));
        all.map(|difference| difference.name()).collect()
    }

    #[test]
    fn what_agrees_has_no_difference() {
        let (known, found) = agreed();
        assert_eq!(names(&known, &found), Vec::<&str>::new());
    }

    #[test]
    fn each_difference_of_volumes_has_its_name() {
        let with = |change: fn(&mut Known, &mut Found)| {
            let (mut known, mut found) = agreed();
            change(&mut known, &mut found);
            names(&known, &found)
        };
        assert_eq!(
            with(|known, _| known.machines[0].state = MachineState::Deleting),
            ["machine-going", "path-of-nobody"]
        );
        assert_eq!(
            with(|known, _| known.machines[0].state = MachineState::Created),
            ["path-of-nobody"]
        );
        assert_eq!(
            with(|_, found| found.active[0].1 = Id::new(1).unwrap()),
            ["path-of-nobody", "path-missing"]
        );
        assert_eq!(with(|_, found| found.active.clear()), ["path-missing"]);
        assert_eq!(
            with(|known, _| {
                let open = volume(3, VolumeKind::Base, VolumeState::Created);
                known.volumes.push(open);
            }),
            ["volume-unfinished"]
        );
        assert_eq!(
            with(|known, found| {
                known.last = 9;
                found.listing.volumes.push(Id::new(9).unwrap());
            }),
            ["volume-unknown"]
        );
        assert_eq!(
            with(|_, found| found.listing.volumes.push(Id::new(9).unwrap())),
            ["volume-newer"]
        );
        assert_eq!(
            with(|_, found| found.listing.unknown.push(Id::new(9).unwrap())),
            ["thin-id-unknown"]
        );
        assert_eq!(
            with(|_, found| found.listing.foreign.push("x".to_owned())),
            ["foreign"]
        );
        assert_eq!(
            with(|_, found| {
                found.listing.volumes.remove(0);
            }),
            ["volume-gone"]
        );
        assert_eq!(
            with(|_, found| {
                found.lengths.insert(1, 8192);
            }),
            ["volume-length"]
        );
        assert_eq!(
            with(|_, found| {
                found.listing.volumes.remove(1);
            }),
            ["disk-gone"]
        );
        // It is not handed out.
        assert_eq!(
            with(|_, found| {
                found.lengths.insert(2, 8192);
                found.active.clear();
            }),
            ["disk-length"]
        );
    }
}
