//! Development only: a test binary that runs itself in a virtual machine, on a real kernel of Debian's with
//! device-mapper, as root.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use longshore_vmtest::{Group, Guest, Machine};
//!
//! fn main() -> ExitCode {
//!     longshore_vmtest::run(&[Group {
//!         name: "disks",
//!         machine: Machine { disks: &[64 << 20], ..Machine::DEFAULT },
//!         scenarios: &[("a_disk_is_there", a_disk_is_there)],
//!     }])
//! }
//!
//! fn a_disk_is_there(guest: &Guest) {
//!     assert!(guest.disk(0).exists());
//! }
//! ```
//! A test with such a main, and `harness = false`, lists each [`Group`] as one test. Run on the host, a group
//! boots a machine whose initramfs has this same binary, the kernel's modules, busybox and the programs that it
//! names; there the binary runs the group's scenarios one after the other, each in a process of its own that
//! panics to fail, and what it prints is the test's output. The disks are sparse files that stay from one boot
//! to the next: [`Guest::crash`] pulls the plug, and the scenario goes on with the next boot. A machine has udevd
//! where it asks for it, and a scenario the time that its machine gives it.
//!
//! [`PowerCuts`] are another sort of test. The writes of one scenario to one disk are recorded by QEMU, and the host
//! makes from the record the disk as it may be after a cut of the power: what no flush has made durable is lost, torn
//! or there out of order. A second function judges each such disk. [`Guest::crash`] loses nothing that has left the
//! kernel; this does. What a cut may lose is written down in `cut.rs`, and what such a test cannot show in
//! CONTRIBUTING.md.
//!
//! `LONGSHORE_VM_SCENARIO=name,name` runs these scenarios of a group, `LONGSHORE_VM_LOG=1` shows what the kernel says,
//! `LONGSHORE_VM_MORE=1` runs what takes minutes too ([`Guest::has_time`]), `LONGSHORE_VM_KVM=1` uses the host's processor, where that works.
//! `LONGSHORE_VM_CUT=flush:seed,...` judges these cuts, of `LONGSHORE_VM_RECORDING=log`, which a failure has left.
//! What is booted is fetched by `scripts/vm-kernel`; where it or QEMU is missing a group says so, and is skipped.
#![deny(missing_docs)]

mod cpio;
mod cut;
mod cuts;
mod files;
mod group;
mod guest;
pub mod harness;
mod host;
mod initramfs;
mod machine;
mod outcome;
mod partitions;
mod recorded;
mod recording;
mod replay;

use std::process::ExitCode;

pub use group::{Group, Machine, PowerCuts, Scenario};
pub use guest::{Cut, Guest};

/// The tests of a binary.
#[derive(Debug, Clone, Copy, Default)]
pub struct Suite<'a> {
    /// Scenarios in machines.
    pub groups: &'a [Group],
    /// Scenarios that are recorded, and cuts of the power.
    pub cuts: &'a [PowerCuts],
    /// What runs on the host.
    pub tests: &'a [harness::Test],
}

/// The whole life of a test binary: on the host, in the machine, or as one scenario there.
#[must_use]
pub fn run(groups: &[Group]) -> ExitCode {
    run_suite(&Suite {
        groups,
        ..Suite::default()
    })
}

/// The same of one that has other tests too.
#[must_use]
pub fn run_suite(suite: &Suite<'_>) -> ExitCode {
    if let Some(ended) = guest::role(suite) {
        return ended;
    }
    let groups = suite
        .groups
        .iter()
        .map(|group| -> harness::Named<'_> { (group.name, Box::new(|| host::run(group))) });
    let cuts = suite
        .cuts
        .iter()
        .map(|cuts| -> harness::Named<'_> { (cuts.name, Box::new(|| cuts::run(cuts))) });
    let tests = suite.tests.iter().copied().map(harness::named);
    harness::run_named(groups.chain(cuts).chain(tests).collect())
}
