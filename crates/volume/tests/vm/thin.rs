//! A pool and its volumes.

use std::{
    cell::Cell,
    fs::File,
    io::{Seek, SeekFrom},
    os::unix::fs::FileExt,
    sync::Arc,
};

use longshore_vmtest::{Guest, Scenario};
use longshore_volume::{
    Access, Backend, Created, Deactivated, Holder, Name, Removed, SnapshotKind, VolumeError,
    VolumeId,
    dm::Control,
    thin::{
        Change, Ledger, MemoryLedger, Part, Pool, PoolError, PoolMode, PoolSpec, PoolState,
        ThinBackend,
    },
};

use crate::{
    conformance,
    pools::{BLOCK, check, first_bytes, fresh, name, table, uuid},
    shares,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    (
        "a_pool_comes_up_and_says_how_it_is",
        a_pool_comes_up_and_says_how_it_is,
    ),
    (
        "what_is_there_is_not_overwritten",
        what_is_there_is_not_overwritten,
    ),
    (
        "one_that_was_loaded_and_not_resumed_is_made",
        one_that_was_loaded_and_not_resumed_is_made,
    ),
    ("thin_volumes_conform", thin_volumes_conform),
    (
        "an_id_that_nobody_knows_is_not_taken_for_ours",
        an_id_that_nobody_knows_is_not_taken_for_ours,
    ),
    (
        "a_machine_that_is_open_names_its_holder",
        a_machine_that_is_open_names_its_holder,
    ),
    ("removing_gives_the_room_back", removing_gives_the_room_back),
    (
        "a_thousand_machines_share_one_image",
        a_thousand_machines_share_one_image,
    ),
    (
        "what_was_flushed_outlives_the_plug",
        what_was_flushed_outlives_the_plug,
    ),
    (
        "shares_are_those_that_thin_ls_counts",
        shares::shares_are_those_that_thin_ls_counts,
    ),
    (
        "a_snapshot_is_released_whatever_was_read",
        shares::a_snapshot_is_released_whatever_was_read,
    ),
];

pub(crate) fn id(number: u64) -> VolumeId {
    VolumeId::new(number).unwrap()
}

fn create(number: u64) -> Change {
    Change::Create {
        id: id(number),
        size: 1 << 20,
    }
}

fn backend(guest: &Guest) -> ThinBackend {
    ThinBackend::new(fresh(guest), Arc::new(MemoryLedger::default()))
}

/// Takes a pool down whose volumes have no devices.
pub(crate) fn down(guest: &Guest) {
    Pool::find(&name()).unwrap().down().unwrap();
    check(guest);
}

pub(crate) fn a_pool_comes_up_and_says_how_it_is(guest: &Guest) {
    let pool = fresh(guest);
    let PoolState::Working(status) = pool.state().unwrap() else {
        panic!("{:?}", pool.state());
    };
    assert_eq!(
        (status.transaction, status.data_used, status.data_total),
        (0, 0, 16384)
    );
    assert_eq!(status.metadata_total, 8192);
    assert_eq!(status.mode, PoolMode::ReadWrite);
    assert!(!status.needs_check && !status.queues_if_no_space && status.passes_discard_down);
    // Up again is the same pool; with another mark it is, too; one with less data is not.
    let mut other = table(guest);
    other.data_bytes -= other.block;
    let error = Pool::up(&name(), &uuid(), &other).unwrap_err();
    assert!(matches!(error, PoolError::Another { .. }), "{error}");
    let mut other = table(guest);
    other.low_water += 1;
    for table in [&other, &table(guest), &table(guest)] {
        Pool::up(&name(), &uuid(), table).unwrap();
    }
    assert_eq!(Pool::find(&name()).unwrap().block(), 64 << 10);

    let change = |change| pool.change(change, &MemoryLedger::default());
    let snapshot = |origin, id| Change::Snapshot {
        origin,
        id,
        size: 1 << 20,
    };
    assert!(change(create(7)).unwrap());
    assert!(!change(create(7)).unwrap());
    assert!(change(snapshot(id(7), id(8))).unwrap());
    assert!(!change(snapshot(id(7), id(8))).unwrap());
    assert!(change(snapshot(id(99), id(9))).is_err());
    assert!(change(Change::Delete { id: id(7) }).unwrap());
    assert!(!change(Change::Delete { id: id(7) }).unwrap());
    assert_eq!(pool.working().unwrap().transaction, 6);
    // What was written down last is where it is, or one step ahead; nothing else is this pool's.
    assert!(!pool.agree(6).unwrap());
    assert!(pool.agree(7).unwrap());
    for other in [0, 6, 9] {
        let error = pool.agree(other).unwrap_err();
        assert!(
            matches!(error, PoolError::Differs { pool: 7, .. }),
            "{error}"
        );
    }
    down(guest);
    let error = Pool::find(&name()).unwrap_err();
    assert!(matches!(error, PoolError::NotUp { .. }));
    // It is what it was.
    let again = Pool::up(&name(), &uuid(), &table(guest)).unwrap();
    assert_eq!(again.working().unwrap().transaction, 7);
    down(guest);
}

