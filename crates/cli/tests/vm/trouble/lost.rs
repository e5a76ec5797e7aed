//! The pool is all there is, or knows more than a catalogue of another day.

use std::{fs, path::Path};

use longshore_vmtest::Guest;
use serde_json::Value;

use super::scene::{
    DISK, IMAGE, META, assert_survived, digest, finish, move_database, on_files, write_to,
};
use crate::{
    killed::{POINTS, changes, killed},
    site::{Site, run},
};

const STATE: &str = "/state/longshore";

/// The image is built again, and the disk of its machine is found by what is on it, saved, and claimed.
pub(super) fn the_database_is_lost(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    site.json(&["activate", IMAGE, "--name", "two"]);
    anothers_pool_is_left_alone(&site);
    let gone = Path::new("/state/gone");
    fs::create_dir(gone).unwrap();
    move_database(Path::new(STATE), gone);
    assert_eq!(site.fails(&["pool", "status"]).0, Some(5));
    let recover = [
        "pool",
        "recover",
        "--data",
        "/state/pools/longshore.data",
        "--meta",
        META,
    ];
    // The other way round they are no parts of what is up.
    let wrong = ["pool", "recover", "--data", META, "--meta", recover[3]];
    let (code, error) = site.fails(&wrong);
    assert_eq!((code, &error["code"]), (Some(6), &"other-pool".into()));
    // It is up, under its own name, and nobody has it under another.
    let (code, error) = site.fails(&[&recover[..], &["--name", "other"]].concat());
    assert_eq!((code, &error["code"]), (Some(7), &"device-busy".into()));
    let data = fs::metadata(recover[3]).unwrap().len();
    let told = site.json(&[&recover[..], &["--dry-run"]].concat());
    assert_eq!(told["done"], false);
    assert_eq!(
        site.fails(&["pool", "status"]).0,
        Some(5),
        "nothing is kept"
    );
    let found = site.json(&recover);
    assert_eq!(
        (&found["done"], &found["unknown"]),
        (&true.into(), &told["unknown"])
    );
    let (code, error) = site.fails(&recover);
    assert_eq!((code, &error["code"]), (Some(6), &"pool-exists".into()));
    // A longer device gives it nothing by itself: what its metadata knows is what it has.
    let larger = fs::File::options().write(true).open(recover[3]).unwrap();
    larger.set_len(data + (16 << 20)).unwrap();
    let total = || site.json(&["pool", "up"])["data"]["total_bytes"].clone();
    assert_eq!(total(), 64 << 20);
    // The image's, and those of the two machines: which is whose is not known yet.
    let volumes = found["unknown"].as_array().unwrap();
    assert_eq!(volumes.len(), 3, "{found}");
    for volume in volumes {
        assert!(volume["filesystem"].is_string(), "{found}");
    }
    let id = |volume: &Value| volume["id"].as_u64().unwrap().to_string();
    let (code, error) = site.fails(&["pool", "claim", &id(&volumes[1]), IMAGE]);
    assert_eq!((code, &error["code"]), (Some(5), &"not-found".into()));
    site.json(&["fetch-and-create", IMAGE, "--no-activate"]);
    let mut mine = Vec::new();
    for volume in volumes {
        let file = format!("/state/saved-{}", id(volume));
        // Also of one that is down.
        site.json(&["pool", "down"]);
        let saved = site.json(&["pool", "save", &id(volume), &file]);
        assert_eq!(saved["bytes"], fs::metadata(&file).unwrap().len());
        assert_eq!(site.json(&["pool", "status"])["state"], "down");
        site.json(&["pool", "up"]);
        if digest(&file) == before {
            mine.push(id(volume));
        }
        assert_eq!(site.fails(&["pool", "save", &id(volume), &file]).0, Some(6));
        fs::remove_file(file).unwrap();
    }
    let [mine] = &mine[..] else {
        panic!("{mine:?}");
    };
    let claim = ["pool", "claim", mine, IMAGE, "--name", "one"];
    let other = ["pool", "claim", mine, "images/golang", "--name", "one"];
    site.json(&["fetch-and-create", "images/golang", "--no-activate"]);
    let (code, error) = site.fails(&other);
    assert_eq!((code, &error["code"]), (Some(6), &"volume-differs".into()));
    for _ in 0..2 {
        assert_eq!(site.json(&claim)["path"], DISK);
    }
    assert_survived(&site, &before);
    let (code, error) = site.fails(&other);
    assert_eq!((code, &error["code"]), (Some(6), &"machine-exists".into()));
    let other = volumes.iter().map(id).find(|id| id != mine).unwrap();
    let (code, error) = site.fails(&["pool", "claim", &other, IMAGE, "--name", "one"]);
    assert_eq!((code, &error["code"]), (Some(6), &"machine-exists".into()));
    let (code, error) = site.fails(&["pool", "claim", mine, IMAGE, "--name", "three"]);
    assert_eq!((code, &error["code"]), (Some(6), &"volume-known".into()));
    let (code, error) = site.fails(&["pool", "claim", "99", IMAGE, "--name", "three"]);
    assert_eq!((code, &error["code"]), (Some(5), &"no-volume".into()));
    // A volume with nothing on it is as long as somebody says.
    let created = run(
        "dmsetup",
        &["message", "longshore", "0", "create_thin 100000"],
    );
    assert!(created.status.success(), "{created:?}");
    let save = ["pool", "save", "100000", "/state/saved"];
    let (code, error) = site.fails(&save);
    assert_eq!((code, &error["code"]), (Some(2), &"volume-size".into()));
    let saved = site.json(&[&save[..], &["--size", "1MiB"]].concat());
    assert_eq!(
        (&saved["bytes"], &saved["written_bytes"]),
        (&(1 << 20).into(), &0.into())
    );
    let (code, error) = site.fails(&["pool", "claim", "100000", IMAGE, "--name", "three"]);
    assert_eq!((code, &error["code"]), (Some(6), &"volume-differs".into()));
    // A machine may write to what would be copied.
    assert_eq!(
        site.fails(&["pool", "save", mine, "/state/more"]).0,
        Some(7)
    );
    site.output(&["doctor", "--fix"]);
    assert_eq!(site.json(&["pool", "check"])["clean"], true);
    assert_survived(&site, &before);
    site.json(&["remove", "images/golang"]);
    finish(&site);
}

