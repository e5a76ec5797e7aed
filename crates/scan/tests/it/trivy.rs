//! Trivy as a process: what it is given, and what is made of everything that it may do.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use longshore_scan::{
    Coverage, Inventory, Scanned, Scanner, ScannerError, Severity, Target, Trivy, TrivyDatabase,
    TrivyWay,
};
use serde_json::Value;

use crate::{
    sample::{almalinux, debian, hostile},
    trivy_double::{Double, FLAGS, NOW, STUBBORN, VERSION},
};

/// A report with one finding, as Trivy writes it.
const REPORT: &str = r#"{"SchemaVersion":2,"Metadata":{"OS":{"Family":"alma","Name":"9.4"}},"Results":[{
    "Target":"x (alma 9.4)","Class":"os-pkgs","Type":"alma","Vulnerabilities":[{"VulnerabilityID":"CVE-2024-1",
    "PkgName":"openssl-libs","InstalledVersion":"1:3.0.7-24.el9","FixedVersion":"1:3.0.7-25.el9",
    "Status":"fixed","Severity":"HIGH","SeveritySource":"alma"}]}]}"#;

impl Double {
    /// Trivy with this program, and folders of its own.
    fn trivy(&self, way: TrivyWay) -> Trivy {
        Trivy {
            program: self.path("trivy"),
            way,
            cache: self.path("cache"),
            scratch: self.path("scratch"),
            time: Duration::from_secs(60),
            database_days: 7,
        }
    }
}

const CALM: &(dyn Fn() -> bool + Sync) = &|| false;

fn target<'a>(inventory: &'a Inventory, path: Option<&'a Path>) -> Target<'a> {
    Target {
        name: "images/test",
        digest: None,
        inventory,
        image: path,
        root: path,
        now_ms: NOW,
        cancelled: CALM,
    }
}

fn scan(trivy: &Trivy) -> Result<Scanned, ScannerError> {
    trivy.scan(&target(&almalinux(), Some(Path::new("/target"))))
}

fn scan_of(double: &Double) -> Result<Scanned, ScannerError> {
    let scanned = scan(&double.trivy(TrivyWay::Rootfs));
    assert!(double.left_nothing());
    scanned
}

#[test]
fn a_report_is_normalised_and_kept() {
    let double = Double::that_reports(REPORT.as_bytes());
    let scanned = scan_of(&double).expect("all is well");
    assert_eq!(scanned.raw.as_deref(), Some(REPORT.as_bytes()));
    let report = scanned.report;
    assert_eq!(
        (report.scanner.as_str(), report.scanner_version.as_str()),
        ("trivy-rootfs", "0.74.0")
    );
    assert_eq!((report.coverage, report.packages), (Coverage::Complete, 2));
    assert_eq!(
        (report.findings.len(), report.findings[0].severity),
        (1, Severity::High)
    );
    assert_eq!(report.advisories[0].dated, "2026-08-01");
    assert_eq!(report.scanned_at, NOW);
}

#[test]
fn every_golden_comes_through_the_process_as_it_is() {
    let Some(goldens) = crate::data::shared("trivy-golden") else {
        return;
    };
    for name in [
        "debian-stretch.json.golden",
        "alpine-39-skip.json.golden",
        "ubi-7.json.golden",
    ] {
        let bytes = fs::read(goldens.join(name)).expect(name);
        let scanned = scan_of(&Double::that_reports(&bytes)).expect(name);
        let direct = longshore_scan::normalise(&bytes).expect(name);
        assert_eq!(scanned.report.findings, direct.findings);
        assert_eq!(scanned.raw, Some(bytes));
    }
}

