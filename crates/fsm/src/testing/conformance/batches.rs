//! The batches that the checks are made of.

use crate::clock::Timestamp;
use crate::ids::{RunId, Seq, WorkflowKey};
use crate::store::{
    Batch, Committed, EncodedEvent, Guard, NewRun, RunFilter, Store, Target, Write,
};
use crate::testing::Subject;

pub(super) type Handle<S> = <<S as Subject>::Store as Store>::Handle;

pub(super) fn key(name: &str, version: u32) -> WorkflowKey {
    WorkflowKey {
        name: name.to_owned(),
        version,
    }
}

pub(super) fn event(seq: u64, fence: Option<u64>) -> EncodedEvent {
    EncodedEvent {
        seq: Seq::new(seq),
        at: Timestamp::from_millis(seq * 1_000),
        fence: fence.map(Seq::new),
        body: format!(r#"{{"n":{seq},"text":"é\u0000"}}"#),
    }
}

pub(super) fn new_run<H>(name: &str, id: &str) -> Batch<H> {
    Batch {
        target: Target::NewRun(NewRun::of(key(name, 1), id)),
        events: vec![event(1, None), event(2, Some(2))],
        writes: Vec::new(),
    }
}

pub(super) fn append<H>(run: RunId, guard: Guard, events: Vec<EncodedEvent>) -> Batch<H> {
    Batch {
        target: Target::Run {
            run,
            guard,
            ends: false,
        },
        events,
        writes: Vec::new(),
    }
}

pub(super) fn put<S: Subject>(name: &str, number: i64) -> Write<Handle<S>> {
    let name = name.to_owned();
    Write::new(move |handle| S::put(handle, &name, number))
}

pub(super) async fn create<St: Store>(store: &St, name: &str, id: &str) -> RunId {
    match store.commit(new_run(name, id)).await {
        Ok(Committed::Created(run)) => run,
        other => panic!("not created: {other:?}"),
    }
}

pub(super) fn ending<H>(run: RunId, after: u64) -> Batch<H> {
    Batch {
        target: Target::Run {
            run,
            guard: Guard::LastEvent(Seq::new(after)),
            ends: true,
        },
        events: vec![event(after + 1, None)],
        writes: Vec::new(),
    }
}

pub(super) async fn load<St: Store>(store: &St, filter: RunFilter) -> Vec<u64> {
    let loaded = store.load(filter).await.expect("the store can be read");
    loaded.iter().map(|raw| raw.run.get()).collect()
}
