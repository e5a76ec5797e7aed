//! Many lives, each ended by a `kill -9` at a random moment, and a last one that is left alone.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::kill::check::{check_ended, check_killed};
use crate::kill::child::Process;
use crate::kill::report::Report;
use crate::soak::{Random, is_soak, record, seed};

/// So many lives share a store. The soak takes a new one then, so that a life stays short.
const LIVES: u64 = 100;

/// A life that is to be killed has always more to ask for.
const NO_END: u64 = 1_000_000;

#[derive(Debug, Default)]
struct Counts {
    kills: u64,
    /// Kills before the life had opened its store.
    early: u64,
    runs: usize,
}

#[test]
fn killed_at_random_again_and_again() {
    let wanted = if is_soak() { 10_000 } else { LIVES };
    let (seed, began) = (seed(), Instant::now());
    let mut random = Random(seed);
    let mut counts = Counts::default();
    while counts.kills < wanted {
        lives_on_one_store(&mut random, &mut counts);
    }
    println!("seed {seed}, {:?}: {counts:?}", began.elapsed());
    record(
        "kill -9 of an engine with up to 320 runs under way, then the next process",
        seed,
        counts.kills,
        began.elapsed(),
        &format!(
            "{} runs: none lost, none twice, none out of order; {} kills before the store was open",
            counts.runs, counts.early
        ),
    );
}

fn lives_on_one_store(random: &mut Random, counts: &mut Counts) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let mut report = Report::default();
    let mut most = 0;
    for _ in 0..LIVES {
        counts.early += u64::from(!killed(&path, random, &mut report));
        counts.kills += 1;
        if random.below(2) == 0 {
            // Else the next life is the first to open what this one has left.
            most = most.max(check_killed(&path, &mut report));
        }
    }
    let mut last = Process::begin(&path, 0);
    while let Some(line) = last.line() {
        hear(&line, &mut report, &last);
    }
    assert!(last.end().success(), "{}", last.errors());
    counts.runs += check_ended(&path, &mut report);
    assert!(most > 100, "{counts:?}: only {most} runs were under way");
}

/// A life that ends at a random moment. Says whether it had opened its store.
fn killed(path: &Path, random: &mut Random, report: &mut Report) -> bool {
    let before = report.opened;
    let process = Process::begin(path, NO_END);
    let delay = if random.below(8) == 0 {
        // Anywhere from its first instruction on.
        Duration::from_micros(random.below(40_000))
    } else {
        for _ in 0..random.below(600) {
            let Some(line) = process.line() else {
                panic!("it ended by itself: {}", process.errors())
            };
            hear(&line, report, &process);
        }
        Duration::from_micros(random.below(3_000))
    };
    let moment = Instant::now();
    while moment.elapsed() < delay {
        std::hint::spin_loop();
    }
    let rest = process.kill();
    rest.iter().for_each(|line| report.add(line));
    report.opened > before
}

fn hear(line: &str, report: &mut Report, process: &Process) {
    assert!(!line.starts_with("wrong "), "{line}\n{}", process.errors());
    report.add(line);
}
