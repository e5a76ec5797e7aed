//! `doctor`: each thing that can be broken is a check of its own, and ends nothing.

use std::fs::{self, File};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::{
    disk::Mounted,
    place::{Ended, Place},
};

/// All checks, in their order. The last comes once for each stream of advisories.
const CHECKS: [&str; 19] = [
    "settings",
    "state-directory",
    "writable",
    "lock",
    "space",
    "inodes",
    "shared-extents",
    "database",
    "foreign-keys",
    "schema",
    "clock",
    "kernel",
    "device-mapper",
    "thin-targets",
    "loop-devices",
    "thin-tools",
    "trivy",
    "cage",
    "advisories",
];

/// What `doctor -o json` says: its shape is the promised one, whatever is broken.
fn diagnosis(ended: Ended) -> Value {
    let said = ended.json();
    assert_eq!(said["schema"], 1);
    let checks = said["checks"].as_array().unwrap();
    let mut names: Vec<_> = checks
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    names.dedup();
    // What does not agree has names of its own, behind them.
    assert_eq!(names[..CHECKS.len()], CHECKS, "{said}");
    assert!(names.len() > CHECKS.len(), "{said}");
    for state in ["ok", "warn", "fail", "skip"] {
        let count = checks.iter().filter(|it| it["state"] == state).count();
        assert_eq!(said["counts"][state], count, "{said}");
    }
    for check in checks {
        assert!(!check["found"].as_str().unwrap().is_empty(), "{check}");
        let is_bad = check["state"] == "warn" || check["state"] == "fail";
        assert_eq!(check.get("hint").is_some(), is_bad, "{check}");
    }
    let has_failed = checks.iter().any(|it| it["state"] == "fail");
    assert_eq!(said["state"] == "fail", has_failed);
    assert_eq!(ended.code, Some(i32::from(has_failed)), "{said}");
    said
}

fn doctor(place: &Place, arguments: &[&str]) -> Value {
    let all = ["doctor", "-o", "json"].iter().chain(arguments);
    diagnosis(place.run(&all.copied().collect::<Vec<_>>()))
}

/// The state of a check, and what was found.
fn check<'a>(said: &'a Value, name: &str) -> (&'a str, &'a str) {
    let mut checks = said["checks"].as_array().unwrap().iter();
    let check = checks.find(|it| it["name"] == name).unwrap();
    (
        check["state"].as_str().unwrap(),
        check["found"].as_str().unwrap(),
    )
}

fn states(said: &Value, names: &[&str]) -> Vec<String> {
    let state = |name: &&str| check(said, name).0.to_owned();
    names.iter().map(state).collect()
}

/// A place in which an image was brought and a machine made, with its database in one file.
fn place() -> Place {
    let place = Place::with_machine();
    place.run(&["backup", "copy.db"]).expect(0);
    put(&place, &fs::read(place.path("copy.db")).unwrap());
    place
}

/// Puts bytes in the place of the database.
fn put(place: &Place, bytes: &[u8]) {
    for name in ["longshore.db-wal", "longshore.db-shm"] {
        let _ = fs::remove_file(place.path("state").join(name));
    }
    fs::write(place.path("state/longshore.db"), bytes).unwrap();
}

#[test]
fn where_nothing_is_yet_nothing_is_made_and_nothing_has_failed() {
    let place = Place::new();
    let said = doctor(&place, &[]);
    let both = ["state-directory", "writable", "database"];
    assert_eq!(states(&said, &both), ["ok", "ok", "skip"]);
    assert!(!place.path("state").exists());
    fs::create_dir(place.path("state")).unwrap();
    let said = doctor(&place, &[]);
    assert_eq!(states(&said, &both), ["ok", "ok", "skip"]);
    assert_eq!(fs::read_dir(place.path("state")).unwrap().count(), 0);
}

