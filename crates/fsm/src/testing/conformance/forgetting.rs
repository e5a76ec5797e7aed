//! Idempotency keys, relations between runs, and forgetting.

use crate::clock::Timestamp;
use crate::ids::RunId;
use crate::store::{Committed, NewRun, Prune, RunFilter, Store, Target};
use crate::testing::Subject;
use crate::testing::conformance::batches::{Handle, create, ending, key, load, new_run};

async fn create_as<S: Subject>(store: &S::Store, new: NewRun) -> Committed {
    let mut batch = new_run::<Handle<S>>("", "");
    batch.target = Target::NewRun(new);
    store
        .commit(batch)
        .await
        .expect("it is stored, or answered")
}

async fn created<S: Subject>(store: &S::Store, new: NewRun) -> RunId {
    match create_as::<S>(store, new).await {
        Committed::Created(run) => run,
        other => panic!("not created: {other:?}"),
    }
}

async fn end<S: Subject>(store: &S::Store, runs: &[RunId]) {
    for run in runs {
        assert!(store.commit(ending(*run, 2)).await.is_ok());
    }
}

/// Whether or not the run has ended; for each workflow's name apart.
pub async fn an_idempotency_key_is_used_once<S: Subject>(subject: S) {
    let store = subject.open();
    let keyed = |name: &str, id: &str| NewRun {
        idempotency_key: Some(String::from("k")),
        ..NewRun::of(key(name, 1), id)
    };
    let first = created::<S>(&store, keyed("image", "a")).await;
    let again = create_as::<S>(&store, keyed("image", "b")).await;
    assert_eq!(again, Committed::KeyUsed(first));
    end::<S>(&store, &[first]).await;
    let again = create_as::<S>(&store, keyed("image", "a")).await;
    assert_eq!(again, Committed::KeyUsed(first));
    created::<S>(&store, keyed("machine", "a")).await;
    created::<S>(&store, NewRun::of(key("image", 1), "a")).await;
    created::<S>(&store, NewRun::of(key("image", 1), "b")).await;
}

/// By parent, by age, and the oldest first.
pub async fn runs_are_found_by_what_they_belong_to<S: Subject>(subject: S) {
    let store = subject.open();
    let parent = create(&store, "image", "a").await;
    let child = |id: &str| NewRun {
        parent: Some(parent),
        ..NewRun::of(key("image", 1), id)
    };
    let first = created::<S>(&store, child("b")).await;
    let other = create(&store, "image", "c").await;
    let second = created::<S>(&store, child("d")).await;
    let of_parent = RunFilter {
        parent: Some(parent),
        ..RunFilter::default()
    };
    assert_eq!(load(&store, of_parent).await, [second.get(), first.get()]);
    let page = RunFilter {
        newer_than: Some(parent),
        oldest_first: true,
        limit: Some(2),
        ..RunFilter::active()
    };
    assert_eq!(load(&store, page).await, [first.get(), other.get()]);
}

/// By either bound, whole, and never the number of another.
pub async fn what_ended_is_forgotten_by_age_and_by_count<S: Subject>(subject: S) {
    let store = subject.open();
    let mut runs = Vec::new();
    for id in ["a", "b", "c", "d"] {
        runs.push(create(&store, "image", id).await);
    }
    // All at the same time: then those with the lower numbers ended first.
    end::<S>(&store, &runs[..3]).await;
    let prune = |ended_before: Option<u64>, keep, limit| Prune {
        ended_before: ended_before.map(Timestamp::from_millis),
        keep,
        limit,
    };
    let none = store.prune(prune(None, None, 9)).await;
    assert!(matches!(none, Ok(0)));
    let none = store.prune(prune(Some(3_000), Some(3), 9)).await;
    assert!(matches!(none, Ok(0)), "the last event of each is at 3,000");
    let one = store.prune(prune(None, Some(2), 9)).await;
    assert!(matches!(one, Ok(1)));
    let left: Vec<_> = runs[1..].iter().rev().map(|run| run.get()).collect();
    assert_eq!(load(&store, RunFilter::default()).await, left);
    let limited = store.prune(prune(Some(3_001), None, 1)).await;
    assert!(matches!(limited, Ok(1)));
    let rest = store.prune(prune(Some(3_001), Some(0), 9)).await;
    assert!(matches!(rest, Ok(1)));
    assert_eq!(load(&store, RunFilter::default()).await, [runs[3].get()]);
    store.close().await;
    let store = subject.open();
    assert_eq!(load(&store, RunFilter::default()).await, [runs[3].get()]);
    let next = create(&store, "image", "a").await;
    assert!(next > runs[3]);
}

/// An active run keeps those that it follows or was started for.
pub async fn what_an_active_run_needs_is_not_forgotten<S: Subject>(subject: S) {
    let store = subject.open();
    let mut ended = Vec::new();
    for id in ["a", "b", "c"] {
        ended.push(create(&store, "image", id).await);
    }
    end::<S>(&store, &ended).await;
    let new = NewRun {
        parent: Some(ended[0]),
        follows: Some(ended[1]),
        ..NewRun::of(key("image", 1), "d")
    };
    let active = created::<S>(&store, new).await;
    let everything = Prune {
        ended_before: None,
        keep: Some(0),
        limit: 9,
    };
    assert!(matches!(store.prune(everything).await, Ok(1)));
    let kept = [active.get(), ended[1].get(), ended[0].get()];
    assert_eq!(load(&store, RunFilter::default()).await, kept);
    end::<S>(&store, &[active]).await;
    assert!(matches!(store.prune(everything).await, Ok(3)));
}
