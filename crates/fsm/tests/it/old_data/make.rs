//! How the fixture of this build's schema version is made: every state that a run can be left in.
//!
//! For a new version: write what is new of it here, run the tests with
//! `LONGSHORE_FSM_WRITE_FIXTURE=1`, and read the fixture back in a file beside this one.

use std::path::Path;
use std::time::Duration;

use longshore_fsm::clock::Timestamp;
use longshore_fsm::store::{Migrations, SqliteStore};
use longshore_fsm::testing::ManualClock;
use longshore_fsm::{
    Attempts, Backoff, Ctx, Engine, Observations, Resume, RunId, Start, StartOptions, StepError,
    StepPolicy, Workflow, WorkflowRef,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::old_data::script::{dump, fixture, version};
use crate::support::{Told, until};

pub(super) const SHOP: Migrations<'static> = Migrations {
    owner: "shop",
    steps: &["CREATE TABLE parcel (run INTEGER NOT NULL, item TEXT NOT NULL) STRICT;"],
};

/// When the first run was started.
pub(super) const BEGAN: u64 = 1_795_400_000_000;

pub(super) const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The request: what the run meets with. The reading build has nothing happen to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meets {
    Nothing,
    /// The payment takes for ever.
    LongPayment,
    /// The line to the bank is bad.
    BadLine,
    /// The payment is refused.
    Refusal,
    /// The payment is refused, and the stock takes nothing back.
    RefusalAndFullStock,
    /// The payment is refused, and to put back what was reserved takes for ever.
    RefusalAndLongWay,
}

type OrderCtx = Ctx<Meets, Vec<String>, Connection>;

fn policy(attempts: Attempts) -> StepPolicy {
    let minute = Duration::from_secs(60);
    StepPolicy {
        attempts,
        backoff: Backoff {
            first: minute,
            factor: 2.0,
            spread: 0.0,
            max: minute,
        },
        ..StepPolicy::default()
    }
}

/// The workflow as it was, or as a build has it in which everything is well.
pub(super) fn order(told: &Told, all_is_well: bool) -> Workflow<Meets, Vec<String>, Connection> {
    let meets = move |ctx: &OrderCtx| match *ctx.request() {
        _ if all_is_well => Meets::Nothing,
        meets => meets,
    };
    let tell = |told: &Told, ctx: &OrderCtx| {
        let undo = if ctx.is_undo() { "undo " } else { "" };
        told.tell(format!("{}: {undo}{}", ctx.run_id(), ctx.step()));
    };
    let once = policy(Attempts::retries(0));
    let (reserve, undo, pay, pack) = (told.clone(), told.clone(), told.clone(), told.clone());
    Workflow::builder("order", 1)
        .start("reserve", move |ctx: &mut OrderCtx| {
            tell(&reserve, ctx);
            ctx.response_mut().push(String::from("reserved"));
            Box::pin(async { Ok(()) })
        })
        .undo_with(once, move |ctx| {
            tell(&undo, ctx);
            let meets = meets(ctx);
            Box::pin(async move {
                match meets {
                    Meets::RefusalAndFullStock => Err(StepError::abort("the stock is full")),
                    Meets::RefusalAndLongWay => std::future::pending().await,
                    _ => Ok(()),
                }
            })
        })
        .to_with("pay", policy(Attempts::retries(3)), move |ctx| {
            tell(&pay, ctx);
            let meets = meets(ctx);
            Box::pin(async move {
                match meets {
                    Meets::Nothing => ctx.response_mut().push(String::from("paid")),
                    Meets::BadLine => return Err(StepError::retry("the line is bad")),
                    Meets::LongPayment => {
                        ctx.token().cancelled().await;
                        return Err(StepError::retry("the bank was told to stop"));
                    }
                    _ => return Err(StepError::user("the payment is refused")),
                }
                Ok(())
            })
        })
        .to("pack", move |ctx| {
            tell(&pack, ctx);
            let (run, item) = (ctx.run_id().get(), ctx.id().to_owned());
            ctx.on_completion(move |shop| {
                let parcel = (i64::try_from(run)?, item);
                shop.execute("INSERT INTO parcel VALUES (?1, ?2)", parcel)?;
                Ok(())
            });
            Box::pin(async { Ok(()) })
        })
        .end()
        .unwrap()
}

/// An engine, and what it does.
pub(super) struct Shop {
    pub(super) engine: Engine<SqliteStore>,
    pub(super) clock: ManualClock,
    pub(super) order: WorkflowRef<Meets, Vec<String>>,
    pub(super) told: Told,
    seen: Observations,
}