fn what_is_there_is_not_overwritten(guest: &Guest) {
    fresh(guest);
    down(guest);
    let part = Part::device(&guest.disk(0)).unwrap();
    let error = part.must_be_blank().unwrap_err();
    assert!(matches!(error, PoolError::NotEmpty { .. }), "{error}");
}

/// Whoever makes a pool may be killed between the two.
fn one_that_was_loaded_and_not_resumed_is_made(guest: &Guest) {
    let clear = || {
        for disk in [0, 1] {
            let mut disk = File::options().write(true).open(guest.disk(disk)).unwrap();
            // As much of either end as is looked at before anything is made.
            let end = disk.seek(SeekFrom::End(-(128 << 10))).unwrap();
            for at in [0, end] {
                disk.write_all_at(&[0; 128 << 10], at).unwrap();
            }
            disk.sync_all().unwrap();
        }
    };
    clear();
    let [metadata, data] = [0, 1].map(|disk| Part::device(&guest.disk(disk)).unwrap());
    let spec = PoolSpec::on_devices(metadata, data, BLOCK).unwrap();
    spec.create(&name()).unwrap();
    let control = Control::open().unwrap();
    let uuid = control.info(&name()).unwrap().unwrap().uuid.unwrap();
    let table = control.table(&name()).unwrap();
    spec.down(&name()).unwrap();
    clear();
    control.create(&name(), &uuid).unwrap();
    control.load(&name(), &table).unwrap();
    let made = spec.create(&name()).unwrap();
    assert_eq!(made.working().unwrap().transaction, 0);
    spec.down(&name()).unwrap();
    check(guest);
}

pub(crate) fn thin_volumes_conform(guest: &Guest) {
    let first = Cell::new(true);
    conformance::check(|| {
        // Those of the check before are gone with it: nobody has a device any more.
        if !first.replace(false) {
            sweep();
            down(guest);
        }
        Box::new(backend(guest))
    });
    sweep();
    down(guest);
}

/// Removes the devices of machines that a check has left active.
fn sweep() {
    let pool = Pool::find(&name()).unwrap();
    let backend = ThinBackend::new(pool, Arc::new(MemoryLedger::default()));
    for (name, _) in backend.active().unwrap() {
        backend.deactivate(&name).unwrap();
    }
}

fn an_id_that_nobody_knows_is_not_taken_for_ours(guest: &Guest) {
    let backend = backend(guest);
    assert_eq!(backend.snapshot_kind(), SnapshotKind::Thin);
    let make = |number| {
        let nobody = MemoryLedger::default();
        backend.pool().change(create(number), &nobody).unwrap();
    };
    make(5);
    let error = backend.create(id(5), 1 << 20).unwrap_err();
    assert!(matches!(error, VolumeError::Io { .. }), "{error}");
    // It is seen, also while others are made and written to, and is nobody's here.
    backend.create(id(6), 1 << 20).unwrap();
    let mut disk = backend.open(id(6), Access::Write).unwrap();
    disk.write_at(0, &[7; 100]).unwrap();
    disk.flush().unwrap();
    let listing = backend.list().unwrap();
    assert_eq!(listing.volumes, [id(6)]);
    assert_eq!((listing.unknown, listing.foreign), (vec![id(5)], vec![]));
    let devices = backend.pool().devices().unwrap();
    let mapped: Vec<_> = devices
        .iter()
        .map(|device| (device.id, device.mapped))
        .collect();
    assert_eq!(mapped, [(5, 0), (6, 1)]);
    drop(disk);
    for number in 100..400 {
        make(number);
    }
    assert_eq!(
        backend.pool().devices().unwrap().len(),
        302,
        "a tree of two levels"
    );
    // A snapshot that a program has left held is no obstacle, and none is left.
    let (control, name) = (backend.pool().control(), backend.pool().name());
    control.message(name, "reserve_metadata_snap").unwrap();
    assert_eq!(backend.pool().devices().unwrap().len(), 302);
    assert_eq!(backend.pool().working().unwrap().held_root, None);
    down(guest);
}

