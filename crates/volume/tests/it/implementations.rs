//! Every backend passes the one suite.

use std::cell::Cell;

use longshore_durable::{Host, Power, Simulated, Space};
use longshore_volume::{FileBackend, SimulatedBackend, SnapshotKind};

use crate::conformance;

#[test]
fn files_of_the_host_conform() {
    let scratch = tempfile::tempdir().unwrap();
    let count = Cell::new(0);
    conformance::check(|| {
        count.set(count.get() + 1);
        let root = scratch.path().join(count.get().to_string());
        let root = Host::create(root).unwrap();
        Box::new(FileBackend::open(&root).unwrap())
    });
}

#[test]
fn files_that_share_extents_conform() {
    conformance::check(|| Box::new(FileBackend::open(&Simulated::new()).unwrap()));
}

#[test]
fn files_that_are_copied_conform() {
    conformance::check(|| {
        let root = Simulated::with(Power::new(), Space::unlimited(), false);
        Box::new(FileBackend::open(&root).unwrap())
    });
}

#[test]
fn memory_conforms() {
    conformance::check(|| Box::new(SimulatedBackend::new()));
}

#[test]
fn each_says_what_a_snapshot_costs() {
    use longshore_volume::Backend as _;
    let copying = Simulated::with(Power::new(), Space::unlimited(), false);
    let kinds = [
        FileBackend::open(&Simulated::new())
            .unwrap()
            .snapshot_kind(),
        FileBackend::open(&copying).unwrap().snapshot_kind(),
        SimulatedBackend::new().snapshot_kind(),
    ];
    let expected = [SnapshotKind::Shared, SnapshotKind::Copy, SnapshotKind::Thin];
    assert_eq!(kinds, expected);
}
