//! The workflows of a seed: how many steps, which are undone, and what each attempt comes to.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::clock::Clock;
use longshore_fsm::store::Ledger;
use longshore_fsm::{
    Attempts, Backoff, Ctx, Ended, RunId, StepError, StepPolicy, Workflow, WorkflowBuilder,
};

use crate::simulation::world::{Process, World, drawn};

pub(crate) type Flow = Workflow<u64, Vec<u64>, Ledger>;
pub(crate) type SimCtx = Ctx<u64, Vec<u64>, Ledger>;

pub(crate) const NAMES: [&str; 2] = ["load", "scan"];
const STEPS: [&str; 4] = ["one", "two", "three", "four"];

/// How the attempts of a life come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Rough,
    /// Everything succeeds.
    Calm,
}

/// The workflow of this number, the same in every life of a seed.
pub(crate) fn flow(process: &Arc<Process>, number: usize, mood: Mood) -> Flow {
    let seed = process.world.seed;
    let mut chance = drawn(seed, &[1, number as u64]);
    let mut builder: WorkflowBuilder<u64, Vec<u64>, Ledger> = Workflow::builder(NAMES[number], 1);
    let count = 1 + chance.index(STEPS.len());
    for (index, name) in STEPS.iter().enumerate().take(count) {
        let policy = policy(&mut chance);
        let acting = Arc::clone(process);
        builder = builder.to_with(name, policy, move |ctx| {
            let process = Arc::clone(&acting);
            Box::pin(async move { act(&process, ctx, index, mood).await })
        });
        if chance.percent(50) {
            let (undoing, policy) = (Arc::clone(process), self::policy(&mut chance));
            builder = builder.undo_with(policy, move |ctx| {
                let process = Arc::clone(&undoing);
                Box::pin(async move { act(&process, ctx, index, mood).await })
            });
        }
    }
    if chance.percent(40) {
        let process = Arc::clone(process);
        builder = builder.finalize(move |end| {
            let world = Arc::clone(&process.world);
            Box::pin(async move {
                let run = end.run_id();
                end.on_end(move |ledger| add(ledger, &format!("f{run}")));
                if drawn(world.seed, &[5, run.get()]).percent(10) {
                    std::panic::resume_unwind(Box::new("a finalizer that panics"));
                }
                Ok(())
            })
        });
    }
    builder.end().unwrap()
}

fn policy(chance: &mut longshore_fsm::testing::simulation::Chance) -> StepPolicy {
    let attempts = 1 + u32::try_from(chance.below(3)).unwrap();
    StepPolicy {
        attempts: Attempts::AtMost(NonZeroU32::new(attempts).unwrap()),
        timeout: chance.percent(30).then_some(Duration::from_secs(2)),
        grace: Duration::from_secs(1),
        backoff: Backoff::default(),
    }
}

pub(crate) fn count(ledger: &Ledger, name: &str) -> i64 {
    ledger
        .get(name)
        .and_then(|value| value.as_i64())
        .unwrap_or(0)
}

fn add(ledger: &Ledger, name: &str) -> Result<(), longshore_fsm::BoxError> {
    ledger.put(name, count(ledger, name) + 1);
    Ok(())
}

pub(crate) fn done(run: RunId, index: usize) -> String {
    format!("d{run}.{index}")
}

pub(crate) fn undone(run: RunId, index: usize) -> String {
    format!("u{run}.{index}")
}

/// That an attempt is under way; not any more once it is dropped.
struct AtWork {
    world: Arc<World>,
    run: RunId,
    queue: Option<String>,
}

