//! A clock that is set: nothing hangs for it, nothing is lost, and no order depends on it.

use std::sync::Arc;
use std::time::Duration;

use longshore_fsm::clock::{Clock, Timestamp};
use longshore_fsm::testing::{ManualClock, Subject};
use longshore_fsm::{
    Cancel, Engine, ErrorKind, Resume, Retention, RunId, RunState, Start, StartOptions, StepError,
    WorkflowRef,
};
use tokio::sync::Semaphore;

use crate::support::{HandleOf, Told, Trail, on_both_stores, one_step, retries};

on_both_stores!(
    in_back_off,
    before_a_delay_is_over,
    before_a_deadline,
    while_others_wait_in_a_queue,
    beyond_all_times,
);

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: u64 = 24 * 3_600_000;

/// In the middle of everything: a clock can be set both ways from here.
const NOON: u64 = 1_000 * DAY;

struct Watched<S: Subject> {
    engine: Engine<S::Store>,
    work: WorkflowRef<String, Trail>,
    clock: ManualClock,
    told: Told,
    gate: Arc<Semaphore>,
}

impl<S: Subject> Watched<S> {
    /// A workflow whose requests say what becomes of its first attempt.
    async fn new(subject: &S, clock: &ManualClock) -> Self {
        let (told, gate) = (Told::default(), Arc::new(Semaphore::new(0)));
        let (tell, open) = (told.clone(), Arc::clone(&gate));
        let workflow = one_step::<HandleOf<S>, _>(retries(3), move |ctx| {
            tell.tell(ctx.id());
            let gate = Arc::clone(&open);
            let (fails, waits) = (
                ctx.request() == "fails" && ctx.attempt() == 1,
                ctx.request() == "waits",
            );
            Box::pin(async move {
                if fails {
                    return Err(StepError::retry("by design"));
                }
                if waits {
                    gate.acquire().await?.forget();
                }
                Ok(())
            })
        });
        let work = workflow.handle();
        let engine = Engine::builder(subject.open())
            .clock(clock.clone())
            .queue("loads", 1)
            .register(workflow);
        Self {
            engine: engine.open().await.unwrap(),
            work,
            clock: clock.clone(),
            told,
            gate,
        }
    }

    async fn start(&self, id: &str, request: &str, options: StartOptions) -> RunId {
        let started = self
            .engine
            .start(&self.work, id, request.to_owned(), options);
        match started.await.unwrap() {
            Start::Started(run) => run,
            other => panic!("not started: {other:?}"),
        }
    }

    /// Lets time pass, as the engine sleeps, until the run has ended.
    async fn pass_until_ended(&self, run: RunId) -> Duration {
        let mut passed = Duration::ZERO;
        let ended = self.engine.wait(run);
        tokio::pin!(ended);
        loop {
            tokio::select! {
                biased;
                ended = &mut ended => {
                    ended.unwrap();
                    return passed;
                }
                wait = self.clock.until_asleep() => {
                    self.clock.advance(wait);
                    passed += wait;
                }
            }
            assert!(passed < 100 * HOUR, "it hangs");
        }
    }
}

fn at(millis: u64) -> ManualClock {
    let clock = ManualClock::new();
    clock.set(Timestamp::from_millis(millis));
    clock
}

/// A day back, and a day forward.
fn jumps() -> [Timestamp; 2] {
    [NOON - DAY, NOON + DAY].map(Timestamp::from_millis)
}

async fn in_back_off<S: Subject>(subject: S) {
    for (n, jump) in jumps().into_iter().enumerate() {
        let bench = Watched::new(&subject, &at(NOON)).await;
        let plain = StartOptions::default;
        let run = bench.start(&n.to_string(), "fails", plain()).await;
        assert_eq!(bench.clock.until_asleep().await.as_millis(), 100);
        bench.clock.set(jump);
        assert_eq!(bench.pass_until_ended(run).await.as_millis(), 100);

        // The same in the next process, which has only what is stored.
        let run = bench.start(&format!("{n} again"), "fails", plain()).await;
        bench.clock.until_asleep().await;
        bench.engine.shutdown(Duration::ZERO).await;
        let next = Watched::new(&subject, &at(NOON - DAY)).await;
        next.engine.resume(Resume::All).await.unwrap();
        let waited = next.pass_until_ended(run).await;
        assert!(waited <= Duration::from_secs(5), "{waited:?}");
        next.engine.shutdown(Duration::ZERO).await;
    }
}

