//! Every reason for which an image is not wholly judged, from an image that shows it to the word that is
//! printed of it: `unproven`, with that reason and no other, and no machine.
//!
//! Releases that no distribution has yet stand for those that get advisories: they never come to their end.

use std::{
    fs::File,
    path::Path,
    time::{Duration, SystemTime},
};

use longshore_harbor::family::{Family, Layer, Packing};
use longshore_lifecycle::{
    Allow, CancellationToken, Coverage, Host, Scanning, Settings, Status, View, import_advisories,
    scan_path,
};
use longshore_scan::Reason;

use crate::place::{Place, image, only, open, with_machine};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MUSL: &str = "P:musl\nV:1.2.5-r9\nA:x86_64\no:musl\n\n";
const DATABASE: &str = "lib/apk/db/installed";

/// What an image lacks, its layers, and whether these are the reasons for that.
struct Case {
    name: &'static str,
    layers: Vec<Layer>,
    expected: fn(&[Reason]) -> bool,
}

fn release(id: &str, version: &str) -> String {
    format!("ID={id}\nVERSION_ID={version}\nPRETTY_NAME=\"{id} {version} of a test\"\n")
}

/// A system that says what it is, and has no database.
fn system(id: &str, version: &str) -> Layer {
    let layer = Layer::new().dir("etc", 0o755);
    layer.file("etc/os-release", release(id, version).into_bytes())
}

fn with_apk(layer: Layer, installed: &str) -> Layer {
    let layer = layer.dir("lib/apk/db", 0o755);
    layer.file(DATABASE, installed.as_bytes().to_vec())
}

/// A system with nothing wrong: of a release whose advisories are here and new.
fn sound() -> Layer {
    with_apk(system("alpine", "3.99.1"), MUSL)
}

/// A database of rpm as Berkeley DB begins.
fn berkeley() -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    bytes[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
    bytes
}

fn cases() -> Vec<Case> {
    let one = |name, layer, expected| Case {
        name,
        layers: vec![layer],
        expected,
    };
    let nothing = || Layer::new().dir("etc", 0o755);
    let mut cases = vec![
        one(
            "os-unknown",
            nothing().file("etc/motd", "hello\n"),
            |reasons| matches!(reasons, [Reason::OsUnknown]),
        ),
        one(
            "os-unknown-with-packages",
            with_apk(nothing(), MUSL),
            |reasons| matches!(reasons, [Reason::OsUnknown]),
        ),
        one(
            "os-unsupported",
            with_apk(system("wolfi", "20230201"), MUSL),
            |reasons| matches!(reasons, [Reason::OsUnsupported { os }] if os == "wolfi 20230201 of a test"),
        ),
        one(
            "no-package-database",
            system("alpine", "3.99.1"),
            |reasons| matches!(reasons, [Reason::NoPackageDatabase { manager }] if manager == "apk"),
        ),
        one(
            "unreadable",
            system("alpine", "3.99.1")
                .dir("lib/apk/db", 0o755)
                .fifo(DATABASE),
            |reasons| matches!(reasons, [Reason::Unreadable { path, .. }] if path == "/lib/apk/db/installed"),
        ),
        one(
            "unreadable-in-part",
            with_apk(
                system("alpine", "3.99.1"),
                &format!("P:without-version\n\n{MUSL}"),
            ),
            |reasons| matches!(reasons, [Reason::Unreadable { path, .. }] if path == "/lib/apk/db/installed"),
        ),
        one(
            "unreadable-of-an-older-rpm",
            system("almalinux", "8.10")
                .dir("var/lib/rpm", 0o755)
                .file("var/lib/rpm/Packages", berkeley()),
            |reasons| {
                matches!(reasons, [Reason::Unreadable { path, problem }]
                if path == "/var/lib/rpm/Packages" && problem.contains("Berkeley DB"))
            },
        ),
        one(
            "limit-hit",
            with_apk(nothing(), MUSL)
                .file("etc/os-release", vec![b'#'; 70_000])
                .dir("usr/lib", 0o755)
                .file(
                    "usr/lib/os-release",
                    release("alpine", "3.99.1").into_bytes(),
                ),
            |reasons| matches!(reasons, [Reason::LimitHit { path, .. }] if path == "/etc/os-release"),
        ),
        one(
            "unidentified-executables",
            nothing().file("app", "#!/bin/sh\n").mode(0o755),
            |reasons| {
                matches!(reasons, [Reason::OsUnknown, Reason::UnidentifiedExecutables { count: 1, examples }]
                if examples == &["/app"])
            },
        ),
        one(
            "os-end-of-life",
            with_apk(system("alpine", "3.10.9"), MUSL),
            |reasons| {
                matches!(reasons, [Reason::OsEndOfLife { stream, ended }]
                if stream.to_string() == "Alpine:v3.10" && ended == "2021-05-01")
            },
        ),
        one(
            "advisories-missing",
            with_apk(system("alpine", "3.97.1"), MUSL),
            |reasons| {
                matches!(reasons, [Reason::AdvisoriesMissing { stream, packages: 1 }]
                if stream.to_string() == "Alpine:v3.97")
            },
        ),
        one(
            "advisories-old",
            with_apk(system("alpine", "3.98.1"), MUSL),
            // Midnight may have passed between the import and the scan.
            |reasons| {
                matches!(reasons, [Reason::AdvisoriesOld { stream, days: 31 | 32, allowed: 30, .. }]
                if stream.to_string() == "Alpine:v3.98")
            },
        ),
        one(
            "versions-in-doubt",
            with_apk(
                system("alpine", "3.99.1"),
                &MUSL.replace("1.2.5-r9", "rolling"),
            ),
            |reasons| {
                matches!(reasons, [Reason::VersionsInDoubt { count: 1, examples }]
                if examples == &["musl rolling"])
            },
        ),
    ];
    let world = sound()
        .dir("etc/apk", 0o755)
        .file("etc/apk/world", "musl\n");
    cases.push(Case {
        name: "package-database-deleted",
        layers: vec![world, Layer::new().whiteout(DATABASE)],
        expected: |reasons| {
            matches!(reasons, [Reason::PackageDatabaseDeleted { manager, trace }]
            if manager == "apk" && trace.contains("/etc/apk/world"))
        },
    });
    cases
}