#[test]
fn it_is_given_the_flags_and_the_target_of_its_way() {
    for (way, command) in [
        (TrivyWay::Sbom, "sbom"),
        (TrivyWay::Rootfs, "rootfs"),
        (TrivyWay::Image, "image"),
    ] {
        let double = Double::that_reports(REPORT.as_bytes());
        scan(&double.trivy(way)).expect("all is well");
        assert_eq!(double.arguments("help"), [command, "--help"]);
        let arguments = double.arguments(command);
        let cache = double.path("cache");
        let fixed = format!(
            "--quiet --scanners vuln --list-all-pkgs=false --cache-dir {} --cache-backend memory \
             --skip-db-update --skip-java-db-update --skip-check-update --skip-vex-repo-update --offline-scan \
             --skip-version-check --disable-telemetry --exit-code 0 --timeout 60s",
            cache.display()
        );
        let joined = arguments.join(" ");
        assert!(
            joined.starts_with(&format!("{command} --format json --output ")),
            "{joined}"
        );
        assert!(joined.contains(&fixed), "{joined}");
        let last = arguments.last().expect("it has some");
        match way {
            TrivyWay::Sbom => assert!(last.ends_with("/sbom.cdx.json"), "{last}"),
            TrivyWay::Rootfs | TrivyWay::Image => assert_eq!(last, "/target"),
        }
        assert_eq!(
            arguments[arguments.len() - 2] == "--input",
            way == TrivyWay::Image
        );
    }
}

#[test]
fn it_is_given_nothing_of_the_hosts_environment_and_an_empty_directory() {
    let double = Double::that_reports(REPORT.as_bytes());
    scan_of(&double).expect("all is well");
    let scratch = fs::canonicalize(double.path("scratch")).expect("it is there");
    for call in ["version", "help", "rootfs"] {
        let environment = double.environment(call);
        let keys: Vec<&str> = environment.iter().map(|(key, _)| key.as_str()).collect();
        let given = [
            "HOME",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "DOCKER_CONFIG",
            "TMPDIR",
            "LC_ALL",
        ];
        let mut sorted = [keys, given.to_vec()];
        sorted.iter_mut().for_each(|keys| keys.sort_unstable());
        assert_eq!(sorted[0], sorted[1], "{call}");
        for (key, value) in environment.iter().filter(|(key, _)| key != "LC_ALL") {
            let value = Path::new(value);
            assert!(
                value.starts_with(double.path("scratch")),
                "{key}={}",
                value.display()
            );
        }
        let directory = double
            .noted(&format!("{call}.directory"))
            .expect("it was called");
        assert!(
            Path::new(directory.trim_end()).starts_with(&scratch),
            "{directory}"
        );
        assert_eq!(
            double.noted(&format!("{call}.listing")).as_deref(),
            Some("")
        );
    }
}

#[test]
fn the_inventory_is_what_trivy_sbom_reads() {
    let double = Double::that("cp \"$target\" \"$here/seen\"; cat \"$here/report\" > \"$out\"");
    double.write("report", REPORT.as_bytes());
    for inventory in [almalinux(), debian(), hostile()] {
        let scanned = double.trivy(TrivyWay::Sbom).scan(&target(&inventory, None));
        assert_eq!(scanned.expect("all is well").report.scanner, "trivy-sbom");
        let seen: Value =
            serde_json::from_slice(&fs::read(double.path("seen")).expect("it was seen"))
                .expect("JSON");
        let libraries = seen["components"].as_array().expect("a list").iter();
        let count = libraries.filter(|one| one["type"] == "library").count();
        assert_eq!(count, inventory.packages.len());
    }
}

#[test]
fn a_version_knows_only_some_flags() {
    let double = Double::that_reports(REPORT.as_bytes());
    let fewer = |without: &str| {
        let lines: Vec<&str> = FLAGS
            .into_iter()
            .filter(|line| !line.contains(without))
            .collect();
        double.write("help", lines.join("\n").as_bytes());
    };
    fewer("--skip-check-update");
    scan_of(&double).expect("it can do without");
    assert!(
        !double
            .arguments("rootfs")
            .contains(&"--skip-check-update".to_owned())
    );
    fewer("--offline-scan");
    let error = scan_of(&double).expect_err("it would ask a network");
    let ScannerError::Unsuitable { why, .. } = error else {
        panic!("{error:?}");
    };
    assert!(why.contains("--offline-scan"), "{why}");
}

