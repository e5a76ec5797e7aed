//! A store that is copied and looked over while others work, and one that is damaged.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use longshore_fsm::store::{
    Checked, CopyError, Health, Migrations, OpenError, SqliteStore, Store, StoreError, copy,
    examine,
};
use rusqlite::Connection;

use crate::support::SqliteSubject;

/// Two tables that say the same in every transaction, and rows that name others.
const PAIRED: Migrations<'static> = Migrations {
    owner: "paired",
    steps: &["
        CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT, padding TEXT NOT NULL) STRICT;
        CREATE INDEX entry_padding ON entry (padding);
        CREATE TABLE total (one INTEGER PRIMARY KEY, entries INTEGER NOT NULL) STRICT;
        CREATE TABLE child (of INTEGER NOT NULL REFERENCES entry (id)) STRICT;
        INSERT INTO total VALUES (1, 0);
    "],
};

/// What both tables say: in every transaction of the writer they are the same.
fn totals(conn: &Connection) -> (i64, i64) {
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    (
        number("SELECT count(*) FROM entry"),
        number("SELECT entries FROM total"),
    )
}

fn add(conn: &Connection, entries: u32) {
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..entries {
        conn.execute(
            "INSERT INTO entry (padding) VALUES (hex(randomblob(300)))",
            [],
        )
        .unwrap();
    }
    conn.execute("UPDATE total SET entries = entries + ?1", [entries])
        .unwrap();
    conn.execute_batch("COMMIT").unwrap();
}

struct Copies {
    subject: SqliteSubject,
}

impl Copies {
    async fn new() -> Self {
        let subject = SqliteSubject::new();
        let store = SqliteStore::open(subject.path(), &[PAIRED]).unwrap();
        store.close().await;
        Self { subject }
    }

    fn writer(&self) -> Connection {
        let conn = Connection::open(self.subject.path()).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(60))
            .unwrap();
        // As the store's writer has it.
        conn.pragma_update(None, "foreign_keys", true).unwrap();
        conn
    }

    /// A file for a copy.
    fn place(&self, name: &str) -> PathBuf {
        let place = self.subject.dir.path().join(name);
        fs::write(&place, "").unwrap();
        place
    }

    fn health(&self) -> Health {
        examine(&self.subject.path(), &[PAIRED], || true).unwrap()
    }
}

