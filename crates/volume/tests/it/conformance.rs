//! What every backend must do.

use longshore_volume::{
    Access, Activated, Backend, Created, Deactivated, Disk, DiskError, Holder, Name, Removed,
    VolumeError, VolumeId,
};

pub(crate) const MIB: u64 = 1 << 20;

/// Runs every check, each on a backend that `fresh` makes empty.
pub(crate) fn check(fresh: impl Fn() -> Box<dyn Backend>) {
    let checks: [fn(&dyn Backend); 15] = [
        a_new_volume_is_zeros_and_takes_nothing,
        making_is_idempotent_and_knows_the_size,
        what_is_written_is_read,
        discarded_ranges_are_zeros,
        ranges_outside_are_refused_and_change_nothing,
        readers_do_not_write,
        there_are_readers_or_one_writer,
        snapshots_are_independent,
        snapshots_of_snapshots_hold_together,
        snapshots_know_what_is_missing_and_what_is_there,
        a_snapshot_may_be_larger_than_its_origin,
        removing_is_idempotent_and_final,
        machines_have_one_volume_and_volumes_one_machine,
        a_machine_keeps_everybody_else_off_its_volume,
        volumes_may_be_as_large_as_a_filesystem,
    ];
    for check in checks {
        check(&*fresh());
    }
}

