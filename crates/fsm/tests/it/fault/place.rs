//! Faults 25 and 26: where the state is, who may read it, what it is called, and that it is one.

use longshore_fsm::store::RunFilter;
use longshore_fsm::testing::{CrashingStore, Fault, Subject};
use longshore_fsm::{Resume, RunId, Start, StartOptions};
use rusqlite::Connection;

use crate::fault::stage::{Gate, MINUTE, doing, tests_that_end};
use crate::support::{Bench, SqliteSubject, StepCtx, Told, nothing, once, one_step, put_number};

tests_that_end!(
    fault_25_the_store_is_its_owners_alone_and_every_text_is_an_id,
    fault_26_the_engine_and_the_domain_are_stored_in_one_transaction,
);

/// Ids that would be keys of one another, or none, where keys are joined by separators.
const IDS: [&str; 24] = [
    "", " ", "/", "//", "a", "a/", "/a", "a/b", "a/b/c", "a:b", "a|b", "a.b", "a\0", "a\0b", "\0",
    "a\nb", "a\r\nb", "%", "a%", "a_b", "*", "a'b", "\u{fffd}", "A",
];

async fn fault_25_the_store_is_its_owners_alone_and_every_text_is_an_id() {
    // Nothing listens on a socket in this crate, and it makes no directory: who may connect, and who
    // may enter, is the business of the program that it is a part of.
    let (subject, told) = (SqliteSubject::new(), Told::default());
    let bench = Bench::new(subject.open(), doing("work/a", &told, &Gate::shut())).await;
    let mut runs = Vec::new();
    for id in IDS {
        runs.push(bench.start(id).await);
    }
    told.until(IDS.len()).await;
    #[cfg(unix)]
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        assert_eq!(mode(&subject, name), 0o600, "{name}");
    }
    bench.engine.shutdown(MINUTE).await;

    let bench = Bench::new(subject.open(), doing("work/a", &told, &Gate::shut())).await;
    let report = bench.engine.resume(Resume::All).await.unwrap();
    assert_eq!(report.resumed, runs);
    for (id, run) in IDS.into_iter().zip(runs) {
        let of_id = RunFilter {
            id: Some(id.to_owned()),
            ..RunFilter::default()
        };
        let found = bench.engine.list_runs(of_id).await.unwrap();
        let found: Vec<(RunId, &str)> = found.iter().map(|r| (r.run, r.id.as_str())).collect();
        assert_eq!(found, [(run, id)]);
        let (request, options) = (format!("request of {id}"), StartOptions::default());
        let again = bench.engine.start(&bench.work, id, request, options).await;
        assert_eq!(again.unwrap(), Start::Joined(run), "{id:?}");
    }
    bench.engine.shutdown(MINUTE).await;

    // Whoever made the file has said who may read it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let subject = SqliteSubject::new();
        std::fs::write(subject.path(), "").unwrap();
        let shared = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(subject.path(), shared).unwrap();
        let store = subject.open();
        assert_eq!(mode(&subject, "state.db"), 0o640);
        drop(store);
    }
}

/// Who may do what with a file of the store.
#[cfg(unix)]
fn mode(subject: &SqliteSubject, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;

    let path = subject.dir.path().join(name);
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn fault_26_the_engine_and_the_domain_are_stored_in_one_transaction() {
    let workflow = || {
        one_step(once(), |ctx: &mut StepCtx<Connection>| {
            ctx.on_completion(|conn| put_number(conn, "done", 1));
            Box::pin(nothing(ctx))
        })
    };
    let mut crashes = 0;
    for at in 1.. {
        let mut crashed = false;
        for fault in [Fault::CrashBefore(at), Fault::CrashAfter(at)] {
            let subject = SqliteSubject::new();
            let store = CrashingStore::new(subject.open(), fault.clone());
            let bench = Bench::new(store, workflow()).await;
            let (request, options) = (String::new(), StartOptions::default());
            if let Ok(Start::Started(run)) =
                bench.engine.start(&bench.work, "a", request, options).await
            {
                // It ends, or its process does.
                let _ = bench.engine.wait(run).await;
            }
            crashed |= bench.engine.store().crashed();
            // Neither is there without the other.
            let later = Bench::new(subject.open(), workflow()).await;
            let completed = match later.engine.list_runs(RunFilter::default()).await.unwrap()[..] {
                [ref run] => later.events(run.run).await.contains(&"completed"),
                _ => false,
            };
            let done = subject.look(later.engine.store(), "done").await.unwrap();
            assert_eq!(done.is_some(), completed, "{fault:?}");
            crashes += usize::from(bench.engine.store().crashed());
        }
        if !crashed {
            break;
        }
    }
    assert_eq!(crashes, 4, "before and after the start and the completion");
}
