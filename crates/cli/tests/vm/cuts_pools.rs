//! The power cut while a pool is changed: given room, spoilt and repaired, moved, trimmed, put right by doctor. Then the
//! same command again, and the disk of the machine in it is what it was.
//!
//! The pool is on files of the state directory's filesystem, which is a partition of the recorded disk.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::Path,
};

use longshore_vmtest::{Cut, Guest};
use serde_json::Value;

use crate::{
    cut_life::{self, kill_first, live, reached},
    machines::assert_same,
    site::{Site, run},
    trouble::{BITMAPS_AT, DISK, IMAGE, site_with_machine, spoil, superblock},
};

/// State directory and pool.
pub(crate) const PARTITIONS: &[u64] = &[256 << 20];

const METADATA: &str = "/state/pools/longshore.meta";
/// The machine's disk as it was, for whoever looks after a cut.
const BEFORE: &str = "/state/before";
/// A blob that the catalogue does not know, and its bytes.
const BLOB: &str = "/state/longshore/blobs/sha256/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
const FOO: &[u8] = b"foo";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Job {
    ExtendData,
    ExtendMetadata,
    TakeDown,
    Spoil,
    Repair,
    BringUp,
    Migrate,
    Differ,
    Trim,
    Doctor,
    Nothing,
}

impl cut_life::Job for Job {
    const ALL: &'static [Self] = &[
        Self::ExtendData,
        Self::ExtendMetadata,
        Self::TakeDown,
        Self::Spoil,
        Self::Repair,
        Self::BringUp,
        Self::Migrate,
        Self::Differ,
        Self::Trim,
        Self::Doctor,
        Self::Nothing,
    ];

    fn by_hand(self, _: &Site) {
        match self {
            Self::Spoil => spoil(METADATA, superblock(METADATA, BITMAPS_AT)),
            Self::Differ => differ(),
            _ => {}
        }
    }

    fn arguments(self, _: &Site) -> Vec<String> {
        let words: &[&str] = match self {
            Self::ExtendData => &["pool", "extend", "--size", "48MiB"],
            Self::ExtendMetadata => &["pool", "extend", "--metadata-size", "4MiB"],
            Self::TakeDown => &["pool", "down"],
            Self::Repair => &["pool", "repair"],
            Self::BringUp => &["pool", "up"],
            Self::Migrate => &["pool", "migrate", "--loop-dir", "/state/more"],
            Self::Trim => &["pool", "trim"],
            Self::Doctor => &["doctor", "--fix"],
            Self::Spoil | Self::Differ | Self::Nothing => &[],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn is_done(self, code: Option<i32>, error: &Value) -> bool {
        let message = error["message"].as_str().unwrap_or_default();
        match self {
            Self::Migrate => code == Some(2) && message.ends_with("is the pool's already"),
            // Other things may be wrong with this machine; what it is to put right is looked at afterwards.
            Self::Doctor => code == Some(1),
            _ => false,
        }
    }
}

impl Job {
    /// The last one that it takes for the pool to be well again.
    fn until(self) -> Self {
        match self {
            Self::TakeDown | Self::Spoil | Self::Repair | Self::BringUp => Self::BringUp,
            Self::Differ | Self::Trim | Self::Doctor => Self::Doctor,
            job => job,
        }
    }

    /// Whether the metadata may be damaged when it begins, or was cut off.
    fn is_of_damaged(self) -> bool {
        matches!(self, Self::Spoil | Self::Repair)
    }

    /// The files that there are once it is done, and no others.
    fn files(self) -> Vec<&'static str> {
        let mut files = vec!["pools/longshore.data", "pools/longshore.meta"];
        if self >= Self::BringUp {
            files.push("pools/longshore.meta.1");
        }
        if self >= Self::Migrate {
            files.splice(0..0, ["more/longshore.data", "more/longshore.meta"]);
        }
        files
    }
}

/// Volumes that the catalogue does not know: one that stays, and one that is deleted without being discarded, as somebody
/// else might. And a blob that it does not know.
fn differ() {
    let message = |text: &str| run("dmsetup", &["message", "longshore", "0", text]);
    for id in [100_000, 100_001] {
        // After a cut it may be there.
        message(&format!("create_thin {id}"));
    }
    let table = "0 65536 thin /dev/mapper/longshore 100000";
    let created = run("dmsetup", &["create", "theirs", "--table", table]);
    assert!(created.status.success(), "{created:?}");
    let theirs = File::options().write(true).open("/dev/mapper/theirs");
    let theirs = theirs.unwrap();
    theirs.write_all_at(&vec![5; 4 << 20], 0).unwrap();
    theirs.sync_all().unwrap();
    drop(theirs);
    assert!(run("dmsetup", &["remove", "theirs"]).status.success());
    assert!(message("delete 100000").status.success());
    fs::write(BLOB, FOO).unwrap();
    File::open(BLOB).unwrap().sync_all().unwrap();
}

