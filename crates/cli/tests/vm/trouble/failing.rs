//! Devices and files that fail below a pool.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom},
};

use longshore_vmtest::Guest;

use super::scene::{
    DISK, IMAGE, assert_survived, digest, finish, site_with_machine, status, write, write_to,
};
use crate::site::{Site, run};

/// Sectors of a block of the pools here.
const BLOCK: u64 = 128;

/// The table of a device that shows the n-th part of a disk of the machine, and its sectors.
pub(super) fn linear(guest: &Guest, disk: usize, part: u64) -> (String, u64) {
    let path = guest.disk(disk);
    let sectors = File::open(&path).unwrap().seek(SeekFrom::End(0)).unwrap() / 512 / part;
    (format!("0 {sectors} linear {} 0", path.display()), sectors)
}

/// A disk of the machine, or the n-th part, behind a device of which the test says what it does.
pub(super) fn under(guest: &Guest, disk: usize, part: u64) -> (String, String) {
    let (good, sectors) = linear(guest, disk, part);
    let name = format!("under{disk}");
    let made = run("dmsetup", &["create", &name, "--table", &good]);
    assert!(made.status.success(), "{made:?}");
    (good, format!("0 {sectors} error"))
}

pub(super) fn turn(disk: usize, table: &str) {
    let name = format!("under{disk}");
    // One of several lines is read from a file alone.
    fs::write("/tmp/table", table).unwrap();
    for step in [
        vec!["suspend", "--noflush", "--nolockfs", &name],
        vec!["load", &name, "/tmp/table"],
        vec!["resume", &name],
    ] {
        let done = run("dmsetup", &step);
        assert!(done.status.success(), "{step:?}: {done:?}");
    }
}

/// The same device, of which dm-flakey does something (dm-flakey.rst), all the time.
fn flakey(good: &str, features: &str) -> String {
    let words: Vec<_> = good.split_whitespace().collect();
    let [_, sectors, _, device, _] = words[..] else {
        panic!("{good} is no linear device");
    };
    format!("0 {sectors} flakey {device} 0 0 3600 {features}")
}

/// The same device without one block, which is an error.
fn without(guest: &Guest, disk: usize, at: u64) -> String {
    let (_, sectors) = linear(guest, disk, 1);
    let (path, behind) = (guest.disk(disk), at + BLOCK);
    let path = path.display();
    format!(
        "0 {at} linear {path} 0\n{at} {BLOCK} error\n{behind} {} linear {path} {behind}",
        sectors - behind
    )
}

pub(super) fn on_devices(
    guest: &Guest,
    disk: usize,
    part: u64,
) -> (Site, String, (String, String)) {
    let site = Site::fresh(guest);
    let tables = under(guest, disk, part);
    let place = |number: usize| match number == disk {
        true => format!("/dev/mapper/under{number}"),
        false => guest.disk(number).to_str().unwrap().to_owned(),
    };
    let (meta, data) = (place(1), place(2));
    site.json(&["pool", "create", "--data", &data, "--meta", &meta]);
    site_with_machine(&site);
    let before = digest(DISK);
    (site, before, tables)
}

pub(super) fn metadata_that_cannot_be_written(guest: &Guest) {
    if guest.is_soak() {
        // What is there cannot be read again, either.
        cannot_be_written(guest, "failed", |_, bad| bad.to_owned());
    }
}

/// A disk that takes no more writes, as some do at the end of their life, and is read all the same.
pub(super) fn metadata_that_can_only_be_read(guest: &Guest) {
    if guest.is_soak() {
        cannot_be_written(guest, "needs-check", |good, _| {
            flakey(good, "1 error_writes")
        });
    }
}

fn cannot_be_written(guest: &Guest, state: &str, how: fn(&str, &str) -> String) {
    let (site, before, (good, bad)) = on_devices(guest, 1, 1);
    turn(1, &how(&good, &bad));
    // Nothing new is begun, and what was there is as it was.
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert!(matches!(code, Some(1 | 8)), "{error}");
    assert_eq!(status(&site)["state"], state);
    assert_ne!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(0)
    );
    let again = site.output(&["activate", IMAGE, "--name", "three"]);
    assert!(!again.status.success());
    turn(1, &good);
    // The cable is back: it is checked, and goes on.
    let repaired = site.json(&["pool", "repair"]);
    assert!(
        ["mark", "nothing"].contains(&repaired["done"].as_str().unwrap()),
        "{repaired}"
    );
    assert_eq!(status(&site)["state"], "working");
    for name in ["two", "three"] {
        site.json(&["activate", IMAGE, "--name", name]);
        site.json(&["remove", name]);
    }
    assert_eq!(site.json(&["pool", "check", "--whole"])["clean"], true);
    assert_survived(&site, &before);
    finish(&site);
}