/// The variant that a case is there for. A new variant does not compile until somebody says what shows it.
fn variant(reason: &Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::OsUnknown => "os-unknown",
        Reason::OsUnsupported { .. } => "os-unsupported",
        Reason::NoPackageDatabase { .. } => "no-package-database",
        Reason::PackageDatabaseDeleted { .. } => "package-database-deleted",
        Reason::Unreadable { .. } => "unreadable",
        Reason::LimitHit { .. } => "limit-hit",
        Reason::UnidentifiedExecutables { .. } => "unidentified-executables",
        Reason::OsEndOfLife { .. } => "os-end-of-life",
        Reason::AdvisoriesMissing { .. } => "advisories-missing",
        Reason::AdvisoriesOld { .. } => "advisories-old",
        Reason::VersionsInDoubt { .. } => "versions-in-doubt",
        // Time shows it, and no image: [`ready_is_not_for_ever`].
        Reason::LookedTooLongAgo { .. } => return None,
        // No image shows it: an inventory without packages says itself why there are none. It stands for
        // whatever a scanner of others leaves open.
        Reason::NothingToMatch => return None,
    })
}

/// Advisories of a release of Alpine, published so long ago: those of an older musl.
fn publish(settings: &Settings, dir: &Path, release: &str, ago: Duration) {
    let path = dir.join(format!("{release}.json"));
    let text = format!(
        r#"{{"distroversion": "{release}", "reponame": "main", "packages": [
            {{"pkg": {{"name": "musl", "secfixes": {{"1.2.5-r1": ["CVE-2026-1"]}}}}}}]}}"#
    );
    std::fs::write(&path, text).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - ago).unwrap();
    // Each by itself: what is taken in together is as old as the oldest of it.
    let imported = import_advisories(settings, &[path]).unwrap();
    assert_eq!(imported.streams.len(), 1);
}

/// A place where nothing is let through, with advisories for some releases.
fn guarded() -> (Place, Settings) {
    let place = Place::new();
    let settings = Settings {
        scanning: Scanning {
            refresh: None,
            allow: Allow::default(),
            ..Scanning::default()
        },
        ..place.settings_of_folder("state")
    };
    let dir = place.path("advisories");
    std::fs::create_dir(&dir).unwrap();
    publish(&settings, &dir, "v3.99", Duration::ZERO);
    publish(&settings, &dir, "v3.98", 31 * DAY);
    publish(&settings, &dir, "v3.10", Duration::ZERO);
    (place, settings)
}

fn family(name: &str, layers: Vec<Layer>) -> Family {
    let builder = Family::builder(&format!("images/{name}"));
    let numbered = layers.into_iter().zip(1..);
    let add = |family: longshore_harbor::family::FamilyBuilder, (layer, number): (Layer, u32)| {
        family.add(&number.to_string(), layer)
    };
    numbered.fold(builder, add).build()
}

