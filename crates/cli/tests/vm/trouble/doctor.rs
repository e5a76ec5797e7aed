//! What differs is found, named and put right; a catalogue of another day.

use std::{fs, path::Path};

use longshore_vmtest::Guest;
use serde_json::Value;

use super::scene::{DISK, IMAGE, alarms, assert_survived, finish, move_database, on_files, write};
use crate::site::run;

/// What differs is found and named, changes nothing, and is put right when that is said.
pub(super) fn doctor_finds_and_puts_right(guest: &Guest) {
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    let found = |arguments: &[&str]| -> Vec<(String, String)> {
        let output = site.output(&[&["-o", "json", "doctor"], arguments].concat());
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = told["checks"].as_array().unwrap().iter();
        let about = [
            "agreement",
            "pool",
            "thin-id-unknown",
            "path-of-nobody",
            "path-missing",
            "stray",
        ];
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let checks = checks.map(|check| (word(&check["name"]), word(&check["state"])));
        checks
            .filter(|(name, _)| about.contains(&&**name))
            .collect()
    };
    let pair = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    let well = [pair("pool", "ok"), pair("agreement", "ok")];
    assert_eq!(found(&[]), well);
    // A volume that nobody knows; a device of the machine that is gone; a node that leads to no device; another's
    // name for a machine's disk.
    let message = run(
        "dmsetup",
        &["message", "longshore", "0", "create_thin 100000"],
    );
    assert!(message.status.success(), "{message:?}");
    assert!(
        run("dmsetup", &["remove", "longshore-one"])
            .status
            .success()
    );
    let _ = fs::remove_file(DISK);
    let node = "/dev/mapper/longshore-stale";
    assert!(
        run("busybox", &["mknod", node, "b", "253", "77"])
            .status
            .success()
    );
    let expected = [
        pair("pool", "ok"),
        pair("thin-id-unknown", "warn"),
        pair("stray", "warn"),
        pair("path-missing", "warn"),
    ];
    assert_eq!(found(&[]), expected);
    assert_eq!(found(&[]), expected, "nothing was changed");
    assert!(Path::new(node).exists());
    let fixed = found(&["--fix"]);
    assert_eq!(fixed.len(), 5, "{fixed:?}");
    assert!(fixed.iter().all(|(_, state)| state == "ok"), "{fixed:?}");
    assert_eq!(found(&[]), well);
    assert!(!Path::new(node).exists());
    assert_survived(&site, &before);
    // A device of the right name with another table shows less, and is not handed out as it is.
    let table = run("dmsetup", &["table", "longshore-one"]);
    let table = String::from_utf8(table.stdout).unwrap();
    let words: Vec<_> = table.split_whitespace().collect();
    let short = format!("0 8192 thin {} {}", words[3], words[4]);
    for step in [
        &["suspend", "longshore-one"][..],
        &["load", "longshore-one", "--table", &short],
        &["resume", "longshore-one"],
    ] {
        assert!(run("dmsetup", step).status.success());
    }
    assert_eq!(site.output(&["doctor"]).status.code(), Some(1));
    site.json(&["deactivate", "one"]);
    site.json(&["activate", "one"]);
    assert_survived(&site, &before);
    // A catalogue of another day: nothing is written, what is there can be looked at.
    site.json(&["backup", "/state/backup"]);
    site.json(&["activate", IMAGE, "--name", "two"]);
    let newer = Path::new("/state/newer");
    fs::create_dir(newer).unwrap();
    move_database(Path::new("/state/longshore"), newer);
    fs::copy("/state/backup", "/state/longshore/longshore.db").unwrap();
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "three"]);
    assert_eq!((code, &error["code"]), (Some(6), &"pool-differs".into()));
    assert_eq!(alarms(&site), ["differs"]);
    for verb in [
        &["list"][..],
        &["show", IMAGE],
        &["export", "one", "--for", "qemu"],
    ] {
        assert!(site.output(verb).status.success(), "{verb:?}");
    }
    assert_eq!(site.output(&["doctor", "--fix"]).status.code(), Some(1));
    move_database(newer, Path::new("/state/longshore"));
    site.json(&["remove", "two"]);
    // Neither is at hand: the pool is the truth, as far as it can be proven.
    site.json(&["backup", "--force", "/state/backup"]);
    site.json(&["remove", "one"]);
    site.json(&["activate", IMAGE, "--name", "four"]);
    move_database(Path::new("/state/longshore"), newer);
    fs::copy("/state/backup", "/state/longshore/longshore.db").unwrap();
    let told = site.json(&["pool", "recover", "--dry-run"]);
    assert_eq!(told["done"], false);
    assert_eq!(
        site.fails(&["activate", IMAGE]).0,
        Some(6),
        "nothing was changed"
    );
    let recovered = site.json(&["pool", "recover"]);
    assert_eq!(recovered["done"], true);
    assert_eq!(
        (&recovered["proven"], &recovered["lost"]),
        (&told["proven"], &told["lost"])
    );
    let lost = recovered["lost"][0].as_str().unwrap();
    assert!(lost.ends_with("machine one"), "{recovered}");
    let unknown = recovered["unknown"].as_array().unwrap();
    assert_eq!(unknown.len(), 1, "that of machine four: {recovered}");
    // It is not given out again, and is there until somebody says that it is not needed.
    let made = site.json(&["activate", IMAGE, "--name", "one"]);
    assert_eq!(made["path"], DISK);
    write(40 << 20, 1 << 20).unwrap();
    let shown = site.json(&["show", IMAGE])["machines"][0]["volume"].clone();
    assert!(shown.as_u64() > unknown[0]["id"].as_u64(), "{shown}");
    assert_eq!(site.output(&["pool", "check"]).status.code(), Some(1));
    site.output(&["doctor", "--fix"]);
    assert_eq!(site.json(&["pool", "check"])["clean"], true);
    assert_survived(&site, &before);
    finish(&site);
}

/// What whoever was killed between any two steps of making a machine's device has left: no table, or no node.
pub(super) fn devices_that_were_half_made(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    let known = run(
        "dmsetup",
        &["info", "-c", "--noheadings", "-o", "uuid", "longshore-one"],
    );
    let uuid = String::from_utf8(known.stdout).unwrap();
    fs::remove_file(DISK).unwrap();
    site.json(&["pool", "up"]);
    assert_survived(&site, &before);
    let half = || {
        let create = [
            "create",
            "longshore-one",
            "--notable",
            "--uuid",
            uuid.trim(),
        ];
        for step in [&["remove", "longshore-one"][..], &create] {
            let done = run("dmsetup", step);
            assert!(done.status.success(), "{done:?}");
        }
    };
    half();
    site.json(&["pool", "up"]);
    assert_survived(&site, &before);
    half();
    site.json(&["pool", "down"]);
    let left = run("dmsetup", &["ls"]);
    let left = String::from_utf8(left.stdout).unwrap();
    assert!(!left.contains("longshore"), "{left}");
    site.json(&["pool", "up"]);
    assert_survived(&site, &before);
    finish(&site);
}
