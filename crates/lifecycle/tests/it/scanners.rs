//! Scanners that are programs of others, played by a double: what they decide, what is kept of them, what they
//! are given, and what becomes of a scan when one of them fails.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use longshore_harbor::family::{self, Packing};
use longshore_image::Digest;
use longshore_lifecycle::{
    CancellationToken, Class, Combination, Events, Failure, Host, ScanReport, ScannerKind,
    Settings, Status, TrivySettings, import_advisories, kept_advisories, scan_path,
    update_advisories,
};
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    place::{Place, fetch, image, only, open},
    trivy_double::{Double, STUBBORN},
};

use ScannerKind::{Embedded, TrivyImage, TrivyRootfs, TrivySbom};

const NEGLECTED: &str = "images/neglected";

/// A report as Trivy writes it, with what it found in AlmaLinux.
fn report(vulnerabilities: &str) -> String {
    format!(
        r#"{{"SchemaVersion":2,"Metadata":{{"OS":{{"Family":"alma","Name":"9.8"}}}},"Results":[{{
        "Target":"x (alma 9.8)","Class":"os-pkgs","Type":"alma","Vulnerabilities":[{vulnerabilities}]}}]}}"#
    )
}

/// Something that our own advisories do not have.
const OWN: &str = r#"{"VulnerabilityID":"CVE-1999-0001","PkgName":"openssl-libs",
    "InstalledVersion":"1:3.5.1-3.el9","FixedVersion":"1:3.5.5-4.el9_8","Status":"fixed",
    "Severity":"CRITICAL","SeveritySource":"alma"}"#;

/// A double whose database is of now.
fn double(act: &str) -> Double {
    let double = Double::that(act);
    double.write("version", version(jiff::Timestamp::now()).as_bytes());
    double
}

fn that_reports(report: &str) -> Double {
    let double = double("cat \"$here/report\" > \"$out\"");
    double.write("report", report.as_bytes());
    double
}

fn version(database: jiff::Timestamp) -> String {
    format!(r#"{{"Version":"0.74.0","VulnerabilityDB":{{"Version":2,"UpdatedAt":"{database}"}}}}"#)
}

/// Settings of a place in which these look, and nothing that they find is let through.
fn settings(place: &Place, double: &Double, scanners: &[ScannerKind]) -> Settings {
    let mut settings = place.settings("state");
    settings.scanning.scanners = scanners.to_vec();
    settings.scanning.allow = longshore_lifecycle::Allow::default();
    // What came with the program grows older than it is allowed to be.
    settings.scanning.max_age = 36_500;
    settings.scanning.trivy = TrivySettings {
        program: double.path("trivy"),
        cache: Some(double.path("cache")),
        timeout: Duration::from_secs(60),
        ..TrivySettings::default()
    };
    settings
}

/// An image with a vulnerability that our own scanner knows of, [`OURS`].
fn neglected() -> Place {
    let place = Place::with(&[family::neglected()]);
    let record = place.path("record.json");
    // As new as can be: what comes with the program counts where it is newer.
    let today = jiff::Timestamp::now().to_string();
    fs::write(&record, RECORD.replace("2026-08-01T00:00:00Z", &today)).unwrap();
    import_advisories(&place.settings("state"), &[record]).unwrap();
    place
}

const OURS: &str = "CVE-2026-1000";

/// As AlmaLinux writes them, in the form of OSV.
const RECORD: &str = r#"{"schema_version":"1.7.0","id":"ALSA-2026:1000","modified":"2026-08-01T00:00:00Z",
    "published":"2026-08-01T00:00:00Z","summary":"Important: expat security update",
    "related":["CVE-2026-1000"],"aliases":[],"affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"expat"},
    "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.5.0-6.el9_8.1"}]}]}]}"#;

async fn scanned(host: &Host, scanners: &[ScannerKind]) -> ScanReport {
    host.scan(&image(NEGLECTED), scanners).await.unwrap()
}

async fn fails(settings: Settings) -> Failure {
    let host = open(settings).await;
    let failure = host.fetch_and_create(only(NEGLECTED)).await.unwrap_err();
    host.close().await;
    failure
}

