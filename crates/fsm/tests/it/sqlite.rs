//! What is SQLite's own: schemas, durability settings, other processes, and what goes wrong.

use longshore_fsm::store::{
    CommitError, Migrations, OpenError, Readers, RunFilter, SqliteStore, Store, StoreError,
};
use longshore_fsm::testing::Subject;
use rusqlite::Connection;

use crate::support::{
    Bench, DOMAIN, SqliteSubject, get_number, nothing, once, one_step, put_number,
};

fn step<'a>(sql: &'a [&'a str]) -> Migrations<'a> {
    Migrations {
        owner: "domain",
        steps: sql,
    }
}

#[tokio::test]
async fn the_settings_that_durability_rests_on() {
    let store = SqliteSubject::new().open();
    let settings = longshore_fsm::store::write(&store, |conn: &Connection| {
        let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let mode = conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?;
        Ok((
            mode,
            pragma("synchronous")?,
            pragma("foreign_keys")?,
            pragma("fullfsync")?,
        ))
    });
    assert_eq!(settings.await.unwrap(), (String::from("wal"), 2, 1, 1));
}

#[tokio::test]
async fn migrations_are_applied_once_and_in_order() {
    let subject = SqliteSubject::new();
    let first = "CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1);";
    let second = "ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a + 1;";
    let store = SqliteStore::open(subject.path(), &[step(&[first])]).unwrap();
    store.close().await;
    for _ in 0..2 {
        let store = SqliteStore::open(subject.path(), &[step(&[first, second])]).unwrap();
        let row = store.read(|conn| {
            conn.query_row("SELECT a, b FROM t", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        });
        let row: (i64, i64) = row.await.unwrap().unwrap();
        assert_eq!(row, (1, 2));
        store.close().await;
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_version_before_it() {
    let subject = SqliteSubject::new();
    let first = "CREATE TABLE t (a INTEGER) STRICT;";
    let wrong = "CREATE TABLE u (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1);";
    match SqliteStore::open(subject.path(), &[step(&[first, wrong])]) {
        Err(OpenError::Migration {
            owner, version: 2, ..
        }) => assert_eq!(owner, "domain"),
        other => panic!("{other:?}"),
    }
    let store = SqliteStore::open(subject.path(), &[step(&[first])]).unwrap();
    let left = store
        .read(|conn| conn.table_exists(None, "u"))
        .await
        .unwrap();
    assert!(!left.unwrap(), "half a migration is there");
    let ends = SqliteStore::open(subject.path(), &[step(&[first, "COMMIT; SELECT 1;"])]);
    assert!(
        matches!(ends, Err(OpenError::Migration { version: 2, .. })),
        "{ends:?}"
    );
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_as_it_was() {
    let subject = SqliteSubject::new();
    let first = "CREATE TABLE t (a INTEGER) STRICT;";
    let newer = [first, "DROP TABLE t;"];
    SqliteStore::open(subject.path(), &[step(&newer)])
        .unwrap()
        .close()
        .await;
    let before = std::fs::read(subject.path()).unwrap();
    let older = [first];
    let older = step(&older);
    for result in [
        SqliteStore::open(subject.path(), &[older]).map(|_| ()),
        Readers::open(subject.path(), &[older]).map(|_| ()),
    ] {
        match result {
            Err(OpenError::NewerSchema {
                owner,
                found: 2,
                known: 1,
                ..
            }) => {
                assert_eq!(owner, "domain");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(std::fs::read(subject.path()).unwrap(), before);
}

#[tokio::test]
async fn a_reader_wants_what_it_can_read() {
    let subject = SqliteSubject::new();
    let missing = Readers::open(subject.path(), &[DOMAIN]);
    assert!(matches!(missing, Err(OpenError::Missing { .. })));
    assert!(!subject.path().exists(), "looking made a store");
    SqliteStore::open(subject.path(), &[])
        .unwrap()
        .close()
        .await;
    let older = Readers::open(subject.path(), &[DOMAIN]);
    assert!(
        matches!(
            older,
            Err(OpenError::OlderSchema {
                found: 0,
                known: 1,
                ..
            })
        ),
        "{older:?}"
    );
    subject.open().close().await;
    let readers = Readers::open(subject.path(), &[DOMAIN]).unwrap();
    assert_eq!(readers.list_runs(&RunFilter::default()).unwrap(), []);
}

#[test]
fn an_owner_has_one_list_of_migrations() {
    let subject = SqliteSubject::new();
    let own = Migrations {
        owner: "fsm",
        steps: &[],
    };
    for given in [[DOMAIN, DOMAIN], [DOMAIN, own]] {
        let opened = SqliteStore::open(subject.path(), &given);
        assert!(
            matches!(opened, Err(OpenError::DuplicateOwner { .. })),
            "{opened:?}"
        );
    }
}

#[test]
fn what_is_no_database_is_said_to_be_damaged() {
    let subject = SqliteSubject::new();
    std::fs::write(
        subject.path(),
        "this is not a database, whatever its name says",
    )
    .unwrap();
    let before = std::fs::read(subject.path()).unwrap();
    match SqliteStore::open(subject.path(), &[DOMAIN]) {
        Err(OpenError::Store {
            source: StoreError::Corrupt(_),
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read(subject.path()).unwrap(), before);
}

#[test]
fn a_place_that_is_not_there_is_an_error_that_names_it() {
    let subject = SqliteSubject::new();
    let nowhere = subject.dir.path().join("nowhere/state.db");
    let error = SqliteStore::open(&nowhere, &[DOMAIN]).unwrap_err();
    assert!(
        matches!(
            &error,
            OpenError::Store {
                source: StoreError::Io(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("nowhere/state.db"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_full_and_the_store_goes_on_once_there_is_room() {
    let store = SqliteSubject::new().open();
    let limit = |pages: i64| {
        longshore_fsm::store::write(&store, move |conn: &Connection| {
            Ok(conn.pragma_update(None, "max_page_count", pages)?)
        })
    };
    limit(1).await.unwrap();
    let big = || {
        longshore_fsm::store::write(&store, |conn: &Connection| {
            conn.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000)
                 INSERT INTO number SELECT 'a long name, to fill pages with ' || i, i FROM n",
                [],
            )?;
            Ok(())
        })
    };
    let full = big().await;
    assert!(
        matches!(full, Err(CommitError::Store(StoreError::Full(_)))),
        "{full:?}"
    );
    let text = longshore_fsm::chain_text(&full.unwrap_err());
    assert!(
        text.starts_with("no space is left for the store: "),
        "{text}"
    );
    limit(1_000_000).await.unwrap();
    big().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_ends_the_transaction_takes_down_what_shares_it_and_no_more() {
    let subject = SqliteSubject::new();
    let store = subject.open();
    let ends = longshore_fsm::store::write(&store, |conn: &Connection| {
        put_number(conn, "n", 1)?;
        Ok(conn.execute_batch("ROLLBACK")?)
    });
    let ended = ends.await;
    assert!(
        matches!(ended, Err(CommitError::Store(StoreError::TransactionEnded))),
        "{ended:?}"
    );
    longshore_fsm::store::write(&store, |conn| put_number(conn, "m", 1))
        .await
        .unwrap();
    assert_eq!(subject.look(&store, "n").await.unwrap(), None);
    assert_eq!(subject.look(&store, "m").await.unwrap(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_together_is_committed_together() {
    let subject = SqliteSubject::new();
    let store = subject.open();
    let (begun, wait) = std::sync::mpsc::channel::<()>();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    // The first holds the writer, in a transaction of its own, until the others are waiting.
    let holder = store.clone();
    let first = std::thread::spawn(move || {
        holder.write_blocking(move |conn: &Connection| {
            begun.send(())?;
            gate.recv()?;
            put_number(conn, "first", 1)
        })
    });
    wait.recv().unwrap();
    let mut others: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            Box::pin(async move {
                let name = format!("n{n}");
                store.write(move |conn| put_number(conn, &name, n)).await
            })
        })
        .collect();
    for other in &mut others {
        assert!(futures::poll!(other).is_pending());
    }
    let before = wal_frames_committed(&subject);
    go.send(()).unwrap();
    first.join().unwrap().unwrap();
    futures::future::join_all(others)
        .await
        .into_iter()
        .for_each(|done| done.unwrap());
    let after = wal_frames_committed(&subject);
    assert_eq!(after - before, 2, "the first, and all the others in one");
}

/// How many transactions the write-ahead log holds: a frame that ends one says the size of the
/// database after it (<https://sqlite.org/fileformat2.html#walformat>).
fn wal_frames_committed(subject: &SqliteSubject) -> usize {
    let wal = std::fs::read(subject.path().with_extension("db-wal")).unwrap();
    let (header, frames) = wal.split_at(32);
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let page = usize::try_from(number(&header[8..12])).unwrap();
    let commits = frames
        .chunks_exact(24 + page)
        .filter(|f| number(&f[4..8]) != 0);
    commits.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_it_runs_sql_and_keeps_a_reader_from_writing() {
    let store = SqliteStore::in_memory(&[DOMAIN]).unwrap();
    let workflow = one_step(once(), |ctx| {
        ctx.on_completion(|conn: &Connection| put_number(conn, "n", 4));
        Box::pin(nothing(ctx))
    });
    let bench = Bench::new(store.clone(), workflow).await;
    let run = bench.start("a").await;
    assert!(bench.engine.wait(run).await.unwrap().is_completed());
    assert_eq!(
        store
            .read(|conn| get_number(conn, "n"))
            .await
            .unwrap()
            .unwrap(),
        Some(4)
    );
    let wrote = store
        .read(|conn| put_number(conn, "n", 5).is_ok())
        .await
        .unwrap();
    assert!(!wrote);
    let panicked = store.read(|_| panic!("a look that panics")).await;
    assert!(
        matches!(panicked, Err::<(), _>(StoreError::Closed)),
        "{panicked:?}"
    );
    store.write(|conn| put_number(conn, "n", 6)).await.unwrap();
    assert_eq!(
        store
            .read(|conn| get_number(conn, "n"))
            .await
            .unwrap()
            .unwrap(),
        Some(6)
    );
}

#[test]
fn threads_without_a_runtime_can_read_and_write() {
    let subject = SqliteSubject::new();
    let store = subject.open();
    store
        .write_blocking(|conn| put_number(conn, "n", 1))
        .unwrap();
    let read = store.read_blocking(|conn| get_number(conn, "n")).unwrap();
    assert_eq!(read.unwrap(), Some(1));
}

#[test]
fn whoever_looks_at_a_database_that_a_kill_left_half_made_can() {
    let dir = tempfile::tempdir().unwrap();
    let (making, made) = (dir.path().join("making.db"), dir.path().join("made.db"));
    let conn = Connection::open(&making).unwrap();
    let sql = "CREATE TABLE before (n); INSERT INTO before VALUES (1);
               PRAGMA cache_size = 1; BEGIN; UPDATE before SET n = 2; CREATE TABLE big (b);";
    conn.execute_batch(sql).unwrap();
    for _ in 0..50 {
        let sql = "INSERT INTO big VALUES (zeroblob(4096))";
        conn.execute(sql, []).unwrap();
    }
    // As it would be found: the file and the journal of a transaction that is not over.
    let journal = |path: &std::path::Path| path.with_extension("db-journal");
    std::fs::copy(&making, &made).unwrap();
    std::fs::copy(journal(&making), journal(&made)).unwrap();
    let opened = Readers::open(&made, &[]);
    assert!(
        matches!(opened, Err(OpenError::OlderSchema { found: 0, .. })),
        "{opened:?}"
    );
    assert!(!journal(&made).exists());
    let conn = Connection::open(&made).unwrap();
    let before = conn.query_row("SELECT n FROM before", [], |row| row.get::<_, i64>(0));
    assert_eq!(before.unwrap(), 1);
    assert!(!conn.table_exists(None, "big").unwrap());
}
