//! [`Group`]: scenarios that share a machine; [`PowerCuts`]: one whose disk is looked at as cuts of the power leave it.

use std::{io, path::Path, time::Duration};

use crate::guest::{Cut, Guest};

/// A scenario with its name; it panics to fail.
pub type Scenario = (&'static str, fn(&Guest));

/// Scenarios that share a machine and its boots.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The name of the test.
    pub name: &'static str,
    /// What they run in.
    pub machine: Machine,
    /// Run in this order.
    pub scenarios: &'static [Scenario],
}

/// A scenario whose writes to one disk are recorded, and what must hold on that disk after a cut of the power at any
/// moment of it. There is no order between the writes of two disks: what belongs together is on partitions of one.
#[derive(Debug, Clone, Copy)]
pub struct PowerCuts {
    /// The name of the test.
    pub name: &'static str,
    /// What both run in; the recorded disk comes after its own. It is not crashed while it is recorded.
    pub machine: Machine,
    /// Bytes of each partition of the recorded disk, at most four, empty when it begins: [`Guest::partition`].
    pub partitions: &'static [u64],
    /// Run once. It says how far it is with [`Guest::mark`]; cuts are made since the first mark.
    pub scenario: fn(&Guest),
    /// Run on each cut, whose disk it has where the recorded one was. Several share a boot: it leaves nothing behind.
    pub after: fn(&Guest, &Cut),
    /// How many cuts are judged, spread over the marks. In a soak it is every flush, in several ways.
    pub sample: usize,
}

/// A virtual machine.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// MiB of memory, the initramfs in it included.
    pub memory: u32,
    /// Bytes of each disk, a multiple of 512; empty at the first boot.
    pub disks: &'static [u64],
    /// Further disks, each a file that this fills on the host before the first boot. What it takes and is not here
    /// is an error of the kind `NotFound`: then the group is skipped.
    pub prepared: &'static [fn(&Path) -> io::Result<()>],
    /// Programs of the host that are wanted in it, by their names or paths, with their libraries: `thin_check`.
    pub programs: &'static [&'static str],
    /// Modules of the kernel that are wanted beside the machine's own. One that the kernel does not have is an error.
    pub modules: &'static [&'static str],
    /// Whether Debian's udevd runs, with its rules and those of device-mapper, and has seen every device before
    /// the first scenario; `udevadm` is there too. Without it `DM_DISABLE_UDEV` is set.
    pub udev: bool,
    /// What the kernel is told on its command line beside the machine's own.
    pub parameters: &'static [&'static str],
    /// Whether it is booted only where there is time: with `LONGSHORE_VM_MORE` or `LONGSHORE_SOAK`.
    pub takes_time: bool,
    /// How long a boot may take, its scenarios included.
    pub patience: Duration,
    /// How long one scenario may take, from one boot to the end or the next; `None` for what the boot may. One that
    /// takes longer is ended with its children and has failed, and the next ones are run.
    pub scenario_patience: Option<Duration>,
    /// How often it may be booted.
    pub boots: u32,
}

impl Machine {
    /// One with device-mapper's thin pools and loop devices, no disk, no udevd, two minutes, and one boot.
    pub const DEFAULT: Self = Self {
        memory: 1024,
        disks: &[],
        prepared: &[],
        programs: &[],
        modules: &["dm-thin-pool", "loop"],
        udev: false,
        parameters: &[],
        takes_time: false,
        patience: Duration::from_secs(120),
        scenario_patience: None,
        boots: 1,
    };
}
