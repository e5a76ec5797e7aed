//! Version 1: runs without terms and without undo, half of them in the middle of something.

use std::path::{Path, PathBuf};
use std::time::Duration;

use longshore_fsm::store::{Migrations, OpenError, Readers, RunFilter, SqliteStore};
use longshore_fsm::testing::ManualClock;
use longshore_fsm::{
    Cancel, Ctx, Ended, Engine, ErrorKind, ParkReason, Resume, Retention, Start, StartOptions,
    StepError, StepName, Workflow, WorkflowKey, clock::Timestamp,
};
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use crate::old_data::script::{assert_read_in_full, load, run, runs, version, word};
use crate::support::{Told, name};

const SHOP: Migrations<'static> = Migrations {
    owner: "shop",
    steps: &[
        "CREATE TABLE parcel (customer TEXT NOT NULL, item TEXT NOT NULL, payment TEXT NOT NULL) STRICT;",
    ],
};

/// After everything that is in the fixture.
const NOW: u64 = 1_795_400_000_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    customer: String,
    item: String,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Progress {
    reserved: bool,
    payment: Option<String>,
}

type OrderCtx = Ctx<Order, Progress, Connection>;

fn old() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    load(1, &path);
    (dir, path)
}

async fn reserve(ctx: &mut OrderCtx) -> Result<(), StepError> {
    ctx.response_mut().reserved = true;
    Ok(())
}

async fn pay(told: Told, ctx: &mut OrderCtx) -> Result<(), StepError> {
    assert!(ctx.response().reserved, "as the step before left it");
    let again = if ctx.is_restart() { ", again" } else { "" };
    told.tell(format!("{}: pay {}{again}", ctx.id(), ctx.attempt()));
    ctx.response_mut().payment = Some(format!("paid for order {}", ctx.run_id()));
    Ok(())
}

async fn pack(ctx: &mut OrderCtx) -> Result<(), StepError> {
    let order = ctx.request().clone();
    let payment = ctx.response().payment.clone().unwrap();
    ctx.on_completion(move |shop| {
        let parcel = (order.customer, order.item, payment);
        shop.execute("INSERT INTO parcel VALUES (?1, ?2, ?3)", parcel)?;
        Ok(())
    });
    Ok(())
}

fn order(number: u32, told: &Told) -> Workflow<Order, Progress, Connection> {
    let told = told.clone();
    Workflow::builder("order", number)
        .start("reserve", |ctx| Box::pin(reserve(ctx)))
        .to("pay", move |ctx| Box::pin(pay(told.clone(), ctx)))
        .to("pack", |ctx| Box::pin(pack(ctx)))
        .end()
        .unwrap()
}

/// An engine of this build on the store, with these versions of the workflow.
async fn engine(path: &Path, versions: &[u32], told: &Told) -> Engine<SqliteStore> {
    let clock = ManualClock::new();
    clock.set(Timestamp::from_millis(NOW));
    let mut builder = Engine::builder(SqliteStore::open(path, &[SHOP]).unwrap()).clock(clock);
    for version in versions {
        builder = builder.register(order(*version, told));
    }
    builder.open().await.unwrap()
}

fn key(name: &str) -> WorkflowKey {
    let name = name.to_owned();
    WorkflowKey { name, version: 1 }
}

fn unknown(workflow: &str) -> ParkReason {
    let workflow = key(workflow);
    ParkReason::UnknownWorkflow { workflow }
}

fn gift_wrap() -> ParkReason {
    let step = StepName::new("gift-wrap");
    ParkReason::UnknownStep { step }
}

#[tokio::test]
async fn every_run_is_where_it_was() {
    let (_dir, path) = old();
    let too_old = Readers::open(&path, &[SHOP]);
    assert!(
        matches!(too_old, Err(OpenError::OlderSchema { found: 1, .. })),
        "{too_old:?}"
    );
    SqliteStore::open(&path, &[SHOP]).unwrap();
    let readers = Readers::open(&path, &[SHOP]).unwrap();
    assert_read_in_full(&path, &readers, 10);
    let oldest_first = RunFilter {
        oldest_first: true,
        ..RunFilter::default()
    };
    let all = readers.list_runs(&oldest_first).unwrap();
    let seen: Vec<_> = (all.iter())
        .map(|run| (run.run.get(), run.id.as_str(), word(run)))
        .collect();
    let expected = [
        (1, "ada/anchor", "ended: \"completed\""),
        (2, "grace/rope", "ended: \"failed\""),
        (3, "linus/lantern", "ended: \"cancelled\""),
        (4, "ada/compass", "ended: \"continued_as\""),
        (5, "ada/chart", "running pay"),
        (6, "grace/rope", "waiting for pay"),
        (
            7,
            "2026-0001",
            "parked: this build has no workflow invoice v1",
        ),
        (8, "tove/barometer", "ready for pay"),
        (9, "alan/anchor", "running pay"),
        (10, "edsger/bell", "stuck after Timeout in pay"),
    ];
    assert_eq!(
        seen,
        expected.map(|(run, id, word)| (run, id, word.to_owned()))
    );
    assert!(all.iter().all(|run| run.terms.are_none()), "{all:?}");
    let ended = |number: usize| all[number - 1].ended.map(Timestamp::as_millis);
    assert_eq!(ended(1), Some(1_795_338_060_660));
    assert_eq!(
        (ended(5), all[8].cancel.as_deref()),
        (None, Some("ordered twice"))
    );
}

