//! Inside of the machine: running the scenarios, and what a scenario has there.

use std::{
    env, fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Suite,
    cuts::RECORD,
    group::Machine,
    host::{MORE, SOAK},
    outcome::Told,
    recorded,
};

pub use crate::recorded::Cut;

/// The arguments that make this program the one that runs scenarios, or one scenario.
const RUNNER: &str = "vmtest-guest";
const SCENARIO: &str = "vmtest-scenario";

/// What the machine is to go on with, on `/run/root`: the initramfs looks for it when the scenarios are done.
const SWITCH: &str = "/run/switch";

/// How a machine ends whose root knows no init: its filesystem is clean, and the kernel is told.
const OFF: &str = "mount -t proc proc /proc
sync
mount -o remount,ro /
echo b >/proc/sysrq-trigger";

/// What a scenario has in its machine.
#[derive(Debug)]
pub struct Guest {
    scenario: String,
    boot: u32,
}

impl Guest {
    /// A partition of the recorded disk, counted from 1. After a cut it has the same path, and is what the cut left.
    #[must_use]
    pub fn partition(&self, number: usize) -> PathBuf {
        PathBuf::from(format!("{}{number}", recorded::DISK))
    }

    /// Leaves a text in the recording, of at most 512 bytes: a cut knows the last one before it. It makes nothing
    /// durable: it is no flush.
    ///
    /// # Panics
    /// Where nothing is recorded.
    pub fn mark(&self, text: &str) {
        recorded::mark(text).expect("a recorded disk, with room for the mark");
    }

    /// How often this scenario has pulled the plug: 0 when it begins.
    #[must_use]
    pub fn boot(&self) -> u32 {
        self.boot
    }

    /// The n-th disk.
    ///
    /// # Panics
    /// For one past the 26th.
    #[must_use]
    pub fn disk(&self, number: usize) -> PathBuf {
        let letter = ('a'..='z').nth(number).expect("one of 26 disks");
        PathBuf::from(format!("/dev/vd{letter}"))
    }

    /// A program that the machine was given.
    ///
    /// # Panics
    /// Where it was not: it belongs into the machine's `programs`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        let path = Path::new("/bin").join(name);
        assert!(
            path.exists(),
            "{name} is not among the programs of this machine"
        );
        path
    }

    /// What udevd has logged since the machine was booted: its errors and warnings.
    ///
    /// # Panics
    /// In a machine without udevd.
    #[must_use]
    pub fn udevd_log(&self) -> String {
        fs::read_to_string("/run/udevd.log").expect("a machine with udevd")
    }

    /// Whether what takes longer than `make test` has time for is to be run: with `LONGSHORE_VM_MORE` or
    /// `LONGSHORE_SOAK` in the environment of the test.
    #[must_use]
    pub fn has_time(&self) -> bool {
        [MORE, SOAK].iter().any(|name| env::var_os(name).is_some())
    }

    /// Whether the large counts are to be run: with `LONGSHORE_SOAK` in the environment of the test.
    #[must_use]
    pub fn is_soak(&self) -> bool {
        env::var_os(SOAK).is_some()
    }

    /// Pulls the plug: nothing more is written to any disk. The scenario begins again with the next boot, whose
    /// number is one higher.
    ///
    /// # Panics
    /// Where the kernel does not do it.
    pub fn crash(&self) -> ! {
        tell(&Told::Crashed(self.scenario.clone()));
        // sysrq.rst: reboots at once, without syncing or unmounting.
        let pulled = fs::write("/proc/sysrq-trigger", "b");
        panic!("the plug was not pulled: {pulled:?}");
    }

    /// Has an ext4 filesystem on this disk take over as the machine's root, where a shell runs this script as the
    /// first process. It ends with the machine, off; the scenario begins again with the next boot.
    ///
    /// # Panics
    /// Where the script cannot be put down.
    pub fn switch_root(&self, disk: &Path, script: &str) -> ! {
        std::os::unix::fs::symlink(disk, "/run/root").expect("nobody has switched before");
        fs::write(SWITCH, format!("{script}\n{OFF}")).expect("room for a script");
        tell(&Told::Crashed(self.scenario.clone()));
        std::process::exit(0);
    }
}

/// What this program is to be, where it was started inside of a machine; `None` on the host.
pub(crate) fn role(suite: &Suite<'_>) -> Option<ExitCode> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(RUNNER) => Some(run_all(suite)),
        Some(SCENARIO) => {
            let boot = arguments.get(4)?.parse().ok()?;
            let number = arguments.get(5)?.parse().ok()?;
            run_one(suite, arguments.get(2)?, arguments.get(3)?, boot, number)
        }
        _ => None,
    }
}