/// The name that is taken for granted is that of another state directory's pool, which is at work.
fn anothers_pool_is_left_alone(site: &Site) {
    fn of_other<'a>(words: &[&'a str]) -> Vec<&'a str> {
        [&["--state-dir", "/state/other"], words].concat()
    }
    let create = [
        "pool",
        "create",
        "--loop-dir",
        "/state/theirs",
        "--size",
        "16MiB",
        "--name",
        "theirs",
    ];
    site.json(&of_other(&create));
    site.json(&of_other(&["pool", "down"]));
    let gone = Path::new("/state/gone-too");
    fs::create_dir(gone).unwrap();
    move_database(Path::new("/state/other"), gone);
    let recover = [
        "pool",
        "recover",
        "--data",
        "/state/theirs/theirs.data",
        "--meta",
        "/state/theirs/theirs.meta",
    ];
    let disk = digest(DISK);
    for dry in [&["--dry-run"][..], &[]] {
        let (code, error) = site.fails(&of_other(&[&recover[..], dry].concat()));
        assert_eq!((code, &error["code"]), (Some(6), &"other-pool".into()));
    }
    assert_eq!(digest(DISK), disk);
    site.json(&of_other(&[&recover[..], &["--name", "theirs"]].concat()));
    site.json(&of_other(&["pool", "destroy"]));
}

/// A copy of the catalogue that was taken while a machine's disk was made: what has become of it is the machine's.
pub(super) fn a_disk_that_was_being_made(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    let job = ["activate", IMAGE, "--name", "two"];
    let message = changes(&site, &job)[0];
    site.json(&["remove", "two"]);
    assert!(killed(&site, &job, POINTS[1], message));
    site.json(&["backup", "/state/backup"]);
    let path = site.json(&job)["path"].clone();
    let two = path.as_str().unwrap();
    write_to(Path::new(two), &[9; 1 << 20], 40 << 20);
    let written = digest(two);
    site.json(&["activate", IMAGE, "--name", "three"]);
    let aside = Path::new("/state/aside");
    fs::create_dir(aside).unwrap();
    move_database(Path::new(STATE), aside);
    fs::copy("/state/backup", format!("{STATE}/longshore.db")).unwrap();
    let recovered = site.json(&["pool", "recover"]);
    assert_eq!(recovered["proven"], 3, "{recovered}");
    let (lost, unknown) = (&recovered["lost"], &recovered["unknown"]);
    assert_eq!(lost.as_array().unwrap().len(), 0, "{recovered}");
    // The disk of the machine that was made since is known by its image.
    assert_eq!(unknown.as_array().unwrap().len(), 1, "{recovered}");
    assert_eq!(unknown[0]["image"], IMAGE, "{recovered}");
    site.json(&job);
    assert_eq!(digest(two), written);
    assert_survived(&site, &before);
    let three = unknown[0]["id"].as_u64().unwrap().to_string();
    site.json(&["pool", "claim", &three, IMAGE, "--name", "three"]);
    for name in ["two", "three"] {
        site.json(&["remove", name]);
    }
    finish(&site);
}
