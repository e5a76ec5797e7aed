//! The fault kit: it passes what is made as it should be, and finds what is not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_fsm::store::{Store, WriteError};
use longshore_fsm::testing::kit::{Faults, Kind, Kit, Life, Report, StepFault, Strike, Trial, ask};
use longshore_fsm::testing::{MemorySubject, Subject};
use longshore_fsm::{Engine, StepError, Workflow, WorkflowBuilder};

use crate::support::{HandleOf, SqliteSubject, StepCtx, Trail};

/// What can be wrong with a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// What is recorded depends on how often it is recorded.
    CountsAgain,
    /// A step that makes something for the run alone has no undo.
    NoUndo,
    /// An undo cannot be done twice.
    UndoCounts,
    /// A step knows what it did before only as long as its process lives.
    ForgetsOnRestart,
    /// A step hands on to the next what is in memory alone.
    HandsOnInMemory,
    /// A step takes a restart for a sign that everything was done.
    TrustsRestarts,
}

/// A shop with one order, and with `parcels` a parcel that is made up at the same time.
struct Shop<F> {
    fresh: F,
    parcels: bool,
    mistake: Option<Mistake>,
}

/// What a process knows and forgets when it dies.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Option<i64>>>);

impl Memory {
    fn get(&self) -> Option<i64> {
        *self.0.lock().unwrap()
    }

    fn set(&self, number: i64) {
        *self.0.lock().unwrap() = Some(number);
    }
}

fn number<S: Subject>(handle: &HandleOf<S>, name: &str) -> Result<i64, WriteError> {
    Ok(S::get(handle, name)?.unwrap_or(0))
}

/// Holds a place on the shelf for the order, one that has none or had it from the start.
async fn reserve<S: Subject>(
    mistake: Option<Mistake>,
    memory: Memory,
    ctx: &mut StepCtx<HandleOf<S>>,
) -> Result<(), StepError> {
    let forgets = mistake == Some(Mistake::ForgetsOnRestart);
    let known = memory.get();
    let place = ctx.record(move |handle| -> Result<i64, WriteError> {
        let shipped = number::<S>(handle, "shipped")?;
        let held = if forgets && shipped == 0 {
            known.unwrap_or(0)
        } else {
            number::<S>(handle, "place")?
        };
        if held > 0 {
            return Ok(held);
        }
        let place = number::<S>(handle, "places")? + 1;
        S::put(handle, "places", place)?;
        S::put(handle, "place", place)?;
        S::put(
            handle,
            "held",
            i64::from(number::<S>(handle, "shipped")? == 0),
        )?;
        Ok(place)
    });
    let place = place.await?;
    memory.set(place);
    ctx.response_mut().push(format!("place {place}"));
    Ok(())
}

async fn release<S: Subject>(
    mistake: Option<Mistake>,
    ctx: &mut StepCtx<HandleOf<S>>,
) -> Result<(), StepError> {
    let released = ctx.record(move |handle| {
        if mistake == Some(Mistake::UndoCounts) {
            let places = number::<S>(handle, "places")?;
            S::put(handle, "place", 0)?;
            S::put(handle, "held", 0)?;
            return S::put(handle, "places", places - 1);
        }
        if number::<S>(handle, "shipped")? == 0 {
            for name in ["places", "place", "held"] {
                S::put(handle, name, 0)?;
            }
        }
        Ok(())
    });
    Ok(released.await?)
}

async fn charge<S: Subject>(
    mistake: Option<Mistake>,
    ctx: &mut StepCtx<HandleOf<S>>,
) -> Result<(), StepError> {
    if mistake == Some(Mistake::TrustsRestarts) && ctx.is_restart() {
        return Ok(());
    }
    ctx.record(move |handle| {
        let charged = number::<S>(handle, "charged")?;
        let again = mistake == Some(Mistake::CountsAgain) && number::<S>(handle, "shipped")? == 0;
        S::put(handle, "charged", if again { charged + 1 } else { 1 })
    })
    .await?;
    ctx.on_completion(|handle| S::put(handle, "paid", 1));
    Ok(())
}

async fn refund<S: Subject>(ctx: &mut StepCtx<HandleOf<S>>) -> Result<(), StepError> {
    ctx.on_completion(|handle| {
        for name in ["charged", "paid"] {
            S::put(handle, name, 0)?;
        }
        Ok(())
    });
    Ok(())
}

