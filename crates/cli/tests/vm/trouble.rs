//! Pools that get into trouble, made for real, and out of it by the steps that the documentation has. What survives
//! is what it was, byte for byte.
//! The gate has time for two of them, a soak for all.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::Path,
    process::Stdio,
};

use longshore_vmtest::{Guest, Scenario};
use serde_json::Value;

use crate::site::{Site, run};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("a_full_pool_is_given_room", a_full_pool_is_given_room),
    (
        "one_that_grows_lets_writes_wait",
        one_that_grows_lets_writes_wait,
    ),
    ("metadata_is_full", metadata_is_full),
    (
        "damaged_metadata_is_written_anew",
        damaged_metadata_is_written_anew,
    ),
    ("what_is_lost_is_said_first", what_is_lost_is_said_first),
    ("doctor_finds_and_puts_right", doctor_finds_and_puts_right),
    (
        "metadata_that_cannot_be_written",
        metadata_that_cannot_be_written,
    ),
    ("data_that_cannot_be_written", data_that_cannot_be_written),
    ("a_file_is_removed_under_it", a_file_is_removed_under_it),
    ("the_host_is_full", the_host_is_full),
    ("it_moves_to_another_disk", it_moves_to_another_disk),
    ("what_is_free_is_given_back", what_is_free_is_given_back),
    ("devices_are_as_good_as_files", devices_are_as_good_as_files),
];

const IMAGE: &str = "images/one";
const DISK: &str = "/dev/mapper/longshore-one";

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

fn site_with_machine(site: &Site) {
    site.json(&["fetch-and-create", IMAGE, "--name", "one"]);
    write(40 << 20, 1 << 20).unwrap();
}

/// Writes to the machine's disk, and waits until that is durable.
pub(crate) fn write(at: u64, len: usize) -> io::Result<()> {
    let disk = File::options().write(true).open(DISK)?;
    disk.write_all_at(&vec![7; len], at)?;
    disk.sync_all()
}

fn digest(path: &str) -> String {
    fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
    let digest = run("busybox", &["sha256sum", path]);
    assert!(digest.status.success(), "{digest:?}");
    let text = String::from_utf8(digest.stdout).unwrap();
    text.split_whitespace().next().unwrap().to_owned()
}

fn status(site: &Site) -> Value {
    site.json(&["pool", "status"])
}

/// The names of what is wrong, as it is said.
fn alarms(site: &Site) -> Vec<String> {
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

fn a_full_pool_is_given_room(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "32MiB", "--thick");
    assert!(write(0, 48 << 20).is_err());
    assert_eq!(status(&site)["state"], "out-of-data-space");
    assert_eq!(alarms(&site), ["data-full"]);
    assert_eq!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(8)
    );
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert_eq!((code, &error["code"]), (Some(8), &"pool-full".into()));
    // A smaller pool is none.
    assert_eq!(
        site.fails(&["pool", "extend", "--size", "16MiB"]).0,
        Some(2)
    );
    let extended = site.json(&["pool", "extend", "--size", "128MiB"]);
    assert_eq!(extended["state"], "working");
    assert_eq!(extended["data"]["total_bytes"], 128 << 20);
    assert_eq!(alarms(&site), Vec::<String>::new());
    assert_eq!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(0)
    );
    write(0, 48 << 20).unwrap();
    // The image is untouched, and the machine as new is what it was.
    site.json(&["reset", "one"]);
    write(40 << 20, 1 << 20).unwrap();
    assert_survived(&site, &before);
    // After a reboot it has the room that it was given.
    site.json(&["pool", "down"]);
    assert_eq!(site.json(&["pool", "up"])["data"]["total_bytes"], 128 << 20);
    finish(&site);
}

fn one_that_grows_lets_writes_wait(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, _) = on_files(guest, "32MiB", "--sparse");
    let (code, _) = site.fails(&["pool", "extend", "--automatic=100"]);
    assert_eq!(code, Some(2));
    let told = site.json(&[
        "pool",
        "extend",
        "--automatic",
        "--by",
        "50",
        "--most",
        "96MiB",
    ]);
    assert_eq!(
        (&told["when_full"], &told["growth"]["at_percent"]),
        (&"queue".into(), &80.into())
    );
    // Nobody else is at work: whoever watches gives it room.
    let mut watching = site.command(&["-o", "json", "pool", "watch", "--every", "1s"]);
    let mut watching = watching.stdout(Stdio::piped()).spawn().unwrap();
    write(0, 56 << 20).unwrap();
    let total = status(&site)["data"]["total_bytes"].as_u64().unwrap();
    assert!(total > 56 << 20 && total <= 96 << 20, "{total}");
    run("busybox", &["kill", &watching.id().to_string()]);
    let mut said = String::new();
    watching
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    watching.wait().unwrap();
    assert!(said.lines().count() >= 2, "{said}");
    // As far as it may, and no further.
    site.json(&["activate", IMAGE, "--name", "two"]);
    let two = File::options()
        .write(true)
        .open("/dev/mapper/longshore-two")
        .unwrap();
    let growing = site.json(&["pool", "extend", "--no-automatic"]);
    assert_eq!(
        (&growing["when_full"], &growing["growth"]),
        (&"fail".into(), &Value::Null)
    );
    let written = two
        .write_all_at(&vec![7; 60 << 20], 0)
        .and_then(|()| two.sync_all());
    assert!(written.is_err());
    drop(two);
    site.json(&["remove", "two"]);
    finish(&site);
}

