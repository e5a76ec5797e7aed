//! The power cut while the program is at work: the disk as it may be then, and the same command again.
//!
//! State directory, pool metadata and pool data are partitions of one disk whose writes are recorded. A mark is left
//! before each job: a cut knows which were done and which was under way.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use longshore_vmtest::{Cut, Guest};
use serde_json::Value;

use crate::{
    cut_life::{self, kill_first, live, reached},
    killed::check,
    site::Site,
};

/// State directory, pool metadata, pool data.
pub(crate) const PARTITIONS: &[u64] = &[256 << 20, 16 << 20, 512 << 20];

const IMAGE: &str = "images/one";
const MACHINE: &str = "web";
const DEVICE: &str = "/dev/mapper/longshore-web";

/// What a guest of the machine writes, and where: past what the filesystem has there.
static WRITTEN: [u8; 1 << 20] = [0xa5; 1 << 20];
const PLACE: u64 = 40 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Job {
    CreatePool,
    Fetch,
    Activate,
    Write,
    Deactivate,
    ActivateAgain,
    RemoveMachine,
    RemoveImage,
    Nothing,
}

impl cut_life::Job for Job {
    const ALL: &'static [Self] = &[
        Self::CreatePool,
        Self::Fetch,
        Self::Activate,
        Self::Write,
        Self::Deactivate,
        Self::ActivateAgain,
        Self::RemoveMachine,
        Self::RemoveImage,
        Self::Nothing,
    ];

    fn by_hand(self, _: &Site) {
        if self == Self::Write {
            let disk = File::options().write(true).open(DEVICE).unwrap();
            disk.write_all_at(&WRITTEN, PLACE).unwrap();
            disk.sync_all().unwrap();
        }
    }

    fn arguments(self, site: &Site) -> Vec<String> {
        let words: &[&str] = match self {
            Self::CreatePool => return site.create().to_vec(),
            Self::Fetch => &["fetch-and-create", IMAGE, "--no-activate"],
            Self::Activate => &["activate", IMAGE, "--name", MACHINE],
            Self::Deactivate => &["deactivate", MACHINE],
            Self::ActivateAgain => &["activate", MACHINE],
            Self::RemoveMachine => &["remove", MACHINE],
            Self::RemoveImage => &["remove", IMAGE],
            Self::Write | Self::Nothing => &[],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn is_done(self, code: Option<i32>, error: &Value) -> bool {
        match self {
            Self::CreatePool => code == Some(6) && error["code"] == "pool-exists",
            Self::RemoveMachine | Self::RemoveImage => code == Some(5),
            _ => false,
        }
    }
}

/// What is recorded.
pub(crate) fn a_life(guest: &Guest) {
    let site = Site::recorded(guest);
    live::<Job>(guest, &site);
    site.check();
    site.leave();
}

/// What must be so after each cut.
pub(crate) fn and_begun_again(guest: &Guest, cut: &Cut) {
    let job: Job = reached(cut);
    let site = Site::after_cut(guest);
    kill_first(guest, cut, &site, job);
    // Before the first job there is no pool; while it is under way there may be half of one.
    if job != Job::CreatePool {
        assert_eq!(site.json(&["pool", "up"])["state"], "working", "{cut}");
    }
    if (Job::Deactivate..=Job::ActivateAgain).contains(&job) && Path::new(DEVICE).exists() {
        assert_written(cut);
    }
    cut_life::run(job, &site);
    let image_is_there = check(&site, &cut.to_string());
    site.json(&["list"]);
    assert_eq!(
        image_is_there,
        (Job::Fetch..Job::RemoveImage).contains(&job),
        "{cut}"
    );
    if image_is_there {
        let read = site.output(&["cat", IMAGE, "/etc/hostname"]);
        assert_eq!(read.stdout, b"one\n", "{cut}: {read:?}");
    }
    if (Job::Write..Job::RemoveMachine).contains(&job) {
        site.json(&["activate", MACHINE]);
        assert_written(cut);
    }
    site.check();
    site.leave();
}

fn assert_written(cut: &Cut) {
    let disk = File::open(DEVICE).unwrap();
    let mut found = vec![0; WRITTEN.len()];
    disk.read_exact_at(&mut found, PLACE).unwrap();
    assert!(found == WRITTEN, "what was synced is lost: {cut}");
}
