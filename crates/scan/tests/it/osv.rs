//! Records of OSV as their publishers write them, and archives as nobody should.

use std::io::{Cursor, Write};

use longshore_scan::{
    End, FixStatus, ImportError, Imported, Severity, Stream, import_osv, import_osv_zip,
    import_tracker,
};
use proptest::prelude::*;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::data::shared;
use crate::feeds::source;

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn record(id: &str) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "2026-05-01T00:00:00Z", "affected": [{{
            "package": {{"ecosystem": "PyPI", "name": "Some_Project.x"}},
            "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "1.2"}}]}}],
            "versions": ["1.0", "1.1", "1.2.1"]
        }}]}}"#
    )
}

fn import(json: &str) -> Result<Imported, ImportError> {
    import_osv([("one.json", json.as_bytes())], &source("2026-05-01"))
}

#[test]
fn an_archive_is_its_records() {
    let (first, second) = (record("PYSEC-1"), record("PYSEC-2"));
    let zip = archive(&[
        ("PYSEC-1.json", first.as_bytes()),
        ("PYSEC-2.json", second.as_bytes()),
        ("README.md", b"not a record"),
    ]);
    let imported = import_osv_zip(Cursor::new(zip), &source("")).unwrap();
    let shard = &imported.shards[0];
    assert_eq!((imported.report.records, shard.dated()), (2, "2026-05-01"));
    // By the name of PEP 503, and with the one version that its span does not say.
    let entry = shard.of("some-project-x").next().unwrap();
    assert_eq!(entry.versions().collect::<Vec<_>>(), ["1.2.1"]);
}

#[test]
fn a_damaged_archive_is_refused_wherever_it_is_damaged() {
    let record = record("PYSEC-1");
    let whole = archive(&[("PYSEC-1.json", record.as_bytes())]);
    let read = |zip: &[u8]| import_osv_zip(Cursor::new(zip), &source("2026-05-01"));
    assert!(read(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "cut at {end}");
    }
    assert!(matches!(
        read(&archive(&[])),
        Err(ImportError::Nothing { .. })
    ));
}

#[test]
fn a_record_that_decompresses_to_too_much_is_not_read_to_its_end() {
    let bomb = vec![b' '; 64 << 20];
    let zip = archive(&[("bomb.json", &bomb)]);
    let refused = import_osv_zip(Cursor::new(zip), &source("2026-05-01")).unwrap_err();
    assert!(refused.to_string().contains("too large"), "{refused}");
}

#[test]
fn what_is_withdrawn_or_of_another_ecosystem_is_left_out_and_counted() {
    let imported =
        import(&record("PYSEC-1").replacen('{', r#"{"withdrawn": "2026-01-01T00:00:00Z", "#, 1))
            .unwrap();
    assert_eq!((imported.shards.len(), imported.report.withdrawn), (0, 1));
    let imported = import(&record("GHSA-1").replace("PyPI", "npm")).unwrap();
    assert_eq!(
        (imported.shards.len(), imported.report.left_out.len()),
        (0, 1)
    );
}

#[test]
fn what_is_no_record_is_named() {
    for json in [
        "{}",
        "[]",
        "7",
        r#"{"id": 7}"#,
        r#"{"id": ""}"#,
        r#"{"id": "A-1", "affected": [{"package": {"ecosystem": "Go", "name": ""}, "versions": ["1"]}]}"#,
        r#"{"id": "A-1", "affected": [{"package": {"ecosystem": "Go", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"fixed": "1"}]}]}]}"#,
    ] {
        assert!(
            matches!(import(json), Err(ImportError::TooManyBad { bad: 1, .. })),
            "{json}"
        );
    }
    let deep = format!(
        r#"{{"id": "A-1", "details": {}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(import(&deep).is_err());
}

#[test]
fn ubuntu_says_how_bad_it_is_and_what_needs_pro_is_left_out() {
    let Some(samples) = shared("advisories/ubuntu-samples") else {
        return;
    };
    let record = std::fs::read(samples.join("osv/cve/2021/UBUNTU-CVE-2021-3782.json")).unwrap();
    let imported = import_osv([("one", record.as_slice())], &source("")).unwrap();
    let jammy = Stream::new("Ubuntu".parse().unwrap(), "22.04");
    let shard = imported
        .shards
        .iter()
        .find(|shard| *shard.stream() == jammy)
        .unwrap();
    let entry = shard.of("wayland").next().unwrap();
    assert_eq!(entry.cves().collect::<Vec<_>>(), ["CVE-2021-3782"]);
    assert_eq!(entry.severity(), (Severity::Medium, "Ubuntu"));
    assert_eq!(
        entry.ranges().next().unwrap().end,
        End::Fixed("1.20.0-1ubuntu0.1")
    );
    // All vulnerable versions are in its span.
    assert_eq!(entry.versions().count(), 0);
    assert_eq!(
        imported.report.left_out.values().sum::<u64>(),
        1,
        "{:?}",
        imported.report
    );

    let notice = std::fs::read(samples.join("osv/usn/USN-5614-1.json")).unwrap();
    let imported = import_osv([("one", notice.as_slice())], &source("")).unwrap();
    let (_, entry) = imported.shards[0].entries().next().unwrap();
    assert_eq!(
        (entry.id(), entry.cves().next()),
        ("USN-5614-1", Some("CVE-2021-3782"))
    );
}

#[test]
fn debians_tracker_is_read_as_it_is_and_a_bad_record_is_named() {
    let Some(file) = shared("advisories/debian/input/debian.json") else {
        return;
    };
    let json = std::fs::read(file).unwrap();
    // One of the seven records is a list where a record should be.
    let refused = import_tracker(&json, &source("2025-08-01")).unwrap_err();
    assert!(matches!(
        &refused,
        ImportError::TooManyBad { bad: 1, records: 7, first, .. } if first.id.ends_with("of chromium-browser")
    ));
    let mut whole: serde_json::Value = serde_json::from_slice(&json).unwrap();
    whole.as_object_mut().unwrap().remove("chromium-browser");
    let json = serde_json::to_vec(&whole).unwrap();
    let imported = import_tracker(&json, &source("2025-08-01")).unwrap();
    assert_eq!((imported.report.records, imported.report.bad), (6, 0));
    let of = |release: &str, package: &str| {
        let stream = Stream::new("Debian".parse().unwrap(), release);
        let shard = imported
            .shards
            .iter()
            .find(|shard| *shard.stream() == stream)
            .unwrap();
        shard
            .of(package)
            .map(|entry| (entry.id().to_owned(), entry.status(), entry.severity().0))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("10", "prototypejs"),
        [("CVE-2008-7220".to_owned(), FixStatus::Fixed, Severity::High)]
    );
    assert_eq!(of("10", "chromium")[0].1, FixStatus::EndOfLife);
    assert_eq!(of("12", "sope")[0].0, "CVE-2025-53603");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_changed_in_an_archive_it_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        value: u8,
        length in 1usize..8,
    ) {
        let record = record("PYSEC-1");
        let mut zip = archive(&[("PYSEC-1.json", record.as_bytes()), ("b.json", record.as_bytes())]);
        let at = at.index(zip.len());
        let end = zip.len().min(at + length);
        zip[at..end].fill(value);
        let _ = import_osv_zip(Cursor::new(zip), &source("2026-05-01"));
    }
}
