//! Runs and their events: numbers, ids, single flight, order, fences, filters, closing.

use crate::ids::{RunId, Seq};
use crate::store::{CommitError, Committed, Guard, NewRun, RunFilter, Store, StoreError, Target};
use crate::testing::Subject;
use crate::testing::conformance::batches::{
    append, create, ending, event, key, load, new_run, put,
};

/// Numbers are never given twice, and order is theirs.
pub async fn runs_are_numbered_from_one_and_come_back_newest_first<S: Subject>(subject: S) {
    let store = subject.open();
    for n in 1..=3 {
        let run = create(&store, "image", &format!("id {n}")).await;
        assert_eq!(run.get(), n);
    }
    assert_eq!(load(&store, RunFilter::default()).await, [3, 2, 1]);
}

/// No prefix, case or separator makes two ids one; nothing in them is special.
pub async fn ids_are_compared_byte_by_byte<S: Subject>(subject: S) {
    let store = subject.open();
    let ids = [
        "img-1", "img-10", "IMG-1", "", "a\0b", "a", "%", "_", "a/b", "'", "é", "e\u{301}",
    ];
    for id in ids {
        create(&store, "image", id).await;
    }
    for id in ids {
        let filter = RunFilter {
            id: Some(id.to_owned()),
            ..RunFilter::default()
        };
        let found = store.load(filter).await.expect("the store can be read");
        let found: Vec<_> = found.iter().map(|raw| raw.id.as_str()).collect();
        assert_eq!(found, [id]);
    }
}

/// Whatever the version; other names and other ids are apart.
pub async fn one_run_of_a_name_and_id_is_active<S: Subject>(subject: S) {
    let store = subject.open();
    let first = create(&store, "image", "a").await;
    create(&store, "machine", "a").await;
    create(&store, "image", "b").await;
    for version in [1, 2] {
        let mut again = new_run("image", "a");
        again.target = Target::NewRun(NewRun::of(key("image", version), "a"));
        again.writes = vec![put::<S>("n", 1)];
        let answer = store.commit(again).await;
        assert!(matches!(answer, Ok(Committed::AlreadyActive(run)) if run == first));
    }
    assert_eq!(load(&store, RunFilter::default()).await.len(), 3);
    let written = subject.look(&store, "n").await;
    assert!(
        matches!(written, Ok(None)),
        "a batch that was not stored wrote"
    );
}

/// Ended is ended.
pub async fn an_ended_run_makes_room_and_takes_no_more<S: Subject>(subject: S) {
    let store = subject.open();
    let run = create(&store, "image", "a").await;
    let ended = store.commit(ending(run, 2)).await;
    assert!(matches!(ended, Ok(Committed::Stored)));
    let late = append(run, Guard::LastEvent(Seq::new(3)), vec![event(4, None)]);
    assert!(matches!(store.commit(late).await, Err(CommitError::Fenced)));
    let next = create(&store, "image", "a").await;
    assert!(next > run);
    assert_eq!(load(&store, RunFilter::active()).await, [next.get()]);
}

/// Bodies are opaque, and in order.
pub async fn events_come_back_as_they_went_in<S: Subject>(subject: S) {
    let store = subject.open();
    let run = create(&store, "image", "a").await;
    let more = (3..=12).map(|n| event(n, Some(2))).collect();
    let batch = append(run, Guard::LastEvent(Seq::new(2)), more);
    assert!(matches!(store.commit(batch).await, Ok(Committed::Stored)));
    let raw = store
        .load(RunFilter::one(run))
        .await
        .expect("the store can be read");
    assert_eq!(raw.len(), 1);
    assert_eq!(raw[0].workflow, key("image", 1));
    assert!(raw[0].active);
    assert_eq!(raw[0].events.len(), 12);
    for (n, read) in (1..).zip(&raw[0].events) {
        let written = event(n, None);
        assert_eq!(read.seq, written.seq);
        assert_eq!(read.at, written.at);
        assert_eq!(read.body, written.body.as_bytes());
    }
}

/// Two who append after the same event: one of them does.
pub async fn a_batch_that_does_not_follow_the_last_event_is_fenced<S: Subject>(subject: S) {
    let store = subject.open();
    let run = create(&store, "image", "a").await;
    let batch = || append(run, Guard::LastEvent(Seq::new(2)), vec![event(3, Some(2))]);
    assert!(store.commit(batch()).await.is_ok());
    assert!(matches!(
        store.commit(batch()).await,
        Err(CommitError::Fenced)
    ));
    let nobody = RunId::new(999).expect("a number from 1");
    let batch = append(nobody, Guard::LastEvent(Seq::START), vec![event(1, None)]);
    assert!(matches!(
        store.commit(batch).await,
        Err(CommitError::Fenced)
    ));
    assert_eq!(load(&store, RunFilter::default()).await, [run.get()]);
}

/// Each part of a filter, and all together.
pub async fn a_filter_passes_what_it_says<S: Subject>(subject: S) {
    let store = subject.open();
    let a = create(&store, "image", "a").await;
    let b = create(&store, "image", "b").await;
    let c = create(&store, "machine", "a").await;
    assert!(store.commit(ending(a, 2)).await.is_ok());
    let all = RunFilter::default;
    let named = |name: &str| Some(name.to_owned());
    let cases = [
        (all(), vec![c, b, a]),
        (RunFilter::one(b), vec![b]),
        (RunFilter::active(), vec![c, b]),
        (
            RunFilter {
                active: Some(false),
                ..all()
            },
            vec![a],
        ),
        (
            RunFilter {
                workflow: named("image"),
                ..all()
            },
            vec![b, a],
        ),
        (
            RunFilter {
                id: named("a"),
                ..all()
            },
            vec![c, a],
        ),
        (
            RunFilter {
                limit: Some(2),
                ..all()
            },
            vec![c, b],
        ),
        (
            RunFilter {
                limit: Some(0),
                ..all()
            },
            vec![],
        ),
        (
            RunFilter {
                workflow: named("image"),
                id: named("a"),
                ..RunFilter::active()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(RunId::get).collect();
        assert_eq!(load(&store, filter.clone()).await, expected, "{filter:?}");
    }
}

/// Nothing fires into a closed store.
pub async fn a_closed_store_refuses<S: Subject>(subject: S) {
    let store = subject.open();
    let run = create(&store, "image", "a").await;
    store.close().await;
    store.close().await;
    let late = append(run, Guard::LastEvent(Seq::new(2)), vec![event(3, None)]);
    let late = store.commit(late).await;
    assert!(matches!(late, Err(CommitError::Store(StoreError::Closed))));
    let loaded = store.load(RunFilter::default()).await;
    assert!(matches!(loaded, Err(StoreError::Closed)));
    assert_eq!(
        load(&subject.open(), RunFilter::default()).await,
        [run.get()]
    );
}
