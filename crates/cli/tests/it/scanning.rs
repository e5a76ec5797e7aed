//! Images that are looked into: what is found, what stands against it, and who lets it through.
//!
//! The families are in the shape of AlmaLinux's, with names and versions of its own, and are held against
//! the advisories that come with the program.

use longshore_harbor::family;
use serde_json::Value;

use crate::place::{Ended, Place};

/// A place with one family that its publisher has fixed and one that was never brought up to date.
fn place() -> Place {
    let place = Place::new();
    place.put(&family::patched());
    place.put(&family::neglected());
    place
}

/// The binary as it is, but that advisories are never too old, and nobody is asked for others.
fn work(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = place.over_bucket(arguments);
    command
        .env_remove("LONGSHORE_ALLOW_UNPROVEN")
        .env("LONGSHORE_ADVISORIES_MAX_AGE", "36500d");
    Ended::of(command.output().unwrap())
}

fn listed(place: &Place, image: &str) -> Value {
    let list = work(place, &["list", "-o", "json"]).expect(0).json();
    let mut rows = list.as_array().unwrap().iter();
    rows.find(|row| row["image"] == image).unwrap().clone()
}

#[test]
fn an_image_that_is_fixed_is_ready_and_becomes_a_machine() {
    let place = place();
    let ended = work(
        &place,
        &["fetch-and-create", "images/patched", "-o", "json"],
    )
    .expect(0);
    let report = ended.json();
    assert_eq!(report["status"], "ready");
    assert_eq!(report["admitted"], true);
    assert_eq!(report["scan"]["coverage"], "complete");
    assert_eq!(report["scan"]["packages"], 8);
    assert_eq!(report["scan"]["against"], 0);
    assert_eq!(report["scan"]["advisories"][0]["about"], "AlmaLinux:9");
    assert!(report["machine"]["path"].is_string());
    assert_eq!(listed(&place, "images/patched")["status"], "ready");
}

