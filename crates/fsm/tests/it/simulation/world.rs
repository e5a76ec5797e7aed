//! What all the lives of one seed share: what is on disk, what was seen, and what went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use longshore_fsm::clock::Timestamp;
use longshore_fsm::testing::simulation::{Chance, LossyStore, SimulatedClock, Simulation};
use longshore_fsm::{Ended, RunId};

/// Everything that outlives a process.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) clock: SimulatedClock,
    seen: Mutex<Seen>,
}

/// What was seen of the runs.
#[derive(Default)]
pub(crate) struct Seen {
    /// Steps that are being carried out, by queue.
    pub(crate) at_work: BTreeMap<String, BTreeSet<RunId>>,
    /// Steps that are being carried out, by run: never two.
    pub(crate) attempts: BTreeSet<RunId>,
    /// Pairs of runs of which the first must begin before the second, if both do.
    pub(crate) before: Vec<(RunId, RunId)>,
    /// In the line of the queue, with nothing else to wait for: priority and run.
    pub(crate) in_line: Vec<(i32, RunId)>,
    /// Paused or cancelled at some time: their place in a line is nobody's business.
    pub(crate) meddled: BTreeSet<RunId>,
    /// What waiting for a run came to.
    pub(crate) outcomes: BTreeMap<RunId, Ended>,
    pub(crate) has_pruned: bool,
    /// A run that cannot be stored stops, and loses its place in its line.
    pub(crate) disk_was_full: bool,
    pub(crate) wrong: Option<String>,
    pub(crate) counted: Counted,
}

/// How much of everything there was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) undone: u64,
    pub(crate) crashes: u64,
    pub(crate) queued: u64,
    pub(crate) paused: u64,
    pub(crate) stuck: u64,
    pub(crate) events: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            clock: SimulatedClock::new(Timestamp::from_millis(1_000_000_000), seed),
            seen: Mutex::default(),
        }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// Notes that something is wrong: a panic in a step would be the engine's to catch.
    pub(crate) fn must(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.seen().wrong.get_or_insert_with(what);
        }
    }
}

impl Seen {
    /// A run was started; `in_line` stood in line before it was asked for.
    pub(crate) fn started(
        &mut self,
        run: RunId,
        stands_in_line: bool,
        priority: i32,
        in_line: Vec<(i32, RunId)>,
    ) {
        self.counted.runs += 1;
        if !stands_in_line {
            return;
        }
        self.counted.queued += 1;
        let equals = in_line
            .into_iter()
            .filter(|(theirs, _)| *theirs == priority);
        self.before.extend(equals.map(|(_, other)| (other, run)));
        self.in_line.push((priority, run));
    }
}

/// One process.
pub(crate) struct Process {
    pub(crate) world: Arc<World>,
    pub(crate) simulation: Simulation,
    pub(crate) store: LossyStore,
}

/// A number that the seed decides for this purpose, whatever else happens.
pub(crate) fn drawn(seed: u64, purpose: &[u64]) -> Chance {
    let mut chance = Chance::new(seed);
    for part in purpose {
        chance = Chance::new(chance.draw() ^ part.wrapping_mul(0x9e37_79b9));
    }
    chance
}

/// The counts of all seeds.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    seeds: AtomicU64,
    counts: [AtomicU64; 8],
}

const NAMES: [&str; 8] = [
    "runs", "steps", "undone", "crashes", "queued", "paused", "stuck", "events",
];

impl Totals {
    pub(crate) fn add(&self, counted: &Counted) {
        self.seeds.fetch_add(1, Ordering::Relaxed);
        let counts = [
            counted.runs,
            counted.steps,
            counted.undone,
            counted.crashes,
            counted.queued,
            counted.paused,
            counted.stuck,
            counted.events,
        ];
        for (total, count) in self.counts.iter().zip(counts) {
            total.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn seeds(&self) -> u64 {
        self.seeds.load(Ordering::Relaxed)
    }

    /// The simulation is worth nothing if one of these does not come about.
    pub(crate) fn check(&self) {
        for (name, count) in NAMES.iter().zip(&self.counts) {
            let count = count.load(Ordering::Relaxed);
            assert!(
                count * 50 > self.seeds(),
                "{count} {name} in {} seeds",
                self.seeds()
            );
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("every invariant held;")?;
        for (name, count) in NAMES.iter().zip(&self.counts) {
            write!(f, " {name} {}", count.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

pub(crate) fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&'static str>()
        .map(|t| (*t).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}