fn metadata_is_full(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "256MiB", "--thick");
    // Each has a node of its own: 2 MiB are 512.
    let mut made = Vec::new();
    for id in 100_000..100_600 {
        let created = run(
            "dmsetup",
            &["message", "longshore", "0", &format!("create_thin {id}")],
        );
        if !created.status.success() {
            break;
        }
        made.push(id);
    }
    // Debian's kernel 6.1 makes it read-only; thin-provisioning.rst has it marked, too.
    let state = status(&site)["state"].as_str().unwrap().to_owned();
    assert!(["read-only", "needs-check"].contains(&&*state), "{state}");
    assert!(made.len() < 600);
    assert_eq!(alarms(&site), [&*state, "metadata-full"]);
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert_eq!((code, &error["code"]), (Some(1), &"pool-broken".into()));
    // It is not given room before it is repaired; what machines have can be read all the same.
    let (code, error) = site.fails(&["pool", "extend", "--metadata-size", "8MiB"]);
    assert_eq!((code, &error["code"]), (Some(6), &"pool-broken".into()));
    assert_eq!(digest(DISK), before);
    assert_eq!(site.json(&["pool", "repair"])["done"], "room");
    let now = status(&site);
    assert_eq!(now["metadata"]["total_bytes"], 4 << 20, "{now}");
    assert_eq!(
        (&now["state"], &now["alarms"]),
        (&"working".into(), &Value::Array(vec![]))
    );
    let extended = site.json(&["pool", "extend", "--metadata-size", "8MiB"]);
    assert_eq!(extended["metadata"]["total_bytes"], 8 << 20, "{extended}");
    let checked = site.output(&["-o", "json", "pool", "check"]);
    assert_eq!(
        checked.status.code(),
        Some(1),
        "whose they are nobody knows"
    );
    for id in made {
        run(
            "dmsetup",
            &["message", "longshore", "0", &format!("delete {id}")],
        );
    }
    assert_eq!(site.json(&["pool", "check", "--whole"])["clean"], true);
    assert_survived(&site, &before);
    finish(&site);
}

/// A number of the superblock.
fn superblock(at: u64) -> u64 {
    let mut bytes = [0; 8];
    let metadata = File::open("/state/pools/longshore.meta").unwrap();
    metadata.read_exact_at(&mut bytes, at).unwrap();
    u64::from_le_bytes(bytes)
}

fn spoil(block: u64) {
    let metadata = File::options()
        .write(true)
        .open("/state/pools/longshore.meta")
        .unwrap();
    metadata.write_all_at(&[0x55; 4096], block * 4096).unwrap();
    metadata.sync_all().unwrap();
}

