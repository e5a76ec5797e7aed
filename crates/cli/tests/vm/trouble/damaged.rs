//! Metadata that is damaged, and written anew.

use std::{fs, path::Path};

use longshore_vmtest::Guest;
use serde_json::Value;

use super::scene::{
    BITMAPS_AT, DISK, IMAGE, MAPPINGS_AT, META, assert_survived, digest, finish, on_files, spoil,
    superblock, write_to,
};
use crate::site::{head, run};

/// At every commit it is what is recorded for the cuts of a pool that is changed.
pub(super) fn damaged_metadata_is_written_anew(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    assert_eq!(site.json(&["pool", "check"])["clean"], true);
    assert_eq!(site.json(&["pool", "repair"])["done"], "nothing");
    site.json(&["pool", "down"]);
    spoil(META, superblock(META, BITMAPS_AT));
    let checked = site.output(&["-o", "json", "pool", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert!(checked["damage"].is_string(), "{checked}");
    // An open disk would be in the way, and is none here; the damage is kept.
    let repaired = site.json(&["pool", "repair"]);
    assert_eq!(
        (&repaired["done"], &repaired["lost"]),
        (&"metadata".into(), &Value::Array(vec![]))
    );
    assert_eq!(repaired["kept"], META);
    let up = site.json(&["pool", "up"]);
    assert_eq!(
        (&up["state"], &up["metadata"]["path"]),
        (&"working".into(), &repaired["metadata"])
    );
    assert_eq!(site.json(&["pool", "check", "--whole"])["clean"], true);
    assert_survived(&site, &before);
    site.json(&["activate", IMAGE, "--name", "two"]);
    site.json(&["remove", "two"]);
    finish(&site);
    // What was damaged is nobody's but the operator's.
    let left = fs::read_dir("/state/pools").unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["longshore.meta"]);
}

pub(super) fn what_is_lost_is_said_first(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, _) = on_files(guest, "64MiB", "--sparse");
    site.json(&["pool", "down"]);
    spoil(META, superblock(META, MAPPINGS_AT));
    let spoilt = digest(META);
    assert_eq!(site.output(&["pool", "check"]).status.code(), Some(1));
    let (code, error) = site.fails(&["pool", "repair"]);
    assert_eq!(digest(META), spoilt, "it was not written to");
    // Either what could be found again lacks them, or nothing could be.
    let codes = [(Some(6), "repair-loses"), (Some(1), "pool-tool")];
    let found = (code, error["code"].as_str().unwrap());
    assert!(codes.contains(&found), "{error}");
    // What still can be looked at can be, and doctor says what is wrong.
    assert!(site.output(&["list"]).status.success());
    assert!(site.output(&["show", IMAGE]).status.success());
    if found.1 == "repair-loses" {
        let lost = site.json(&["pool", "repair", "--accept-loss"])["lost"].clone();
        assert_eq!(lost.as_array().unwrap().len(), 2, "{lost}");
        site.json(&["pool", "up"]);
        // The machine is lost, and the image is built again.
        site.json(&["remove", "one"]);
        site.json(&["fetch-and-create", IMAGE, "--name", "one"]);
        let checked = run("e2fsck", &["-fn", DISK]);
        assert!(checked.status.success(), "{checked:?}");
        finish(&site);
    }
}

/// Of what it said, only the catalogue has some; which of the trees that are left is the newest nobody knows.
pub(super) fn its_first_block_is_gone(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    site.json(&["pool", "down"]);
    let first = head(META, 4096);
    let mut changed = first.clone();
    // Of its transaction.
    changed[49] ^= 1;
    for (bytes, code) in [
        (&[0; 4096][..], (6, "other-device")),
        (&[0x55; 4096], (6, "other-device")),
        (&changed, (1, "pool-damaged")),
    ] {
        write_to(Path::new(META), bytes, 0);
        let spoilt = digest(META);
        // The kernel would make a new pool of what is blank.
        for job in [&["pool", "up"][..], &["pool", "trim"], &["pool", "recover"]] {
            let (exit, error) = site.fails(job);
            let expected = (Some(code.0), &code.1.into());
            assert_eq!((exit, &error["code"]), expected, "{job:?}: {error}");
        }
        let checked = site.output(&["pool", "check"]);
        assert_eq!(checked.status.code(), Some(1));
        let (exit, error) = site.fails(&["pool", "repair"]);
        let codes = [(Some(6), "repair-loses"), (Some(1), "pool-tool")];
        let found = (exit, error["code"].as_str().unwrap());
        assert!(codes.contains(&found), "{error}");
        assert_eq!(digest(META), spoilt, "nothing was changed");
    }
    write_to(Path::new(META), &first, 0);
    site.json(&["pool", "up"]);
    assert_survived(&site, &before);
    // Also where there is one tree alone, as thin_restore makes it, thin_repair 0.9 may find an empty pool.
    site.json(&["pool", "down"]);
    let dumped = run("thin_dump", &["-o", "/tmp/dump", META]);
    assert!(dumped.status.success(), "{dumped:?}");
    write_to(Path::new(META), &[0; 2 << 20], 0);
    let restored = run("thin_restore", &["-i", "/tmp/dump", "-o", META]);
    assert!(restored.status.success(), "{restored:?}");
    write_to(Path::new(META), &[0; 4096], 0);
    let (code, error) = site.fails(&["pool", "repair"]);
    assert_eq!((code, &error["code"]), (Some(6), &"repair-loses".into()));
    let repaired = site.json(&["pool", "repair", "--accept-loss"]);
    assert_eq!(repaired["done"], "metadata", "{repaired}");
    let lost = repaired["lost"].as_array().unwrap().len();
    site.json(&["pool", "up"]);
    match lost {
        1 => assert_survived(&site, &before),
        _ => {
            assert_eq!(lost, 3, "{repaired}");
            site.json(&["remove", "one"]);
            site.json(&["fetch-and-create", IMAGE, "--name", "one"]);
            let checked = run("e2fsck", &["-fn", DISK]);
            assert!(checked.status.success(), "{checked:?}");
        }
    }
    assert_eq!(site.json(&["pool", "check", "--whole"])["clean"], true);
    finish(&site);
}