impl AtWork {
    fn begin(process: &Process, ctx: &SimCtx) -> Self {
        let (world, run) = (Arc::clone(&process.world), ctx.run_id());
        let queue = ctx.spec().terms.queue.clone().filter(|_| !ctx.is_undo());
        let mut seen = world.seen();
        let is_alone = seen.attempts.insert(run);
        let mut crowd = 0;
        if let Some(queue) = &queue {
            let at_work = seen.at_work.entry(queue.clone()).or_default();
            at_work.insert(run);
            crowd = at_work.len();
        }
        drop(seen);
        world.must(is_alone, || format!("two attempts of run {run} at once"));
        let limit = super::operator::limit(world.seed);
        world.must(crowd <= limit, || format!("{crowd} in a queue for {limit}"));
        Self { world, run, queue }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut seen = self.world.seen();
        seen.attempts.remove(&self.run);
        if let Some(at_work) = self.queue.as_ref().and_then(|q| seen.at_work.get_mut(q)) {
            at_work.remove(&self.run);
        }
    }
}

/// An attempt at a step or at its undo.
async fn act(
    process: &Arc<Process>,
    ctx: &mut SimCtx,
    index: usize,
    mood: Mood,
) -> Result<(), StepError> {
    let _at_work = AtWork::begin(process, ctx);
    look(process, ctx, index);
    let (world, run, is_undo) = (&process.world, ctx.run_id(), ctx.is_undo());
    let purpose = [
        3,
        run.get(),
        index as u64,
        u64::from(ctx.attempt()),
        u64::from(is_undo),
    ];
    let mut chance = drawn(world.seed, &purpose);
    if chance.percent(20) {
        let name = format!("r{run}.{index}");
        ctx.record(move |ledger| add(ledger, &name)).await?;
    }
    let rough = if mood == Mood::Calm {
        99
    } else {
        chance.below(100)
    };
    match rough {
        0..=12 => return Err(StepError::retry("again")),
        13..=16 => return Err(StepError::abort("enough")),
        17..=18 => return Err(StepError::user("wrong")),
        19..=20 => std::panic::resume_unwind(Box::new("a step that panics")),
        21..=30 => {
            let wait = Duration::from_millis(10 + chance.below(5_000));
            tokio::select! {
                () = ctx.token().cancelled() => return Err(StepError::retry("told to stop")),
                () = world.clock.sleep(wait) => {}
            }
        }
        31..=33 => {
            ctx.token().cancelled().await;
            if chance.percent(50) {
                return Err(StepError::retry("told to stop"));
            }
        }
        34..=37 => {
            // Heedless: it goes on past its grace, and is stuck if it was told to stop.
            let wait = Duration::from_millis(3_000 + chance.below(3_000));
            world.clock.sleep(wait).await;
        }
        38 if !is_undo => {
            let other = RunId::new(1).unwrap();
            return Err(StepError::ContinuedAs(other));
        }
        _ => {}
    }
    if is_undo {
        ctx.on_completion(move |ledger| add(ledger, &undone(run, index)));
    } else {
        ctx.response_mut().push(index as u64);
        ctx.on_completion(move |ledger| add(ledger, &done(run, index)));
    }
    if chance.percent(2) && mood == Mood::Rough {
        ctx.on_completion(|_| Err("refused".into()));
    }
    Ok(())
}

/// What must hold when an attempt begins.
fn look(process: &Process, ctx: &SimCtx, index: usize) {
    let run = ctx.run_id();
    let found = process.store.read(|ledger| {
        let done = |i| count(ledger, &done(run, i));
        let before = (0..index).map(done).all(|n| n == 1);
        (
            before,
            done(index),
            done(index + 1),
            count(ledger, &undone(run, index)),
        )
    });
    let expected = (true, i64::from(ctx.is_undo()), 0, 0);
    let expected = if ctx.is_undo() {
        (true, 1, found.2, 0)
    } else {
        expected
    };
    process.world.must(found == expected, || {
        format!(
            "run {run} begins step {index} (undo: {}) at {found:?}",
            ctx.is_undo()
        )
    });
    let response: Vec<u64> = (0..ctx.response().len() as u64).collect();
    process.world.must(*ctx.response() == response, || {
        format!("run {run} has the response {:?}", ctx.response())
    });
}

/// Whether a run that ended so is undone.
pub(crate) fn is_undone(ended: &Ended) -> bool {
    matches!(ended, Ended::Failed { .. } | Ended::Cancelled { .. })
}
