//! Files that go away under a pool.

use std::fs;

use longshore_vmtest::Guest;
use serde_json::Value;

use super::scene::{IMAGE, alarms, assert_survived, finish, on_files};
use crate::site::{run, text};

const DATA: &str = "/state/pools/longshore.data";

pub(super) fn a_file_is_removed_under_it(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    fs::rename("/state/pools/longshore.data", "/state/elsewhere").unwrap();
    assert_eq!(alarms(&site), ["part-gone"]);
    assert_eq!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(1)
    );
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert!(matches!(code, Some(1 | 6)), "{error}");
    // Another file in its place is not it.
    fs::write("/state/pools/longshore.data", vec![0; 65 << 20]).unwrap();
    assert_eq!(alarms(&site), ["part-gone"]);
    assert!(
        !site
            .output(&["activate", IMAGE, "--name", "two"])
            .status
            .success()
    );
    fs::rename("/state/elsewhere", "/state/pools/longshore.data").unwrap();
    assert_eq!(alarms(&site), Vec::<String>::new());
    assert_survived(&site, &before);
    finish(&site);
}

/// One that was unlinked is there as long as the pool is up: it is copied off its loop device.
pub(super) fn a_file_is_unlinked(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    let looped = loop_of(DATA);
    fs::remove_file(DATA).unwrap();
    assert_eq!(alarms(&site), ["part-gone"]);
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert!(matches!(code, Some(1 | 6)), "{error}");
    // What would be taken down now would be lost.
    for job in [
        &["pool", "down"][..],
        &["pool", "repair"],
        &["pool", "check", "--whole"],
        &["pool", "migrate", "--loop-dir", "/state/more"],
    ] {
        let (code, error) = site.fails(job);
        let expected = (Some(6), &"part-removed".into());
        assert_eq!((code, &error["code"]), expected, "{job:?}");
    }
    let (from, to) = (format!("if={looped}"), format!("of={DATA}"));
    let copied = run("dd", &[&from, &to, "iflag=direct", "bs=1M", "conv=sparse"]);
    assert!(copied.status.success(), "{copied:?}");
    assert_eq!(alarms(&site), ["part-gone"], "it is another file");
    site.json(&["pool", "down"]);
    site.json(&["pool", "up"]);
    assert_eq!(alarms(&site), Vec::<String>::new());
    assert_survived(&site, &before);
    finish(&site);
}

/// A loop device that somebody lets go of goes with its last user; the pool attaches its files again.
pub(super) fn loops_are_dropped(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    let dropped = run("busybox", &["losetup", "-d", &loop_of(DATA)]);
    assert!(dropped.status.success(), "{dropped:?}");
    assert_survived(&site, &before);
    assert_eq!(alarms(&site), Vec::<String>::new());
    site.json(&["activate", IMAGE, "--name", "two"]);
    site.json(&["remove", "two"]);
    let extended = site.json(&["pool", "extend", "--size", "80MiB"]);
    assert_eq!(extended["data"]["total_bytes"], 80 << 20);
    assert_eq!(loops().len(), 2, "each file has one");
    site.json(&["pool", "down"]);
    assert_eq!(site.json(&["pool", "up"])["alarms"], Value::Array(vec![]));
    assert_survived(&site, &before);
    finish(&site);
}

/// The loop device of a file.
fn loop_of(file: &str) -> String {
    let mut found = loops().into_iter().filter(|(_, backing)| backing == file);
    found.next().unwrap().0
}

/// Every loop device that has a file, with that.
fn loops() -> Vec<(String, String)> {
    let devices = fs::read_dir("/sys/block").unwrap();
    let backed = devices.filter_map(|entry| {
        let dir = text(&entry.unwrap().path());
        let backing = fs::read_to_string(format!("{dir}/loop/backing_file")).ok()?;
        Some((dir.replace("/sys/block", "/dev"), backing.trim().to_owned()))
    });
    backed.collect()
}
