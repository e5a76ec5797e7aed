//! The catalogue on a real SQLite file in memory, with foreign keys on as its owner sets them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use longshore_catalog::{
    AllowanceRow, Decision, Error, InventoryRow, MachineState, NewLayer, NewMachine, PoolPhase,
    Reader, ReportRow, SCHEMA, SealKey, Sealing, StoredBackend, Verdict, VolumeId, VolumeKind,
    VolumeState, WaiverRow, Writer,
};
use longshore_image::{ChainId, DiffId, Digest};
use rusqlite::Connection;

const CONTENTS: Sealing<'_> = Sealing {
    used: 100,
    totals: "{}",
    path: None,
};

fn open() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    for step in SCHEMA {
        connection.execute_batch(step).unwrap();
    }
    connection
}

fn diff(text: &str) -> DiffId {
    DiffId::new(Digest::of(text.as_bytes()))
}

fn key(text: &str) -> SealKey {
    SealKey {
        chain: ChainId::base(diff(text)),
        format: 1,
        size: 4096,
        policy: "keep".into(),
    }
}

fn layers(keys: &[&str]) -> Vec<NewLayer> {
    keys.iter()
        .map(|key| NewLayer {
            key: (*key).into(),
            etag: Some(format!("\"{key}\"")),
            size: 10,
        })
        .collect()
}

fn sealed(write: &Writer<'_>, parent: Option<VolumeId>, text: &str) -> VolumeId {
    let id = write
        .reserve_volume(VolumeKind::Base, parent, 4096, 1, 0)
        .unwrap();
    write.volume_created(id).unwrap();
    assert_eq!(write.seal_volume(id, &key(text), &CONTENTS).unwrap(), id);
    id
}

#[test]
fn an_image_and_its_layers_come_back_as_they_were_written() {
    let connection = open();
    let write = Writer::new(&connection);
    let image = write
        .add_image(
            "s3://b",
            "images/go",
            1,
            &layers(&["images/go/1.tar", "images/go/2.tar"]),
            7,
            5,
        )
        .unwrap();
    let blob = Digest::of(b"one");
    write.record_blob(&blob, 3, 5).unwrap();
    write.layer_digest(image, 0, &blob).unwrap();
    write
        .layer_unpacked(image, 0, &diff("one"), Some("{}"))
        .unwrap();

    let read = Reader::new(&connection);
    let row = read.image("s3://b", "images/go").unwrap().unwrap();
    assert_eq!(
        (row.id, row.generation, row.run, row.volume),
        (image, 1, 7, None)
    );
    let rows = read.layers(image).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].digest, Some(blob));
    assert_eq!(rows[0].diff_id, Some(diff("one")));
    assert_eq!(rows[1].key, "images/go/2.tar");
    assert_eq!(rows[1].digest, None);
}

#[test]
fn the_newest_generation_is_the_image() {
    let connection = open();
    let write = Writer::new(&connection);
    write
        .add_image("o", "f", 1, &layers(&["f/1.tar"]), 1, 0)
        .unwrap();
    let second = write
        .add_image("o", "f", 2, &layers(&["f/1.tar"]), 2, 0)
        .unwrap();
    assert_eq!(write.image("o", "f").unwrap().unwrap().id, second);
    assert_eq!(write.images().unwrap().len(), 2);
    assert!(
        write.add_image("o", "f", 2, &[], 3, 0).is_err(),
        "a generation exists once"
    );
    assert_eq!(
        write.image("other", "f").unwrap(),
        None,
        "an origin is part of the name"
    );
}

#[test]
fn an_entity_tag_is_believed_within_one_origin_only() {
    let connection = open();
    let write = Writer::new(&connection);
    let digest = Digest::of(b"x");
    write
        .record_pin("a", "images/go/1.tar", Some("\"e\""), 9, &digest, 1)
        .unwrap();
    assert_eq!(write.digest_of_etag("a", "\"e\"", 9).unwrap(), Some(digest));
    assert_eq!(write.digest_of_etag("a", "\"e\"", 10).unwrap(), None);
    assert_eq!(write.digest_of_etag("b", "\"e\"", 9).unwrap(), None);
    write
        .record_pin(
            "a",
            "images/go/1.tar",
            Some("\"f\""),
            9,
            &Digest::of(b"y"),
            2,
        )
        .unwrap();
    assert_eq!(write.digest_of_etag("a", "\"e\"", 9).unwrap(), None);
    let pin = write.pin("a", "images/go/1.tar").unwrap().unwrap();
    assert_eq!((pin.digest, pin.pinned_at), (Digest::of(b"y"), 2));
}

