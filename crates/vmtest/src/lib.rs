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
//! `LONGSHORE_VM_SCENARIO=name,name` runs these scenarios of a group, `LONGSHORE_VM_LOG=1` shows what the kernel says,
//! `LONGSHORE_VM_MORE=1` runs what takes minutes too ([`Guest::has_time`]), `LONGSHORE_VM_KVM=1` uses the host's processor, where that works.
//! What is booted is fetched by `scripts/vm-kernel`; where it or QEMU is missing a group says so, and is skipped.
#![deny(missing_docs)]

mod cpio;
mod files;
mod group;
mod guest;
pub mod harness;
mod host;
mod initramfs;
mod machine;
mod outcome;

use std::process::ExitCode;

pub use group::{Group, Machine, Scenario};
pub use guest::Guest;

/// The whole life of a test binary: on the host, in the machine, or as one scenario there.
#[must_use]
pub fn run(groups: &[Group]) -> ExitCode {
    run_beside(groups, &[])
}

/// The same of one that has tests for the host too.
#[must_use]
pub fn run_beside(groups: &[Group], tests: &[harness::Test]) -> ExitCode {
    if let Some(ended) = guest::role(groups) {
        return ended;
    }
    let groups = groups
        .iter()
        .map(|group| -> harness::Named<'_> { (group.name, Box::new(|| host::run(group))) });
    let tests = tests.iter().copied().map(harness::named);
    harness::run_named(groups.chain(tests).collect())
}