/// The reports that are kept, by who made them: normalised, and as it was.
fn kept(place: &Place) -> Vec<(String, String, Option<Vec<u8>>)> {
    let database = Connection::open(place.path("state/longshore.db")).unwrap();
    let mut statement = database
        .prepare("SELECT scanner, report, raw FROM reports ORDER BY scanner")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

fn status(place: &Place) -> Status {
    place.state("state").list()[0].status
}

/// The rooms that are left of scans.
fn rooms(place: &Place) -> Vec<String> {
    place.state("state").names("scans")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_trivy_finds_decides_and_is_kept_byte_for_byte() {
    for (found, expected) in [("", Status::Ready), (OWN, Status::Vulnerable)] {
        let place = neglected();
        let double = that_reports(&report(found));
        let host = open(settings(&place, &double, &[TrivySbom])).await;
        let fetched = fetch(&host, NEGLECTED).await;
        assert_eq!((fetched.status, status(&place)), (expected, expected));
        let kept = kept(&place);
        let raw = report(found).into_bytes();
        assert_eq!((kept.len(), kept[0].0.as_str()), (1, "trivy-sbom"));
        assert_eq!(kept[0].2, Some(raw));
        assert_eq!(rooms(&place), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_trivy_itself_has_written_decides() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/scan/trivy-golden/almalinux-8.json.golden");
    let Ok(golden) = fs::read_to_string(golden) else {
        println!("skipped: no ../shared/scan beside the workspace");
        return;
    };
    let place = neglected();
    let double = that_reports(&golden);
    let mut settings = settings(&place, &double, &[TrivySbom]);
    settings.scanning.policy.block = longshore_lifecycle::Severity::WORST_FIRST.into();
    let host = open(settings).await;
    assert_eq!(fetch(&host, NEGLECTED).await.status, Status::Vulnerable);
    let findings = scanned(&host, &[]).await.findings;
    let written: Value = serde_json::from_str(&golden).unwrap();
    let written = written["Results"][0]["Vulnerabilities"].as_array().unwrap();
    let ids = |one: &Value| one["VulnerabilityID"].as_str().unwrap().to_owned();
    assert_eq!(
        findings.into_iter().map(|one| one.id).collect::<Vec<_>>(),
        written.iter().map(ids).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_kept_as_each_said_it_and_decide_together() {
    let place = neglected();
    let double = that_reports(&report(OWN));
    let both = [Embedded, TrivySbom];
    let host = open(settings(&place, &double, &both)).await;
    fetch(&host, NEGLECTED).await;
    let any = scanned(&host, &[]).await;
    assert_eq!(any.outcome.summary.scanner, "embedded+trivy-sbom");
    let ids = |report: &ScanReport| -> BTreeSet<String> {
        report.findings.iter().map(|one| one.id.clone()).collect()
    };
    let kept = kept(&place);
    let names: Vec<&str> = kept.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(names, ["embedded", "embedded+trivy-sbom", "trivy-sbom"]);
    let raw: Vec<bool> = kept.iter().map(|row| row.2.is_some()).collect();
    assert_eq!(raw, [false, false, true]);
    assert_eq!(ids(&any), [OURS, "CVE-1999-0001"].map(str::to_owned).into());
    host.close().await;
    drop(host);

    let mut settings = settings(&place, &double, &both);
    settings.scanning.scanners_agree = Combination::All;
    let host = open(settings).await;
    let all = scanned(&host, &[]).await;
    assert_eq!((all.findings.len(), all.status), (0, Status::Ready));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_at_last_decides_and_who_is_configured_looks_before_a_machine_is_made() {
    let place = neglected();
    let double = that_reports(&report(""));
    let host = open(settings(&place, &double, &[Embedded])).await;
    assert_eq!(fetch(&host, NEGLECTED).await.status, Status::Vulnerable);
    let other = scanned(&host, &[TrivySbom]).await;
    assert_eq!(
        (other.status, status(&place)),
        (Status::Ready, Status::Ready)
    );
    // The setting names another, which has not looked last.
    let again = fetch(&host, NEGLECTED).await;
    assert_eq!(
        (again.status, status(&place)),
        (Status::Vulnerable, Status::Vulnerable)
    );
    scanned(&host, &[TrivySbom]).await;
    host.close().await;
    drop(host);
    // Also where nothing is asked of the origin.
    let mut offline = settings(&place, &double, &[Embedded]);
    offline.offline = true;
    let host = open(offline).await;
    assert_eq!(fetch(&host, NEGLECTED).await.status, Status::Vulnerable);
    // One that looked with others has looked.
    scanned(&host, &[TrivySbom, Embedded]).await;
    let before = kept(&place);
    fetch(&host, NEGLECTED).await;
    assert_eq!(kept(&place), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_that_fails_fails_the_scan_and_the_next_one_goes_on() {
    let place = neglected();
    let good = that_reports(&report(""));
    let both = [Embedded, TrivySbom];
    let failing = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings(&place, &good, &both);
        change(&mut settings);
        fails(settings)
    };
    let missing = failing(&|settings| settings.scanning.trivy.program = "trivy".into()).await;
    assert_eq!(
        (missing.class, missing.code.as_str()),
        (Class::Usage, "scanner-not-installed")
    );
    assert!(
        missing.hint.as_ref().unwrap().contains("setting `trivy`"),
        "{missing}"
    );

    let month_ago = jiff::Timestamp::now() - jiff::Span::new().hours(31 * 24);
    good.write("version", version(month_ago).as_bytes());
    let old = failing(&|settings| settings.scanning.max_age = 30).await;
    assert_eq!(
        (old.class, old.code.as_str()),
        (Class::Failed, "scanner-unsuitable")
    );
    assert!(
        old.to_string()
            .contains("`longshore advisories update trivy-db`"),
        "{old}"
    );
    good.write("version", version(jiff::Timestamp::now()).as_bytes());

    let broken = double("echo no space >&2; exit 1");
    let failed = failing(&|settings| settings.scanning.trivy.program = broken.path("trivy")).await;
    assert_eq!(
        (failed.class, failed.code.as_str()),
        (Class::Failed, "scanner-failed")
    );
    assert!(failed.to_string().contains("no space"), "{failed}");

    let hanging = double(STUBBORN);
    let late = failing(&|settings| {
        settings.scanning.trivy.program = hanging.path("trivy");
        settings.scanning.trivy.timeout = Duration::from_secs(1);
    });
    let late = late.await;
    assert_eq!(
        (late.class, late.code.as_str()),
        (Class::Failed, "scanner-timed-out")
    );
    assert!(hanging.is_gone("pid") && hanging.is_gone("child"));

    assert_eq!((kept(&place), rooms(&place)), (vec![], vec![]));
    let host = open(settings(&place, &good, &both)).await;
    fetch(&host, NEGLECTED).await;
    assert_eq!(kept(&place).len(), 3);
}

/// Waits until the double has begun.
async fn begun(double: &Double) {
    let until = Instant::now() + Duration::from_secs(60);
    while double.noted("pid").is_none() {
        assert!(Instant::now() < until, "it was not started");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_or_a_scan_that_is_stopped_ends_trivy() {
    let place = neglected();
    for is_run in [true, false] {
        let hanging = double(STUBBORN);
        let host = open(settings(&place, &hanging, &[TrivySbom])).await;
        let name = image(NEGLECTED);
        let work = async {
            match is_run {
                true => host.fetch_and_create(only(NEGLECTED)).await.map(drop),
                false => host.scan(&name, &[]).await.map(drop),
            }
        };
        let stop = async {
            begun(&hanging).await;
            host.close().await;
        };
        let (done, ()) = tokio::join!(work, stop);
        let failure = done.unwrap_err();
        assert_eq!(failure.class, Class::Interrupted, "{is_run} {failure:?}");
        assert!(hanging.is_gone("pid") && hanging.is_gone("child"));
        assert_eq!(rooms(&place), [""; 0]);
        drop(host);
        if is_run {
            let good = that_reports(&report(""));
            let host = open(settings(&place, &good, &[TrivySbom])).await;
            assert_eq!(fetch(&host, NEGLECTED).await.status, Status::Ready);
            host.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_scan_has_left_goes_with_the_next_start() {
    let place = neglected();
    let double = that_reports(&report(""));
    drop(open(settings(&place, &double, &[Embedded])).await);
    let left = place.path("state/scans/left");
    fs::create_dir_all(left.join("image/blobs")).unwrap();
    drop(open(settings(&place, &double, &[Embedded])).await);
    assert!(!left.exists());
}

/// What a double does that keeps what it was given beside itself.
const KEEPS: &str = "find \"$target\" -type f -links 2 | wc -l > \"$here/links\"\n\
    cp -RL \"$target\" \"$here/given\"\ncat \"$here/report\" > \"$out\"";

/// Has an image laid out for Trivy, and gives what it was given.
async fn laid_out(place: &Place) -> Double {
    let double = double(KEEPS);
    double.write("report", report("").as_bytes());
    let host = open(settings(place, &double, &[TrivyImage])).await;
    assert_eq!(fetch(&host, NEGLECTED).await.status, Status::Ready);
    host.close().await;
    assert_eq!(rooms(place), [""; 0]);
    double
}

/// A document of a layout by its descriptor, whose digest and length it has.
fn document(layout: &Path, descriptor: &Value) -> Value {
    serde_json::from_slice(&described(layout, descriptor)).unwrap()
}

fn described(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap();
    let bytes = fs::read(layout.join("blobs").join(digest.replace(':', "/"))).unwrap();
    assert_eq!(Digest::of(&bytes).to_string(), digest);
    assert_eq!(descriptor["size"].as_u64(), Some(bytes.len() as u64));
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_image_is_given_as_a_layout_of_its_blobs() {
    for (packing, suffix) in [(Packing::Plain, ""), (Packing::Gzip, "+gzip")] {
        let place = Place::new();
        let layers = place.put(&family::neglected(), packing);
        let double = laid_out(&place).await;
        assert_eq!(double.noted("links").unwrap().trim(), "2");
        for name in place.state("state").names("blobs/sha256") {
            let blob = place.path("state/blobs/sha256").join(name);
            assert_eq!(fs::metadata(blob).unwrap().nlink(), 1);
        }
        let layout = double.path("given");
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(layout.join(name)).unwrap()).unwrap()
        };
        assert_eq!(read("oci-layout")["imageLayoutVersion"], "1.0.0");
        let index = read("index.json");
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
        let manifest = document(&layout, &index["manifests"][0]);
        let config = document(&layout, &manifest["config"]);
        let given = manifest["layers"].as_array().unwrap();
        assert_eq!(given.len(), layers.len());
        let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
        for ((layer, file), diff_id) in given.iter().zip(&layers).zip(diff_ids) {
            let media_type = format!("application/vnd.oci.image.layer.v1.tar{suffix}");
            assert_eq!(layer["mediaType"], media_type.as_str());
            assert_eq!(described(&layout, layer), fs::read(file).unwrap());
            assert_eq!(
                Digest::of(&unpacked(file)).to_string(),
                diff_id.as_str().unwrap()
            );
        }
        by_umoci(&layout, index);
    }
}

fn unpacked(file: &Path) -> Vec<u8> {
    let output = Command::new("gzip")
        .args(["-dcf"])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

/// umoci holds every digest and diff id of a layout against the bytes.
fn by_umoci(layout: &Path, mut index: Value) {
    // It takes images by a name only, and ours has none.
    index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = "it".into();
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
    let bundle = tempfile::tempdir().unwrap();
    let unpack = Command::new("umoci")
        .args(["unpack", "--rootless", "--image"])
        .arg(format!("{}:it", layout.display()))
        .arg(bundle.path().join("bundle"))
        .output();
    let Ok(unpack) = unpack else {
        println!("umoci is not asked: it is not here");
        return;
    };
    let said = String::from_utf8_lossy(&unpack.stderr);
    assert!(unpack.status.success(), "{said}");
    assert!(bundle.path().join("bundle/rootfs/usr/bin/bash").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_given_in_the_form_that_a_scanner_reads() {
    let place = neglected();
    let keeper = laid_out(&place).await;
    let layout = keeper.path("given");
    let scan = |double: &Double, kind, path: &Path| {
        let settings = settings(&place, double, &[kind]);
        scan_path(&settings, path, &CancellationToken::new())
    };
    let double = that_reports(&report(OWN));
    let found = scan(&double, TrivyImage, &layout).unwrap().report;
    assert_eq!(
        (found.status, found.outcome.summary.packages),
        (Status::Vulnerable, 8)
    );
    assert_eq!(given(&double, "image"), layout);
    let root = place.path("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(
        root.join("etc/os-release"),
        "ID=almalinux\nVERSION_ID=9.8\n",
    )
    .unwrap();
    scan(&double, TrivyRootfs, &root).unwrap();
    assert_eq!(given(&double, "rootfs"), root);
    for (kind, path) in [(TrivyRootfs, &layout), (TrivyImage, &root)] {
        let failure = scan(&double, kind, path).unwrap_err();
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (Class::Usage, "scanner-target")
        );
    }
    assert_eq!(rooms(&place), [""; 0]);
}

/// The target of a call of the double.
fn given(double: &Double, call: &str) -> PathBuf {
    double.arguments(call).pop().unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn trivy_rootfs_is_refused_for_a_stored_image_before_anything_is_fetched() {
    let place = neglected();
    let double = that_reports(&report(""));
    let refused = fails(settings(&place, &double, &[Embedded, TrivyRootfs])).await;
    assert_eq!(
        (refused.class, refused.code.as_str()),
        (Class::Usage, "scanner-target")
    );
    assert!(
        refused.hint.as_ref().unwrap().contains("trivy-image"),
        "{refused}"
    );
    assert_eq!(place.fetched(), [""; 0]);
    let host = open(settings(&place, &double, &[Embedded])).await;
    fetch(&host, NEGLECTED).await;
    let refused = host
        .scan(&image(NEGLECTED), &[TrivyRootfs])
        .await
        .unwrap_err();
    assert_eq!(refused.code, "scanner-target");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_databases_of_a_configured_trivy_are_brought_up_to_date_and_shown() {
    let place = Place::new();
    let both = r#"{"Version":"0.74.0","VulnerabilityDB":{"UpdatedAt":"2026-08-02T06:00:00Z"},
        "JavaDB":{"UpdatedAt":"2026-08-03T00:30:00Z"}}"#;
    let double = double("cp \"$here/new\" \"$here/version\"");
    double.write("version", br#"{"Version":"0.74.0"}"#);
    double.write("new", both.as_bytes());
    let none = settings(&place, &double, &[Embedded]);
    let image = settings(&place, &double, &[Embedded, TrivyImage]);
    let cancel = CancellationToken::new();
    let asked = async |settings: &Settings, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let updated = update_advisories(settings, Events::new(16), &words, false, &cancel).await;
        let updated = updated.unwrap().into_iter().map(Result::unwrap);
        let updated = updated.map(|one| (one.publisher, one.changed, one.dated.unwrap()));
        updated.collect::<Vec<_>>()
    };
    let shown = |settings: &Settings| {
        let rows = kept_advisories(settings).unwrap().into_iter();
        let trivys = rows.filter(|row| row.stream.starts_with("trivy"));
        trivys
            .map(|row| (row.dated, row.problem))
            .collect::<Vec<_>>()
    };
    let problem = "it is not here: `longshore advisories update trivy-java-db` brings it";
    assert_eq!(shown(&image)[1], (None, Some(problem.to_owned())));
    assert_eq!((asked(&none, &[]).await, shown(&none)), (vec![], vec![]));
    let row = |name: &str, changed, dated: &str| (name.to_owned(), changed, dated.to_owned());
    assert_eq!(
        asked(&image, &[]).await,
        [
            row("trivy-db", true, "2026-08-02"),
            row("trivy-java-db", false, "2026-08-03")
        ]
    );
    assert_eq!(
        asked(&none, &["trivy-db"]).await,
        [row("trivy-db", false, "2026-08-02")]
    );
    let dated = |text: &str| (Some(text.to_owned()), None);
    assert_eq!(shown(&image), [dated("2026-08-02"), dated("2026-08-03")]);
    let mut missing = image.clone();
    missing.scanning.trivy.program = "trivy".into();
    let why = shown(&missing).remove(0).1.unwrap();
    assert!(why.contains("cannot be run"), "{why}");
}
