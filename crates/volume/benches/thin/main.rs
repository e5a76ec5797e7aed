//! What the life of a snapshot in a thin pool costs, beside dmsetup, in one boot of a virtual machine.
//!
//! A snapshot of a base is made, activated, deactivated and deleted:
//! * ioctl: by the ioctls that this takes and no more;
//! * intent: by the same, the two messages with what the pool's transaction id takes (`Pool::change`);
//! * backend: as the product does it (`ThinBackend`), with a ledger in memory. Where a pool passes discards down, as
//!   here, it discards what is on a volume before it deletes it: the longer the more is mapped;
//! * dmsetup: by a process of dmsetup's an operation, as a script would.
//!
//! This in four pools that have up to 10,000 snapshots. The ways take turns operation by operation, and the pools
//! round by round, so that a busy host is as busy for all of them. The machine is emulated, its clock is one that it
//! was told, and its disks' flushes wait for nothing: microseconds are its own, and the ratios are the figures.
//!
//! `cargo bench -p longshore-volume --bench thin`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and it prints what it measured"
)]

#[cfg(target_os = "linux")]
mod figures;
#[cfg(target_os = "linux")]
mod life;
#[cfg(target_os = "linux")]
#[path = "../../tests/vm/pools.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod pools;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use std::time::Duration;

    use longshore_vmtest::{Group, Machine};

    const METADATA: u64 = 256 << 20;
    const DATA: u64 = 1 << 30;

    longshore_vmtest::run(&[Group {
        name: "thin_beside_dmsetup",
        machine: Machine {
            disks: &[
                METADATA, DATA, METADATA, DATA, METADATA, DATA, METADATA, DATA,
            ],
            programs: &["dmsetup"],
            // The processor's counter, which the host's two share: else time passes in steps of 4 ms.
            parameters: &["tsc=reliable"],
            patience: Duration::from_secs(900),
            ..Machine::DEFAULT
        },
        scenarios: &[("a_life_beside_dmsetup", measured::all)],
    }])
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
mod measured {
    use std::time::{Duration, Instant};

    use longshore_vmtest::Guest;

    use crate::{
        figures::{Figures, print_commits},
        life::{Life, Operation, Way},
    };

    /// Snapshots in each of the pools.
    pub(crate) const LEVELS: [u64; 4] = [1, 100, 1_000, 10_000];
    /// Of each operation in each way in each pool.
    const ROUNDS: usize = 60;
    /// Of the two messages, with nothing between them.
    const ALONE: usize = 200;
    /// Before the first that count.
    const WARMING: usize = 5;
    /// Of what looks at a whole pool.
    const LOOKS: usize = 5;
    /// The steps in which time may pass.
    const FINE: Duration = Duration::from_micros(20);

    pub(crate) fn all(guest: &Guest) {
        let step = step();
        assert!(
            step <= FINE,
            "this machine's clock goes in steps of {step:?}"
        );
        let mut lives: Vec<_> = (0..)
            .zip(LEVELS)
            .map(|(number, level)| Life::new(guest, number, level))
            .collect();
        let mut figures = Figures::default();
        for round in 0..WARMING + ROUNDS {
            for turn in 0..lives.len() {
                let at = (round + turn) % lives.len();
                let life = &mut lives[at];
                self::round(life, round, |operation, way, took| {
                    if round >= WARMING {
                        figures.took(LEVELS[at], operation, way, took);
                    }
                });
            }
        }
        let mut alone = Figures::default();
        for round in 0..ALONE {
            for turn in 0..lives.len() {
                let at = (round + turn) % lives.len();
                messages(&mut lives[at], |operation, way, took| {
                    alone.took(LEVELS[at], operation, way, took);
                });
            }
        }
        for (level, life) in LEVELS.into_iter().zip(&lives) {
            let begun = Instant::now();
            for _ in 0..LOOKS {
                life.look();
            }
            println!(
                "{level} snapshots: listing them takes {:.1?}",
                begun.elapsed() / u32::try_from(LOOKS).unwrap()
            );
        }
        figures.print(&LEVELS);
        println!("in turn with the others, {ROUNDS} of each:");
        figures.print_flatness(&LEVELS);
        println!("with nothing between them, {ALONE} of each:");
        alone.print_flatness(&LEVELS);
        print_commits(&lives[0].commits());
        lives.iter().for_each(Life::end);
    }

    /// The least by which time passes.
    fn step() -> Duration {
        let steps = (0..100).map(|_| {
            let begun = Instant::now();
            loop {
                let passed = begun.elapsed();
                if !passed.is_zero() {
                    return passed;
                }
            }
        });
        steps.min().unwrap()
    }

    /// The two messages, by ioctl and with their intent.
    fn messages(life: &mut Life, mut took: impl FnMut(Operation, Way, Duration)) {
        for way in [Way::Ioctl, Way::Intent] {
            let id = life.next_id();
            for operation in [Operation::CreateSnap, Operation::Delete] {
                let begun = Instant::now();
                life.does(operation, way, id);
                took(operation, way, begun.elapsed());
            }
        }
    }

    /// A life in every way, in turn.
    fn round(life: &mut Life, round: usize, mut took: impl FnMut(Operation, Way, Duration)) {
        let ids = Way::ALL.map(|way| (way, life.next_id()));
        for operation in Operation::ALL {
            for turn in 0..ids.len() {
                let (way, id) = ids[(round + turn) % ids.len()];
                let begun = Instant::now();
                life.does(operation, way, id);
                took(operation, way, begun.elapsed());
            }
        }
    }
}
