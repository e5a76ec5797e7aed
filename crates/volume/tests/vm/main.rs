//! Device-mapper, thin pools and loop devices on a real kernel, in a virtual machine.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[cfg(target_os = "linux")]
#[path = "../it/conformance.rs"]
#[allow(dead_code, reason = "the suite is used by another binary too")]
mod conformance;
#[cfg(target_os = "linux")]
mod devices;
#[cfg(target_os = "linux")]
mod loops;
#[cfg(target_os = "linux")]
mod pools;
#[cfg(target_os = "linux")]
mod shares;
#[cfg(target_os = "linux")]
mod thin;
#[cfg(target_os = "linux")]
mod udev;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use std::time::Duration;

    use longshore_vmtest::{Group, Machine};

    const DATA: u64 = 1 << 30;
    const METADATA: u64 = 32 << 20;

    longshore_vmtest::run(&[
        Group {
            name: "devices::device_mapper_does_what_it_is_asked",
            machine: Machine {
                disks: &[64 << 20],
                programs: &["dmsetup"],
                ..Machine::DEFAULT
            },
            scenarios: devices::SCENARIOS,
        },
        Group {
            name: "thin::volumes_of_a_pool_are_volumes",
            machine: Machine {
                disks: &[METADATA, DATA],
                programs: &["thin_check", "thin_ls"],
                patience: Duration::from_secs(300),
                boots: 3,
                ..Machine::DEFAULT
            },
            scenarios: thin::SCENARIOS,
        },
        Group {
            name: "udev::nothing_changes_where_udevd_runs",
            machine: Machine {
                disks: &[METADATA, DATA],
                programs: &["thin_check", "dmsetup"],
                udev: true,
                takes_time: true,
                patience: Duration::from_secs(300),
                ..Machine::DEFAULT
            },
            scenarios: udev::SCENARIOS,
        },
    ])
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}
