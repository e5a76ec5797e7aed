//! The machine as its users have it: a real kernel, disks, a plug that is pulled; and that what fails fails.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics has failed, and its output is printed"
)]

use std::{
    env,
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    process::{Command, ExitCode},
    time::Duration,
};

use longshore_vmtest::{Cut, Group, Guest, Machine, PowerCuts, Suite};

const DISK: u64 = 8 << 20;

const GROUPS: &[Group] = &[MACHINE, UDEV];

const MACHINE: Group = Group {
    name: "machine::it_is_what_a_scenario_expects",
    machine: Machine {
        disks: &[DISK, 2 * DISK],
        programs: &["dmsetup"],
        boots: 3,
        ..Machine::DEFAULT
    },
    scenarios: &[
        ("root_on_a_real_kernel", root_on_a_real_kernel),
        ("without_udevd", without_udevd),
        ("disks_have_their_sizes", disks_have_their_sizes),
        (
            "what_was_synced_outlives_the_plug",
            what_was_synced_outlives_the_plug,
        ),
        (
            "another_begins_with_its_first_boot",
            another_begins_with_its_first_boot,
        ),
    ],
};

const SYNCED: PowerCuts = PowerCuts {
    name: "cuts::what_was_synced_is_there_after_each",
    machine: Machine {
        programs: &["mke2fs", "e2fsck"],
        ..Machine::DEFAULT
    },
    partitions: &[1 << 20, 64 << 20],
    scenario: two_files,
    after: what_was_synced_is_there,
    sample: 12,
};

/// What it relies on was not synced; it is not listed.
const UNSYNCED: PowerCuts = PowerCuts {
    name: "what_was_not_synced",
    after: what_was_written_is_there,
    ..SYNCED
};

const UDEV: Group = Group {
    name: "udev::it_runs_where_it_is_wanted",
    machine: Machine {
        disks: &[DISK],
        udev: true,
        programs: &["dmsetup"],
        ..Machine::DEFAULT
    },
    scenarios: &[("udevd_runs", udevd_runs)],
};

/// Groups that must fail, which nobody lists: this program runs itself with one of them.
const FAILING: &[Group] = &[
    Group {
        name: "panics",
        machine: Machine::DEFAULT,
        scenarios: &[("passes", passes), ("panics", panics)],
    },
    Group {
        name: "hangs",
        machine: Machine {
            patience: Duration::from_secs(12),
            ..Machine::DEFAULT
        },
        scenarios: &[("hangs", hangs)],
    },
    Group {
        name: "one_hangs",
        machine: Machine {
            scenario_patience: Some(Duration::from_secs(1)),
            ..Machine::DEFAULT
        },
        scenarios: &[("hangs", hangs), ("passes", passes)],
    },
    Group {
        name: "no_such_module",
        machine: Machine {
            modules: &["no_such_module"],
            ..Machine::DEFAULT
        },
        scenarios: &[("passes", passes)],
    },
    Group {
        name: "kernel_panics",
        machine: Machine::DEFAULT,
        scenarios: &[("kernel_panics", kernel_panics)],
    },
    Group {
        name: "crashes_for_ever",
        machine: Machine {
            boots: 2,
            ..Machine::DEFAULT
        },
        scenarios: &[("crashes", crashes)],
    },
];

/// With it this program has the groups that must fail.
const FAIL: &str = "LONGSHORE_VMTEST_FAILING";

fn main() -> ExitCode {
    // In the machine there is no such variable, but the group is known by its name.
    let in_machine = env::args()
        .nth(1)
        .is_some_and(|word| word.starts_with("vmtest-"));
    if in_machine || env::var_os(FAIL).is_some() {
        return longshore_vmtest::run_suite(&Suite {
            groups: &[GROUPS, FAILING].concat(),
            cuts: &[SYNCED, UNSYNCED],
            tests: &[],
        });
    }
    let name = "failing::what_fails_fails_and_says_why";
    longshore_vmtest::run_suite(&Suite {
        groups: GROUPS,
        cuts: &[SYNCED],
        tests: &[(name, what_fails_fails_and_says_why)],
    })
}