#[tokio::test]
async fn those_that_ended_tell_their_outcome() {
    let (_dir, path) = old();
    let engine = engine(&path, &[1], &Told::default()).await;
    let first = engine.wait(run(1)).await.unwrap();
    assert!(first.is_completed());
    let progress = Progress {
        reserved: true,
        payment: Some(String::from("paid for order 1")),
    };
    assert_eq!(first.response::<Progress>().unwrap(), progress);
    let second = engine.wait(run(2)).await.unwrap();
    let error = second.error().unwrap();
    assert_eq!(
        (error.kind, error.text.as_str()),
        (ErrorKind::User, "no rope is left")
    );
    assert_eq!(error.detail, Some(json!({"item": "rope", "left": 0})));
    let cause = String::from("the customer's mind has changed");
    assert_eq!(
        engine.wait(run(3)).await.unwrap().ended,
        Ended::Cancelled { cause }
    );
    let ended = engine.wait(run(4)).await.unwrap().ended;
    assert_eq!(ended, Ended::ContinuedAs { run: run(5) });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_are_active_go_on_where_they_stood() {
    let (_dir, path) = old();
    let told = Told::default();
    let engine = engine(&path, &[1], &told).await;
    // Who asks for one of them before anything was resumed gets it.
    let handle = order(1, &told).handle();
    let chart = Order {
        customer: String::from("ada"),
        item: String::from("chart"),
    };
    let asked = engine.start(&handle, "ada/chart", chart, StartOptions::default());
    assert_eq!(asked.await.unwrap(), Start::Joined(run(5)));
    engine.wait(run(5)).await.unwrap();

    let report = engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, runs(&[6, 9, 10]));
    let parked = [(run(7), unknown("invoice")), (run(8), gift_wrap())];
    assert_eq!(report.parked, parked);
    for number in [5, 6, 10] {
        assert!(engine.wait(run(number)).await.unwrap().is_completed());
    }
    let cause = String::from("ordered twice");
    assert_eq!(
        engine.wait(run(9)).await.unwrap().ended,
        Ended::Cancelled { cause }
    );
    let mut paid = told.all();
    paid.sort();
    // A failure is not an interruption; a process that ends is one.
    let expected = [
        "ada/chart: pay 2, again",
        "edsger/bell: pay 2, again",
        "grace/rope: pay 2",
    ];
    assert_eq!(paid, expected);
    let parcels = engine.store().read(|conn| {
        let sql = "SELECT group_concat(item || ': ' || payment, ', ' ORDER BY item) FROM parcel";
        conn.query_row(sql, [], |row| row.get::<_, String>(0))
    });
    assert_eq!(
        parcels.await.unwrap().unwrap(),
        "anchor: paid for order 1, bell: paid for order 10, chart: paid for order 5, \
         rope: paid for order 6"
    );
    let history = engine.history(run(7)).await.unwrap();
    assert_eq!(history.len(), 10, "it has been said that it is parked");
    for number in [7, 8] {
        let cancelled = engine.cancel(run(number), "nobody wants it").await.unwrap();
        assert_eq!(cancelled, Cancel::Requested);
        let cause = String::from("nobody wants it");
        assert_eq!(
            engine.wait(run(number)).await.unwrap().ended,
            Ended::Cancelled { cause }
        );
    }
    assert_eq!(engine.list_active().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_version_beside_the_first_is_for_new_runs() {
    let (_dir, path) = old();
    let told = Told::default();
    let engine = engine(&path, &[1, 2], &told).await;
    let report = engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, runs(&[5, 6, 9, 10]));
    let order = Order {
        customer: String::from("ada"),
        item: String::from("anchor"),
    };
    let second = self::order(2, &told).handle();
    let asked = engine.start(&second, "ada/anchor", order, StartOptions::default());
    // Numbers go on where they were.
    assert_eq!(asked.await.unwrap(), Start::Started(run(11)));
    for number in [5, 6, 10, 11] {
        let outcome = engine.wait(run(number)).await.unwrap();
        assert!(outcome.is_completed());
        assert_eq!(outcome.workflow.version, if number == 11 { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_second_version_instead_of_the_first_parks_what_is_of_the_first() {
    let (_dir, path) = old();
    let engine = engine(&path, &[2], &Told::default()).await;
    let report = engine.resume(Resume::All).await.unwrap();
    let expected = [
        (run(5), unknown("order")),
        (run(6), unknown("order")),
        (run(7), unknown("invoice")),
        (run(8), unknown("order")),
        (run(10), unknown("order")),
    ];
    assert_eq!(report.parked, expected);
    // What is to end needs no build that knows its steps.
    assert!(matches!(
        engine.wait(run(9)).await.unwrap().ended,
        Ended::Cancelled { .. }
    ));
}

/// What a build parks whose request or response is of another type.
async fn parked_by<Req, Resp>() -> Vec<(u64, ParkReason)>
where
    Req: DeserializeOwned + Send + Sync + 'static,
    Resp: Serialize + DeserializeOwned + Default + Send + Sync + 'static,
{
    let (_dir, path) = old();
    let mut builder = Workflow::<Req, Resp, Connection>::builder("order", 1);
    for step in ["reserve", "pay", "pack"] {
        builder = builder.to(step, |_| {
            Box::pin(async { unreachable!("it cannot be read") })
        });
    }
    let engine = Engine::builder(SqliteStore::open(&path, &[SHOP]).unwrap());
    let engine = engine
        .register(builder.end().unwrap())
        .open()
        .await
        .unwrap();
    let report = engine.resume(Resume::All).await.unwrap();
    let parked = report.parked.into_iter();
    parked.map(|(run, reason)| (run.get(), reason)).collect()
}

#[tokio::test]
async fn a_type_that_changed_parks_with_what_the_decoder_says() {
    for (parked, what) in [
        (
            parked_by::<Vec<String>, Progress>().await,
            "stored request: ",
        ),
        (parked_by::<Order, Vec<String>>().await, "stored response: "),
    ] {
        let runs: Vec<u64> = parked.iter().map(|(run, _)| *run).collect();
        assert_eq!(runs, [5, 6, 7, 8, 10]);
        for (run, reason) in parked {
            match reason {
                ParkReason::Undecodable { text } => assert!(text.starts_with(what), "{text}"),
                reason if run == 8 => assert_eq!(reason, gift_wrap()),
                reason => assert_eq!((run, reason), (7, unknown("invoice"))),
            }
        }
    }
}

#[tokio::test]
async fn a_store_of_a_newer_schema_is_refused_and_left_as_it_was() {
    let (_dir, path) = old();
    let conn = Connection::open(&path).unwrap();
    let newer = "UPDATE fsm_schema SET version = 99 WHERE owner = 'fsm'";
    conn.execute(newer, []).unwrap();
    conn.close().unwrap();
    let before = std::fs::read(&path).unwrap();
    for refused in [
        SqliteStore::open(&path, &[SHOP]).map(drop),
        Readers::open(&path, &[SHOP]).map(drop),
    ] {
        match refused {
            Err(OpenError::NewerSchema {
                owner, found: 99, ..
            }) => assert_eq!(owner, "fsm"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn what_ended_then_is_pruned_by_when_it_ended() {
    let (_dir, path) = old();
    let engine = engine(&path, &[1], &Told::default()).await;
    let left = async || {
        let ended = RunFilter {
            active: Some(false),
            ..RunFilter::default()
        };
        let left = engine.list_runs(ended).await.unwrap();
        left.iter().map(|run| run.run.get()).collect::<Vec<_>>()
    };
    // Run 2 ended at 1,795,338,300,040, run 3 five minutes later.
    let age = Some(Duration::from_millis(NOW - 1_795_338_300_041));
    let by_age = Retention { age, count: None };
    assert_eq!(engine.prune(by_age).await.unwrap(), 2);
    assert_eq!(left().await, [4, 3]);
    let by_count = Retention {
        age: None,
        count: Some(1),
    };
    assert_eq!(engine.prune(by_count).await.unwrap(), 1);
    assert_eq!(left().await, [4]);
    assert_eq!(engine.list_active().await.unwrap().len(), 6);
}

#[tokio::test]
async fn it_is_migrated_once() {
    let (_dir, path) = old();
    assert_eq!(version(&path), 1);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let engine = engine(&path, &[1], &Told::default()).await;
        engine.shutdown(Duration::from_secs(1)).await;
        seen.push(crate::old_data::script::dump(
            &Connection::open(&path).unwrap(),
        ));
    }
    assert!(version(&path) > 1);
    assert_eq!(seen[0], seen[1]);
    let history = engine(&path, &[1], &Told::default()).await;
    let history = history.history(run(10)).await.unwrap();
    assert_eq!(name(&history.last().unwrap().event), "stuck");
}
