//! The lives of a seed: rough ones that end in a crash or a shutdown, and a last one that is calm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use longshore_fsm::store::{RunFilter, StoreError};
use longshore_fsm::testing::simulation::{Chance, LossyStore, Simulation, Stepped};
use longshore_fsm::{Engine, Resume, RunState, Wait};

use crate::simulation::check::check;
use crate::simulation::flows::{Mood, NAMES, flow};
use crate::simulation::operator::{QUEUE, SimEngine, limit, meddle, spawn};
use crate::simulation::world::{Counted, Process, World};

/// A life that takes more steps than this does not come to rest.
const STEPS: u32 = 60_000;

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// After so many steps; what waits for the disk is there or not.
    Crash { after: u32, synced: bool },
    /// After so many steps the engine is told to shut down.
    Shutdown { after: u32 },
    /// When nothing is left to do.
    Rest,
}

/// Everything that happens under this seed. Panics where something does not hold.
pub(crate) fn simulate(seed: u64, talks: bool) -> Counted {
    let world = Arc::new(World::new(seed));
    let mut chance = Chance::new(seed);
    let mut store = LossyStore::new();
    for _ in 0..chance.below(4) {
        let after = u32::try_from(10 + chance.below(250)).unwrap();
        let synced = chance.percent(50);
        let end = match chance.below(10) {
            0..=6 => End::Crash { after, synced },
            7..=8 => End::Shutdown { after },
            _ => End::Rest,
        };
        live(&world, &store, &mut chance, Mood::Rough, end, talks);
        store = store.reopen();
    }
    live(&world, &store, &mut chance, Mood::Calm, End::Rest, talks);
    if talks {
        tell(&store);
    }
    check(&world, &store.reopen());
    world.seen().counted.clone()
}

fn live(
    world: &Arc<World>,
    store: &LossyStore,
    chance: &mut Chance,
    mood: Mood,
    end: End,
    talks: bool,
) {
    let process = Arc::new(Process {
        world: Arc::clone(world),
        simulation: Simulation::new(),
        store: store.clone(),
    });
    let engine = open(&process, mood);
    let resumed = Arc::new(AtomicBool::new(false));
    let is_resumed = Arc::clone(&resumed);
    spawn(&process, &engine, move |process, engine| async move {
        let report = engine.resume(Resume::All).await;
        if let Ok(report) = report {
            let bad = &report.quarantined;
            process
                .world
                .must(bad.is_empty(), || format!("quarantined: {bad:?}"));
        }
        is_resumed.store(true, Ordering::SeqCst);
    });
    let mut left = 3 + chance.below(6);
    let (mut shutting_down, shut_down) = (false, Arc::new(AtomicBool::new(false)));
    let mut step = 0;
    loop {
        step += 1;
        assert!(
            step < STEPS,
            "seed {}: a life does not come to rest",
            world.seed
        );
        trouble(world, store, talks);
        match end {
            End::Crash { after, synced } if step >= after => {
                process.store.crash(synced);
                world.seen().counted.crashes += 1;
                break;
            }
            End::Shutdown { after } if step >= after && !shutting_down => {
                shutting_down = true;
                let done = Arc::clone(&shut_down);
                spawn(&process, &engine, move |_, engine| async move {
                    engine.shutdown(Duration::from_secs(3)).await;
                    done.store(true, Ordering::SeqCst);
                });
            }
            _ => {}
        }
        if shut_down.load(Ordering::SeqCst) {
            break;
        }
        let may_meddle = left > 0 && resumed.load(Ordering::SeqCst) && !shutting_down;
        if may_meddle && chance.percent(4) {
            left -= 1;
            meddle(&process, &engine, chance, mood == Mood::Calm);
        } else if process.store.waiting() > 0 && chance.percent(25) {
            sync(&process, chance, mood);
        } else if process.simulation.step(chance) == Stepped::Task {
        } else if process.store.waiting() > 0 {
            sync(&process, chance, mood);
        } else if process.world.clock.advance() {
        } else if may_meddle {
            left -= 1;
            meddle(&process, &engine, chance, mood == Mood::Calm);
        } else if mood == Mood::Calm && go_on(&process, &engine) {
        } else {
            assert!(!shutting_down, "seed {}: a shutdown hangs", world.seed);
            break;
        }
    }
    trouble(world, store, talks);
    if talks {
        let summaries = engine.list_runs(RunFilter::default()).now_or_never();
        for summary in summaries.into_iter().flatten().flatten() {
            say(&format!("{mood:?} {end:?} after {step}: {summary:?}"));
        }
    }
    process.simulation.kill();
    drop(engine);
    world.seen().at_work.clear();
    world.seen().attempts.clear();
}

