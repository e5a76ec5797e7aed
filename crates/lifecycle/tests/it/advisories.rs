//! Advisories from publishers: real samples of theirs, served in the layout that they publish them in by a
//! real server, which answers conditional requests as theirs do.

use std::{
    fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
};

use longshore_harbor::s3::{Exchange, Operation};
use longshore_lifecycle::{
    AdvisoriesKept, CancellationToken, Class, Events, PathInventory, Publishers, Scanning,
    Settings, import_advisories, kept_advisories, update_advisories,
};
use longshore_scan::Reason;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::place::{Place, open, with_machine};

/// The samples beside the workspace.
fn samples() -> Option<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/scan/advisories");
    if all.is_dir() {
        return Some(all);
    }
    println!("skipped: no ../shared/scan beside the workspace");
    None
}

/// The JSON files below a directory.
fn records(below: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![below.to_owned()]);
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => left.push(path),
                false => found.push(path),
            }
        }
    }
    found.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    found.sort();
    found
}

/// What OSV's bulk export of an ecosystem is: an archive of records.
fn archive(records: &[PathBuf]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for record in records {
        let name = record.file_name().unwrap().to_str().unwrap();
        archive
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&fs::read(record).unwrap()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A package, with the versions that fix something in it and what each fixes.
type Fixes = (String, Vec<(String, Vec<String>)>);

/// A document of Alpine's database as it is published, of the text that it is made from: packages, each with
/// versions that fix ids.
fn secdb(yaml: &str) -> String {
    let mut packages: Vec<Fixes> = Vec::new();
    let (mut release, mut repository) = ("", "");
    for line in yaml.lines() {
        let text = line.trim();
        if text == "- pkg:" || text == "secfixes:" {
            continue;
        }
        if let Some(value) = text.strip_prefix("distroversion: ") {
            release = value;
        } else if let Some(value) = text.strip_prefix("reponame: ") {
            repository = value;
        } else if let Some(name) = text.strip_prefix("name: ") {
            packages.push((name.to_owned(), Vec::new()));
        } else if let (Some(ids), Some((_, fixes))) = (text.strip_prefix("- "), packages.last_mut())
        {
            if let Some((_, fixed)) = fixes.last_mut() {
                fixed.push(ids.to_owned());
            }
        } else if let (Some(version), Some((_, fixes))) =
            (text.strip_suffix(':'), packages.last_mut())
        {
            fixes.push((version.trim_matches(['\'', '"']).to_owned(), Vec::new()));
        }
    }
    let packages: Vec<_> = packages
        .into_iter()
        .map(|(name, fixes)| {
            let secfixes: serde_json::Map<_, _> = fixes
                .into_iter()
                .map(|(version, ids)| (version, ids.into()))
                .collect();
            serde_json::json!({ "pkg": { "name": name, "secfixes": secfixes } })
        })
        .collect();
    serde_json::json!({ "distroversion": release, "reponame": repository, "packages": packages })
        .to_string()
}

/// The sample of Debian's document without the one record in it that is made wrong on purpose: of seven it
/// would be more than may be.
fn tracker(samples: &Path) -> Vec<u8> {
    let text = fs::read(samples.join("debian/input/debian.json")).unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for package in document.as_object_mut().unwrap().values_mut() {
        let records = package.as_object_mut().unwrap();
        records.retain(|_, record| record["releases"].is_object());
    }
    document.to_string().into_bytes()
}

/// A server with what three publishers have.
fn publish(place: &Place, samples: &Path) {
    let put = |key: &str, bytes: &[u8]| {
        let path = place.server.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    put(
        "osv/Ubuntu/all.zip",
        &archive(&records(&samples.join("ubuntu-samples/osv"))),
    );
    put("tracker/json", &tracker(samples));
    for repository in ["main", "community"] {
        let yaml =
            fs::read_to_string(samples.join(format!("alpine/v3.10/{repository}.yaml"))).unwrap();
        put(
            &format!("secdb/v3.10/{repository}.json"),
            secdb(&yaml).as_bytes(),
        );
    }
}

fn settings(place: &Place) -> Settings {
    let base = format!("{}/{}", place.server.endpoint(), place.server.bucket());
    Settings {
        scanning: Scanning {
            publishers: Publishers {
                osv: format!("{base}/osv"),
                alpine: format!("{base}/secdb"),
                debian: format!("{base}/tracker/json"),
            },
            ..Scanning::default()
        },
        ..place.settings("state")
    }
}

const WORDS: [&str; 3] = ["Ubuntu", "Debian", "Alpine:v3.10"];

async fn update(settings: &Settings, whole: bool) -> Vec<Result<bool, Class>> {
    let words = WORDS.map(str::to_owned);
    let outcomes = update_advisories(
        settings,
        Events::new(64),
        &words,
        whole,
        &CancellationToken::new(),
    )
    .await;
    let outcomes = outcomes.unwrap();
    println!("{outcomes:?}");
    let changed = outcomes.into_iter();
    changed
        .map(|outcome| {
            outcome
                .map(|one| one.changed)
                .map_err(|failure| failure.class)
        })
        .collect()
}

fn kept(settings: &Settings) -> Vec<AdvisoriesKept> {
    let mut rows = kept_advisories(settings).unwrap();
    rows.retain(|row| row.kept == "here");
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_are_asked_and_asked_again_only_for_what_is_new() {
    let Some(samples) = samples() else { return };
    let place = Place::new();
    publish(&place, &samples);
    let settings = settings(&place);
    assert_eq!(update(&settings, false).await, [Ok(true); 3]);
    let rows = kept(&settings);
    let entries = |stream: &str| {
        let row = rows.iter().find(|row| row.stream == stream);
        row.unwrap_or_else(|| panic!("{stream}: {rows:?}"))
            .entries
            .unwrap()
    };
    // Every pair of a package and a CVE that the text has, but for those that it says were never there.
    assert!(entries("Alpine:v3.10") > 1_000, "{rows:?}");
    assert!(
        entries("Debian:10") > 0 && entries("Ubuntu:22.04") > 0,
        "{rows:?}"
    );
    assert!(rows.iter().all(|row| row.problem.is_none()), "{rows:?}");

    // The same again: every document is asked for once, and none is sent.
    place.server.forget_requests();
    assert_eq!(update(&settings, false).await, [Ok(false); 3]);
    let asked: Vec<Exchange> = place.server.requests();
    let gets = asked.iter().filter(|one| one.operation == Operation::Get);
    assert_eq!(gets.clone().count(), 4);
    assert!(gets.clone().all(|one| one.status == Some(304)), "{asked:?}");

    // One of two documents that belong together has changed: both are taken in.
    let path = place.server.path("secdb/v3.10/community.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"community\"", "\"community\" ")).unwrap();
    let changed = update(&settings, false).await;
    assert_eq!(changed.iter().filter(|one| **one == Ok(true)).count(), 1);
    assert_eq!(entries("Alpine:v3.10"), {
        let rows = kept(&settings);
        let row = rows.iter().find(|row| row.stream == "Alpine:v3.10");
        row.unwrap().entries.unwrap()
    });
    assert_eq!(update(&settings, true).await, [Ok(true); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_scans_a_path_asks_for_what_it_is_held_against() {
    let Some(samples) = samples() else { return };
    let place = Place::new();
    publish(&place, &samples);
    let mut settings = settings(&place);
    let root = place.path("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir_all(root.join("lib/apk/db")).unwrap();
    fs::write(
        root.join("etc/os-release"),
        "ID=alpine\nVERSION_ID=3.10.9\n",
    )
    .unwrap();
    fs::write(
        root.join("lib/apk/db/installed"),
        "P:musl\nV:1.1.22-r3\no:musl\n\n",
    )
    .unwrap();
    settings.offline = true;
    let read = PathInventory::read(&settings, &root).unwrap();
    read.freshen(&settings, Events::new(16)).await;
    assert_eq!(kept(&settings).len(), 0, "offline asks nobody");
    settings.offline = false;
    read.freshen(&settings, Events::new(16)).await;
    let streams: Vec<_> = kept(&settings).into_iter().map(|row| row.stream).collect();
    assert_eq!(streams, ["Alpine:v3.10"], "and only for that");
    let scan = read.scan(&settings, &CancellationToken::new()).unwrap();
    let reasons = scan.report.outcome.summary.coverage.reasons().to_vec();
    assert!(
        matches!(&reasons[..], [Reason::OsEndOfLife { .. }]),
        "{reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_fails_takes_nothing_away() {
    let Some(samples) = samples() else { return };
    let place = Place::new();
    publish(&place, &samples);
    let settings = settings(&place);
    assert_eq!(update(&settings, false).await, [Ok(true); 3]);
    let before: Vec<_> = kept(&settings).into_iter().map(|row| row.entries).collect();
    fs::write(
        place.server.path("osv/Ubuntu/all.zip"),
        "<html>502 Bad Gateway</html>",
    )
    .unwrap();
    fs::write(place.server.path("tracker/json"), "{\"curl\":").unwrap();
    fs::remove_file(place.server.path("secdb/v3.10/main.json")).unwrap();
    let mut outcomes = update(&settings, false).await;
    outcomes.sort_by_key(|outcome| format!("{outcome:?}"));
    assert_eq!(
        outcomes,
        [
            Err(Class::NotFound),
            Err(Class::Refused),
            Err(Class::Refused)
        ]
    );
    let after: Vec<_> = kept(&settings).into_iter().map(|row| row.entries).collect();
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_torn_is_named_and_costs_coverage_and_no_scan() {
    let Some(samples) = samples() else { return };
    let place = Place::with(&[longshore_harbor::family::demo()]);
    let settings = settings(&place);
    let file = place.path("tracker.json");
    fs::write(&file, tracker(&samples)).unwrap();
    let imported = import_advisories(&settings, &[file]).unwrap();
    assert!(
        imported
            .streams
            .iter()
            .any(|stream| stream.stream == "Debian:12")
    );
    let file = settings.state_dir.join("advisories/debian-12.adv");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let rows = kept(&settings);
    let torn = rows
        .iter()
        .find(|row| row.stream == "debian-12.adv")
        .unwrap();
    assert!(
        torn.problem.as_deref().unwrap().contains("torn"),
        "{torn:?}"
    );
    // The image is of Debian 12, and nobody may be asked for what is torn.
    let mut settings = settings;
    settings.scanning.refresh = None;
    settings.scanning.allow.unproven = true;
    let host = open(settings).await;
    let report = host
        .fetch_and_create(with_machine("images/demo"))
        .await
        .unwrap();
    let coverage = report.scan.unwrap().summary.coverage;
    assert_eq!(coverage.as_str(), "none", "{coverage:?}");
    host.close().await;
}

#[test]
fn files_that_are_no_advisories_are_refused() {
    let place = Place::new();
    let settings = settings(&place);
    let write = |name: &str, text: &str| {
        let path = place.path(name);
        fs::write(&path, text).unwrap();
        path
    };
    fs::create_dir(place.path("empty")).unwrap();
    for (path, class) in [
        (write("a.json", "{}"), Class::Refused),
        (write("b.json", "[1, 2"), Class::Refused),
        (write("c.zip", "PK\u{3}\u{4} and no more"), Class::Refused),
        (
            write("d.json", "{\"distroversion\":\"v3.19\",\"packages\":3}"),
            Class::Refused,
        ),
        (place.path("empty"), Class::Refused),
        (place.path("nowhere"), Class::NotFound),
    ] {
        let failure = import_advisories(&settings, std::slice::from_ref(&path)).unwrap_err();
        assert_eq!(failure.class, class, "{}: {failure}", path.display());
    }
    assert_eq!(kept(&settings).len(), 0);
}
