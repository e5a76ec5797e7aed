//! The domain's writes: all or nothing with their events, fenced, and apart from their neighbours.

use futures::future::join_all;

use crate::ids::Seq;
use crate::store::{Batch, CommitError, Committed, Guard, RunFilter, Store, Target, Write};
use crate::testing::Subject;
use crate::testing::conformance::batches::{Handle, append, create, event, load, new_run, put};

/// The fence is that of the last event, whatever came after the attempt began.
pub async fn a_write_of_a_superseded_attempt_is_fenced<S: Subject>(subject: S) {
    let store = subject.open();
    let run = create(&store, "image", "a").await;
    let record = |fence, number| {
        let mut batch = append(run, Guard::Fence(Seq::new(fence)), Vec::new());
        batch.writes = vec![put::<S>("n", number)];
        batch
    };
    assert!(store.commit(record(2, 1)).await.is_ok());
    let same = append(run, Guard::LastEvent(Seq::new(2)), vec![event(3, Some(2))]);
    assert!(store.commit(same).await.is_ok());
    assert!(store.commit(record(2, 2)).await.is_ok());
    let over = append(run, Guard::LastEvent(Seq::new(3)), vec![event(4, None)]);
    assert!(store.commit(over).await.is_ok());
    assert!(matches!(
        store.commit(record(2, 3)).await,
        Err(CommitError::Fenced)
    ));
    let next = append(run, Guard::LastEvent(Seq::new(4)), vec![event(5, Some(5))]);
    assert!(store.commit(next).await.is_ok());
    assert!(matches!(
        store.commit(record(2, 4)).await,
        Err(CommitError::Fenced)
    ));
    assert!(matches!(subject.look(&store, "n").await, Ok(Some(2))));
    assert!(store.commit(record(5, 5)).await.is_ok());
    assert!(matches!(subject.look(&store, "n").await, Ok(Some(5))));
}

/// All or nothing.
pub async fn a_refused_write_takes_its_events_with_it<S: Subject>(subject: S) {
    let store = subject.open();
    let run = create(&store, "image", "a").await;
    let mut batch = append(run, Guard::LastEvent(Seq::new(2)), vec![event(3, None)]);
    batch.writes = vec![
        put::<S>("before", 1),
        put::<S>("wrong", -1),
        put::<S>("after", 1),
    ];
    assert!(matches!(
        store.commit(batch).await,
        Err(CommitError::Refused(_))
    ));
    for name in ["before", "wrong", "after"] {
        assert!(
            matches!(subject.look(&store, name).await, Ok(None)),
            "{name} is there"
        );
    }
    let raw = store
        .load(RunFilter::one(run))
        .await
        .expect("the store can be read");
    assert_eq!(raw[0].events.len(), 2);
    let mut new = new_run("image", "b");
    new.writes = vec![put::<S>("wrong", -1)];
    assert!(matches!(
        store.commit(new).await,
        Err(CommitError::Refused(_))
    ));
    assert_eq!(load(&store, RunFilter::default()).await, [run.get()]);
}

/// And the store goes on.
pub async fn a_write_that_panics_is_refused<S: Subject>(subject: S) {
    let store = subject.open();
    let batch = |writes| Batch {
        target: Target::Domain,
        events: Vec::new(),
        writes,
    };
    let panics: Write<Handle<S>> = Write::new(|handle| {
        S::put(handle, "n", 1)?;
        panic!("a write that panics")
    });
    match store.commit(batch(vec![panics])).await {
        Err(CommitError::Refused(refused)) => {
            let text = crate::error::chain_text(&refused);
            assert!(text.contains("a write that panics"), "{text}");
        }
        other => panic!("not refused: {other:?}"),
    }
    assert!(matches!(subject.look(&store, "n").await, Ok(None)));
    assert!(store.commit(batch(vec![put::<S>("n", 2)])).await.is_ok());
    assert!(matches!(subject.look(&store, "n").await, Ok(Some(2))));
}

/// What was answered is there, however the store was left.
pub async fn writes_and_events_survive_reopening<S: Subject>(subject: S) {
    let left = subject.open();
    let run = create(&left, "image", "a").await;
    let mut batch = append(run, Guard::LastEvent(Seq::new(2)), vec![event(3, None)]);
    batch.writes = vec![put::<S>("n", 7)];
    assert!(left.commit(batch).await.is_ok());
    let closed = subject.open();
    assert!(matches!(subject.look(&closed, "n").await, Ok(Some(7))));
    closed.close().await;
    let store = subject.open();
    let raw = store
        .load(RunFilter::one(run))
        .await
        .expect("the store can be read");
    assert_eq!(raw[0].events.len(), 3);
    assert!(matches!(subject.look(&store, "n").await, Ok(Some(7))));
}

/// A future that is dropped takes nothing back: the batch is stored, or was never begun.
pub async fn a_batch_is_stored_though_nobody_waits_for_it<S: Subject>(subject: S) {
    let store = subject.open();
    let mut commit = Box::pin(store.commit(new_run("image", "a")));
    let begun = futures::poll!(&mut commit);
    drop(commit);
    store.close().await;
    assert_eq!(
        load(&subject.open(), RunFilter::default()).await,
        [1],
        "{begun:?}"
    );
}

/// Concurrent batches share what they share, and fail alone.
pub async fn a_refused_batch_leaves_its_neighbours_alone<S: Subject>(subject: S) {
    let store = subject.open();
    let names: Vec<String> = (0..60).map(|n| format!("n{n}")).collect();
    let commits = (0_i64..).zip(&names).map(|(n, name)| {
        let wrong = n % 3 == 0;
        let mut batch = new_run("image", name);
        batch.writes = vec![put::<S>(name, if wrong { -1 } else { n })];
        store.commit(batch)
    });
    let answers = join_all(commits).await;
    for ((n, name), answer) in (0_i64..).zip(&names).zip(answers) {
        let there = subject
            .look(&store, name)
            .await
            .expect("the store can be read");
        if n % 3 == 0 {
            assert!(
                matches!(answer, Err(CommitError::Refused(_))),
                "{name}: {answer:?}"
            );
            assert_eq!(there, None);
        } else {
            assert!(
                matches!(answer, Ok(Committed::Created(_))),
                "{name}: {answer:?}"
            );
            assert_eq!(there, Some(n));
        }
    }
    assert_eq!(load(&store, RunFilter::default()).await.len(), 40);
}
