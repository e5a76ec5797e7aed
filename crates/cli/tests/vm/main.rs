//! The program on a real kernel with thin pools, in a virtual machine.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[cfg(target_os = "linux")]
mod bucket;
#[cfg(target_os = "linux")]
mod cut_life;
#[cfg(target_os = "linux")]
mod cuts;
#[cfg(target_os = "linux")]
mod cuts_pools;
#[cfg(target_os = "linux")]
mod full;
#[cfg(target_os = "linux")]
mod groups;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(target_os = "linux")]
mod killed_pools;
#[cfg(target_os = "linux")]
mod machines;
#[cfg(target_os = "linux")]
mod pools;
#[cfg(target_os = "linux")]
mod site;
#[cfg(target_os = "linux")]
mod trouble;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use std::time::Duration;

    use longshore_vmtest::{Group, Machine, PowerCuts, Suite};

    let machine = Machine {
        memory: 2048,
        disks: site::DISKS,
        prepared: &[bucket::families],
        programs: &[
            env!("CARGO_BIN_EXE_longshore"),
            "mke2fs",
            "e2fsck",
            "thin_check",
            "thin_ls",
            "thin_repair",
            "strace",
            "dmsetup",
        ],
        patience: Duration::from_secs(240),
        boots: 6,
        ..Machine::DEFAULT
    };
    let groups = [
        Group {
            name: "pools::a_pool_is_made_and_comes_back",
            machine,
            scenarios: pools::SCENARIOS,
        },
        Group {
            name: "machines::images_and_machines_are_thin",
            machine: Machine {
                prepared: &[bucket::everything],
                takes_time: true,
                ..machine
            },
            scenarios: machines::SCENARIOS,
        },
        // What comes and goes the most, under the eyes of udev and device-mapper's own rules.
        Group {
            name: "udev::images_and_machines_are_thin",
            machine: Machine {
                prepared: &[bucket::everything],
                udev: true,
                takes_time: true,
                ..machine
            },
            scenarios: machines::WITH_UDEV,
        },
        Group {
            name: "killed::between_any_two_durable_points",
            machine: Machine {
                takes_time: true,
                patience: Duration::from_secs(480),
                ..machine
            },
            scenarios: killed::SCENARIOS,
        },
        Group {
            name: "killed_pools::the_same_command_finishes",
            machine: Machine {
                takes_time: true,
                ..machine
            },
            scenarios: killed_pools::SCENARIOS,
        },
        Group {
            name: "trouble::pools_get_out_of_it",
            machine: Machine {
                modules: &["dm-thin-pool", "loop", "dm-flakey"],
                programs: &[
                    env!("CARGO_BIN_EXE_longshore"),
                    "mke2fs",
                    "e2fsck",
                    "thin_check",
                    "thin_repair",
                    "thin_dump",
                    "thin_restore",
                    "thin_ls",
                    "strace",
                    "dd",
                    "dmsetup",
                ],
                takes_time: true,
                patience: Duration::from_secs(900),
                ..machine
            },
            scenarios: trouble::SCENARIOS,
        },
        Group {
            name: "groups::a_pool_is_on_logical_volumes",
            machine: Machine {
                disks: groups::DISKS,
                programs: &[
                    env!("CARGO_BIN_EXE_longshore"),
                    "mke2fs",
                    "e2fsck",
                    "thin_check",
                    "dmsetup",
                    "lvm",
                ],
                takes_time: true,
                patience: Duration::from_secs(900),
                ..machine
            },
            scenarios: groups::SCENARIOS,
        },
        Group {
            name: "full::families_of_the_whole_bucket",
            machine: Machine {
                disks: &[8 << 30, 256 << 20, 16 << 30],
                prepared: &[bucket::whole],
                takes_time: true,
                ..machine
            },
            scenarios: full::SCENARIOS,
        },
    ];
    let cuts = PowerCuts {
        name: "cuts::the_power_goes_at_any_moment",
        machine: Machine {
            disks: &[],
            takes_time: true,
            scenario_patience: Some(Duration::from_secs(60)),
            patience: Duration::from_secs(480),
            ..machine
        },
        partitions: cuts::PARTITIONS,
        scenario: cuts::a_life,
        after: cuts::and_begun_again,
        sample: 3,
    };
    let cuts_of_pools = PowerCuts {
        name: "cuts::the_power_goes_as_a_pool_is_changed",
        partitions: cuts_pools::PARTITIONS,
        scenario: cuts_pools::a_life,
        after: cuts_pools::and_begun_again,
        sample: 1,
        ..cuts
    };
    longshore_vmtest::run_suite(&Suite {
        groups: &groups,
        cuts: &[cuts, cuts_of_pools],
        tests: &[],
    })
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}