async fn ship<S: Subject>(
    mistake: Option<Mistake>,
    memory: Memory,
    ctx: &mut StepCtx<HandleOf<S>>,
) -> Result<(), StepError> {
    if mistake == Some(Mistake::HandsOnInMemory) {
        let place = memory.get().ok_or("nobody knows the place");
        place.map_err(StepError::retry)?;
    }
    assert_eq!(ctx.response().len(), 1, "the response of the steps before");
    ctx.on_completion(|handle| {
        S::put(handle, "held", 0)?;
        S::put(handle, "shipped", 1)
    });
    Ok(())
}

fn order<S: Subject>(
    mistake: Option<Mistake>,
    memory: &Memory,
) -> Workflow<String, Trail, HandleOf<S>> {
    let (here, there) = (memory.clone(), memory.clone());
    let charging = |builder: WorkflowBuilder<_, _, _>| {
        let builder = builder.to("charge", move |ctx| Box::pin(charge::<S>(mistake, ctx)));
        if mistake == Some(Mistake::NoUndo) {
            return builder;
        }
        builder.undo(|ctx| Box::pin(refund::<S>(ctx)))
    };
    let builder = Workflow::builder("order", 1)
        .start("reserve", move |ctx| {
            Box::pin(reserve::<S>(mistake, here.clone(), ctx))
        })
        .undo(move |ctx| Box::pin(release::<S>(mistake, ctx)));
    charging(builder)
        .to("ship", move |ctx| {
            Box::pin(ship::<S>(mistake, there.clone(), ctx))
        })
        .finalize(|end| {
            end.on_end(|handle| S::put(handle, "ended", 1));
            Box::pin(async { Ok(()) })
        })
        .end()
        .unwrap()
}

/// A parcel is packed, and sent with what the step and its completion write together.
fn parcel<S: Subject>() -> Workflow<String, Trail, HandleOf<S>> {
    async fn pack<S: Subject>(ctx: &mut StepCtx<HandleOf<S>>) -> Result<(), StepError> {
        ctx.record(|handle| {
            let is_new = number::<S>(handle, "sent")? == 0;
            S::put(handle, "packed", i64::from(is_new))
        })
        .await?;
        Ok(())
    }
    async fn unpack<S: Subject>(ctx: &mut StepCtx<HandleOf<S>>) -> Result<(), StepError> {
        ctx.record(|handle| S::put(handle, "packed", 0)).await?;
        Ok(())
    }
    async fn send<S: Subject>(ctx: &mut StepCtx<HandleOf<S>>) -> Result<(), StepError> {
        ctx.on_completion(|handle| {
            S::put(handle, "packed", 0)?;
            S::put(handle, "sent", 1)
        });
        Ok(())
    }
    Workflow::builder("parcel", 1)
        .start("pack", |ctx| Box::pin(pack::<S>(ctx)))
        .undo(|ctx| Box::pin(unpack::<S>(ctx)))
        .to("send", |ctx| Box::pin(send::<S>(ctx)))
        .end()
        .unwrap()
}

async fn numbers<S: Subject>(subject: &S, names: &[&str]) -> Vec<i64> {
    let store = subject.open();
    let mut numbers = Vec::new();
    for name in names {
        numbers.push(subject.look(&store, name).await.unwrap().unwrap_or(0));
    }
    store.close().await;
    numbers
}

impl<S: Subject, F: Fn() -> S + Sync> Trial for Shop<F> {
    type World = S;
    type Seen = Vec<i64>;
    type Left = Vec<i64>;

    async fn fresh(&self) -> S {
        (self.fresh)()
    }

    async fn live(&self, world: &mut S, faults: &Faults) -> Life {
        let (order, parcel) = (order::<S>(self.mistake, &Memory::default()), parcel::<S>());
        let (an_order, a_parcel) = (order.handle(), parcel.handle());
        let engine = Engine::builder(faults.store(world.open()))
            .register(order)
            .register(parcel);
        let engine = faults.install(engine).open().await.unwrap();
        faults.attach(&engine).await;
        let made_up = async {
            if !self.parcels {
                return Life::Completed;
            }
            ask(&engine, &a_parcel, "7", String::from("a parcel")).await
        };
        let ordered = ask(&engine, &an_order, "7", String::from("an order"));
        let (ordered, made_up) = tokio::join!(ordered, made_up);
        engine.shutdown(Duration::from_secs(10)).await;
        if ordered == Life::Completed {
            return made_up;
        }
        ordered
    }

    async fn look(&self, world: &S) -> Vec<i64> {
        let all = [
            "places", "place", "held", "charged", "paid", "shipped", "ended", "packed", "sent",
        ];
        numbers(world, &all).await
    }

    async fn left(&self, world: &S) -> Vec<i64> {
        let mut left = numbers(world, &["held", "packed", "charged", "places"]).await;
        if numbers(world, &["shipped"]).await == [1] {
            // What was charged and where it lay belongs to the shop then.
            left.truncate(2);
            left.extend([0, 0]);
        }
        left
    }
}

