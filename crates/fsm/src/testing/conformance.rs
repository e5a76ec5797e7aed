//! What every store passes.
//!
//! [`store_conformance!`](crate::store_conformance) makes a test of each check, for a subject.

/// Makes a test of each check for the subject that the expression makes: a fresh, empty store.
#[macro_export]
macro_rules! store_conformance {
    ($subject:expr) => {
        $crate::store_conformance!(@each $subject;
            runs_are_numbered_from_one_and_come_back_newest_first
            ids_are_compared_byte_by_byte
            one_run_of_a_name_and_id_is_active
            an_ended_run_makes_room_and_takes_no_more
            events_come_back_as_they_went_in
            a_batch_that_does_not_follow_the_last_event_is_fenced
            a_write_of_a_superseded_attempt_is_fenced
            a_refused_write_takes_its_events_with_it
            a_write_that_panics_is_refused
            writes_and_events_survive_reopening
            a_filter_passes_what_it_says
            a_closed_store_refuses
            a_batch_is_stored_though_nobody_waits_for_it
            a_refused_batch_leaves_its_neighbours_alone
        );
    };
    (@each $subject:expr; $($check:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $crate::testing::checks::$check($subject).await;
            }
        )*
    };
}

/// The checks, one by one. Each panics where the store does not do as [`Store`](crate::store::Store)
/// says.
pub mod checks {
    use futures::future::join_all;

    use crate::clock::Timestamp;
    use crate::ids::{RunId, Seq, WorkflowKey};
    use crate::store::{
        Batch, CommitError, Committed, EncodedEvent, Guard, RunFilter, Store, StoreError, Target,
        Write,
    };
    use crate::testing::Subject;

    type Handle<S> = <<S as Subject>::Store as Store>::Handle;

    fn key(name: &str, version: u32) -> WorkflowKey {
        WorkflowKey {
            name: name.to_owned(),
            version,
        }
    }

    fn event(seq: u64, fence: Option<u64>) -> EncodedEvent {
        EncodedEvent {
            seq: Seq::new(seq),
            at: Timestamp::from_millis(seq * 1_000),
            fence: fence.map(Seq::new),
            body: format!(r#"{{"n":{seq},"text":"é\u0000"}}"#),
        }
    }

    fn new_run<H>(name: &str, id: &str) -> Batch<H> {
        Batch {
            target: Target::NewRun {
                workflow: key(name, 1),
                id: id.to_owned(),
            },
            events: vec![event(1, None), event(2, Some(2))],
            writes: Vec::new(),
        }
    }

    fn append<H>(run: RunId, guard: Guard, events: Vec<EncodedEvent>) -> Batch<H> {
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

    fn put<S: Subject>(name: &str, number: i64) -> Write<Handle<S>> {
        let name = name.to_owned();
        Write::new(move |handle| S::put(handle, &name, number))
    }

    async fn create<St: Store>(store: &St, name: &str, id: &str) -> RunId {
        match store.commit(new_run(name, id)).await {
            Ok(Committed::Created(run)) => run,
            other => panic!("not created: {other:?}"),
        }
    }

    fn ending<H>(run: RunId, after: u64) -> Batch<H> {
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

    async fn load<St: Store>(store: &St, filter: RunFilter) -> Vec<u64> {
        let loaded = store.load(filter).await.expect("the store can be read");
        loaded.iter().map(|raw| raw.run.get()).collect()
    }

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
            again.target = Target::NewRun {
                workflow: key("image", version),
                id: String::from("a"),
            };
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
}