fn what_fails_fails_and_says_why() {
    for (group, only, why) in [
        (
            "panics",
            None,
            &["on purpose", "ok passes", "failed: panics"][..],
        ),
        (
            "hangs",
            None,
            &["was not done in 12s", "not run to their end: hangs"],
        ),
        (
            "one_hangs",
            None,
            &["hangs was not done in 1s", "failed: hangs", "ok passes"],
        ),
        ("no_such_module", None, &["has no module no_such_module"]),
        (
            "kernel_panics",
            None,
            &[
                "Kernel panic - not syncing: sysrq triggered crash",
                "ended without an end of its own",
            ],
        ),
        (
            "crashes_for_ever",
            None,
            &["crashed more often than it is booted"],
        ),
        (
            "what_was_not_synced",
            None,
            &[
                "mark \"two is written\"",
                "two is not there",
                "failed: ",
                "to have a cut again",
            ],
        ),
        ("panics", Some("no_such"), &["there is no scenario no_such"]),
    ] {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([group, "--exact"]).env(FAIL, "1");
        // What it leaves goes with this.
        let left = tempfile::tempdir().unwrap();
        command.env("TMPDIR", left.path());
        match only {
            Some(only) => command.env("LONGSHORE_VM_SCENARIO", only),
            None => command.env_remove("LONGSHORE_VM_SCENARIO"),
        };
        let run = command.output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        if said.contains("skipped, for") {
            println!("{said}");
            return;
        }
        assert_eq!(run.status.code(), Some(101), "{group}: {said}");
        for why in why {
            assert!(said.contains(why), "{group}, without {why:?}: {said}");
        }
    }
}

fn root_on_a_real_kernel(guest: &Guest) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("Uid:\t0\t0\t0\t0"), "{status}");
    // A child of the one that runs scenarios, which is a child of the first process.
    assert!(std::process::id() > 1);
    let dmsetup = guest.program("dmsetup");
    let targets = Command::new(dmsetup).arg("targets").output().unwrap();
    let targets = String::from_utf8_lossy(&targets.stdout).into_owned();
    assert!(targets.contains("thin-pool"), "{targets}");
    assert!(fs::exists("/dev/mapper/control").unwrap());
}

/// How many processes have this name.
fn processes(name: &str) -> usize {
    let names = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("comm")).ok());
    names.filter(|comm| comm.trim() == name).count()
}

fn without_udevd(_: &Guest) {
    assert_eq!(processes("systemd-udevd"), 0);
    assert_eq!(env::var("DM_DISABLE_UDEV").unwrap(), "1");
}

fn udevd_runs(guest: &Guest) {
    assert!(processes("systemd-udevd") > 0);
    assert!(env::var("DM_DISABLE_UDEV").is_err());
    // What it knows of the disk, of which the kernel has told it.
    let disk = fs::canonicalize("/sys/class/block/vda/dev").unwrap();
    let number = fs::read_to_string(disk).unwrap();
    let known = format!("/run/udev/data/b{}", number.trim());
    assert!(fs::exists(&known).unwrap(), "{known}");
    // dmsetup waits for udevd to say that its rules are done with the device, and udevd makes the node.
    let made = Command::new(guest.program("dmsetup"))
        .args(["create", "whole", "--table"])
        .arg(format!("0 {} linear /dev/vda 0", DISK / 512))
        .status()
        .unwrap();
    assert!(made.success());
    let node = fs::symlink_metadata("/dev/mapper/whole").unwrap();
    assert!(node.is_symlink(), "the library's own would be a node");
}

fn disks_have_their_sizes(guest: &Guest) {
    for (number, size) in [(0, DISK), (1, 2 * DISK)] {
        let disk = File::options()
            .read(true)
            .write(true)
            .open(guest.disk(number))
            .unwrap();
        disk.write_all_at(b"the last", size - 8).unwrap();
        assert!(disk.write_all_at(b"past", size).is_err());
    }
    assert!(!guest.disk(2).exists());
}