#[test]
fn where_all_is_well_it_says_so_and_who_works_there() {
    let place = place();
    let said = doctor(&place, &[]);
    let checks = ["state-directory", "writable", "database", "foreign-keys"];
    assert_eq!(states(&said, &checks), ["ok"; 4], "{said}");
    assert_eq!(check(&said, "schema"), ("ok", "fsm 2, catalog 3"));
    assert_eq!(check(&said, "lock").1, "nobody works here now");
    let lock = File::create(place.path("state/lock")).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let line = format!("process {}, a test\n", std::process::id());
    fs::write(place.path("state/lock"), &line).unwrap();
    let said = doctor(&place, &[]);
    let held = format!("held by {}", line.trim());
    assert_eq!(check(&said, "lock"), ("ok", held.as_str()));
    let text = place.run(&["doctor"]);
    assert!(text.out.contains("ok    database"), "{}", text.out);
    assert!(text.out.contains(" skipped\n"), "{}", text.out);
}

#[test]
fn a_database_that_is_damaged_or_lost_is_seen() {
    let place = place();
    let whole = fs::read(place.path("copy.db")).unwrap();
    let database = ["database", "foreign-keys", "schema"];
    put(&place, &[0x5a; 9000]);
    assert_eq!(
        states(&doctor(&place, &[]), &database),
        ["fail", "skip", "skip"]
    );
    put(&place, &whole[..whole.len() / 2]);
    assert_eq!(check(&doctor(&place, &[]), "database").0, "fail");
    let mut flipped = whole.clone();
    let middle = whole.len() / 4096 / 2 * 4096;
    flipped[middle..middle + 4096].fill(0xff);
    put(&place, &flipped);
    assert_eq!(check(&doctor(&place, &[]), "database").0, "fail");
    // Nobody would know whose the disks are that are still there.
    put(&place, &[]);
    assert_eq!(
        states(&doctor(&place, &[]), &database),
        ["ok", "ok", "fail"]
    );
    fs::remove_file(place.path("state/longshore.db")).unwrap();
    assert_eq!(
        states(&doctor(&place, &[]), &database),
        ["fail", "skip", "skip"]
    );
    put(&place, &whole);
    assert_eq!(states(&doctor(&place, &[]), &database), ["ok"; 3]);
}

#[test]
fn a_state_directory_that_is_none_is_seen() {
    let place = Place::new();
    place.write("file", "");
    let directory = ["state-directory", "writable", "database"];
    let at = |path: &str| states(&doctor(&place, &["--state-dir", path]), &directory);
    assert_eq!(at("file"), ["fail", "skip", "skip"]);
    assert_eq!(at("file/below"), ["fail", "skip", "skip"]);
    place.write("foreign/thesis.txt", "");
    assert_eq!(at("foreign"), ["fail", "ok", "skip"]);
    place.write("newer/VERSION", "9\n");
    assert_eq!(at("newer"), ["fail", "ok", "skip"]);
    let names = fs::read_dir(place.path("foreign")).unwrap().count();
    assert_eq!(names, 1, "nothing was added");
}

#[test]
fn a_state_directory_that_cannot_be_written_is_seen() {
    let place = Place::new();
    let at = place.path("small");
    let Some(mounted) = Mounted::new(at, "size=1m") else {
        return;
    };
    mounted.remount("ro");
    let said = doctor(&place, &["--state-dir", "small"]);
    assert_eq!(check(&said, "writable").0, "fail");
    let said = doctor(&place, &["--state-dir", "small/new"]);
    assert_eq!(check(&said, "state-directory").0, "fail");
    mounted.remount("rw");
    let said = doctor(&place, &["--state-dir", "small"]);
    assert_eq!(check(&said, "writable").0, "ok");
    assert_eq!(check(&said, "space").0, "fail", "a mebibyte is no room");
}

#[test]
fn settings_that_are_wrong_are_each_named_and_the_rest_is_looked_at() {
    let place = Place::new();
    place.write("etc/config.toml", "volume_siz = 1\n");
    let state = place.path("elsewhere");
    let output = place
        .longshore(["doctor", "-o", "json"])
        .env("LONGSHORE_STATE_DIR", &state)
        .env("LONGSHORE_BAKEND", "thin")
        .output();
    let said = diagnosis(Ended::of(output.unwrap()));
    let (verdict, found) = check(&said, "settings");
    assert_eq!(verdict, "fail");
    for part in ["volume_siz", "LONGSHORE_BAKEND"] {
        assert!(found.contains(part), "{found}");
    }
    let found = check(&said, "state-directory").1;
    assert!(found.contains(state.to_str().unwrap()), "{found}");
}