async fn before_a_delay_is_over<S: Subject>(subject: S) {
    let hour = || StartOptions::default().delay(HOUR);
    let bench = Watched::new(&subject, &at(NOON)).await;
    let back = bench.start("back", "", hour()).await;
    bench.clock.set(Timestamp::from_millis(NOON - 600_000));
    // It is told by the clock on the wall, which shows its time ten minutes later now.
    let passed = bench.pass_until_ended(back).await;
    assert_eq!(passed, HOUR + Duration::from_secs(600));

    let forward = bench.start("forward", "", hour()).await;
    let now = bench.clock.now();
    bench.clock.set(now.after(2 * HOUR));
    // The clock is looked at once a minute.
    let passed = bench.pass_until_ended(forward).await;
    assert!(passed <= Duration::from_secs(60), "{passed:?}");
    assert_eq!(bench.told.all(), ["back", "forward"]);
}

async fn before_a_deadline<S: Subject>(subject: S) {
    let within = || StartOptions::default().within(HOUR);
    let bench = Watched::new(&subject, &at(NOON)).await;
    let holds = bench.start("holds", "waits", StartOptions::default().queue("loads"));
    let holds = holds.await;
    let queued = bench.start("queued", "", within().queue("loads")).await;
    bench.clock.set(Timestamp::from_millis(NOON + DAY));
    bench.pass_until_ended(queued).await;
    let outcome = bench.engine.wait(queued).await.unwrap();
    assert_eq!(outcome.error().unwrap().kind, ErrorKind::Deadline);

    // Set back it has more time than it had, and needs it not.
    let later = bench.start("later", "", within().queue("loads")).await;
    bench.clock.set(Timestamp::from_millis(NOON));
    bench.gate.add_permits(1);
    assert!(bench.engine.wait(holds).await.unwrap().is_completed());
    assert!(bench.engine.wait(later).await.unwrap().is_completed());
}

async fn while_others_wait_in_a_queue<S: Subject>(subject: S) {
    let clock = at(NOON);
    let bench = Watched::new(&subject, &clock).await;
    let queued = || StartOptions::default().queue("loads");
    let mut runs = vec![bench.start("first", "waits", queued()).await];
    for (n, day) in [0, 3, 1, 9, 2].into_iter().enumerate() {
        clock.set(Timestamp::from_millis(NOON + DAY * day - 2 * DAY));
        runs.push(bench.start(&n.to_string(), "waits", queued()).await);
    }
    bench.told.until(1).await;
    bench.gate.add_permits(2);
    bench.told.until(3).await;
    assert_eq!(bench.told.all(), ["first", "0", "1"]);
    bench.engine.shutdown(Duration::ZERO).await;

    let bench = Watched::new(&subject, &at(5)).await;
    bench.gate.add_permits(9);
    bench.engine.resume(Resume::All).await.unwrap();
    for run in &runs {
        assert!(bench.engine.wait(*run).await.unwrap().is_completed());
    }
    assert_eq!(bench.told.all(), ["1", "2", "3", "4"]);
    // By age nothing is old while the clock is behind; by count the order is one and the same.
    let prune = async |age, count| bench.engine.prune(Retention { age, count }).await.unwrap();
    assert_eq!(prune(Some(HOUR), None).await, 0);
    assert_eq!(prune(None, Some(2)).await, 4);
}

async fn beyond_all_times<S: Subject>(subject: S) {
    let clock = at(u64::MAX / 2);
    let bench = Watched::new(&subject, &clock).await;
    let never = StartOptions::default()
        .delay(Duration::MAX)
        .within(Duration::MAX);
    let run = bench.start("never", "", never).await;
    clock.set(Timestamp::from_millis(0));
    let summary = bench.engine.run(run).await.unwrap().unwrap();
    assert!(matches!(summary.state, RunState::Pending(_)), "{summary:?}");
    let cancelled = bench.engine.cancel(run, "too late").await.unwrap();
    assert_eq!(cancelled, Cancel::Requested);
    bench.engine.wait(run).await.unwrap();
    let plain = bench.start("now", "", StartOptions::default()).await;
    assert!(bench.engine.wait(plain).await.unwrap().is_completed());
    let history = bench.engine.history(plain).await.unwrap();
    assert_eq!(history[0].at, Timestamp::from_millis(0));
}
