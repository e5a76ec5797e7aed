//! The machine as its users have it: a real kernel, disks, a plug that is pulled; and that what fails fails.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics has failed, and its output is printed"
)]

use std::{
    env,
    fs::{self, File},
    os::unix::fs::FileExt,
    process::{Command, ExitCode},
    time::Duration,
};

use longshore_vmtest::{Group, Guest, Machine};

const DISK: u64 = 8 << 20;

const GROUPS: &[Group] = &[Group {
    name: "machine::it_is_what_a_scenario_expects",
    machine: Machine {
        disks: &[DISK, 2 * DISK],
        programs: &["dmsetup"],
        boots: 3,
        ..Machine::DEFAULT
    },
    scenarios: &[
        ("root_on_a_real_kernel", root_on_a_real_kernel),
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
}];

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
        return longshore_vmtest::run(&[GROUPS, FAILING].concat());
    }
    let name = "failing::what_fails_fails_and_says_why";
    longshore_vmtest::run_beside(GROUPS, &[(name, what_fails_fails_and_says_why)])
}

fn what_fails_fails_and_says_why() {
    for (group, only, why) in [
        ("panics", "panics", "on purpose"),
        ("hangs", "hangs", "was not done in 12s"),
        (
            "kernel_panics",
            "kernel_panics",
            "ended without an end of its own",
        ),
        (
            "crashes_for_ever",
            "crashes",
            "crashed more often than it is booted",
        ),
        ("panics", "no_such", "there is no scenario no_such"),
    ] {
        let run = Command::new(env::current_exe().unwrap())
            .args([group, "--exact"])
            .env(FAIL, "1")
            .env("LONGSHORE_VM_SCENARIO", only)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        if said.contains("skipped, for") {
            println!("{said}");
            return;
        }
        assert_eq!(run.status.code(), Some(101), "{group}: {said}");
        assert!(said.contains(why), "{group}: {said}");
    }
}

fn root_on_a_real_kernel(_: &Guest) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    assert!(status.contains("Uid:\t0\t0\t0\t0"), "{status}");
    let targets = Command::new("dmsetup").arg("targets").output().unwrap();
    let targets = String::from_utf8_lossy(&targets.stdout).into_owned();
    assert!(targets.contains("thin-pool"), "{targets}");
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