/// What comes of bringing an image here and asking for a machine.
async fn fetched(host: &Host, name: &str) -> (Status, bool, Coverage) {
    let name = format!("images/{name}");
    let report = host.fetch_and_create(with_machine(&name)).await.unwrap();
    let scanned = host.scan(&image(&name), &[]).await.unwrap();
    assert_eq!(scanned.status, report.status, "{name} looked at again");
    let coverage = scanned.outcome.summary.coverage;
    (report.status, report.machine.is_some(), coverage)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_makes_an_image_unproven_and_no_other_is_given() {
    let (place, settings) = guarded();
    let mut shown = std::collections::BTreeSet::new();
    let cases = cases();
    for case in &cases {
        place.put(&family(case.name, case.layers.clone()), Packing::Plain);
    }
    place.put(&family("sound", vec![sound()]), Packing::Plain);
    let host = open(settings).await;
    // Without what is wrong with the others an image is ready, so that it is that which they are not for.
    let expected = (Status::Ready, true, Coverage::Complete);
    assert_eq!(fetched(&host, "sound").await, expected);
    for case in &cases {
        let (status, has_machine, coverage) = fetched(&host, case.name).await;
        let reasons = coverage.reasons();
        assert!((case.expected)(reasons), "{}: {reasons:?}", case.name);
        assert_eq!(
            (status, has_machine),
            (Status::Unproven, false),
            "{}",
            case.name
        );
        shown.extend(reasons.iter().filter_map(variant));
    }
    let named = cases.iter().map(|case| case.name);
    let named: Vec<_> = named.filter(|name| !shown.contains(name)).collect();
    let also = [
        "os-unknown-with-packages",
        "unreadable-in-part",
        "unreadable-of-an-older-rpm",
    ];
    assert_eq!(named, also, "a reason is shown by no case");
    host.close().await;
}

/// Nobody can wait a month in a test: what is moved is the day in the stored report and decision.
#[tokio::test(flavor = "multi_thread")]
async fn ready_is_not_for_ever() {
    let (place, settings) = guarded();
    place.put(&family("sound", vec![sound()]), Packing::Plain);
    let host = open(settings.clone()).await;
    let report = host.fetch_and_create(only("images/sound")).await.unwrap();
    assert_eq!((report.status, report.admitted), (Status::Ready, true));
    host.close().await;
    drop(host);
    let database = rusqlite::Connection::open(place.path("state").join("longshore.db")).unwrap();
    let changed = database.execute(
        "UPDATE reports SET report = json_set(report, '$.covered_until', scanned_at - 1)
         WHERE json_extract(report, '$.covered_until') > scanned_at + 29 * 86400000",
        [],
    );
    assert_eq!(changed.unwrap(), 1, "advisories of today hold for 30 days");
    let changed = database.execute("UPDATE decisions SET valid_until = decided_at - 1", []);
    assert_eq!(changed.unwrap(), 1);
    drop(database);
    let listed = View::open(&settings.state_dir).unwrap().unwrap().list();
    assert_eq!(listed.unwrap()[0].status, Status::Scanned);
    let host = open(Settings {
        offline: true,
        ..settings
    })
    .await;
    let sound = image("images/sound");
    let refused = host
        .create_machine(
            &sound,
            longshore_lifecycle::MachineOptions::default(),
            Allow::default(),
        )
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, "unproven");
    assert!(refused.message.contains("out of date"), "{refused}");
    // A look at what is here now makes it ready again.
    let scanned = host.scan(&sound, &[]).await.unwrap();
    assert_eq!(scanned.status, Status::Ready);
    host.close().await;
}

#[test]
fn a_layer_of_this_host_is_judged_like_the_image_that_is_made_of_it() {
    let (place, settings) = guarded();
    for case in cases().into_iter().filter(|case| case.layers.len() == 1) {
        let layers = place.put(&family(case.name, case.layers), Packing::Plain);
        let report = scan_path(&settings, &layers[0], &CancellationToken::new())
            .unwrap()
            .report;
        let reasons = report.outcome.summary.coverage.reasons().to_vec();
        assert!((case.expected)(&reasons), "{}: {reasons:?}", case.name);
        assert_eq!(report.status, Status::Unproven, "{}", case.name);
    }
    let layers = place.put(&family("sound", vec![sound()]), Packing::Plain);
    let report = scan_path(&settings, &layers[0], &CancellationToken::new())
        .unwrap()
        .report;
    assert_eq!(report.status, Status::Ready);
}
