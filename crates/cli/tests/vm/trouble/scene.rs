//! A pool with an image and a machine in it, how it is looked at, and how it is damaged.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use longshore_vmtest::Guest;
use serde_json::Value;

use crate::site::{Site, run};

pub(crate) const IMAGE: &str = "images/one";
pub(crate) const DISK: &str = "/dev/mapper/longshore-one";

/// A pool on files, with an image and a machine that has written something.
pub(crate) fn on_files(guest: &Guest, size: &str, how: &str) -> (Site, String) {
    let site = Site::fresh(guest);
    let create = [
        "pool",
        "create",
        "--loop-dir",
        "/state/pools",
        "--size",
        size,
        how,
    ];
    site.json(&create);
    site_with_machine(&site);
    let before = digest(DISK);
    (site, before)
}

pub(crate) fn site_with_machine(site: &Site) {
    site.json(&["fetch-and-create", IMAGE, "--name", "one"]);
    write(40 << 20, 1 << 20).unwrap();
}

/// Writes to the machine's disk, and waits until that is durable.
pub(crate) fn write(at: u64, len: usize) -> io::Result<()> {
    let disk = File::options().write(true).open(DISK)?;
    disk.write_all_at(&vec![7; len], at)?;
    disk.sync_all()
}

pub(crate) fn digest(path: &str) -> String {
    fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
    let digest = run("busybox", &["sha256sum", path]);
    assert!(digest.status.success(), "{digest:?}");
    let text = String::from_utf8(digest.stdout).unwrap();
    text.split_whitespace().next().unwrap().to_owned()
}

pub(crate) fn status(site: &Site) -> Value {
    site.json(&["pool", "status"])
}

/// The names of what is wrong, as it is said.
pub(crate) fn alarms(site: &Site) -> Vec<String> {
    let status = status(site);
    let alarms = status["alarms"].as_array().unwrap().iter();
    let name = |alarm: &Value| alarm["name"].as_str().unwrap().to_owned();
    alarms.map(name).collect()
}

/// The image is whole, as far as its filesystem goes, and the machine's disk has what it had.
pub(crate) fn assert_survived(site: &Site, before: &str) {
    assert_eq!(digest(DISK), before);
    let listed = site.output(&["ls", IMAGE, "/etc/hostname"]);
    assert!(listed.status.success(), "{listed:?}");
    let checked = run("e2fsck", &["-fn", DISK]);
    assert!(checked.status.success(), "{checked:?}");
}

pub(crate) fn finish(site: &Site) {
    for gone in ["one", IMAGE] {
        site.json(&["remove", gone]);
    }
    site.destroy();
}

/// A number of the superblock of metadata that is down.
pub(crate) fn superblock(metadata: &str, at: u64) -> u64 {
    let mut bytes = [0; 8];
    let metadata = File::open(metadata).unwrap();
    metadata.read_exact_at(&mut bytes, at).unwrap();
    u64::from_le_bytes(bytes)
}

/// Overwrites a block of it.
pub(crate) fn spoil(metadata: &str, block: u64) {
    write_to(Path::new(metadata), &[0x55; 4096], block * 4096);
}

/// Overwrites a part of a file or a device, durably.
pub(super) fn write_to(path: &Path, bytes: &[u8], at: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(bytes, at).unwrap();
    file.sync_all().unwrap();
}

/// Where the superblock has the root of the bitmaps of the data's space map (`struct disk_sm_root`), and that of the
/// mappings (dm-thin-metadata.c).
pub(crate) const BITMAPS_AT: u64 = 64 + 16;
pub(super) const MAPPINGS_AT: u64 = 320;
/// The metadata of a pool on files.
pub(crate) const META: &str = "/state/pools/longshore.meta";

/// A database is three files while it has a log.
pub(crate) fn move_database(from: &Path, to: &Path) {
    for name in ["longshore.db", "longshore.db-wal", "longshore.db-shm"] {
        let _ = fs::remove_file(to.join(name));
        if from.join(name).exists() {
            fs::rename(from.join(name), to.join(name)).unwrap();
        }
    }
}
