//! Reports that Trivy has written, read where they are.

use std::{collections::BTreeMap, fs};

use longshore_scan::{FixStatus, Severity, normalise};
use serde_json::Value;

/// Files beside the reports that are none: documents in other formats that Trivy writes.
const NO_REPORTS: [&str; 8] = [
    "alpine-310.sarif.golden",
    "centos-7-cyclonedx.json",
    "centos-7-spdx.json",
    "conda-spdx.json.golden",
    "fluentd-multiple-lockfiles-cyclonedx.json",
    "license-cyclonedx.json",
    "minikube-kbom.json",
    "npm-cyclonedx.json.golden",
];

fn goldens() -> Option<BTreeMap<String, Vec<u8>>> {
    let folder = crate::data::shared("trivy-golden")?;
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it can be listed").path();
        let name = path
            .file_name()
            .expect("it has a name")
            .to_string_lossy()
            .into_owned();
        if name != "README.md" {
            files.insert(name, fs::read(path).expect("it can be read"));
        }
    }
    Some(files)
}

/// The vulnerabilities of a report, found without the crate's types.
fn raw(json: &[u8]) -> Vec<Value> {
    let value: Value = serde_json::from_slice(json).expect("it is JSON");
    let results = value["Results"].as_array().cloned().unwrap_or_default();
    let of = |result: Value| {
        result["Vulnerabilities"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    results.into_iter().flat_map(of).collect()
}

#[test]
fn every_report_has_as_many_findings_of_each_severity_as_trivy_wrote() {
    let Some(goldens) = goldens() else { return };
    let (mut reports, mut total, mut seen) = (0, 0, 0);
    for (name, json) in &goldens {
        if NO_REPORTS.contains(&name.as_str()) {
            let error = normalise(json).expect_err(name);
            assert!(error.0.contains("SchemaVersion"), "{name}: {error}");
            seen += 1;
            continue;
        }
        let found = normalise(json).expect(name);
        let raw = raw(json);
        for severity in Severity::WORST_FIRST {
            let ours = found
                .findings
                .iter()
                .filter(|one| one.severity == severity)
                .count();
            let theirs = raw
                .iter()
                .filter(|one| one["Severity"] == severity.as_str())
                .count();
            assert_eq!(ours, theirs, "{severity} of {name}");
        }
        let key = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let mut theirs: Vec<_> = raw
            .iter()
            .map(|one| {
                [
                    "VulnerabilityID",
                    "PkgName",
                    "InstalledVersion",
                    "FixedVersion",
                ]
                .map(|name| key(one, name))
            })
            .collect();
        let mut ours: Vec<_> = found
            .findings
            .iter()
            .map(|one| {
                let fixed = one.fixed_in.clone().unwrap_or_default();
                [
                    one.id.clone(),
                    one.package.clone(),
                    one.version.clone(),
                    fixed,
                ]
            })
            .collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "{name}");
        let worst_first = found
            .findings
            .is_sorted_by_key(|one| std::cmp::Reverse(one.severity));
        assert!(worst_first, "{name}");
        reports += 1;
        total += raw.len();
    }
    assert_eq!(seen, NO_REPORTS.len());
    println!("{reports} reports with {total} findings, {seen} files that are no reports");
    assert!(reports >= 39 && total >= 77, "{reports} {total}");
}

#[test]
fn what_trivy_says_of_the_system_and_of_fixes_is_kept() {
    let Some(goldens) = goldens() else { return };
    let read = |name: &str| normalise(&goldens[name]).expect(name);
    let alma = read("almalinux-8.json.golden");
    assert_eq!(alma.os.as_deref(), Some("alma 8.5"));
    assert_eq!(
        alma.stream.as_ref().map(ToString::to_string).as_deref(),
        Some("AlmaLinux:8")
    );
    assert!(alma.os_packages && !alma.language_packages && !alma.end_of_life);
    assert_eq!(alma.findings[0].severity_from, "AlmaLinux");
    assert_eq!(alma.findings[0].status, FixStatus::Fixed);
    assert!(read("alpine-310.json.golden").end_of_life);
    let skipped = read("alpine-39-skip.json.golden");
    assert_eq!((skipped.os, skipped.os_packages), (None, false));
    let go = read("gomod.json.golden");
    assert!(go.language_packages && !go.os_packages);
    assert!(
        go.findings
            .iter()
            .all(|one| one.found_in.ends_with("go.mod"))
    );
    let statuses = |name: &str| {
        let mut statuses: Vec<FixStatus> =
            read(name).findings.iter().map(|one| one.status).collect();
        statuses.sort();
        statuses
    };
    assert_eq!(
        statuses("centos-7.json.golden"),
        [FixStatus::Fixed, FixStatus::Fixed, FixStatus::WillNotFix]
    );
    assert!(statuses("debian-stretch.json.golden").contains(&FixStatus::EndOfLife));
    assert!(statuses("debian-buster.json.golden").contains(&FixStatus::Affected));
}

#[test]
fn a_report_that_was_cut_off_is_never_read_as_a_shorter_one() {
    let Some(goldens) = goldens() else { return };
    let whole = goldens["debian-stretch.json.golden"].trim_ascii_end();
    for cut in (0..whole.len()).step_by(97) {
        assert!(
            normalise(&whole[..cut]).is_err(),
            "{cut} of {}",
            whole.len()
        );
    }
}