/// What is recorded.
pub(crate) fn a_life(guest: &Guest) {
    let site = Site::recorded(guest);
    site.json(&[
        "pool",
        "create",
        "--loop-dir",
        "/state/pools",
        "--size",
        "32MiB",
        "--sparse",
    ]);
    site_with_machine(&site);
    keep(DISK, BEFORE);
    run("busybox", &["sync"]);
    live::<Job>(guest, &site);
    judge(&site, Job::Nothing, "the life that was not cut");
}

/// Copies a disk of whole MiB to a file, which has holes where the disk has nothing.
fn keep(disk: &str, file: &str) {
    let mut disk = File::open(disk).unwrap();
    let file = File::create(file).unwrap();
    let bytes = disk.seek(SeekFrom::End(0)).unwrap();
    file.set_len(bytes).unwrap();
    let nothing = vec![0; 64 << 10];
    let mut block = nothing.clone();
    for at in (0..bytes).step_by(block.len()) {
        disk.read_exact_at(&mut block, at).unwrap();
        if block != nothing {
            file.write_all_at(&block, at).unwrap();
        }
    }
}

/// What must be so after each cut.
pub(crate) fn and_begun_again(guest: &Guest, cut: &Cut) {
    let job: Job = reached(cut);
    let site = Site::after_cut(guest);
    if !job.is_of_damaged() {
        kill_first(guest, cut, &site, job);
        // Whatever was cut off, the pool comes up; after the other flushes the command itself is the first, where the
        // job has one.
        if cut.flush().is_multiple_of(2) || matches!(job, Job::Differ | Job::Nothing) {
            assert_eq!(site.json(&["pool", "up"])["state"], "working", "{cut}");
        }
    } else if job == Job::Repair {
        kill_first(guest, cut, &site, job);
    }
    let rest = <Job as cut_life::Job>::ALL.iter();
    for next in rest.filter(|next| job <= **next && **next <= job.until()) {
        let answer = cut_life::run(*next, &site);
        if *next == Job::Doctor {
            assert_put_right(&answer, &cut.to_string());
        }
    }
    judge(&site, job.until(), &cut.to_string());
}

/// What doctor has to do with pools is well.
fn assert_put_right(doctor: &Value, when: &str) {
    let checks = doctor["checks"].as_array().unwrap();
    for name in ["pool", "agreement"] {
        let is_well = |check: &Value| check["name"] == name && check["state"] == "ok";
        assert!(checks.iter().any(is_well), "{when}: {name}: {doctor}");
    }
}

/// The pool is what the jobs up to this one have made of it, nothing else is there, and the machine's disk is what it was.
fn judge(site: &Site, job: Job, when: &str) {
    let mut status = site.json(&["pool", "status"]);
    // Given more room while it was down it is left so.
    if status["state"] == "down" {
        status = site.json(&["pool", "up"]);
    }
    assert_eq!(status["state"], "working", "{when}: {status}");
    assert_eq!(
        status["alarms"],
        Value::Array(Vec::new()),
        "{when}: {status}"
    );
    assert_eq!(status["data"]["total_bytes"], 48 << 20, "{when}: {status}");
    let metadata = if job >= Job::ExtendMetadata { 4 } else { 2 };
    assert_eq!(
        status["metadata"]["total_bytes"],
        metadata << 20,
        "{when}: {status}"
    );
    let checked = site.json(&["pool", "check"]);
    assert_eq!(checked["clean"], true, "{when}: {checked}");
    fs::write("/proc/sys/vm/drop_caches", "3").unwrap();
    assert_same(DISK, BEFORE);
    let listed = site.output(&["ls", IMAGE, "/etc/hostname"]);
    assert!(listed.status.success(), "{when}: {listed:?}");
    let fsck = run("e2fsck", &["-fn", DISK]);
    assert!(fsck.status.success(), "{when}: {fsck:?}");
    assert_eq!(files(), job.files(), "{when}");
    site.check();
    site.leave();
}

/// All files of pools.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    for dir in ["more", "pools"] {
        let entries = fs::read_dir(Path::new("/state").join(dir));
        for entry in entries.into_iter().flatten() {
            let name = entry.unwrap().file_name();
            found.push(format!("{dir}/{}", name.to_str().unwrap()));
        }
    }
    found.sort();
    found
}