/// Runs the scenarios that the kernel's command line names.
fn run_all(suite: &Suite<'_>) -> ExitCode {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let group = word(&line, "vmtest.group=");
    let scenarios = word(&line, "vmtest.scenarios=");
    let boot: u32 = word(&line, "vmtest.boot=").parse().unwrap_or(0);
    // The host has named a group of this same binary.
    let limit = machine(suite, group)
        .map(|machine| machine.scenario_patience.unwrap_or(Duration::MAX))
        .unwrap_or_default();
    for (number, scenario) in scenarios
        .split(',')
        .filter(|name| !name.is_empty())
        .enumerate()
    {
        // The first is the one that has pulled the plug.
        let boot = if number == 0 { boot } else { 0 };
        let arguments = [group, scenario, &boot.to_string(), &number.to_string()];
        tell(&Told::Begun(scenario.to_owned()));
        let begun = Instant::now();
        let passed = passes(arguments, limit).unwrap_or_else(|error| {
            note(&format!("{scenario} was not run: {error}"));
            false
        });
        if fs::symlink_metadata(SWITCH).is_ok() {
            return ExitCode::SUCCESS;
        }
        tell(&Told::Ended {
            scenario: scenario.to_owned(),
            passed,
            took: begun.elapsed(),
        });
    }
    tell(&Told::Done);
    ExitCode::SUCCESS
}

fn passes(arguments: [&str; 4], limit: Duration) -> io::Result<bool> {
    let scenario = arguments[1];
    let mut child = Command::new("/bin/test")
        .arg(SCENARIO)
        .args(arguments)
        .process_group(0)
        .spawn()?;
    let processes = format!("-{}", child.id());
    let (tell, told) = channel();
    thread::spawn(move || tell.send(child.wait()));
    match told.recv_timeout(limit) {
        Ok(status) => Ok(status?.success()),
        Err(_) => {
            note(&format!(
                "{scenario} was not done in {limit:?}, and was ended"
            ));
            // Its children too. One that the kernel holds does not end, which is the boot's patience's concern.
            Command::new("/bin/busybox")
                .args(["kill", "-9", &processes])
                .status()?;
            Ok(false)
        }
    }
}

fn run_one(
    suite: &Suite<'_>,
    name: &str,
    scenario: &str,
    boot: u32,
    number: usize,
) -> Option<ExitCode> {
    let guest = Guest {
        scenario: scenario.to_owned(),
        boot,
    };
    if let Some(group) = suite.groups.iter().find(|known| known.name == name) {
        let (_, run) = group.scenarios.iter().find(|(name, _)| *name == scenario)?;
        run(&guest);
        return Some(ExitCode::SUCCESS);
    }
    let cuts = suite.cuts.iter().find(|known| known.name == name)?;
    let own = cuts.machine.disks.len() + cuts.machine.prepared.len();
    recorded::appear(&guest.disk(own + number)).expect("the disk that the host has attached");
    match scenario {
        RECORD => {
            (cuts.scenario)(&guest);
            recorded::end().expect("a disk that is recorded");
        }
        cut => {
            let cut = Cut::attached(cut).expect("the name of a cut, and its disk");
            note(&cut.to_string());
            (cuts.after)(&guest, &cut);
        }
    }
    Some(ExitCode::SUCCESS)
}

fn machine(suite: &Suite<'_>, name: &str) -> Option<Machine> {
    let groups = suite.groups.iter().map(|group| (group.name, group.machine));
    let cuts = suite.cuts.iter().map(|cuts| (cuts.name, cuts.machine));
    let mut known = groups.chain(cuts).filter(|(known, _)| *known == name);
    known.next().map(|(_, machine)| machine)
}

fn word<'a>(line: &'a str, key: &str) -> &'a str {
    let mut words = line.split_whitespace();
    words
        .find_map(|word| word.strip_prefix(key))
        .unwrap_or_default()
}

#[allow(clippy::print_stdout, reason = "the console is the test's output")]
fn note(text: &str) {
    println!("{text}");
}

#[allow(clippy::print_stdout, reason = "the console is how the host is told")]
fn tell(told: &Told) {
    println!("{}", told.line());
    // The machine may stop with the next line of this program, and what is still on its way to the serial port
    // then would never be heard.
    if let Err(error) = rustix::termios::tcdrain(rustix::stdio::stdout()) {
        println!("the console was not drained: {error}");
    }
}