pub(crate) fn a_machine_that_is_open_names_its_holder(guest: &Guest) {
    let backend = backend(guest);
    backend.create(id(1), 1 << 20).unwrap();
    let web = Name::new("web").unwrap();
    let path = backend.activate(id(1), &web).unwrap().path.unwrap();
    assert_eq!(path.to_str(), Some("/dev/mapper/longshore-web"));
    let open = File::open(&path).unwrap();
    let error = backend.deactivate(&web).unwrap_err();
    let VolumeError::Busy {
        holder: Holder::Host(who),
        ..
    } = &error
    else {
        panic!("{error}");
    };
    let us = format!("process {} (test) has it open", std::process::id());
    assert_eq!(who, &us);
    // A pool with a device is not taken down.
    assert!(Pool::find(&name()).unwrap().down().is_err());
    drop(open);
    assert_eq!(backend.deactivate(&web).unwrap(), Deactivated::Deactivated);
    assert!(!path.exists());
    down(guest);
}

fn removing_gives_the_room_back(guest: &Guest) {
    let backend = backend(guest);
    let free = || backend.available().unwrap().unwrap();
    let whole = free();
    backend.create(id(1), 64 << 20).unwrap();
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    disk.write_at(0, &vec![7; 16 << 20]).unwrap();
    disk.flush().unwrap();
    assert_eq!(whole - free(), 16 << 20);
    drop(disk);
    backend.snapshot(id(1), id(2), None).unwrap();
    assert_eq!(backend.usage(id(2)).unwrap().allocated_bytes, 16 << 20);
    assert_eq!(whole - free(), 16 << 20);
    assert_eq!(backend.remove(id(1)).unwrap(), Removed::Removed);
    assert_eq!(whole - free(), 16 << 20);
    assert_eq!(backend.remove(id(2)).unwrap(), Removed::Removed);
    assert_eq!(free(), whole);
    down(guest);
}

fn a_thousand_machines_share_one_image(guest: &Guest) {
    let backend = backend(guest);
    backend.create(id(1), 64 << 20).unwrap();
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    disk.write_at(0, &vec![7; 4 << 20]).unwrap();
    disk.flush().unwrap();
    drop(disk);
    for number in 2..=1001 {
        let made = backend.snapshot(id(1), id(number), None).unwrap();
        assert_eq!(made, Created::Created);
    }
    let all: Vec<_> = (1..=1001).map(id).collect();
    assert_eq!(backend.list().unwrap().volumes, all);
    let shares = backend.shares(&[all, vec![id(1001)]]).unwrap().unwrap();
    assert_eq!((shares[0].mapped, shares[1].exclusive), (4 << 20, 0));
    let activated = backend.activate(id(1001), &Name::new("web").unwrap());
    assert_eq!(first_bytes(&activated.unwrap().path.unwrap(), 3), [7; 3]);
    backend.deactivate(&Name::new("web").unwrap()).unwrap();
    for number in 1..=1001 {
        assert_eq!(backend.remove(id(number)).unwrap(), Removed::Removed);
    }
    assert_eq!(backend.pool().working().unwrap().data_used, 0);
    down(guest);
}

fn what_was_flushed_outlives_the_plug(guest: &Guest) {
    let ledger = || {
        let ledger = MemoryLedger::default();
        // What a catalogue would have kept.
        for number in [1, 2] {
            ledger.will(number, create(number)).unwrap();
        }
        Arc::new(ledger)
    };
    if guest.boot() == 0 {
        let backend = ThinBackend::new(fresh(guest), ledger());
        assert_eq!(backend.create(id(1), 1 << 20).unwrap(), Created::Created);
        let mut disk = backend.open(id(1), Access::Write).unwrap();
        disk.write_at(0, b"sealed").unwrap();
        disk.flush().unwrap();
        drop(disk);
        backend.snapshot(id(1), id(2), None).unwrap();
        backend.activate(id(2), &Name::new("web").unwrap()).unwrap();
        guest.crash();
    }
    let pool = Pool::up(&name(), &uuid(), &table(guest)).unwrap();
    assert_eq!(pool.working().unwrap().transaction, 2);
    let backend = ThinBackend::new(pool, ledger());
    assert_eq!(backend.list().unwrap().volumes, [id(1), id(2)]);
    assert_eq!(backend.active().unwrap(), []);
    let activated = backend.activate(id(2), &Name::new("web").unwrap()).unwrap();
    assert!(activated.changed);
    assert_eq!(first_bytes(&activated.path.unwrap(), 6), b"sealed");
    let disk = backend.open(id(1), Access::Read).unwrap();
    let mut read = [0; 6];
    disk.read_at(0, &mut read).unwrap();
    assert_eq!(&read, b"sealed");
    drop(disk);
    backend.deactivate(&Name::new("web").unwrap()).unwrap();
    down(guest);
}
