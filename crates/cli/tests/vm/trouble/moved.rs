//! A pool on other devices than it was, and on devices at all.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use longshore_vmtest::Guest;
use serde_json::Value;

use super::{
    failing::{linear, on_devices, turn},
    scene::{
        BITMAPS_AT, DISK, IMAGE, alarms, assert_survived, finish, on_files, spoil, status,
        superblock,
    },
};
use crate::site::{Site, run};

pub(super) fn it_moves_to_another_disk(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    let [meta, data] = [1, 2].map(|number| guest.disk(number).to_str().unwrap().to_owned());
    let migrate = ["pool", "migrate", "--data", &data, "--meta", &meta];
    // An open disk is in the way.
    let open = File::open(DISK).unwrap();
    assert_eq!(site.fails(&migrate).0, Some(7));
    drop(open);
    // What is there is never overwritten.
    let foreign = File::options().write(true).open(&data).unwrap();
    foreign.write_all_at(b"x", 4096).unwrap();
    foreign.sync_all().unwrap();
    let (code, error) = site.fails(&migrate);
    assert_eq!((code, &error["code"]), (Some(6), &"not-empty".into()));
    assert_eq!(status(&site)["state"], "working", "it is as it was");
    foreign.write_all_at(&[0], 4096).unwrap();
    foreign.sync_all().unwrap();
    drop(foreign);
    let moved = site.json(&migrate);
    assert_eq!(
        (&moved["state"], &moved["data"]["path"]),
        (&"working".into(), &data.clone().into())
    );
    assert_eq!(moved["data"]["total_bytes"], (2_u64 << 30) - (1 << 20));
    assert_eq!(moved["kept"].as_array().unwrap().len(), 2);
    assert_survived(&site, &before);
    assert_eq!(site.json(&["pool", "check", "--whole"])["clean"], true);
    // And back, to other files.
    let back = ["pool", "migrate", "--loop-dir", "/state/more"];
    let moved = site.json(&[&back[..], &["--size", "2GiB"]].concat());
    assert_eq!(moved["data"]["path"], "/state/more/longshore.data");
    assert_survived(&site, &before);
    finish(&site);
}

/// What is different where a pool is on devices: they are enlarged by others, the repaired metadata needs one of its own,
/// and another device may have the name.
pub(super) fn devices_are_as_good_as_files(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before, _) = on_devices(guest, 2, 2);
    // One that waits, for whoever was killed as it was given room, is said to, and works again.
    let suspend = ["suspend", "--noflush", "--nolockfs", "longshore"];
    assert!(run("dmsetup", &suspend).status.success());
    assert_eq!(alarms(&site), ["suspended"]);
    assert_eq!(site.json(&["pool", "up"])["alarms"], Value::Array(vec![]));
    // Data of another pool, or another disk, is neither given back nor copied.
    site.json(&["pool", "down"]);
    let data = File::options()
        .write(true)
        .open("/dev/mapper/under2")
        .unwrap();
    let first = |byte: u8| {
        data.write_all_at(&[byte; 512], 0).unwrap();
        data.sync_all().unwrap();
    };
    first(b'x');
    for job in [
        &["pool", "trim"][..],
        &["pool", "migrate", "--loop-dir", "/state/more"],
    ] {
        let (code, error) = site.fails(job);
        assert_eq!(
            (code, &error["code"]),
            (Some(6), &"other-device".into()),
            "{job:?}"
        );
    }
    first(0);
    drop(data);
    // Metadata of another day, the same.
    let meta = guest.disk(1);
    let saved = fs::read(&meta).unwrap();
    site.json(&["pool", "up"]);
    for name in ["two", "three"] {
        site.json(&["activate", IMAGE, "--name", name]);
    }
    site.json(&["pool", "down"]);
    let newer = fs::read(&meta).unwrap();
    let put = |bytes: &[u8]| {
        let meta = File::options().write(true).open(&meta).unwrap();
        meta.write_all_at(bytes, 0).unwrap();
        meta.sync_all().unwrap();
    };
    put(&saved);
    let (code, error) = site.fails(&["pool", "trim"]);
    assert_eq!((code, &error["code"]), (Some(6), &"pool-differs".into()));
    put(&newer);
    site.json(&["pool", "up"]);
    // Its data device becomes larger.
    let total = |site: &Site| status(site)["data"]["total_bytes"].as_u64().unwrap();
    let was = total(&site);
    assert_eq!(site.fails(&["pool", "extend", "--size", "4GiB"]).0, Some(2));
    turn(2, &linear(guest, 2, 1).0);
    let larger = site.json(&["pool", "extend"])["data"]["total_bytes"].clone();
    assert!(larger.as_u64() > Some(was), "{larger}, {was}");
    // What is damaged is written anew to a device that is named.
    site.json(&["pool", "down"]);
    let path = meta.to_str().unwrap();
    spoil(path, superblock(path, BITMAPS_AT));
    assert_eq!(site.fails(&["pool", "repair"]).0, Some(2), "{path}");
    fs::write("/state/spare", vec![0; 32 << 20]).unwrap();
    let attach = ["losetup", "/dev/loop7", "/state/spare"];
    assert!(run("busybox", &attach).status.success());
    // One that has something on it is not it.
    fs::write("/state/other", vec![7; 32 << 20]).unwrap();
    let attach = ["losetup", "/dev/loop6", "/state/other"];
    assert!(run("busybox", &attach).status.success());
    let (code, error) = site.fails(&["pool", "repair", "--spare", "/dev/loop6"]);
    assert_eq!((code, &error["code"]), (Some(6), &"not-empty".into()));
    let repaired = site.json(&["pool", "repair", "--spare", "/dev/loop7"]);
    assert_eq!(repaired["metadata"], "/dev/loop7");
    assert_eq!(site.json(&["pool", "up"])["metadata"]["path"], "/dev/loop7");
    assert_eq!(site.json(&["pool", "check"])["clean"], true);
    assert_survived(&site, &before);
    for name in ["two", "three"] {
        site.json(&["remove", name]);
    }
    finish(&site);
}
