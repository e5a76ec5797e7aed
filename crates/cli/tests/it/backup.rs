//! `backup`: a copy that is whole or not there, while others work.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use longshore_harbor::family::demo;
use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};

use crate::{disk::Mounted, place::Place};

const SOON: Duration = Duration::from_secs(60);

fn database(place: &Place) -> PathBuf {
    place.path("state/longshore.db")
}

/// Lets the database take some mebibytes more.
fn grow(place: &Place, mebibytes: u32) {
    let conn = Connection::open(database(place)).unwrap();
    conn.execute_batch("CREATE TABLE IF NOT EXISTS padding (bytes BLOB)")
        .unwrap();
    for _ in 0..mebibytes {
        conn.execute("INSERT INTO padding VALUES (randomblob(1048576))", [])
            .unwrap();
    }
}

fn is_whole(path: &Path) -> bool {
    let conn = Connection::open(path).unwrap();
    let said = conn.pragma_query_value(None, "integrity_check", |row| row.get::<_, String>(0));
    said.unwrap() == "ok"
}

/// The names in the directory that copies are made in.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_copy_is_made_while_another_works_and_put_back_it_is_what_was() {
    let place = Place::with_machine();
    // As a command that works has it.
    let lock = File::create(place.path("state/lock")).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    let report = place
        .run(&["backup", "copy.db", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["images"], 1);
    assert_eq!(report["machines"], 1);
    assert_eq!(report["runs"], 2);
    assert!(report.get("pool").is_none(), "{report}");
    drop(lock);
    let copy = place.path("copy.db");
    assert_eq!(report["file"], copy.to_str().unwrap());
    assert_eq!(report["bytes"], fs::metadata(&copy).unwrap().len());

    let before = place
        .run(&["show", demo().prefix(), "-o", "json"])
        .expect(0);
    for name in ["longshore.db", "longshore.db-wal", "longshore.db-shm"] {
        let _ = fs::remove_file(place.path("state").join(name));
    }
    fs::copy(&copy, database(&place)).unwrap();
    let after = place
        .run(&["show", demo().prefix(), "-o", "json"])
        .expect(0);
    let machines = |ended: &crate::place::Ended| ended.json()["machines"].clone();
    assert_eq!(machines(&before), machines(&after));
    // Whoever works there next finds all of it: nothing is removed, nothing fetched.
    place
        .work(&[
            "fetch-and-create",
            demo().prefix(),
            "--offline",
            "--name",
            "web",
        ])
        .expect(0);
    assert!(place.path("state/machines/web.img").exists());
}

#[test]
fn what_is_no_place_for_a_copy_is_refused_and_said() {
    let place = Place::with_machine();
    let refused = place.run(&["backup", "-"]).expect(2);
    assert!(refused.err.contains("read again"), "{}", refused.err);
    place.run(&["backup", "./-"]).expect(0);
    let refused = place.run(&["backup", "./-"]).expect(6);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    place.run(&["backup", "./-", "--force"]).expect(0);
    place.run(&["backup", "state/copy.db"]).expect(6);
    place.run(&["backup", "nowhere/copy.db"]).expect(1);
    let quiet = place.run(&["backup", "quiet.db", "-q"]).expect(0);
    assert_eq!(quiet.out.trim(), place.path("quiet.db").to_str().unwrap());
    let nothing = Place::new();
    nothing.run(&["backup", "copy.db"]).expect(5);
    assert!(!nothing.path("state").exists());
}

#[test]
fn one_that_is_killed_leaves_no_file_under_its_name() {
    let place = Place::with_machine();
    grow(&place, 48);
    let directory = place.path("copies");
    fs::create_dir(&directory).unwrap();
    let copy = directory.join("copy.db");
    let is_part = |name: &String| name.starts_with(".copy.db.") && name.ends_with(".part");
    let mut was_cut_off = false;
    let end = Instant::now() + SOON;
    while !was_cut_off {
        assert!(Instant::now() < end, "no copy was killed before its end");
        let mut child = place
            .longshore(["backup", "copies/copy.db", "--force"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let has_begun = |name: &String| {
            is_part(name) && fs::metadata(directory.join(name)).is_ok_and(|it| it.len() > 0)
        };
        while !names(&directory).iter().any(has_begun) && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        match status.success() {
            // It was faster.
            true => {
                assert!(is_whole(&copy));
                fs::remove_file(&copy).unwrap();
            }
            false if copy.exists() => {
                assert!(is_whole(&copy));
                fs::remove_file(&copy).unwrap();
            }
            false => was_cut_off = true,
        }
    }
    let left = names(&directory);
    assert!(left.iter().all(is_part), "{left:?}");
    assert!(!left.is_empty());
    assert!(is_whole(&database(&place)));
    place.run(&["backup", "copies/copy.db"]).expect(0);
    assert!(is_whole(&copy));
}

#[test]
fn where_there_is_no_room_it_is_said_and_nothing_is_left() {
    let place = Place::with_machine();
    grow(&place, 3);
    let at = place.path("small");
    let Some(mounted) = Mounted::new(at.clone(), "size=1m") else {
        return;
    };
    for _ in 0..2 {
        let full = place.run(&["backup", "small/copy.db", "-o", "json"]);
        let error = full.expect(8).json();
        assert_eq!(error["error"]["class"], "full", "{error}");
        assert!(error.to_string().contains("small/copy.db"), "{error}");
        assert_eq!(names(&at), [""; 0]);
    }
    mounted.remount("size=64m");
    place.run(&["backup", "small/copy.db"]).expect(0);
    assert_eq!(names(&at), ["copy.db"]);
}
