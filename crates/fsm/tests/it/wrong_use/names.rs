//! Ids, keys and names are any text, and are compared byte by byte.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_fsm::store::{RunFilter, SqliteStore};
use longshore_fsm::testing::Subject;
use longshore_fsm::{Engine, Event, Resume, Start, StartOptions, StepError, Workflow, WorkflowRef};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::support::{SqliteSubject, Trail};

/// A workflow whose runs last until they are told to stop.
async fn engine(
    subject: &SqliteSubject,
    name: &str,
) -> (Engine<SqliteStore>, WorkflowRef<String, Trail>) {
    let workflow: Workflow<String, Trail, Connection> = Workflow::builder(name, 1)
        .start(name, |ctx| {
            Box::pin(async {
                ctx.token().cancelled().await;
                Err(StepError::retry("told to stop"))
            })
        })
        .end()
        .unwrap();
    let work = workflow.handle();
    let engine = Engine::builder(subject.open()).queue(name, 1_000);
    (engine.register(workflow).open().await.unwrap(), work)
}

/// Runs with all of these ids at once, in one process and then in another.
async fn all_come_back(name: &str, ids: &BTreeSet<String>) {
    let subject = SqliteSubject::new();
    let (first, work) = engine(&subject, name).await;
    let mut runs = Vec::new();
    for id in ids {
        let mut options = StartOptions::default().queue(name).idempotency_key(id);
        if id.len() < 1_000 {
            options = options.trace(id, id);
        }
        match first.start(&work, id, id.clone(), options).await.unwrap() {
            Start::Started(run) => runs.push(run),
            other => panic!("{id:?} is another's: {other:?}"),
        }
    }
    first.shutdown(Duration::from_secs(10)).await;
    let (second, work) = engine(&subject, name).await;
    let report = second.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, runs);
    for (id, run) in ids.iter().zip(runs) {
        let of_id = RunFilter {
            workflow: Some(name.to_owned()),
            id: Some(id.clone()),
            ..RunFilter::default()
        };
        let found = second.list_runs(of_id).await.unwrap();
        let [summary] = &found[..] else {
            panic!("{id:?}: {found:?}")
        };
        assert_eq!((summary.run, &summary.id), (run, id));
        assert_eq!(summary.terms.idempotency_key.as_ref(), Some(id));
        let history = second.history(run).await.unwrap();
        let Event::Started { request, .. } = &history[0].event else {
            panic!("{history:?}")
        };
        assert_eq!(request, id);
        let key = || StartOptions::default().idempotency_key(id);
        let again = second.start(&work, id, id.clone(), key());
        assert_eq!(again.await.unwrap(), Start::Joined(run));
        let other = second.start(&work, id, format!("{id} "), key());
        assert_eq!(other.await.unwrap(), Start::Conflict(run));
    }
    second.shutdown(Duration::from_secs(10)).await;
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build();
    runtime.unwrap().block_on(work);
}

/// Text with much of what is dangerous in it.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\0",
        "/",
        "\\",
        ":",
        "'",
        "\"",
        "%",
        "_",
        "*",
        "\n",
        "\u{feff}",
        "\u{202e}",
        "\u{e9}",
        "e\u{301}",
        "\u{212b}",
        "\u{c5}",
        "a",
        "A",
        " ",
        "\u{10ffff}",
        "--",
        ";",
        "",
    ]);
    let piece = prop_oneof![odd.prop_map(String::from), any::<String>()];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_comes_back_as_it_was(
        name in text().prop_filter("a name", |name| !name.is_empty()),
        ids in prop::collection::btree_set(text(), 1..12),
    ) {
        block_on(all_come_back(&name, &ids));
    }
}

#[test]
fn what_looks_alike_is_apart() {
    let alike = [
        "", " ", "\0", "\0\0", "a", "a\0", "a\0b", "a ", "A", "a/b", "a//b", "a/./b", "img-1",
        "img-10", "%", "_", "\u{e9}", "e\u{301}", "\u{212b}", "\u{c5}", "A\u{30a}", "\u{fb01}",
        "fi", "NULL", "1", "01", "1.0",
    ];
    let ids = alike.map(String::from).into();
    block_on(all_come_back("img", &ids));
}

#[test]
fn a_very_long_id_is_no_other() {
    let long = "x/\u{e9}".repeat(1 << 18) + "\0";
    let ids = [long.clone(), format!("{long}y")];
    assert!(ids[0].len() >= 1 << 20);
    block_on(all_come_back("long", &ids.into()));
}