#[expect(clippy::print_stdout, reason = "one seed that is looked at")]
fn say(line: &str) {
    println!("{line}");
}

fn open(process: &Arc<Process>, mood: Mood) -> SimEngine {
    let mut builder = Engine::builder(process.store.clone())
        .clock(process.world.clock.clone())
        .runtime(process.simulation.clone())
        .backlog(1)
        .queue(QUEUE, limit(process.world.seed));
    for number in 0..NAMES.len() {
        builder = builder.register(flow(process, number, mood));
    }
    let opened = builder.open().now_or_never();
    opened.expect("nothing is waited for").unwrap()
}

/// The disk gets to what waits; in a rough life it may have no room for it.
fn sync(process: &Process, chance: &mut Chance, mood: Mood) {
    if mood == Mood::Rough && chance.percent(1) {
        process.world.seen().disk_was_full = true;
        let full = std::io::Error::other("full");
        process.store.fail(&StoreError::Full(Arc::new(full)));
    } else {
        process.store.sync();
    }
}

/// Everything that became durable, in its order.
fn tell(store: &LossyStore) {
    store.journal(|journal| {
        for applied in journal {
            let bodies: Vec<_> = applied.events.iter().map(|e| e.body.as_str()).collect();
            say(&format!("run {}: {}", applied.run, bodies.join(" ")));
        }
    });
}

fn trouble(world: &World, store: &LossyStore, talks: bool) {
    let wrong = world.seen().wrong.take();
    if talks && wrong.is_some() {
        tell(store);
    }
    assert!(wrong.is_none(), "seed {}: {}", world.seed, wrong.unwrap());
}

/// Has everything go on that only waits for somebody to say so. False if there is nothing.
fn go_on(process: &Arc<Process>, engine: &SimEngine) -> bool {
    let active = engine.list_active().now_or_never();
    let active = active.expect("memory waits for nothing").unwrap();
    let (mut found, mut only_follows) = (false, None);
    for summary in active {
        let run = summary.run;
        // Or the one that it went on as.
        if let RunState::Pending(Wait::For(other)) = summary.state {
            only_follows = Some((run, other));
            continue;
        }
        found = true;
        match summary.state {
            RunState::Paused(_) => spawn(process, engine, move |_, engine| async move {
                engine.resume(Resume::Run(run)).await.unwrap();
            }),
            RunState::Parked(reason) if reason.is_of_undo() => {
                spawn(process, engine, move |process, engine| async move {
                    // Half of them work when they are tried again, the others are left at that.
                    if (process.world.seed ^ run.get()).is_multiple_of(2) {
                        engine.retry_now(run).await.unwrap();
                    } else {
                        engine.cancel(run, "leave it").await.unwrap();
                    }
                });
            }
            state => panic!(
                "seed {}: run {run} is at rest, {state:?}: {summary:?}",
                process.world.seed,
                summary = (summary.step, summary.terms, summary.undoing)
            ),
        }
    }
    let seed = process.world.seed;
    assert!(
        found || only_follows.is_none(),
        "seed {seed}: nothing goes on, and one run waits for the other: {only_follows:?}"
    );
    found
}