impl Shop {
    pub(super) async fn open(path: &Path, now: u64, all_is_well: bool) -> Self {
        let (clock, told) = (ManualClock::new(), Told::default());
        clock.set(Timestamp::from_millis(now));
        let workflow = order(&told, all_is_well);
        let order = workflow.handle();
        let engine = Engine::builder(SqliteStore::open(path, &[SHOP]).unwrap())
            .clock(clock.clone())
            .queue("packers", 1)
            .register(workflow);
        let engine = engine.open().await.unwrap();
        Self {
            seen: engine.subscribe(),
            engine,
            clock,
            order,
            told,
        }
    }

    /// Starts a run, a second after what was before.
    async fn start(&self, item: &str, meets: Meets, options: StartOptions) -> RunId {
        self.clock.advance(Duration::from_secs(1));
        let started = self.engine.start(&self.order, item, meets, options);
        match started.await.unwrap() {
            Start::Started(run) => run,
            other => panic!("not started: {other:?}"),
        }
    }

    /// Waits until this has been called.
    async fn until_told(&self, call: &str) {
        for count in 1.. {
            self.told.until(count).await;
            if self.told.all().iter().any(|told| told == call) {
                return;
            }
        }
    }
}

/// The states of version 2, one run after the other, as a process leaves them that is killed.
async fn write(path: &Path) {
    let mut shop = Shop::open(path, BEGAN, false).await;
    let plain = StartOptions::default;
    let first = plain().idempotency_key("receipt 1").within(DAY).trace(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    );
    let first = shop.start("anchor", Meets::Nothing, first).await;
    shop.engine.wait(first).await.unwrap();

    let run = shop
        .start("rope", Meets::Refusal, plain().parent(first))
        .await;
    shop.engine.wait(run).await.unwrap();

    shop.start("lantern", Meets::RefusalAndLongWay, plain())
        .await;
    shop.until_told("3: undo reserve").await;

    let run = shop
        .start("compass", Meets::RefusalAndFullStock, plain())
        .await;
    shop.engine.wait(run).await.unwrap_err();

    let run = shop.start("chart", Meets::LongPayment, plain()).await;
    shop.until_told("5: pay").await;
    shop.engine.pause(run, "the bank has closed").await.unwrap();
    shop.engine.wait(run).await.unwrap_err();

    let queued = || plain().queue("packers");
    let sixth = shop.start("bell", Meets::LongPayment, queued()).await;
    shop.until_told("6: pay").await;
    shop.start("sail", Meets::Nothing, queued().priority(-1))
        .await;
    shop.start("oar", Meets::Nothing, queued().priority(7))
        .await;

    let tomorrow = plain().delay(DAY).within(2 * DAY);
    let ninth = shop.start("hook", Meets::Nothing, tomorrow).await;
    let tenth = shop
        .start("net", Meets::Nothing, plain().after_completed(sixth))
        .await;
    shop.start("line", Meets::Nothing, plain().after(ninth))
        .await;

    let child = plain().parent(first).idempotency_key("receipt 12");
    shop.start("float", Meets::BadLine, child).await;
    until(&mut shop.seen, "retry").await;

    let late = shop.start(
        "buoy",
        Meets::LongPayment,
        plain().within(Duration::from_secs(1)),
    );
    let late = late.await;
    shop.until_told("13: pay").await;
    shop.clock.advance(Duration::from_secs(2));
    shop.engine.wait(late).await.unwrap();

    let run = shop
        .start("cork", Meets::RefusalAndFullStock, plain())
        .await;
    shop.engine.wait(run).await.unwrap_err();
    shop.engine.cancel(run, "leave it there").await.unwrap();
    shop.engine.wait(run).await.unwrap();
    // One that is parked for its queue is looked at by the next build anew.
    assert_eq!(tenth.get(), 10);
    let again = shop.engine.resume(Resume::All).await.unwrap();
    assert_eq!(again.resumed, []);
}

/// A store of this build's schema version, as a script.
fn written(path: &Path) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    runtime.block_on(write(path));
    let script = dump(&Connection::open(path).unwrap());
    drop(runtime);
    script
}

#[test]
fn this_build_writes_what_the_fixture_of_its_version_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let script = written(&path);
    let fixture = fixture(version(&path));
    let kept = std::fs::read_to_string(&fixture).unwrap_or_default();
    let (header, mut kept): (Vec<_>, Vec<_>) =
        kept.lines().partition(|line| line.starts_with("--"));
    let script: Vec<_> = script.lines().collect();
    if std::env::var_os("LONGSHORE_FSM_WRITE_FIXTURE").is_some() {
        let lines = [header, script.clone()].concat();
        std::fs::write(&fixture, lines.join("\n") + "\n").unwrap();
        kept = script.clone();
    }
    for (kept, written) in kept.iter().zip(&script) {
        assert_eq!(kept, written);
    }
    assert_eq!(kept.len(), script.len());
}