/// A disk that says it has written and has not: what was written since is not there when it comes back.
pub(super) fn writes_that_never_arrive(guest: &Guest) {
    if guest.is_soak() {
        is_seen(guest, "1 drop_writes", |site, before| {
            site.json(&["pool", "up"]);
            assert_survived(site, before);
        });
    }
}

/// A disk that writes one byte of each write otherwise: of the first block in the number that all of them have there. The
/// kernel of Debian 12 changes it in memory, too, so that its checksum is that of what is there.
pub(super) fn writes_that_arrive_otherwise(guest: &Guest) {
    if guest.is_soak() {
        is_seen(guest, "5 corrupt_bio_byte 33 w 99 0", |site, _| {
            let (code, error) = site.fails(&["pool", "up"]);
            assert_eq!((code, &error["code"]), (Some(6), &"other-device".into()));
            let checked = site.output(&["pool", "check"]);
            assert_eq!(checked.status.code(), Some(1));
        });
    }
}

/// What is read again of the metadata is not what was written: nothing is begun.
fn is_seen(guest: &Guest, features: &str, then: fn(&Site, &str)) {
    let (site, before, (good, _)) = on_devices(guest, 1, 1);
    site.json(&["pool", "down"]);
    let meta = guest.disk(1);
    let copy = fs::read(&meta).unwrap();
    site.json(&["pool", "up"]);
    turn(1, &flakey(&good, features));
    // To where the image has something, too: the machine gets a block of its own.
    write(0, 1 << 20).unwrap();
    for name in ["two", "three"] {
        let (code, error) = site.fails(&["activate", IMAGE, "--name", name]);
        assert_eq!(code, Some(1), "{error}");
    }
    site.json(&["pool", "down"]);
    turn(1, &good);
    then(&site, &before);
    site.output(&["pool", "down"]);
    // With the metadata of before all is as it was then.
    write_to(&meta, &copy, 0);
    site.json(&["pool", "up"]);
    assert_eq!(site.json(&["pool", "check"])["clean"], true);
    assert_survived(&site, &before);
    finish(&site);
}

pub(super) fn data_that_cannot_be_written(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before, (good, bad)) = on_devices(guest, 2, 1);
    turn(2, &bad);
    assert!(write(0, 4 << 20).is_err());
    let (code, error) = site.fails(&["fetch-and-create", "images/golang"]);
    assert!(code.is_some_and(|code| code != 0), "{error}");
    turn(2, &good);
    let state = status(&site)["state"].as_str().unwrap().to_owned();
    if state != "working" {
        site.json(&["pool", "repair"]);
    }
    // Nothing was half sealed: the same command makes it whole.
    site.json(&["fetch-and-create", "images/golang"]);
    let checked = run("e2fsck", &["-fn", "/dev/mapper/longshore-images-golang"]);
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(digest(DISK), before, "what failed was not written");
    for gone in ["images-golang", "images/golang"] {
        site.json(&["remove", gone]);
    }
    assert_survived(&site, &before);
    finish(&site);
}

/// One block of the data cannot be read any more: whose it is sees that, and the rest is as it was.
pub(super) fn data_that_cannot_be_read(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before, (good, _)) = on_devices(guest, 2, 1);
    // The last that was taken is the machine's.
    let used = status(&site)["data"]["used_bytes"].as_u64().unwrap() / 512 / BLOCK;
    turn(2, &without(guest, 2, (used - 1) * BLOCK));
    assert!(fs::read(DISK).is_err());
    let listed = site.output(&["ls", IMAGE, "/etc/hostname"]);
    assert!(listed.status.success(), "{listed:?}");
    // What cannot be copied whole stays where it is.
    let migrate = ["pool", "migrate", "--loop-dir", "/state/more"];
    let (code, error) = site.fails(&migrate);
    assert_eq!((code, &error["code"]), (Some(1), &"pool".into()));
    assert_eq!(status(&site)["data"]["path"], "/dev/mapper/under2");
    assert_eq!(fs::read_dir("/state/more").unwrap().count(), 0);
    // Others are given what they ask for.
    site.json(&["activate", IMAGE, "--name", "two"]);
    site.json(&["remove", "two"]);
    turn(2, &good);
    let moved = site.json(&migrate);
    assert_eq!(moved["data"]["path"], "/state/more/longshore.data");
    assert_survived(&site, &before);
    finish(&site);
}