pub(crate) fn id(number: u64) -> VolumeId {
    VolumeId::new(number).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A new volume of 1 MiB with this content at its beginning, flushed.
pub(crate) fn volume(backend: &dyn Backend, number: u64, content: &[u8]) -> VolumeId {
    let id = id(number);
    assert_eq!(backend.create(id, MIB).unwrap(), Created::Created);
    let mut disk = backend.open(id, Access::Write).unwrap();
    disk.write_at(0, content).unwrap();
    disk.flush().unwrap();
    id
}

pub(crate) fn read(disk: &dyn Disk, offset: u64, len: usize) -> Vec<u8> {
    let mut buffer = vec![0xee; len];
    disk.read_at(offset, &mut buffer).unwrap();
    buffer
}

/// The first bytes of a volume.
pub(crate) fn head(backend: &dyn Backend, id: VolumeId, len: usize) -> Vec<u8> {
    read(&*backend.open(id, Access::Read).unwrap(), 0, len)
}

fn holder<T>(result: Result<T, VolumeError>) -> Holder {
    match result.err() {
        Some(VolumeError::Busy { holder, .. }) => holder,
        other => panic!("busy, and not {other:?}"),
    }
}

fn is_not_found<T>(result: &Result<T, VolumeError>) -> bool {
    matches!(result, Err(VolumeError::NotFound { .. }))
}

fn a_new_volume_is_zeros_and_takes_nothing(backend: &dyn Backend) {
    assert_eq!(backend.create(id(1), MIB).unwrap(), Created::Created);
    let disk = backend.open(id(1), Access::Read).unwrap();
    assert_eq!(disk.size(), MIB);
    assert!(read(&*disk, 0, 1 << 20) == vec![0; 1 << 20]);
    let usage = backend.usage(id(1)).unwrap();
    assert_eq!(usage.virtual_bytes, MIB);
    assert!(usage.allocated_bytes < MIB / 2);
    assert!(is_not_found(&backend.usage(id(2))));
    assert!(is_not_found(&backend.open(id(2), Access::Read)));
    assert!(is_not_found(&backend.open(id(2), Access::Write)));
}

fn making_is_idempotent_and_knows_the_size(backend: &dyn Backend) {
    let volume = volume(backend, 1, b"content");
    assert_eq!(backend.create(volume, MIB).unwrap(), Created::AlreadyThere);
    assert_eq!(head(backend, volume, 7), b"content");
    let other = backend.create(volume, 2 * MIB).unwrap_err();
    assert_eq!(
        other.to_string(),
        "volume 1 is there already, with 1048576 bytes and not 2097152"
    );
    for bad in [0, 1, 4095, MIB + 1, u64::MAX] {
        let error = backend.create(id(2), bad).unwrap_err();
        assert!(matches!(error, VolumeError::BadSize { .. }), "{bad}");
    }
    assert_eq!(backend.list().unwrap().volumes, [volume]);
}

fn what_is_written_is_read(backend: &dyn Backend) {
    backend.create(id(1), MIB).unwrap();
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    disk.write_at(4094, b"across").unwrap();
    disk.write_at(MIB - 3, b"end").unwrap();
    disk.write_at(4096, b"R").unwrap();
    assert_eq!(read(&*disk, 4092, 10), b"\0\0acRoss\0\0");
    disk.flush().unwrap();
    drop(disk);
    let disk = backend.open(id(1), Access::Read).unwrap();
    assert_eq!(read(&*disk, 4094, 6), b"acRoss");
    assert_eq!(read(&*disk, MIB - 4, 4), b"\0end");
}

fn discarded_ranges_are_zeros(backend: &dyn Backend) {
    let volume = volume(backend, 1, &vec![7; 1 << 20]);
    let before = backend.usage(volume).unwrap().allocated_bytes;
    let mut disk = backend.open(volume, Access::Write).unwrap();
    disk.discard(100, MIB - 200).unwrap();
    disk.flush().unwrap();
    let mut expected = vec![7; 1 << 20];
    expected[100..(1 << 20) - 100].fill(0);
    assert!(read(&*disk, 0, 1 << 20) == expected);
    let after = backend.usage(volume).unwrap().allocated_bytes;
    assert!(after < before / 2, "{before} {after}");
    disk.write_at(MIB / 2, b"again").unwrap();
    assert_eq!(read(&*disk, MIB / 2 - 1, 7), b"\0again\0");
    disk.discard(MIB, 0).unwrap();
}

fn ranges_outside_are_refused_and_change_nothing(backend: &dyn Backend) {
    let volume = volume(backend, 1, b"");
    let mut disk = backend.open(volume, Access::Write).unwrap();
    let outside = |result| matches!(result, Err(DiskError::OutOfRange { .. }));
    for offset in [MIB - 3, MIB, u64::MAX - 3] {
        assert!(outside(disk.read_at(offset, &mut [0; 4])), "{offset}");
        assert!(outside(disk.write_at(offset, b"1234")), "{offset}");
        assert!(outside(disk.discard(offset, 4)), "{offset}");
    }
    assert_eq!(read(&*disk, MIB - 4, 4), [0; 4]);
    disk.write_at(MIB, b"").unwrap();
    disk.read_at(MIB, &mut []).unwrap();
    assert_eq!(backend.usage(volume).unwrap().virtual_bytes, MIB);
}

fn readers_do_not_write(backend: &dyn Backend) {
    let volume = volume(backend, 1, b"content");
    let mut disk = backend.open(volume, Access::Read).unwrap();
    let refused = |result| matches!(result, Err(DiskError::ReadOnly { .. }));
    assert!(refused(disk.write_at(0, b"x")));
    assert!(refused(disk.discard(0, 4096)));
    assert!(refused(disk.flush()));
    assert_eq!(read(&*disk, 0, 7), b"content");
}

fn there_are_readers_or_one_writer(backend: &dyn Backend) {
    let volume = volume(backend, 1, b"");
    let readers = [(); 2].map(|()| backend.open(volume, Access::Read).unwrap());
    assert_eq!(holder(backend.open(volume, Access::Write)), Holder::Reader);
    assert_eq!(holder(backend.remove(volume)), Holder::Reader);
    backend.snapshot(volume, id(2), None).unwrap();
    drop(readers);
    let writer = backend.open(volume, Access::Write).unwrap();
    assert_eq!(holder(backend.open(volume, Access::Write)), Holder::Writer);
    assert_eq!(holder(backend.open(volume, Access::Read)), Holder::Writer);
    assert_eq!(
        holder(backend.snapshot(volume, id(3), None)),
        Holder::Writer
    );
    assert_eq!(holder(backend.remove(volume)), Holder::Writer);
    let active = backend.activate(volume, &name("web"));
    assert_eq!(holder(active), Holder::Writer);
    drop(writer);
    assert_eq!(backend.list().unwrap().volumes, [volume, id(2)]);
    assert_eq!(backend.active().unwrap(), []);
}

fn snapshots_are_independent(backend: &dyn Backend) {
    let origin = volume(backend, 1, b"content");
    assert_eq!(
        backend.snapshot(origin, id(2), None).unwrap(),
        Created::Created
    );
    let usage = backend.usage(id(2)).unwrap();
    assert_eq!(usage.virtual_bytes, MIB);
    assert!(usage.allocated_bytes < MIB / 2);
    let mut disk = backend.open(id(2), Access::Write).unwrap();
    disk.write_at(0, b"C").unwrap();
    disk.write_at(MIB / 2, b"more").unwrap();
    disk.flush().unwrap();
    assert_eq!(head(backend, origin, 7), b"content");
    drop(disk);
    let mut disk = backend.open(origin, Access::Write).unwrap();
    disk.discard(0, 4096).unwrap();
    assert_eq!(read(&*disk, MIB / 2, 4), [0; 4]);
    disk.flush().unwrap();
    assert_eq!(head(backend, id(2), 7), b"Content");
}

fn snapshots_of_snapshots_hold_together(backend: &dyn Backend) {
    volume(backend, 1, b"1");
    for number in 2..=6 {
        backend.snapshot(id(number - 1), id(number), None).unwrap();
        let mut disk = backend.open(id(number), Access::Write).unwrap();
        let byte = [u8::try_from(number).unwrap() + b'0'];
        disk.write_at((number - 1) * 4096, &byte).unwrap();
        disk.flush().unwrap();
    }
    assert_eq!(backend.remove(id(3)).unwrap(), Removed::Removed);
    let disk = backend.open(id(6), Access::Read).unwrap();
    let seen: Vec<u8> = (0..6).map(|page| read(&*disk, page * 4096, 1)[0]).collect();
    assert_eq!(seen, b"123456");
    let disk = backend.open(id(2), Access::Read).unwrap();
    let seen: Vec<u8> = (0..6).map(|page| read(&*disk, page * 4096, 1)[0]).collect();
    assert_eq!(seen, b"12\0\0\0\0");
}

fn snapshots_know_what_is_missing_and_what_is_there(backend: &dyn Backend) {
    let origin = volume(backend, 1, b"content");
    assert!(is_not_found(&backend.snapshot(id(9), id(2), None)));
    backend.snapshot(origin, id(2), None).unwrap();
    let mut disk = backend.open(id(2), Access::Write).unwrap();
    disk.write_at(0, b"C").unwrap();
    drop(disk);
    let again = backend.snapshot(origin, id(2), None).unwrap();
    assert_eq!(again, Created::AlreadyThere);
    assert_eq!(head(backend, id(2), 7), b"Content");
    backend.create(id(3), 2 * MIB).unwrap();
    let other = backend.snapshot(origin, id(3), None).unwrap_err();
    assert!(matches!(other, VolumeError::OtherSize { has, .. } if has == 2 * MIB));
    assert_eq!(backend.list().unwrap().volumes, [1, 2, 3].map(id));
}

fn a_snapshot_may_be_larger_than_its_origin(backend: &dyn Backend) {
    let origin = volume(backend, 1, b"content");
    let larger = Some(4 * MIB);
    let made = backend.snapshot(origin, id(2), larger).unwrap();
    assert_eq!(made, Created::Created);
    let again = backend.snapshot(origin, id(2), larger).unwrap();
    assert_eq!(again, Created::AlreadyThere);
    assert_eq!(backend.usage(id(2)).unwrap().virtual_bytes, 4 * MIB);
    assert_eq!(head(backend, id(2), 7), b"content");
    let mut disk = backend.open(id(2), Access::Write).unwrap();
    assert_eq!(disk.size(), 4 * MIB);
    assert_eq!(read(&*disk, MIB, 8), [0; 8]);
    disk.write_at(4 * MIB - 3, b"end").unwrap();
    disk.flush().unwrap();
    assert_eq!(read(&*disk, 4 * MIB - 4, 4), b"\0end");
    drop(disk);
    let smaller = backend.snapshot(origin, id(3), Some(4096)).unwrap_err();
    assert!(matches!(smaller, VolumeError::TooSmall { has: MIB, .. }));
    let odd = backend.snapshot(origin, id(3), Some(2 * MIB + 1));
    assert!(matches!(odd.unwrap_err(), VolumeError::BadSize { .. }));
    assert_eq!(backend.list().unwrap().volumes, [1, 2].map(id));
}

fn removing_is_idempotent_and_final(backend: &dyn Backend) {
    assert_eq!(backend.remove(id(1)).unwrap(), Removed::NotThere);
    let volume = volume(backend, 1, b"content");
    assert_eq!(backend.remove(volume).unwrap(), Removed::Removed);
    assert_eq!(backend.remove(volume).unwrap(), Removed::NotThere);
    assert_eq!(backend.list().unwrap().volumes, []);
    assert_eq!(backend.create(volume, MIB).unwrap(), Created::Created);
    assert_eq!(head(backend, volume, 7), [0; 7]);
}

fn machines_have_one_volume_and_volumes_one_machine(backend: &dyn Backend) {
    let (first, second) = (volume(backend, 1, b""), volume(backend, 2, b""));
    let (web, db) = (name("web"), name("db-1"));
    let Activated { path, changed } = backend.activate(first, &web).unwrap();
    assert!(changed);
    let again = backend.activate(first, &web).unwrap();
    assert_eq!((again.path, again.changed), (path.clone(), false));
    let other = backend.activate(second, &web).unwrap_err();
    assert_eq!(
        other.to_string(),
        "machine web is active on volume 1 already"
    );
    let active = backend.activate(first, &db);
    assert_eq!(holder(active), Holder::Machine(web.clone()));
    backend.activate(second, &db).unwrap();
    let expected = [(db.clone(), second), (web.clone(), first)];
    assert_eq!(backend.active().unwrap(), expected);
    assert!(is_not_found(&backend.activate(id(9), &name("x"))));

    assert_eq!(backend.deactivate(&web).unwrap(), Deactivated::Deactivated);
    assert_eq!(backend.deactivate(&web).unwrap(), Deactivated::NotActive);
    assert_eq!(backend.active().unwrap(), [(db.clone(), second)]);
    backend.deactivate(&db).unwrap();
    let moved = backend.activate(second, &web).unwrap();
    assert_eq!((moved.path, moved.changed), (path, true));
}

fn a_machine_keeps_everybody_else_off_its_volume(backend: &dyn Backend) {
    let volume = volume(backend, 1, b"content");
    let web = name("web");
    backend.activate(volume, &web).unwrap();
    let machine = || Holder::Machine(web.clone());
    assert_eq!(holder(backend.open(volume, Access::Write)), machine());
    assert_eq!(holder(backend.snapshot(volume, id(2), None)), machine());
    assert_eq!(holder(backend.remove(volume)), machine());
    assert_eq!(head(backend, volume, 7), b"content");
    backend.deactivate(&web).unwrap();
    backend.open(volume, Access::Write).unwrap();
    assert_eq!(backend.remove(volume).unwrap(), Removed::Removed);
}

fn volumes_may_be_as_large_as_a_filesystem(backend: &dyn Backend) {
    let size = 32 << 30;
    backend.create(id(1), size).unwrap();
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    disk.write_at(size - 4, b"last").unwrap();
    disk.flush().unwrap();
    drop(disk);
    backend.snapshot(id(1), id(2), None).unwrap();
    let disk = backend.open(id(2), Access::Read).unwrap();
    assert_eq!(read(&*disk, size - 4, 4), b"last");
    let usage = backend.usage(id(2)).unwrap();
    assert_eq!(usage.virtual_bytes, size);
    assert!(usage.allocated_bytes < MIB);
}
