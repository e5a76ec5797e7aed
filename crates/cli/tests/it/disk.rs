//! A state directory that cannot be written: a full filesystem, at each stage of the job, and one
//! that is read-only. It is said plainly, nothing is half there, and with room the same command
//! goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use longshore_harbor::family::{Content, Family};

use crate::{
    place::{Ended, Place},
    trial::Trial,
};

/// A filesystem in memory, mounted until this is dropped.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// `None` where nothing can be mounted, which is said.
    #[expect(clippy::print_stdout, reason = "a test says what it skips")]
    pub(crate) fn new(at: PathBuf, options: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        if !rustix::process::geteuid().is_root() {
            println!("skipped: mounting a filesystem needs root");
            return None;
        }
        mount(&["-t", "tmpfs", "-o", options, "longshore-test"], &at);
        Some(Self(at))
    }

    pub(crate) fn remount(&self, options: &str) {
        mount(&["-o", &format!("remount,{options}")], &self.0);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // One that stays is seen by the place, whose folder then cannot be removed.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], at: &Path) {
    let mut command = Command::new("mount");
    let status = command.args(arguments).arg(at).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// Sixteen mebibytes that do not compress, in two layers.
fn family() -> Family {
    let noise = |seed| Content::Noise {
        seed,
        length: 8 << 20,
    };
    Family::builder("images/full")
        .layer(|l| l.dir("./", 0o755).file("first", noise(1)))
        .layer(|l| l.file("second", noise(2)))
        .build()
}

fn trial() -> Trial {
    let place = Place::new();
    place.put(&family());
    let bucket = place.bucket();
    Trial::new(place, &bucket, "images/full")
}

fn says_that_it_is_full(ended: Ended, at: &Path) {
    let error = ended.expect(8).json();
    let error = &error["error"];
    assert_eq!(error["class"], "full", "{error}");
    assert!(error["hint"].is_string(), "what is to be done? {error}");
    let text = error.to_string();
    assert!(text.contains(at.to_str().unwrap()), "full where? {text}");
}

/// On a filesystem of `size`, which is room enough for what comes before `stage`.
fn fills_up(size: &str, stage: &str) {
    let trial = trial();
    let whole = trial.state("whole");
    whole.fetch_and_create().expect(0);
    let disks = whole.disks();

    let at = trial.place.path("small");
    let Some(mounted) = Mounted::new(at.clone(), &format!("size={size}")) else {
        return;
    };
    let state = trial.state_in(at.join("state"));
    for _ in 0..2 {
        // It is as full the second time, and nothing has become worse.
        says_that_it_is_full(state.fetch_and_create(), &at);
        assert!(state.names("machines").is_empty(), "{stage}");
    }
    let text = state
        .run(&["fetch-and-create", "images/full"])
        .expect(8)
        .err;
    assert!(text.contains("error: "), "{text}");
    mounted.remount("size=200m");
    state.finish(&disks);
}

#[test]
fn full_while_a_layer_is_fetched() {
    fills_up("10m", "fetch");
}

#[test]
fn full_while_the_volume_is_built() {
    fills_up("26m", "build");
}

#[test]
fn full_while_the_machine_gets_its_disk() {
    fills_up("44m", "machine");
}

#[test]
fn full_before_anything_is_there() {
    let trial = trial();
    let at = trial.place.path("tiny");
    let Some(mounted) = Mounted::new(at.clone(), "size=16k") else {
        return;
    };
    let state = trial.state_in(at.join("state"));
    says_that_it_is_full(state.fetch_and_create(), &at);
    mounted.remount("size=200m");
    state.fetch_and_create().expect(0);
}

#[test]
fn read_only_before_anything_is_there() {
    let trial = trial();
    let at = trial.place.path("read-only");
    let Some(_mounted) = Mounted::new(at.clone(), "ro") else {
        return;
    };
    let state = trial.state_in(at.join("state"));
    let error = state.fetch_and_create().expect(1).json();
    let text = error["error"].to_string();
    assert!(text.contains(at.to_str().unwrap()), "{text}");
    assert!(text.contains("Read-only file system"), "{text}");
    assert!(error["error"]["hint"].is_string(), "{text}");
}

#[test]
fn read_only_with_an_image_in_it() {
    let trial = trial();
    let at = trial.place.path("read-only");
    let Some(mounted) = Mounted::new(at.clone(), "size=200m") else {
        return;
    };
    let state = trial.state_in(at.join("state"));
    state.fetch_and_create().expect(0);
    mounted.remount("ro");
    let error = state.fetch_and_create().expect(1).json();
    let text = error["error"].to_string();
    assert!(text.contains(at.to_str().unwrap()), "{text}");
    assert!(text.contains("Read-only file system"), "{text}");
    mounted.remount("rw");
    state.fetch_and_create().expect(0);
}
