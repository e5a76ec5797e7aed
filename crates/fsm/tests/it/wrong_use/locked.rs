//! A database that another process holds for longer than anybody waits.

use longshore_fsm::store::StoreError;
use longshore_fsm::testing::Subject;
use longshore_fsm::{Halt, Resume, Start, WaitError};
use rusqlite::Connection;

use crate::support::{Bench, SqliteSubject, once, one_step, put_number};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_in_vain_is_told_and_can_go_on() {
    let subject = SqliteSubject::new();
    let (let_go, gate) = tokio::sync::watch::channel(false);
    let workflow = one_step(once(), move |ctx| {
        ctx.on_completion(|conn: &Connection| put_number(conn, "done", 1));
        let mut gate = gate.clone();
        Box::pin(async move {
            gate.wait_for(|is_open| *is_open).await?;
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    let run = bench.start("a").await;
    let other = Connection::open(subject.path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let_go.send(true).unwrap();
    // Looking is not writing.
    assert_eq!(bench.engine.list_active().await.unwrap().len(), 1);
    let waited = bench.engine.wait(run).await;
    match waited {
        Err(WaitError::Halted {
            halt: Halt::Store(StoreError::Busy(_)),
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(
        subject.look(bench.engine.store(), "done").await.unwrap(),
        None
    );
    let again = bench
        .engine
        .start(&bench.work, "b", String::from("b"), Default::default());
    other.execute_batch("ROLLBACK").unwrap();
    let Start::Started(next) = again.await.unwrap() else {
        panic!("not started")
    };
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert!(report.resumed.contains(&run), "{report:?}");
    for run in [run, next] {
        assert!(bench.engine.wait(run).await.unwrap().is_completed());
    }
    assert_eq!(
        subject.look(bench.engine.store(), "done").await.unwrap(),
        Some(1)
    );
}