/// Every step and undo with every fault, every commit with every strike.
async fn everywhere<S: Subject>(fresh: impl Fn() -> S + Sync, parcels: bool) -> Report {
    let shop = Shop {
        fresh,
        parcels,
        mistake: None,
    };
    Kit::default().pausing().run(&shop).await
}

const FAULTS: [StepFault; 5] = [
    StepFault::OnceBefore,
    StepFault::OnceAfter,
    StepFault::ForEverBefore,
    StepFault::ForEverAfter,
    StepFault::Twice,
];

const STRIKES: [Strike; 4] = [
    Strike::CrashBefore,
    Strike::CrashAfter,
    Strike::Cancel,
    Strike::Pause,
];

async fn an_order_is_disturbed_everywhere<S: Subject>(fresh: impl Fn() -> S + Sync) {
    let report = everywhere(fresh, false).await;
    let sites: Vec<_> = report.sites.iter().map(ToString::to_string).collect();
    let expected = [
        "step reserve of order \"7\"",
        "step charge of order \"7\"",
        "step ship of order \"7\"",
        "undo of step reserve of order \"7\"",
        "undo of step charge of order \"7\"",
    ];
    assert_eq!(sites, expected);
    // The start, what two steps record, three completions, and the end with its finalizer.
    assert_eq!(report.commits, 7);
    for fault in FAULTS {
        assert_eq!(report.of(Kind::Step(fault)), 3, "{report}");
        // One is undone where the second step fails, and two where the third does.
        assert_eq!(report.of(Kind::Undo(fault)), 3, "{report}");
    }
    for strike in STRIKES {
        assert_eq!(report.of(Kind::At(strike)), 7, "{report}");
        assert_eq!(report.of(Kind::AtUndoing(strike)), 11, "{report}");
    }
    assert_eq!(report.total(), 1 + 5 * (3 + 3) + 4 * (7 + 11), "{report}");
}

async fn two_runs_side_by_side_are_disturbed_everywhere<S: Subject>(fresh: impl Fn() -> S + Sync) {
    let report = everywhere(fresh, true).await;
    assert_eq!(report.commits, 11, "{report}");
    for fault in FAULTS {
        assert_eq!(report.of(Kind::Step(fault)), 5, "{report}");
        assert_eq!(report.of(Kind::Undo(fault)), 4, "{report}");
    }
    for strike in STRIKES {
        assert_eq!(report.of(Kind::At(strike)), 11, "{report}");
    }
}

/// Makes a test on the memory store and one on SQLite out of each generic function.
macro_rules! on_both {
    ($($test:ident),*) => {
        $(
            mod $test {
                use super::*;
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn in_memory() {
                    super::$test(MemorySubject::default).await;
                }
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn on_sqlite() {
                    super::$test(SqliteSubject::quick).await;
                }
            }
        )*
    };
}
on_both!(
    an_order_is_disturbed_everywhere,
    two_runs_side_by_side_are_disturbed_everywhere
);

async fn with(mistake: Mistake) {
    let shop = Shop {
        fresh: MemorySubject::default,
        parcels: false,
        mistake: Some(mistake),
    };
    Kit::default().run(&shop).await;
}

#[tokio::test]
#[should_panic(
    expected = "step charge of order \"7\" is called twice in one attempt, in the end: what there is to see"
)]
async fn a_step_that_counts_again_is_found() {
    with(Mistake::CountsAgain).await;
}

#[tokio::test]
#[should_panic(
    expected = "step ship of order \"7\" fails for ever, before it is called: a run that did not complete has left"
)]
async fn a_missing_undo_is_found() {
    with(Mistake::NoUndo).await;
}

#[tokio::test]
#[should_panic(
    expected = "undo of step reserve of order \"7\" is called twice in one attempt: Parked"
)]
async fn an_undo_that_counts_is_found() {
    with(Mistake::UndoCounts).await;
}

#[tokio::test]
#[should_panic(
    expected = "step reserve of order \"7\" fails for ever, after it was called, in the end: what there is to see"
)]
async fn a_step_that_forgets_on_a_restart_is_found() {
    with(Mistake::ForgetsOnRestart).await;
}

#[tokio::test]
#[should_panic(expected = "a crash before commit 4: after CutOff")]
async fn a_step_that_hands_on_in_memory_is_found() {
    with(Mistake::HandsOnInMemory).await;
}

#[tokio::test]
#[should_panic(expected = "a crash before commit 4, in the end: what there is to see")]
async fn a_step_that_trusts_restarts_is_found() {
    with(Mistake::TrustsRestarts).await;
}