#[test]
fn a_volume_goes_through_its_states_in_order() {
    let connection = open();
    let write = Writer::new(&connection);
    let id = write
        .reserve_volume(VolumeKind::Base, None, 4096, 1, 0)
        .unwrap();
    assert!(matches!(
        write.seal_volume(id, &key("a"), &CONTENTS),
        Err(Error::WrongState { .. })
    ));
    write.volume_created(id).unwrap();
    write.volume_created(id).unwrap();
    write.seal_volume(id, &key("a"), &CONTENTS).unwrap();
    assert!(matches!(
        write.volume_created(id),
        Err(Error::WrongState { .. })
    ));
    assert!(matches!(
        write.forget_volume(id),
        Err(Error::WrongState { .. })
    ));
    write.volume_deleting(id).unwrap();
    write.forget_volume(id).unwrap();
    assert_eq!(write.volume(id).unwrap(), None);
    let next = write
        .reserve_volume(VolumeKind::Base, None, 4096, 1, 0)
        .unwrap();
    assert!(next > id, "an id is given out once");
}

#[test]
fn a_key_is_sealed_once_and_the_second_is_told_the_first() {
    let connection = open();
    let write = Writer::new(&connection);
    let first = sealed(&write, None, "a");
    let second = write
        .reserve_volume(VolumeKind::Base, None, 4096, 1, 0)
        .unwrap();
    write.volume_created(second).unwrap();
    assert_eq!(
        write.seal_volume(second, &key("a"), &CONTENTS).unwrap(),
        first
    );
    assert_eq!(
        write.volume(second).unwrap().unwrap().state,
        VolumeState::Created
    );
    let other = SealKey {
        format: 2,
        ..key("a")
    };
    assert_eq!(write.sealed_volume(&other).unwrap(), None);
}

#[test]
fn what_is_needed_is_not_removed() {
    let connection = open();
    let write = Writer::new(&connection);
    let base = sealed(&write, None, "a");
    let top = sealed(&write, Some(base), "b");
    let lone = sealed(&write, None, "c");
    let image = write
        .add_image("o", "f", 1, &layers(&["f/1.tar"]), 1, 0)
        .unwrap();
    write.image_volume(image, &key("b").chain, top).unwrap();
    let unused: Vec<_> = write
        .unused_volumes()
        .unwrap()
        .into_iter()
        .map(|v| v.id)
        .collect();
    assert_eq!(unused, [lone]);
    assert!(matches!(
        write.volume_deleting(base),
        Err(Error::InUse { .. })
    ));
    assert!(matches!(
        write.volume_deleting(top),
        Err(Error::InUse { .. })
    ));

    let disk = write
        .reserve_volume(VolumeKind::Disk, Some(top), 4096, 2, 0)
        .unwrap();
    let web = NewMachine {
        name: "web",
        image,
        base: top,
        disk,
        owner: Some("team a"),
        expires_at: Some(7),
    };
    write.add_machine(&web, 0).unwrap();
    let row = write.machine("web").unwrap().unwrap();
    assert_eq!(row.owner.as_deref(), Some("team a"));
    assert_eq!(row.expires_at, Some(7));
    assert!(matches!(
        write.forget_image(image),
        Err(Error::InUse { .. })
    ));
    assert!(matches!(
        write.volume_deleting(disk),
        Err(Error::InUse { .. })
    ));
    write
        .machine_state("web", MachineState::Deleting, None)
        .unwrap();
    write.volume_deleting(disk).unwrap();
    write.forget_machine("web").unwrap();
    assert_eq!(write.volume(disk).unwrap(), None);
    write.forget_image(image).unwrap();
    let unused: Vec<_> = write
        .unused_volumes()
        .unwrap()
        .into_iter()
        .map(|v| v.id)
        .collect();
    assert_eq!(unused, [lone, top, base], "children before their parents");
    assert!(write.layers(image).unwrap().is_empty());
}

#[test]
fn what_a_layer_was_proven_to_be_outlives_its_bytes() {
    let connection = open();
    let write = Writer::new(&connection);
    let image = write
        .add_image("o", "f", 1, &layers(&["f/1.tar"]), 1, 0)
        .unwrap();
    let blob = Digest::of(b"x");
    write.record_blob(&blob, 1, 0).unwrap();
    assert_eq!(write.unused_blobs().unwrap().len(), 1);
    assert_eq!(write.diff_id(&blob).unwrap(), None);
    write.record_diff_id(&blob, &diff("x"), 512).unwrap();
    write.layer_digest(image, 0, &blob).unwrap();
    write
        .layer_unpacked(image, 0, &diff("x"), Some("{}"))
        .unwrap();
    assert!(write.unused_blobs().unwrap().is_empty());
    assert_eq!(write.blob(&blob).unwrap().unwrap().unpacked_size, Some(512));
    write.forget_blob(&blob).unwrap();
    assert!(write.blobs().unwrap().is_empty());
    assert_eq!(write.layers(image).unwrap()[0].digest, Some(blob));
    assert_eq!(write.diff_id(&blob).unwrap(), Some(diff("x")));

    let other = write
        .add_image("o", "g", 1, &layers(&["g/1.tar"]), 1, 0)
        .unwrap();
    write.layer_unpacked(other, 0, &diff("x"), None).unwrap();
    assert_eq!(
        write.layers(other).unwrap()[0].report.as_deref(),
        Some("{}")
    );
}