#[test]
fn a_flag_that_it_does_not_know_after_all_is_its_own_error() {
    let double = Double::that("exit 0");
    double.write("refused", b"--quiet");
    let error = scan_of(&double).expect_err("it has failed");
    assert!(
        error.to_string().contains("unknown flag: --quiet"),
        "{error}"
    );
}

#[test]
fn an_unsuitable_version_or_database_is_refused_before_anything_is_scanned() {
    let dated = |version: &str, at: &str| {
        VERSION
            .replace("0.74.0", version)
            .replace("2026-08-01T06:00:00.5Z", at)
    };
    let today = "2026-08-01T06:00:00Z";
    for (version, expected) in [
        (dated("0.71.9", today), "0.72.0"),
        (dated("0.69.5", today), "CVE-2026-33634"),
        (dated("dev", today), "dev"),
        (dated("0.74.0", "2026-07-01T00:00:00Z"), "advisories update"),
        (r#"{"Version":"0.74.0"}"#.to_owned(), "advisories update"),
    ] {
        let double = Double::that_reports(REPORT.as_bytes());
        double.write("version", version.as_bytes());
        let error = scan_of(&double).expect_err(expected);
        assert!(
            matches!(error, ScannerError::Unsuitable { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(double.noted("rootfs.arguments"), None);
    }
}

#[test]
fn a_database_that_goes_away_meanwhile_is_trivys_own_error() {
    let text = "FATAL\tFatal error\trun error: init error: DB error: database error: \
                --skip-db-update cannot be specified on the first run";
    let double = Double::that(&format!(
        "printf '%s\\n' 'ERROR first' '{text}' >&2; exit 1"
    ));
    let error = scan_of(&double).expect_err("it has failed");
    let ScannerError::Failed {
        code: 1, stderr, ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(
        stderr.starts_with("ERROR first | FATAL") && stderr.ends_with("first run"),
        "{stderr}"
    );
    assert!(error.to_string().ends_with("first run"), "{error}");
}

#[test]
fn an_answer_that_is_none_is_never_a_clean_report() {
    for (act, expected) in [
        ("exit 0", "has written no report"),
        (": > \"$out\"", "empty"),
        ("head -c 300 \"$here/report\" > \"$out\"", "EOF"),
        ("printf null > \"$out\"", "null"),
        ("printf '{}' > \"$out\"", "SchemaVersion"),
        (
            "printf '{\"SchemaVersion\":3}' > \"$out\"",
            "SchemaVersion is 3",
        ),
        (
            "printf '{\"bomFormat\":\"CycloneDX\"}' > \"$out\"",
            "SchemaVersion",
        ),
        (
            "cat \"$here/report\" \"$here/report\" > \"$out\"",
            "trailing",
        ),
    ] {
        let double = Double::that(&format!("echo a warning >&2\n{act}"));
        double.write("report", REPORT.as_bytes());
        let error = scan_of(&double).expect_err(act);
        let ScannerError::Garbled { why, stderr, .. } = &error else {
            panic!("{act}: {error:?}");
        };
        assert!(why.contains(expected), "{act}: {why}");
        assert_eq!(stderr, "a warning", "{act}");
    }
}

#[test]
fn what_fails_after_a_whole_report_has_failed() {
    let double = Double::that("cat \"$here/report\" > \"$out\"; echo no space left >&2; exit 1");
    double.write("report", REPORT.as_bytes());
    assert!(matches!(
        scan_of(&double),
        Err(ScannerError::Failed { code: 1, .. })
    ));
    let double = Double::that("cat \"$here/report\" > \"$out\"; kill -9 $$");
    double.write("report", REPORT.as_bytes());
    assert!(matches!(
        scan_of(&double),
        Err(ScannerError::Killed { signal: 9, .. })
    ));
}

#[test]
fn much_on_its_standard_error_changes_nothing_and_only_its_end_is_kept() {
    let flood = "head -c 20000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2";
    let double = Double::that(&format!("{flood}; cat \"$here/report\" > \"$out\""));
    double.write("report", REPORT.as_bytes());
    scan_of(&double).expect("all is well");
    let error = scan_of(&Double::that(&format!("{flood}; exit 1"))).expect_err("it has failed");
    let ScannerError::Failed { stderr, .. } = error else {
        panic!("{error:?}");
    };
    assert!(
        stderr.ends_with("x | the end") && stderr.len() < 1000,
        "{} bytes",
        stderr.len()
    );
}

#[test]
fn too_much_is_not_read_and_not_waited_for() {
    let double =
        Double::that("echo $$ > \"$here/pid\"; truncate -s 300M \"$out\"; exec sleep 1000");
    let error = scan_of(&double).expect_err("it is too large");
    assert!(matches!(error, ScannerError::Garbled { .. }), "{error:?}");
    assert!(error.to_string().contains("268435456"), "{error}");
    assert!(double.is_gone("pid"));
    let double = Double::that("exit 0");
    double.write("act.version", b"head -c 200000 /dev/zero");
    let error = scan_of(&double).expect_err("it is too large");
    assert!(error.to_string().contains("standard output"), "{error}");
}

#[test]
fn what_does_not_end_is_killed_with_all_that_it_has_started() {
    let double = Double::that(STUBBORN);
    let mut trivy = double.trivy(TrivyWay::Rootfs);
    trivy.time = Duration::from_secs(2);
    let error = scan(&trivy).expect_err("it has no end");
    let ScannerError::TimedOut { stderr, after, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (stderr.as_str(), after),
        ("still here", Duration::from_millis(2200))
    );
    assert!(double.is_gone("pid") && double.is_gone("child"));
    assert!(double.left_nothing());
}

#[test]
fn what_nobody_waits_for_is_killed_with_all_that_it_has_started() {
    let double = Double::that(STUBBORN);
    let asked = AtomicU32::new(0);
    let begun = double.path("pid");
    let cancelled = || {
        asked.fetch_add(1, Ordering::Relaxed);
        begun.exists()
    };
    let inventory = almalinux();
    let target = Target {
        cancelled: &cancelled,
        ..target(&inventory, Some(Path::new("/target")))
    };
    let error = double
        .trivy(TrivyWay::Rootfs)
        .scan(&target)
        .expect_err("it has no end");
    assert!(matches!(error, ScannerError::Cancelled), "{error:?}");
    assert!(asked.load(Ordering::Relaxed) > 1);
    assert!(double.is_gone("pid") && double.is_gone("child"));
}

#[test]
fn what_it_leaves_behind_in_its_group_goes_with_it() {
    let double =
        Double::that("sleep 1000 &\necho $! > \"$here/child\"\ncat \"$here/report\" > \"$out\"");
    double.write("report", REPORT.as_bytes());
    scan_of(&double).expect("all is well");
    assert!(double.is_gone("child"));
}

#[test]
fn what_has_left_its_group_and_holds_its_pipes_is_not_waited_for() {
    let double = Double::that(
        "setsid sh -c 'echo $$ > \"$1/stray.part\"; mv \"$1/stray.part\" \"$1/stray\"; exec sleep 1000' sh \
         \"$here\" &\nwhile ! [ -e \"$here/stray\" ]; do :; done\ncat \"$here/report\" > \"$out\"",
    );
    double.write("report", REPORT.as_bytes());
    let scanned = scan_of(&double);
    let stray = double.noted("stray").expect("it came to that");
    let killed = std::process::Command::new("kill")
        .args(["-9", stray.trim()])
        .status();
    assert!(killed.expect("there is a kill").success(), "it still ran");
    scanned.expect("all is well");
}

#[test]
fn what_is_not_there_or_no_program_is_not_installed() {
    let double = Double::that("exit 0");
    for program in [double.path("nothing"), double.path("version"), "sh".into()] {
        let mut trivy = double.trivy(TrivyWay::Sbom);
        trivy.program = program;
        let error = scan(&trivy).expect_err("it is no program");
        assert!(
            matches!(error, ScannerError::NotInstalled { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_target_that_is_not_there_in_its_form_is_refused_before_anything_runs() {
    let inventory = almalinux();
    let double = Double::that("exit 0");
    for way in [TrivyWay::Rootfs, TrivyWay::Image] {
        for path in [None, Some(Path::new("relative")), Some(Path::new("--flag"))] {
            let error = double
                .trivy(way)
                .scan(&target(&inventory, path))
                .expect_err("it is not there");
            assert!(
                matches!(error, ScannerError::TargetUnsuitable { .. }),
                "{error:?}"
            );
        }
    }
    assert_eq!(double.noted("version.arguments"), None);
}

#[test]
fn a_download_fetches_a_database_and_is_left_the_way_to_a_network() {
    let double = Double::that("cp \"$here/new\" \"$here/version\"");
    double.write("version", br#"{"Version":"0.74.0"}"#);
    double.write("new", VERSION.as_bytes());
    let environment = [
        "HTTPS_PROXY",
        "TRIVY_SEVERITY",
        "HOME",
        "AWS_SECRET_ACCESS_KEY",
    ]
    .map(|key| (key.into(), "x".into()));
    let trivy = double.trivy(TrivyWay::Sbom);
    let download = |database| trivy.download(database, Some("mirror/db:2"), &environment, CALM);
    let version = download(TrivyDatabase::Vulnerabilities).expect("all is well");
    assert_eq!(version.database_dated(), "2026-08-01");
    let arguments = double.arguments("download");
    assert_eq!(arguments[..2], ["image", "--download-db-only"]);
    assert_eq!(
        arguments[arguments.len() - 2..],
        ["--db-repository", "mirror/db:2"]
    );
    let given = double.environment("download");
    let foreign: Vec<&str> = given
        .iter()
        .filter(|(_, value)| value == "x")
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(foreign, ["HTTPS_PROXY"]);
    double.write("new", br#"{"Version":"0.74.0"}"#);
    let error = download(TrivyDatabase::Vulnerabilities).expect_err("it has none");
    assert!(matches!(error, ScannerError::Garbled { .. }), "{error:?}");
    double.write("version", br#"{"Version":"0.69.4"}"#);
    assert!(matches!(
        download(TrivyDatabase::Java),
        Err(ScannerError::Unsuitable { .. })
    ));
}

/// Only where the variable `TRIVY` names a real one, with a database in the folder that `TRIVY_CACHE` names.
#[test]
fn the_real_trivy_is_asked() {
    let named = |key: &str| std::env::var_os(key).map(std::path::PathBuf::from);
    let (Some(program), Some(cache)) = (named("TRIVY"), named("TRIVY_CACHE")) else {
        println!("skipped: TRIVY names no trivy, or TRIVY_CACHE no folder with its database");
        return;
    };
    let scratch = tempfile::tempdir().expect("a directory for the test");
    let trivy = Trivy {
        program,
        way: TrivyWay::Sbom,
        cache,
        scratch: scratch.path().to_owned(),
        time: Duration::from_secs(200),
        database_days: 36_500,
    };
    let scanned = trivy.scan(&target(&almalinux(), None)).expect("it answers");
    println!(
        "{} findings, {:?}",
        scanned.report.findings.len(),
        scanned.report.coverage
    );
    assert!(scanned.report.coverage.is_complete());
}