fn what_was_synced_outlives_the_plug(guest: &Guest) {
    let disk = File::options()
        .read(true)
        .write(true)
        .open(guest.disk(0))
        .unwrap();
    let mut kept = [0; 6];
    match guest.boot() {
        boot @ (0 | 1) => {
            disk.write_all_at(b"synced", u64::from(boot) * 4096)
                .unwrap();
            disk.sync_all().unwrap();
            disk.write_all_at(b"unsync", 16384).unwrap();
            guest.crash();
        }
        boot => {
            assert_eq!(boot, 2);
            for offset in [0, 4096] {
                disk.read_exact_at(&mut kept, offset).unwrap();
                assert_eq!(&kept, b"synced");
            }
            disk.read_exact_at(&mut kept, 16384).unwrap();
            assert_ne!(&kept, b"unsync");
        }
    }
}

fn another_begins_with_its_first_boot(guest: &Guest) {
    assert_eq!(guest.boot(), 0);
}

fn passes(_: &Guest) {}

fn panics(_: &Guest) {
    panic!("on purpose");
}

fn hangs(_: &Guest) {
    std::thread::park();
}

fn kernel_panics(_: &Guest) {
    fs::write("/proc/sysrq-trigger", "c").unwrap();
}

fn crashes(guest: &Guest) {
    guest.crash();
}

const PLACE: &str = "/tmp/recorded";

fn busybox(arguments: &[&str]) {
    let done = Command::new("/bin/busybox").args(arguments).status();
    assert!(done.unwrap().success(), "{arguments:?}");
}

fn mounted(guest: &Guest) {
    fs::create_dir_all(PLACE).unwrap();
    let disk = guest.partition(2);
    busybox(&["mount", "-t", "ext4", disk.to_str().unwrap(), PLACE]);
}

fn two_files(guest: &Guest) {
    let made = Command::new(guest.program("mke2fs"))
        .args(["-q", "-F", "-t", "ext4"])
        .arg(guest.partition(2))
        .status();
    assert!(made.unwrap().success());
    mounted(guest);
    busybox(&["sync"]);
    guest.mark("begun");
    let write = |name: &str| {
        let mut file = File::create(format!("{PLACE}/{name}")).unwrap();
        file.write_all(&vec![b'x'; 100_000]).unwrap();
        file
    };
    write("one").sync_all().unwrap();
    File::open(PLACE).unwrap().sync_all().unwrap();
    guest.mark("one is synced");
    write("two");
    guest.mark("two is written");
    busybox(&["sync"]);
    guest.mark("two is synced");
    busybox(&["umount", PLACE]);
}

/// Whether a file is there, whole.
fn has(name: &str) -> bool {
    fs::read(format!("{PLACE}/{name}")).is_ok_and(|bytes| bytes == vec![b'x'; 100_000])
}

/// Mounts what a cut has left, looks, and has it checked.
fn judge(guest: &Guest, look: impl FnOnce()) {
    mounted(guest);
    look();
    busybox(&["umount", PLACE]);
    let checked = Command::new(guest.program("e2fsck"))
        .arg("-fn")
        .arg(guest.partition(2))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

fn what_was_synced_is_there(guest: &Guest, cut: &Cut) {
    let marks = ["begun", "one is synced", "two is written", "two is synced"];
    let reached = marks.iter().position(|mark| *mark == cut.mark()).unwrap();
    judge(guest, || {
        assert!(reached < 1 || has("one"), "one is not there: {cut}");
        assert!(reached < 3 || has("two"), "two is not there: {cut}");
    });
}

fn what_was_written_is_there(guest: &Guest, cut: &Cut) {
    let reached = cut.mark() != "begun" && cut.mark() != "one is synced";
    judge(guest, || {
        assert!(!reached || has("two"), "two is not there: {cut}");
    });
}