#[tokio::test]
async fn a_copy_that_is_made_beside_a_writer_is_of_one_instant() {
    let copies = Copies::new().await;
    add(&copies.writer(), 3000);
    let is_over = Arc::new(AtomicBool::new(false));
    let commits = Arc::new(AtomicUsize::new(0));
    let writing = std::thread::spawn({
        let (conn, is_over, commits) = (copies.writer(), is_over.clone(), commits.clone());
        move || {
            while !is_over.load(Ordering::Relaxed) {
                add(&conn, 7);
                commits.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut seen = Vec::new();
    let mut beside = 0;
    // As many as it takes for commits to have come in between, and for some time.
    while beside < 5 {
        let place = copies.place("copy.db");
        let before = commits.load(Ordering::Relaxed);
        // Looks are where a copy may be interrupted by a commit: one is waited for in each.
        let goes_on = {
            let commits = commits.clone();
            // One that began anew at each commit would never end.
            let left = Arc::new(AtomicUsize::new(1000));
            move || {
                let now = commits.load(Ordering::Relaxed);
                while commits.load(Ordering::Relaxed) == now {
                    std::thread::yield_now();
                }
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1))
                    .is_ok()
            }
        };
        let copied = copy(&copies.subject.path(), &place, &[PAIRED], totals, goes_on);
        if copied.is_err() {
            is_over.store(true, Ordering::Relaxed);
        }
        let copied = copied.unwrap();
        let (entries, total) = copied.seen;
        assert_eq!(entries, total);
        let copy = Connection::open(&place).unwrap();
        assert_eq!(totals(&copy), copied.seen);
        drop(copy);
        if commits.load(Ordering::Relaxed) > before {
            beside += 1;
        }
        seen.push(entries);
        fs::remove_file(&place).unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    writing.join().unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(seen.first() < seen.last(), "{seen:?}");
}

#[tokio::test]
async fn ids_that_were_given_out_are_not_given_out_again_by_a_copy() {
    let copies = Copies::new().await;
    let conn = copies.writer();
    add(&conn, 5);
    conn.execute("DELETE FROM entry", []).unwrap();
    conn.execute("UPDATE total SET entries = 0", []).unwrap();
    let place = copies.place("copy.db");
    copy(&copies.subject.path(), &place, &[PAIRED], totals, || true).unwrap();
    let copy = Connection::open(&place).unwrap();
    copy.execute("INSERT INTO entry (padding) VALUES ('')", [])
        .unwrap();
    assert_eq!(copy.last_insert_rowid(), 6);
}

#[tokio::test]
async fn a_copy_is_broken_off_where_its_caller_says_so() {
    let copies = Copies::new().await;
    add(&copies.writer(), 20_000);
    // At the first look, between pages, and while the copy is read again.
    for looks in [0, 1, 2, 10] {
        let left = Arc::new(AtomicUsize::new(looks));
        let goes_on = move || {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1))
                .is_ok()
        };
        let place = copies.place("copy.db");
        let stopped = copy(&copies.subject.path(), &place, &[PAIRED], totals, goes_on);
        assert!(matches!(stopped, Err(CopyError::Stopped)), "{looks} looks");
    }
}

#[tokio::test]
async fn a_copy_that_is_not_what_its_reader_saw_is_none() {
    let copies = Copies::new().await;
    let place = copies.place("copy.db");
    let looks = AtomicUsize::new(0);
    let look = |_: &Connection| looks.fetch_add(1, Ordering::Relaxed);
    let differs = copy(&copies.subject.path(), &place, &[PAIRED], look, || true);
    assert!(matches!(differs, Err(CopyError::Differs(_))), "{differs:?}");
    let nowhere = copies.subject.dir.path().join("no/copy.db");
    let unwritten = copy(&copies.subject.path(), &nowhere, &[PAIRED], totals, || true);
    assert!(
        matches!(unwritten, Err(CopyError::Write(_))),
        "{unwritten:?}"
    );
    let missing = copies.subject.dir.path().join("missing");
    let missing = copy(&missing, &place, &[PAIRED], totals, || true);
    assert!(matches!(
        missing,
        Err(CopyError::Open(OpenError::Missing { .. }))
    ));
}

#[tokio::test]
async fn a_store_is_looked_over_as_far_as_there_is_time() {
    let copies = Copies::new().await;
    add(&copies.writer(), 3000);
    let whole = copies.health();
    assert_eq!(whole.checked, Checked::Whole);
    assert_eq!((whole.problems.len(), whole.dangling.len()), (0, 0));
    assert_eq!(whole.newest_event, None);
    let found = |health: &Health| -> Vec<(String, u32, u32)> {
        let all = health.schemas.iter();
        all.map(|it| (it.owner.clone(), it.found, it.known))
            .collect()
    };
    assert_eq!(found(&whole)[1], ("paired".to_owned(), 1, 1));
    let mut how_far = Vec::new();
    for looks in 0..400 {
        let left = Arc::new(AtomicUsize::new(looks));
        let has_time = move || {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1))
                .is_ok()
        };
        let health = examine(&copies.subject.path(), &[PAIRED], has_time).unwrap();
        assert!(health.problems.is_empty(), "{health:?}");
        how_far.push(health.checked);
        if health.checked == Checked::Whole {
            break;
        }
    }
    assert!(how_far.is_sorted(), "{how_far:?}");
    how_far.dedup();
    let every = [Checked::InPart, Checked::Quickly, Checked::Whole];
    assert_eq!(how_far, every);
}

#[tokio::test]
async fn rows_that_name_nothing_are_found() {
    let copies = Copies::new().await;
    let conn = copies.writer();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    conn.execute("INSERT INTO child VALUES (77)", []).unwrap();
    let health = copies.health();
    assert_eq!(
        health.dangling,
        ["row 1 of child names one of entry that is not there"]
    );
    assert!(health.problems.is_empty());
    let place = copies.place("copy.db");
    let differs = copy(&copies.subject.path(), &place, &[PAIRED], totals, || true);
    assert!(matches!(differs, Err(CopyError::Differs(_))), "{differs:?}");
}

#[tokio::test]
async fn damage_is_told_wherever_it_is() {
    let copies = Copies::new().await;
    add(&copies.writer(), 300);
    // Into the one file, as the log of the last connection is written back.
    drop(copies.writer());
    let whole = fs::read(copies.subject.path()).unwrap();
    let place = copies.place("damaged.db");
    let examined = |bytes: &[u8]| {
        fs::write(&place, bytes).unwrap();
        examine(&place, &[PAIRED], || true)
    };
    let mut told = 0;
    for at in (0..whole.len()).step_by(4096) {
        let mut damaged = whole.clone();
        damaged[at..at + 4096].fill(0x5a);
        match examined(&damaged) {
            Ok(health) => told += usize::from(!health.problems.is_empty()),
            Err(OpenError::Store { .. }) => told += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(told, whole.len() / 4096, "pages that were overwritten");
    let cut = examined(&whole[..whole.len() / 2]);
    assert!(
        cut.is_err() || !cut.unwrap().problems.is_empty(),
        "a file that was cut off"
    );
    let noise = examined(&[7; 10_000]);
    assert!(
        matches!(
            noise,
            Err(OpenError::Store {
                source: StoreError::Corrupt(_),
                ..
            })
        ),
        "{noise:?}"
    );
    let empty = examined(&[]).unwrap();
    assert!(empty.schemas.iter().all(|schema| schema.found == 0));
    let missing = examine(Path::new("/no/such/file"), &[PAIRED], || true);
    assert!(matches!(missing, Err(OpenError::Missing { .. })));
}
