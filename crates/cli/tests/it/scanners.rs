//! Scanners that are programs of others, from the command line: found, missed, stopped.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use longshore_harbor::family;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    place::{Ended, Place},
    trivy_double::{Double, STUBBORN},
};

const REPORT: &str = r#"{"SchemaVersion":2,"Metadata":{"OS":{"Family":"alma","Name":"9.8"}},"Results":[{
    "Target":"x (alma 9.8)","Class":"os-pkgs","Type":"alma"}]}"#;

/// A double with a database of now, which reports nothing or does something else.
fn double(act: &str) -> Double {
    let double = Double::that(act);
    let now = jiff::Timestamp::now();
    let version = format!(r#"{{"Version":"0.74.0","VulnerabilityDB":{{"UpdatedAt":"{now}"}}}}"#);
    double.write("version", version.as_bytes());
    double.write("report", REPORT.as_bytes());
    double
}

/// The binary over the bucket, with a directory before those of `PATH`.
fn with(place: &Place, double: Option<&Double>, arguments: &[&str]) -> Command {
    let mut command = place.over_bucket(arguments);
    let own = double.map(|double| double.dir.path().to_owned());
    let usual = ["/usr/bin", "/bin"].map(Into::into);
    let path = std::env::join_paths(own.into_iter().chain(usual)).unwrap();
    command
        .env("PATH", path)
        .env("LONGSHORE_SCANNER", "trivy-sbom");
    command.env_remove("LONGSHORE_ALLOW_UNPROVEN");
    command
}

fn run(mut command: Command) -> Ended {
    Ended::of(command.output().unwrap())
}

#[test]
fn trivy_is_found_by_its_name_or_missed_with_what_to_do() {
    let place = Place::new();
    place.put(&family::neglected());
    let fetch = ["fetch-and-create", "images/neglected", "-o", "json"];
    let missed = run(with(&place, None, &fetch)).expect(2).json();
    assert_eq!(missed["error"]["code"], "scanner-not-installed");
    let hint = missed["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("setting `trivy`"), "{hint}");
    let trivy = double("cat \"$here/report\" > \"$out\"");
    let fetched = run(with(&place, Some(&trivy), &fetch)).expect(0).json();
    assert_eq!(fetched["status"], "ready");
    let mut embedded = with(&place, None, &["scan", "images/neglected", "-o", "json"]);
    embedded.args(["--scanner", "embedded"]);
    assert_eq!(run(embedded).expect(0).json()["scanner"], "embedded");
}

#[test]
fn a_scan_of_a_path_that_is_interrupted_ends_trivy() {
    let place = Place::new();
    place.write("root/etc/os-release", "ID=almalinux\nVERSION_ID=9.8\n");
    let hanging = double(STUBBORN);
    let mut scan = with(&place, Some(&hanging), &["scan", "--path", "root"]);
    let child = scan
        .args(["--scanner", "trivy-rootfs"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while hanging.noted("pid").is_none() {
        assert!(Instant::now() < until, "it was not started");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    Ended::of(child.wait_with_output().unwrap()).expect(130);
    assert!(hanging.is_gone("pid") && hanging.is_gone("child"));
}
