//! What is only true of the simulated backend: exact space, failures by number, no paths.

use longshore_durable::{Failure, PAGE_BYTES, Plan, Power, Space};
use longshore_volume::{Access, Backend, DiskError, SimulatedBackend, VolumeError};

use crate::conformance::{MIB, head, id, name, volume};

#[test]
fn space_is_that_of_distinct_pages() {
    let space = Space::limited(10 * PAGE_BYTES);
    let backend = SimulatedBackend::with(Power::new(), space.clone());
    volume(&backend, 1, &[7; 4 * 4096]);
    for number in 2..1000 {
        backend.snapshot(id(1), id(number), None).unwrap();
    }
    assert_eq!(space.used(), 4 * PAGE_BYTES);
    let mut disk = backend.open(id(2), Access::Write).unwrap();
    disk.write_at(0, b"x").unwrap();
    assert_eq!(backend.available().unwrap(), Some(5 * PAGE_BYTES));
    let error = disk.write_at(MIB / 2, &[7; 6 * 4096]).unwrap_err();
    assert!(matches!(error, DiskError::NoSpace { .. }));
    drop(disk);
    backend.remove(id(2)).unwrap();
    assert_eq!(space.used(), 4 * PAGE_BYTES);
}

#[test]
fn a_planned_failure_changes_nothing_and_is_typed() {
    let power = Power::new();
    let backend = SimulatedBackend::with(power.clone(), Space::unlimited());
    volume(&backend, 1, b"content");
    let fail_next = |failure| {
        let next = power.changes() + 1;
        power.plan(Plan::FailOnce(next, failure));
    };
    fail_next(Failure::NoSpace);
    let error = backend.snapshot(id(1), id(2), None).unwrap_err();
    assert!(matches!(error, VolumeError::NoSpace { .. }));
    fail_next(Failure::Io);
    let error = backend.remove(id(1)).unwrap_err();
    assert_eq!(error.to_string(), "removing volume 1 failed");
    fail_next(Failure::Io);
    backend.activate(id(1), &name("web")).unwrap_err();
    assert_eq!(backend.active().unwrap(), []);
    assert_eq!(backend.list().unwrap().volumes, [id(1)]);
    assert_eq!(head(&backend, id(1), 7), b"content");
}

#[test]
fn a_failed_flush_breaks_the_volume() {
    let power = Power::new();
    let backend = SimulatedBackend::with(power.clone(), Space::unlimited());
    volume(&backend, 1, b"content");
    let mut disk = backend.open(id(1), Access::Write).unwrap();
    power.plan(Plan::FailOnce(power.changes() + 1, Failure::Io));
    disk.flush().unwrap_err();
    assert!(matches!(disk.flush(), Err(DiskError::Broken { .. })));
    drop(disk);
    let error = backend.snapshot(id(1), id(2), None).unwrap_err();
    assert!(matches!(error, VolumeError::Broken { .. }));
    backend.remove(id(1)).unwrap();
    backend.create(id(1), MIB).unwrap();
}

#[test]
fn nothing_works_without_power() {
    let power = Power::new();
    let backend = SimulatedBackend::with(power.clone(), Space::unlimited());
    volume(&backend, 1, b"");
    let disk = backend.open(id(1), Access::Read).unwrap();
    power.cut();
    backend.create(id(2), MIB).unwrap_err();
    backend.list().unwrap_err();
    backend.open(id(1), Access::Read).unwrap_err();
    disk.read_at(0, &mut [0]).unwrap_err();
}

#[test]
fn there_are_no_paths() {
    let backend = SimulatedBackend::new();
    let volume = volume(&backend, 1, b"");
    assert_eq!(backend.path(volume), None);
    assert_eq!(backend.activate(volume, &name("web")).unwrap().path, None);
}
