//! A state directory on a disk of the machine, and the program at work in it.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use longshore_vmtest::Guest;
use serde_json::Value;

use crate::bucket::{SETTINGS, SMALL};

/// The disks: state directories, a pool's metadata, its data.
pub(crate) const DISKS: &[u64] = &[1 << 30, 32 << 20, 2 << 30];
const BUCKET: usize = 3;
const STATE: &str = "/state";

/// A machine's disks, mounted and put to use.
pub(crate) struct Site {
    state: PathBuf,
    metadata: PathBuf,
    data: PathBuf,
    /// The size of volumes.
    pub(crate) volumes: &'static str,
}

impl Site {
    /// Everything as new.
    pub(crate) fn fresh(guest: &Guest) -> Self {
        let site = Self::at(guest);
        site.sweep();
        umount(STATE);
        for part in [&site.metadata, &site.data] {
            blank(part);
        }
        site.format();
        site
    }

    /// On the partitions of the recorded disk, which are empty.
    pub(crate) fn recorded(guest: &Guest) -> Self {
        let site = Self::on_partitions(guest);
        site.format();
        run("busybox", &["sync"]);
        site
    }

    /// On the partitions of the recorded disk, as a cut of the power has left them.
    pub(crate) fn after_cut(guest: &Guest) -> Self {
        let site = Self::on_partitions(guest);
        // Where the cut before this one has failed.
        site.sweep();
        umount(STATE);
        assert!(
            !is_mounted(STATE),
            "the cut before this one is still mounted"
        );
        mount(&site.state, STATE);
        site
    }

    fn on_partitions(guest: &Guest) -> Self {
        mount(&guest.disk(0), "/bucket");
        let [state, metadata, data] = [1, 2, 3].map(|number| guest.partition(number));
        Self {
            state,
            metadata,
            data,
            volumes: SMALL,
        }
    }

    fn format(&self) {
        let made = run("mke2fs", &["-q", "-F", "-t", "ext4", &text(&self.state)]);
        assert!(made.status.success(), "{made:?}");
        mount(&self.state, STATE);
    }

    /// Unmounts the state directory's filesystem, and has it checked.
    pub(crate) fn leave(&self) {
        umount(STATE);
        assert!(!is_mounted(STATE), "somebody holds the state directory");
        let checked = run("e2fsck", &["-fn", &text(&self.state)]);
        assert!(checked.status.success(), "{checked:?}");
    }

    /// The same, with a pool on the two disks.
    pub(crate) fn with_pool(guest: &Guest) -> Self {
        let site = Self::fresh(guest);
        let create = site.create();
        let create: Vec<&str> = create.iter().map(String::as_str).collect();
        site.json(&create);
        site
    }

    /// As it was left at the boot before.
    pub(crate) fn again(guest: &Guest) -> Self {
        let site = Self::at(guest);
        mount(&site.state, STATE);
        site
    }

    fn at(guest: &Guest) -> Self {
        mount(&guest.disk(BUCKET), "/bucket");
        Self {
            state: guest.disk(0),
            metadata: guest.disk(1),
            data: guest.disk(2),
            volumes: SMALL,
        }
    }

    /// Devices that an earlier scenario has left.
    fn sweep(&self) {
        let devices = fs::read_dir("/sys/class/block").unwrap();
        let devices: Vec<_> = devices
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        if devices.iter().any(|name| name.starts_with("dm-")) {
            for _ in 0..3 {
                run("dmsetup", &["remove_all", "--deferred"]);
            }
        }
        for name in devices {
            if Path::new("/sys/class/block")
                .join(&name)
                .join("loop")
                .exists()
            {
                run("busybox", &["losetup", "-d", &format!("/dev/{name}")]);
            }
        }
    }

    /// The disk with the pool's metadata.
    pub(crate) fn metadata(&self) -> &Path {
        &self.metadata
    }

    /// The arguments that make a pool on its two disks.
    pub(crate) fn create(&self) -> [String; 6] {
        let [data, meta] = [&self.data, &self.metadata].map(|path| text(path));
        [
            "pool".into(),
            "create".into(),
            "--data".into(),
            data,
            "--meta".into(),
            meta,
        ]
    }

    /// The program, in this state directory, with small volumes.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = ours("longshore");
        command
            .args(arguments)
            .env("LONGSHORE_STATE_DIR", format!("{STATE}/longshore"))
            .env("LONGSHORE_SOURCE", "file:///bucket")
            .envs(SETTINGS)
            .env("LONGSHORE_VOLUME_SIZE", self.volumes)
            .env("HOME", "/tmp");
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What it answers, which must be success.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[&["-o", "json"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        let answer = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {said}{answer}");
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{arguments:?}: {answer}"))
    }

    /// The error with which it ends, and its exit code.
    pub(crate) fn fails(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.output(&[&["-o", "json"], arguments].concat());
        let answer = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{arguments:?}: {answer}");
        let value: Value =
            serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{arguments:?}: {answer}"));
        (output.status.code(), value["error"].clone())
    }

    /// Takes the pool down, and has its metadata checked.
    pub(crate) fn check(&self) {
        let down = self.json(&["pool", "down"]);
        let metadata = down["metadata"]["path"].as_str().unwrap();
        let checked = run("thin_check", &[metadata]);
        assert!(checked.status.success(), "{checked:?}");
    }

    /// The same before there is no pool any more.
    pub(crate) fn destroy(&self) {
        self.check();
        assert_eq!(self.json(&["pool", "destroy"])["state"], "destroyed");
    }
}

/// A program of ours that is told nothing by whoever runs the tests.
pub(crate) fn ours(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LONGSHORE_") {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}"))
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn mount(disk: &Path, place: &str) {
    fs::create_dir_all(place).unwrap();
    if is_mounted(place) {
        return;
    }
    let mounted = run("busybox", &["mount", "-t", "ext4", &text(disk), place]);
    assert!(mounted.status.success(), "{mounted:?}");
}

fn is_mounted(place: &str) -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    mounts.contains(&format!(" {place} "))
}

fn umount(place: &str) {
    run("busybox", &["umount", place]);
}

/// Without what was at its beginning and its end.
pub(crate) fn blank(device: &Path) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = File::options().write(true).open(device).unwrap();
    for from in [SeekFrom::Start(0), SeekFrom::End(-(256 << 10))] {
        file.seek(from).unwrap();
        file.write_all(&vec![0; 256 << 10]).unwrap();
    }
    file.sync_all().unwrap();
}

/// The first bytes of a file or a device.
pub(crate) fn head(path: &str, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    File::open(path).unwrap().read_exact(&mut bytes).unwrap();
    bytes
}
