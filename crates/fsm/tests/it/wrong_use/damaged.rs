//! A file that is damaged, anywhere: it is told, and nothing panics or hangs.

use std::path::Path;
use std::time::Duration;

use longshore_fsm::store::{OpenError, Readers, RunFilter, SqliteStore, Store, StoreError};
use longshore_fsm::testing::Subject;
use longshore_fsm::{Engine, Resume, ResumeError, StartOptions};

use crate::soak::Random;
use crate::support::{Bench, DOMAIN, SqliteSubject, nothing, once, one_step};

/// The bytes of a store with runs in it, some of them active.
async fn sound() -> Vec<u8> {
    let subject = SqliteSubject::new();
    let workflow = one_step(once(), |ctx| {
        Box::pin(async {
            if ctx.id().starts_with("active") {
                ctx.token().cancelled().await;
                return Err(longshore_fsm::StepError::retry("told to stop"));
            }
            Ok(())
        })
    });
    let bench = Bench::new(subject.open(), workflow).await;
    for n in 0..60 {
        let run = bench.start(&format!("ended {n}")).await;
        bench.engine.wait(run).await.unwrap();
        bench.start(&format!("active {n}")).await;
    }
    bench.engine.shutdown(Duration::from_secs(5)).await;
    std::fs::read(subject.path()).unwrap()
}

/// What came of a damaged store.
#[derive(Debug, Default)]
struct Met {
    refused: u32,
    found_later: u32,
    unnoticed: u32,
}

fn is_damage(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Corrupt(_) | StoreError::Io(_) | StoreError::Other(_)
    )
}

/// Opens these bytes as a store, and does with it what one does.
async fn meet(bytes: &[u8], what: &str, met: &mut Met) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    std::fs::write(&path, bytes).unwrap();
    look(&path, what);
    let store = match SqliteStore::open(&path, &[DOMAIN]) {
        Ok(store) => store,
        Err(error) => {
            let (OpenError::Store { source, .. } | OpenError::Migration { source, .. }) = &error
            else {
                panic!("{what}: {error:?}")
            };
            assert!(is_damage(source), "{what}: {error:?}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{what}: {error:?}");
            met.refused += 1;
            return;
        }
    };
    let workflow = one_step(once(), |ctx| Box::pin(nothing(ctx)));
    let work = workflow.handle();
    let engine = Engine::builder(store).register(workflow);
    let engine = engine.open().await.unwrap();
    let mut found = false;
    match engine.resume(Resume::All).await {
        Ok(report) => {
            found |= !report.quarantined.is_empty() || !report.halted.is_empty();
            for run in report.resumed {
                found |= engine.wait(run).await.is_err();
            }
        }
        Err(ResumeError::Store(error)) => {
            assert!(is_damage(&error), "{what}: {error:?}");
            found = true;
        }
        Err(error) => panic!("{what}: {error:?}"),
    }
    let started = engine.start(&work, "new", String::new(), StartOptions::default());
    found |= started.await.is_err();
    found |= engine.list_runs(RunFilter::default()).await.is_err();
    engine.shutdown(Duration::from_secs(5)).await;
    *(if found {
        &mut met.found_later
    } else {
        &mut met.unnoticed
    }) += 1;
}

/// Looking, which writes nothing.
fn look(path: &Path, what: &str) {
    match Readers::open(path, &[DOMAIN]) {
        Ok(readers) => drop(readers.list_active()),
        Err(OpenError::Store { source, .. }) => assert!(is_damage(&source), "{what}: {source:?}"),
        Err(OpenError::OlderSchema { .. }) => {}
        Err(error) => panic!("{what}: {error:?}"),
    }
}

fn page_size(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[16], bytes[17]]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_noise_anywhere() {
    let sound = sound().await;
    let (page, mut met) = (page_size(&sound), Met::default());
    let mut random = Random(1);
    for at in (0..sound.len()).step_by(page) {
        let mut bytes = sound.clone();
        for byte in &mut bytes[at..at + page] {
            *byte = u8::try_from(random.below(256)).unwrap();
        }
        meet(&bytes, &format!("noise at {at}"), &mut met).await;
    }
    assert!(met.refused >= 1 && met.found_later >= 3, "{met:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_zeros_or_of_another_page_anywhere() {
    let sound = sound().await;
    let (page, mut met) = (page_size(&sound), Met::default());
    for at in (page..sound.len()).step_by(page) {
        let mut bytes = sound.clone();
        bytes[at..at + page].fill(0);
        meet(&bytes, &format!("zeros at {at}"), &mut met).await;
        let mut bytes = sound.clone();
        bytes.copy_within(at - page..at, at);
        meet(&bytes, &format!("the page before at {at}"), &mut met).await;
    }
    assert!(met.found_later >= 3, "{met:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_cut_off() {
    let sound = sound().await;
    let (page, mut met) = (page_size(&sound), Met::default());
    for length in [
        1,
        15,
        16,
        99,
        100,
        512,
        page - 1,
        page,
        page + 1,
        sound.len() / 2,
    ] {
        meet(&sound[..length], &format!("{length} bytes"), &mut met).await;
    }
    let last = sound.len() - page;
    meet(&sound[..last], "all but a page", &mut met).await;
    assert!(met.refused >= 3, "{met:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_damaged_takes_no_more_until_it_is_opened_again() {
    let sound = sound().await;
    let subject = SqliteSubject::new();
    std::fs::write(subject.path(), &sound).unwrap();
    let store = subject.open();
    let page = page_size(&sound);
    // Behind the back of the open store: everything but the first page.
    let mut bytes = sound.clone();
    bytes[page..].fill(0xff);
    std::fs::write(subject.path(), &bytes).unwrap();
    let refused = store
        .write(|conn| crate::support::put_number(conn, "n", 1))
        .await;
    let is_damaged = |error: &longshore_fsm::store::CommitError| {
        matches!(
            error,
            longshore_fsm::store::CommitError::Store(StoreError::Corrupt(_))
        )
    };
    assert!(refused.as_ref().is_err_and(is_damaged), "{refused:?}");
    std::fs::write(subject.path(), &sound).unwrap();
    let still = store
        .write(|conn| crate::support::put_number(conn, "n", 1))
        .await;
    assert!(still.as_ref().is_err_and(is_damaged), "{still:?}");
    store.close().await;
    let store = subject.open();
    let fine = store
        .write(|conn| crate::support::put_number(conn, "n", 1))
        .await;
    fine.unwrap();
}
