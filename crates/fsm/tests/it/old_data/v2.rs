//! Version 2: terms, undo, pauses; half of the runs in the middle of something.

use std::path::PathBuf;

use longshore_fsm::store::{Readers, RunFilter, SqliteStore};
use longshore_fsm::{
    After, Ended, ErrorKind, Resume, Retention, RetryNow, Start, StartOptions, StepName, WaitError,
    clock::Timestamp,
};
use tempfile::TempDir;

use crate::old_data::make::{BEGAN, DAY, Meets, SHOP, Shop};
use crate::old_data::script::{assert_read_in_full, load, run, runs, word};

const HOUR: u64 = 3_600_000;

fn old() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    load(2, &path);
    (dir, path)
}

#[tokio::test]
async fn every_run_is_where_it_was() {
    let (_dir, path) = old();
    SqliteStore::open(&path, &[SHOP]).unwrap();
    let readers = Readers::open(&path, &[SHOP]).unwrap();
    assert_read_in_full(&path, &readers, 14);
    let shop = Shop::open(&path, BEGAN + HOUR, true).await;
    let oldest_first = RunFilter {
        oldest_first: true,
        ..RunFilter::default()
    };
    let all = shop.engine.list_runs(oldest_first).await.unwrap();
    let seen: Vec<_> = (all.iter())
        .map(|run| (run.id.as_str(), word(run)))
        .collect();
    let tomorrow = BEGAN + 9_000 + HOUR * 24;
    let expected = [
        ("anchor", String::from("ended: \"completed\"")),
        ("rope", String::from("ended: \"failed\"")),
        ("lantern", String::from("running undo of reserve")),
        (
            "compass",
            String::from("parked: step reserve could not be undone: the stock is full"),
        ),
        ("chart", String::from("paused: the bank has closed")),
        ("bell", String::from("running pay")),
        ("sail", String::from("pending: Turn(\"packers\")")),
        ("oar", String::from("pending: Turn(\"packers\")")),
        ("hook", format!("pending: Until(Timestamp({tomorrow}))")),
        ("net", String::from("pending: For(RunId(6))")),
        ("line", String::from("pending: For(RunId(9))")),
        ("float", String::from("waiting for pay")),
        ("buoy", String::from("ended: \"failed\"")),
        ("cork", String::from("ended: \"failed\"")),
    ];
    assert_eq!(seen, expected);
    let terms = |number: usize| &all[number - 1].terms;
    assert_eq!(terms(1).idempotency_key.as_deref(), Some("receipt 1"));
    assert!(terms(1).trace["traceparent"].starts_with("00-0af7651916cd43dd"));
    assert_eq!(terms(2).parent, Some(run(1)));
    assert_eq!((terms(7).priority, terms(8).priority), (-1, 7));
    assert_eq!(
        terms(9).deadline,
        Some(Timestamp::from_millis(tomorrow).after(DAY))
    );
    let after = After {
        run: run(6),
        only_if_completed: true,
    };
    assert_eq!(terms(10).after, Some(after));
    let of_the_first = RunFilter {
        parent: Some(run(1)),
        ..RunFilter::default()
    };
    let children = shop.engine.list_runs(of_the_first).await.unwrap();
    let children: Vec<_> = children.iter().map(|child| child.run).collect();
    assert_eq!(children, runs(&[12, 2]));
}

#[tokio::test]
async fn those_that_ended_tell_their_outcome() {
    let (_dir, path) = old();
    let shop = Shop::open(&path, BEGAN + HOUR, true).await;
    let ended = async |number| shop.engine.wait(run(number)).await.unwrap();
    let first = ended(1).await;
    assert!(first.is_completed());
    assert_eq!(
        first.response::<Vec<String>>().unwrap(),
        ["reserved", "paid"]
    );
    assert_eq!(ended(2).await.error().unwrap().kind, ErrorKind::User);
    assert_eq!(ended(13).await.error().unwrap().kind, ErrorKind::Deadline);
    let last = ended(14).await;
    assert!(matches!(last.ended, Ended::Failed { .. }), "{last:?}");
    assert_eq!(last.not_undone, [StepName::new("reserve")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_are_active_go_on_where_they_stood() {
    let (_dir, path) = old();
    let shop = Shop::open(&path, BEGAN + HOUR, true).await;
    let engine = &shop.engine;
    let report = engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, runs(&[3, 6, 7, 8, 9, 10, 11, 12]));
    assert_eq!(report.paused, runs(&[5]));
    let [(parked, _)] = &report.parked[..] else {
        panic!("{report:?}")
    };
    assert_eq!(*parked, run(4));

    let refused = engine.wait(run(3)).await.unwrap();
    assert_eq!(refused.error().unwrap().text, "the payment is refused");
    assert_eq!(engine.retry_now(run(4)).await.unwrap(), RetryNow::Requested);
    let refused = engine.wait(run(4)).await.unwrap();
    assert_eq!(
        (refused.error().unwrap().kind, refused.not_undone),
        (ErrorKind::User, vec![])
    );
    assert!(matches!(
        engine.wait(run(5)).await,
        Err(WaitError::Paused { .. })
    ));
    engine.resume(Resume::Run(run(5))).await.unwrap();
    for number in [5, 6, 7, 8, 10, 12] {
        assert!(
            engine.wait(run(number)).await.unwrap().is_completed(),
            "{number}"
        );
    }
    // The queue: who had its turn, then by priority. Each is called where it stood.
    let told = shop.told.all();
    let of_queue = |line: &&String| ["6:", "7:", "8:"].iter().any(|run| line.starts_with(run));
    let of_queue: Vec<_> = told.iter().filter(of_queue).collect();
    let expected = [
        "6: pay",
        "6: pack",
        "8: reserve",
        "8: pay",
        "8: pack",
        "7: reserve",
        "7: pay",
        "7: pack",
    ];
    assert_eq!(of_queue, expected);
    assert!(
        !told
            .iter()
            .any(|line| line.starts_with("9:") || line.starts_with("11:"))
    );
    while engine.run(run(11)).await.unwrap().unwrap().ended.is_none() {
        shop.clock.advance(DAY);
        assert!(engine.wait(run(9)).await.unwrap().is_completed());
        assert!(engine.wait(run(11)).await.unwrap().is_completed());
    }
    assert_eq!(engine.list_active().await.unwrap(), []);
}

#[tokio::test]
async fn keys_are_still_taken() {
    let (_dir, path) = old();
    let shop = Shop::open(&path, BEGAN + HOUR, true).await;
    let ask = async |item: &str, meets| {
        let options = StartOptions::default().idempotency_key("receipt 1");
        let asked = shop.engine.start(&shop.order, item, meets, options);
        asked.await.unwrap()
    };
    assert_eq!(ask("anchor", Meets::Nothing).await, Start::Joined(run(1)));
    assert_eq!(ask("anchor", Meets::BadLine).await, Start::Conflict(run(1)));
    assert_eq!(
        ask("another", Meets::Nothing).await,
        Start::Conflict(run(1))
    );
}

#[tokio::test]
async fn what_an_active_run_needs_is_not_pruned() {
    let (_dir, path) = old();
    let shop = Shop::open(&path, BEGAN + HOUR, true).await;
    let none = Retention {
        age: None,
        count: Some(0),
    };
    // The first is the parent of one that is active.
    assert_eq!(shop.engine.prune(none).await.unwrap(), 3);
    assert!(shop.engine.run(run(1)).await.unwrap().is_some());
    assert_eq!(shop.engine.list_active().await.unwrap().len(), 10);
}