#[test]
fn a_volume_that_is_gone_is_built_again() {
    let connection = open();
    let write = Writer::new(&connection);
    let base = sealed(&write, None, "a");
    let top = sealed(&write, Some(base), "b");
    let image = write
        .add_image("o", "f", 1, &layers(&["f/1.tar"]), 1, 0)
        .unwrap();
    write.image_volume(image, &key("b").chain, top).unwrap();
    write.volume_lost(base).unwrap();
    assert_eq!(write.volume(top).unwrap().unwrap().parent, None);
    assert_eq!(write.image_by_id(image).unwrap().unwrap().volume, Some(top));
    write.volume_lost(top).unwrap();
    assert_eq!(write.image_by_id(image).unwrap().unwrap().volume, None);
    assert_eq!(write.sealed_volume(&key("b")).unwrap(), None);
}

#[test]
fn a_decision_replaces_the_one_before() {
    let connection = open();
    let write = Writer::new(&connection);
    let image = write.add_image("o", "f", 1, &[], 1, 0).unwrap();
    let decision = |verdict, admitted| Decision {
        verdict,
        admitted,
        report: "{}".into(),
        decided_at: 3,
        valid_until: admitted.then_some(9),
    };
    write
        .decide(image, &decision(Verdict::Unscanned, true))
        .unwrap();
    write
        .decide(image, &decision(Verdict::Vulnerable, false))
        .unwrap();
    assert_eq!(
        write.decision(image).unwrap(),
        Some(decision(Verdict::Vulnerable, false))
    );
}

#[test]
fn what_was_found_in_a_volume_replaces_what_was_found_before_and_goes_with_it() {
    let connection = open();
    let write = Writer::new(&connection);
    let volume = sealed(&write, None, "a");
    assert_eq!(write.inventory(volume).unwrap(), None);
    let inventory = |format| InventoryRow {
        format,
        record: "{}".into(),
        read_at: 1,
    };
    let report = |scanner: &str, scanned_at, raw: Option<&[u8]>| ReportRow {
        scanner: scanner.into(),
        report: "{}".into(),
        raw: raw.map(<[u8]>::to_vec),
        scanned_at,
    };
    for format in [1, 2] {
        write.record_inventory(volume, &inventory(format)).unwrap();
        assert_eq!(write.inventory(volume).unwrap(), Some(inventory(format)));
    }
    for report in [
        report("embedded", 1, None),
        report("trivy-sbom", 2, Some(b"raw")),
        report("embedded", 3, None),
    ] {
        write.record_report(volume, &report).unwrap();
    }
    assert_eq!(
        write.reports(volume).unwrap(),
        [
            report("embedded", 3, None),
            report("trivy-sbom", 2, Some(b"raw"))
        ]
    );
    for together in [
        report("embedded", 4, None),
        report("embedded+trivy-sbom", 4, None),
        report("trivy-sbom", 4, Some(b"raw")),
    ] {
        write.record_report(volume, &together).unwrap();
    }
    let reports = write.reports(volume).unwrap().into_iter();
    assert_eq!(
        reports.map(|report| report.scanner).collect::<Vec<_>>(),
        ["embedded+trivy-sbom", "trivy-sbom", "embedded"]
    );
    let last = ReportRow {
        report: "{\"together\":true}".into(),
        ..report("embedded+trivy-sbom", 4, None)
    };
    write.record_report(volume, &last).unwrap();
    assert_eq!(write.last_report(volume).unwrap(), Some(last.report));
    write.volume_deleting(volume).unwrap();
    write.forget_volume(volume).unwrap();
    assert_eq!(write.last_report(volume).unwrap(), None);
    assert_eq!(write.inventory(volume).unwrap(), None);
    assert_eq!(write.reports(volume).unwrap(), []);
}