fn damaged_metadata_is_written_anew(guest: &Guest) {
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    assert_eq!(site.json(&["pool", "check"])["clean"], true);
    assert_eq!(site.json(&["pool", "repair"])["done"], "nothing");
    site.json(&["pool", "down"]);
    // The root of the bitmaps of the data's space map (struct disk_sm_root in dm-thin-metadata.c's superblock).
    spoil(superblock(64 + 16));
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
    assert_eq!(repaired["kept"], "/state/pools/longshore.meta");
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

fn what_is_lost_is_said_first(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, _) = on_files(guest, "64MiB", "--sparse");
    site.json(&["pool", "down"]);
    // The root of the tree that says what volumes have.
    spoil(superblock(320));
    let spoilt = digest("/state/pools/longshore.meta");
    assert_eq!(site.output(&["pool", "check"]).status.code(), Some(1));
    let (code, error) = site.fails(&["pool", "repair"]);
    assert_eq!(
        digest("/state/pools/longshore.meta"),
        spoilt,
        "it was not written to"
    );
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

/// What differs is found and named, changes nothing, and is put right when that is said.
fn doctor_finds_and_puts_right(guest: &Guest) {
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

/// A database is three files while it has a log.
fn move_database(from: &Path, to: &Path) {
    for name in ["longshore.db", "longshore.db-wal", "longshore.db-shm"] {
        let _ = fs::remove_file(to.join(name));
        if from.join(name).exists() {
            fs::rename(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// The table of a device that shows the n-th part of a disk of the machine, and its sectors.
fn linear(guest: &Guest, disk: usize, part: u64) -> (String, u64) {
    let path = guest.disk(disk);
    let sectors = File::open(&path).unwrap().seek(SeekFrom::End(0)).unwrap() / 512 / part;
    (format!("0 {sectors} linear {} 0", path.display()), sectors)
}

/// A disk of the machine, or the n-th part, behind a device of which the test says what it does.
fn under(guest: &Guest, disk: usize, part: u64) -> (String, String) {
    let (good, sectors) = linear(guest, disk, part);
    let name = format!("under{disk}");
    let made = run("dmsetup", &["create", &name, "--table", &good]);
    assert!(made.status.success(), "{made:?}");
    (good, format!("0 {sectors} error"))
}

fn turn(disk: usize, table: &str) {
    let name = format!("under{disk}");
    for step in [
        vec!["suspend", "--noflush", "--nolockfs", &name],
        vec!["load", &name, "--table", table],
        vec!["resume", &name],
    ] {
        let done = run("dmsetup", &step);
        assert!(done.status.success(), "{step:?}: {done:?}");
    }
}

fn on_devices(guest: &Guest, disk: usize, part: u64) -> (Site, String, (String, String)) {
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

fn metadata_that_cannot_be_written(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before, (good, bad)) = on_devices(guest, 1, 1);
    turn(1, &bad);
    // Nothing new is begun, and what was there is as it was.
    let (code, error) = site.fails(&["activate", IMAGE, "--name", "two"]);
    assert!(matches!(code, Some(1 | 8)), "{error}");
    let state = status(&site)["state"].as_str().unwrap().to_owned();
    assert!(
        ["needs-check", "read-only", "failed", "unreadable"].contains(&&*state),
        "{state}"
    );
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

fn data_that_cannot_be_written(guest: &Guest) {
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

fn a_file_is_removed_under_it(guest: &Guest) {
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

fn the_host_is_full(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "640MiB", "--sparse");
    let filled = run(
        "busybox",
        &["dd", "if=/dev/zero", "of=/state/filled", "bs=1M"],
    );
    assert!(!filled.status.success(), "it is to be full");
    assert_eq!(alarms(&site), ["host-low"]);
    assert_eq!(
        site.output(&["pool", "watch", "--once"]).status.code(),
        Some(8)
    );
    assert!(write(0, 32 << 20).is_err());
    fs::remove_file("/state/filled").unwrap();
    let state = status(&site)["state"].as_str().unwrap().to_owned();
    if state != "working" {
        site.json(&["pool", "repair"]);
    }
    assert_eq!(status(&site)["state"], "working");
    site.json(&["reset", "one"]);
    write(40 << 20, 1 << 20).unwrap();
    assert_survived(&site, &before);
    finish(&site);
}

fn it_moves_to_another_disk(guest: &Guest) {
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

fn what_is_free_is_given_back(guest: &Guest) {
    if !guest.is_soak() {
        return;
    }
    let (site, before) = on_files(guest, "64MiB", "--sparse");
    // A volume that is deleted without being discarded, as somebody else might.
    let message = |text: &str| {
        let done = run("dmsetup", &["message", "longshore", "0", text]);
        assert!(done.status.success(), "{text}: {done:?}");
    };
    message("create_thin 100000");
    let table = "0 65536 thin /dev/mapper/longshore 100000";
    assert!(
        run("dmsetup", &["create", "theirs", "--table", table])
            .status
            .success()
    );
    let mut theirs = File::options()
        .write(true)
        .open("/dev/mapper/theirs")
        .unwrap();
    theirs.write_all(&vec![5; 16 << 20]).unwrap();
    theirs.sync_all().unwrap();
    drop(theirs);
    assert!(run("dmsetup", &["remove", "theirs"]).status.success());
    message("delete 100000");
    let trimmed = site.json(&["pool", "trim"]);
    let given = trimmed["given_back_bytes"].as_u64().unwrap();
    assert!(given >= 16 << 20, "{trimmed}");
    assert_survived(&site, &before);
    finish(&site);
}

/// What is different where a pool is on devices: they are enlarged by others, the repaired metadata needs one of its own,
/// and another device may have the name.
fn devices_are_as_good_as_files(guest: &Guest) {
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
    let mut root = [0; 8];
    File::open(&meta)
        .unwrap()
        .read_exact_at(&mut root, 64 + 16)
        .unwrap();
    let damaged = File::options().write(true).open(&meta).unwrap();
    damaged
        .write_all_at(&[0x55; 4096], u64::from_le_bytes(root) * 4096)
        .unwrap();
    damaged.sync_all().unwrap();
    drop(damaged);
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
