//! Seeds, one after the other, on every core: for a minute, or as many as a soak asks for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::simulation::{life, world};
use crate::soak;

/// How long seeds are tried where nobody asks for more.
const A_MINUTE: Duration = Duration::from_secs(60);

/// How many a soak tries.
const SOAK_SEEDS: u64 = 10_000_000;

#[test]
fn whatever_happens_nothing_is_lost_doubled_or_out_of_order() {
    if let Ok(seed) = std::env::var("LONGSHORE_SIMULATION_SEED") {
        let seed = seed.parse().expect("a seed is a number");
        life::simulate(seed, true);
        return;
    }
    let first = soak::seed().wrapping_mul(1_000_000_000);
    let bound = if soak::is_soak() {
        soak::number("LONGSHORE_SIMULATION_SEEDS", SOAK_SEEDS)
    } else {
        u64::MAX
    };
    let began = Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let totals = world::Totals::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let over = !soak::is_soak() && began.elapsed() > A_MINUTE;
                    if number >= bound || over || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = first.wrapping_add(number);
                    match std::panic::catch_unwind(|| life::simulate(seed, false)) {
                        Ok(counted) => totals.add(&counted),
                        Err(panic) => {
                            failed.store(true, Ordering::Relaxed);
                            let text = world::text_of(panic.as_ref());
                            panic!("seed {seed}: {text}");
                        }
                    }
                }
            });
        }
    });
    let seeds = totals.seeds();
    totals.check();
    soak::record(
        "deterministic simulation of the engine (seeds): random workflows, crashes that lose what \
         was not synced, operators, clock jumps",
        first,
        seeds,
        began.elapsed(),
        &totals.to_string(),
    );
}