#[test]
fn a_waiver_outlives_a_generation_and_an_allowance_does_not() {
    let connection = open();
    let write = Writer::new(&connection);
    let image = write.add_image("o", "f", 1, &[], 1, 0).unwrap();
    let waiver = |until| WaiverRow {
        image: "f".into(),
        advisory: "CVE-1".into(),
        until,
        reason: "not reachable".into(),
        by: "root".into(),
        at: 1,
    };
    write.waive(&waiver(5)).unwrap();
    write.waive(&waiver(7)).unwrap();
    let allowance = AllowanceRow {
        image,
        machine: "m".into(),
        verdict: Verdict::Unproven,
        by: "root".into(),
        at: 2,
    };
    write.allow(&allowance).unwrap();
    assert_eq!(write.allowances(image).unwrap(), [allowance]);
    write.forget_image(image).unwrap();
    assert_eq!(write.allowances(image).unwrap(), []);
    assert_eq!(write.waivers("f").unwrap(), [waiver(7)]);
    assert_eq!(write.waivers("g").unwrap(), []);
    assert!(write.unwaive("f", "CVE-1").unwrap());
    assert!(!write.unwaive("f", "CVE-1").unwrap());
}

#[test]
fn there_is_one_pool_and_what_it_will_be_asked_is_known_before() {
    let connection = open();
    let write = Writer::new(&connection);
    assert_eq!(write.pool().unwrap(), None);
    write.add_pool("longshore", "{}", 5).unwrap();
    assert!(matches!(
        write.add_pool("other", "{}", 5),
        Err(Error::InUse { .. })
    ));
    write.pool_phase("longshore", PoolPhase::Ready).unwrap();
    write.pool_will("longshore", 7, Some("create 3")).unwrap();
    let pool = write.pool().unwrap().unwrap();
    assert_eq!((pool.transaction, pool.phase), (7, PoolPhase::Ready));
    assert_eq!(pool.change.as_deref(), Some("create 3"));
    let unknown = write.pool_will("other", 8, None);
    assert!(matches!(unknown, Err(Error::WrongState { .. })));
    // One that is in use is not forgotten.
    assert!(write.forget_pool("longshore").is_err());
    write
        .pool_phase("longshore", PoolPhase::Destroying)
        .unwrap();
    write.forget_pool("longshore").unwrap();
    assert_eq!(write.pool().unwrap(), None);
}

#[test]
fn ids_of_others_are_never_given_out() {
    let connection = open();
    let write = Writer::new(&connection);
    let next = || {
        let id = write.reserve_volume(VolumeKind::Base, None, 4096, 1, 0);
        id.unwrap()
    };
    write.skip_volumes(VolumeId(41)).unwrap();
    assert_eq!(next(), VolumeId(42));
    write.skip_volumes(VolumeId(7)).unwrap();
    assert_eq!(next(), VolumeId(43));
    write.skip_volumes(VolumeId(100)).unwrap();
    assert_eq!(next(), VolumeId(101));
}

#[test]
fn volumes_are_of_one_backend_until_there_are_none() {
    let connection = open();
    let write = Writer::new(&connection);
    assert_eq!(write.backend().unwrap(), None);
    write.use_backend(StoredBackend::File).unwrap();
    write.use_backend(StoredBackend::Thin).unwrap();
    assert_eq!(write.backend().unwrap(), Some(StoredBackend::Thin));
    let id = write
        .reserve_volume(VolumeKind::Base, None, 4096, 1, 0)
        .unwrap();
    assert!(write.has_volumes().unwrap());
    write.use_backend(StoredBackend::Thin).unwrap();
    assert!(matches!(
        write.use_backend(StoredBackend::File),
        Err(Error::InUse { .. })
    ));
    write.volume_deleting(id).unwrap();
    write.forget_volume(id).unwrap();
    write.use_backend(StoredBackend::File).unwrap();
}

#[test]
fn the_newest_row_is_found_in_whatever_table_it_is() {
    let connection = open();
    let write = Writer::new(&connection);
    assert_eq!(write.newest().unwrap(), None);
    write.record_blob(&Digest::of(b"one"), 3, 5).unwrap();
    assert_eq!(write.newest().unwrap(), Some(5));
    write
        .add_image(
            "s3://b",
            "images/go",
            1,
            &layers(&["images/go/1.tar"]),
            7,
            9,
        )
        .unwrap();
    assert_eq!(write.newest().unwrap(), Some(9));
    write.record_blob(&Digest::of(b"two"), 3, 8).unwrap();
    assert_eq!(write.newest().unwrap(), Some(9));
    write
        .reserve_volume(VolumeKind::Base, None, 4096, 1, 11)
        .unwrap();
    assert_eq!(write.newest().unwrap(), Some(11));
}