#[test]
fn what_stands_against_an_image_keeps_it_from_becoming_a_machine() {
    let place = place();
    let ended = work(&place, &["fetch-and-create", "images/neglected"]).expect(6);
    let out = &ended.out;
    assert!(out.starts_with("images/neglected  vulnerable\n"), "{out}");
    for word in [
        "openssl-libs",
        "1:3.5.5-4.el9_8",
        "HIGH",
        "--allow-vulnerable",
    ] {
        assert!(out.contains(word), "no {word} in {out}");
    }
    let row = listed(&place, "images/neglected");
    assert_eq!(row["status"], "vulnerable");
    assert_eq!(row["machines"], serde_json::json!([]));
    assert!(row["volume"]["path"].is_string(), "its volume is kept");
    let quiet = work(&place, &["-q", "fetch-and-create", "images/neglected"]).expect(6);
    assert_eq!(quiet.out, "", "a script is given nothing to boot");
    let refused = work(&place, &["activate", "images/neglected"]).expect(6);
    assert!(
        refused.err.contains("--allow-vulnerable"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("longshore waive"), "{}", refused.err);
}

#[test]
fn who_lets_it_through_is_recorded_and_a_machine_keeps_its_disk() {
    let place = place();
    let allowed = [
        "fetch-and-create",
        "images/neglected",
        "--allow-vulnerable",
        "-o",
        "json",
    ];
    let report = work(&place, &allowed).expect(0).json();
    assert_eq!(report["status"], "vulnerable", "it is what it is");
    let disk = report["machine"]["path"].clone();
    let shown = work(&place, &["show", "images/neglected", "-o", "json"])
        .expect(0)
        .json();
    let allowance = &shown["allowances"][0];
    assert_eq!(allowance["machine"], "images-neglected");
    assert_eq!(allowance["verdict"], "vulnerable");
    assert!(
        allowance["by"].as_str().unwrap().contains("uid"),
        "{allowance}"
    );
    assert!(allowance["at"].as_i64().unwrap() > 0);
    // The machine is there, and is told of without being asked about again; the verdict stays.
    let again = work(
        &place,
        &["fetch-and-create", "images/neglected", "-o", "json"],
    )
    .expect(6);
    assert_eq!(again.json()["machine"]["path"], disk);
    // One that was taken out of use is let through anew.
    work(&place, &["deactivate", "images-neglected"]).expect(0);
    work(&place, &["activate", "images-neglected"]).expect(6);
    work(
        &place,
        &["activate", "images-neglected", "--allow-vulnerable"],
    )
    .expect(0);
    let shown = work(&place, &["show", "images/neglected", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(shown["allowances"].as_array().unwrap().len(), 2);
}

/// Every id that stands against the image.
fn against(report: &Value) -> Vec<String> {
    let findings = report["findings_against"].as_array().unwrap().iter();
    let ids = findings.map(|finding| finding["id"].as_str().unwrap().to_owned());
    let mut ids: Vec<_> = ids.collect();
    ids.sort();
    ids.dedup();
    ids
}

#[test]
fn waivers_take_findings_away_until_their_day_and_can_be_taken_back() {
    let place = place();
    work(
        &place,
        &["fetch-and-create", "images/neglected", "--no-activate"],
    )
    .expect(6);
    let report = work(&place, &["scan", "images/neglected", "-o", "json"])
        .expect(0)
        .json();
    let ids = against(&report);
    assert!(ids.len() > 3, "{ids:?}");
    let waive = |id: &str, until: &str| {
        let reason = "no such code is reached";
        work(
            &place,
            &[
                "waive",
                "images/neglected",
                id,
                "--until",
                until,
                "--reason",
                reason,
                "-o",
                "json",
            ],
        )
    };
    let mut last = Value::Null;
    for id in &ids {
        last = waive(id, "2999-01-31").expect(0).json();
    }
    assert_eq!(last["status"], "ready");
    assert_eq!(last["against"], 0);
    assert_eq!(
        last["findings_excused"][0]["excuse"]["reason"],
        "no such code is reached"
    );
    assert_eq!(listed(&place, "images/neglected")["status"], "ready");
    work(&place, &["fetch-and-create", "images/neglected"]).expect(0);
    let undo = work(
        &place,
        &["waive", "images/neglected", &ids[0], "--undo", "-o", "json"],
    );
    assert_eq!(undo.expect(0).json()["status"], "vulnerable");
    let unknown = waive("CVE-1999-0001", "2999-01-31").expect(0);
    assert!(
        unknown.err.contains("is called CVE-1999-0001"),
        "{}",
        unknown.err
    );
    assert!(
        !waive(&ids[1], "2999-01-31")
            .expect(0)
            .err
            .contains("is called")
    );
    // A day that has passed, one that is none, a waiver that is not there, an image that is not.
    waive(&ids[0], "2020-01-31").expect(2);
    waive(&ids[0], "next week").expect(2);
    work(&place, &["waive", "images/neglected", &ids[0], "--undo"]).expect(5);
    work(&place, &["waive", "images/neglected", &ids[0]]).expect(2);
    let absent = [
        "waive",
        "images/rust",
        "CVE-1",
        "--until",
        "2999-01-31",
        "--reason",
        "x",
    ];
    work(&place, &absent).expect(5);
}

#[test]
fn vex_of_the_operator_takes_findings_away_and_one_in_the_image_is_not_looked_at() {
    let place = place();
    work(
        &place,
        &["fetch-and-create", "images/neglected", "--no-activate"],
    )
    .expect(6);
    let report = work(&place, &["scan", "images/neglected", "-o", "json"])
        .expect(0)
        .json();
    let statements: Vec<_> = against(&report)
        .iter()
        .map(|id| {
            serde_json::json!({
                "vulnerability": { "name": id },
                "products": [{ "@id": "images/neglected" }],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            })
        })
        .collect();
    let vex = serde_json::json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex",
        "author": "us",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": statements,
    });
    let path = place.write("vex.json", &vex.to_string());
    let with_vex = |arguments: &[&str]| {
        let mut command = place.over_bucket(arguments);
        command
            .env_remove("LONGSHORE_ALLOW_UNPROVEN")
            .env("LONGSHORE_ADVISORIES_MAX_AGE", "36500d")
            .env("LONGSHORE_VEX", &path);
        Ended::of(command.output().unwrap())
    };
    let judged = with_vex(&["scan", "images/neglected", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&judged["status"], &judged["against"]),
        (&"ready".into(), &0.into())
    );
    assert_eq!(judged["findings_excused"][0]["excuse"]["by"], "vex");
    let judged = work(&place, &["scan", "images/neglected", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(
        judged["status"], "vulnerable",
        "without the document it stands again"
    );
    place.write("vex.json", "{}");
    let refused = with_vex(&["scan", "images/neglected"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("vex.json"), "{}", refused.err);
}

#[test]
fn a_scan_shows_what_is_asked_for_and_fails_where_it_is_asked_to() {
    let place = place();
    for image in ["images/neglected", "images/patched"] {
        place_only(&place, image);
    }
    let scan = |arguments: &[&str]| work(&place, &[&["scan"], arguments].concat());
    let all = scan(&["images/neglected", "-o", "json"]).expect(0).json();
    let high = scan(&["images/neglected", "--severity", "HIGH", "-o", "json"])
        .expect(0)
        .json();
    let count = |report: &Value| report["findings"].as_array().unwrap().len();
    assert!(count(&high) > 0 && count(&high) < count(&all));
    assert_eq!(
        all["counts"], high["counts"],
        "what is counted is not what is shown"
    );
    scan(&["images/neglected", "--fail-on", "HIGH"]).expect(6);
    scan(&["images/patched", "--fail-on", "LOW"]).expect(0);
    scan(&["images/neglected", "--severity", "important"]).expect(2);
    scan(&["images/neglected", "--scanner", "magic"]).expect(2);
    scan(&[]).expect(2);
    scan(&["images/rust"]).expect(5);
    let layer = scan(&["images/neglected/2.tar"]);
    assert_eq!(layer.code, Some(5));
    assert!(
        layer.err.contains("longshore scan images/neglected"),
        "{}",
        layer.err
    );
    let table = scan(&["--all"]).expect(0);
    assert_eq!(table.out.lines().count(), 3, "{}", table.out);
    scan(&["--all", "--fail-on", "CRITICAL"]);
    let rows = scan(&["--all", "-o", "json"]).expect(0).json();
    assert_eq!(rows[1]["status"], "ready");
}

fn place_only(place: &Place, image: &str) {
    let ended = work(place, &["fetch-and-create", image, "--no-activate"]);
    assert!([Some(0), Some(6)].contains(&ended.code), "{}", ended.err);
}

#[test]
fn bills_of_materials_name_every_package() {
    let place = place();
    place_only(&place, "images/neglected");
    let sbom = work(&place, &["sbom", "images/neglected"]).expect(0).json();
    assert_eq!(
        (&sbom["bomFormat"], &sbom["specVersion"]),
        (&"CycloneDX".into(), &"1.6".into())
    );
    let purls: Vec<_> = sbom["components"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|component| component["purl"].as_str())
        .collect();
    assert_eq!(purls.len(), 8, "{purls:?}");
    assert!(
        purls
            .iter()
            .any(|purl| purl.starts_with("pkg:rpm/almalinux/openssl-libs@3.5.1-3.el9?"))
    );
    assert!(sbom["vulnerabilities"].as_array().is_none_or(Vec::is_empty));
    let scan = work(&place, &["scan", "images/neglected", "-o", "cyclonedx"])
        .expect(0)
        .json();
    assert!(!scan["vulnerabilities"].as_array().unwrap().is_empty());
    let spdx = work(&place, &["sbom", "images/neglected", "-o", "spdx"])
        .expect(0)
        .json();
    assert_eq!(spdx["spdxVersion"], "SPDX-2.3");
    let again = work(&place, &["sbom", "images/neglected"]).expect(0);
    assert_eq!(again.json()["serialNumber"], sbom["serialNumber"]);
    work(&place, &["list", "-o", "spdx"]).expect(2);
    work(&place, &["sbom", "images/rust"]).expect(5);
}

#[test]
fn a_path_is_looked_into_without_being_recorded() {
    let place = place();
    let layer = place.bucket().join("images/neglected/2.tar");
    let report = work(
        &place,
        &["scan", "--path", layer.to_str().unwrap(), "-o", "json"],
    )
    .expect(0);
    let report = report.json();
    // Packages without the layer that says of which system.
    assert_eq!(report["status"], "unproven");
    let root = place.path("root");
    std::fs::create_dir_all(root.join("etc")).unwrap();
    std::fs::write(
        root.join("etc/os-release"),
        "ID=almalinux\nVERSION_ID=9.8\n",
    )
    .unwrap();
    let report = work(
        &place,
        &["scan", "--path", root.to_str().unwrap(), "-o", "json"],
    )
    .expect(0)
    .json();
    assert_eq!(
        (&report["status"], &report["coverage"]),
        (&"unproven".into(), &"none".into())
    );
    assert_eq!(report["reasons"][0]["reason"], "no-package-database");
    std::fs::create_dir_all(root.join("var/lib/rpm")).unwrap();
    let package = |name, version, source| family::RpmPackage {
        name,
        version,
        source,
    };
    let database = family::rpm_database(&[package("openssl-libs", "1:3.5.1-3.el9", "openssl")]);
    std::fs::write(root.join("var/lib/rpm/rpmdb.sqlite"), database).unwrap();
    let path = root.to_str().unwrap();
    let report = work(
        &place,
        &["scan", "--path", path, "--fail-on", "HIGH", "-o", "json"],
    )
    .expect(6);
    assert_eq!(report.json()["status"], "vulnerable");
    let bill = work(&place, &["scan", "--path", path, "-o", "cyclonedx"])
        .expect(0)
        .json();
    assert_eq!(bill["metadata"]["component"]["name"], path);
    work(&place, &["scan", "--path", "nowhere"]).expect(5);
    assert_eq!(
        work(&place, &["list", "-o", "json"]).expect(0).json(),
        serde_json::json!([])
    );
}

#[test]
fn old_advisories_make_an_image_unproven_and_offline_asks_nobody() {
    let place = place();
    let mut command = place.over_bucket(&["fetch-and-create", "images/patched", "-o", "json"]);
    command
        .env_remove("LONGSHORE_ALLOW_UNPROVEN")
        .env("LONGSHORE_ADVISORIES_MAX_AGE", "1d");
    let report = Ended::of(command.output().unwrap()).expect(6).json();
    assert_eq!(report["status"], "unproven");
    assert_eq!(report["scan"]["reasons"][0]["reason"], "advisories-old");
    work(&place, &["--offline", "advisories", "update"]).expect(2);
    work(&place, &["advisories", "update", "suse"]).expect(2);
}
