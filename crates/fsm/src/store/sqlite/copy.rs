//! [`copy`]: a store's file as it is at one instant, copied while others work with it.
//!
//! The source is read in one transaction from before the first page to after the last, which in a WAL
//! database keeps nobody from reading or committing; what is counted is counted in that transaction. The
//! copy is one file without a log, synced, and is then opened by itself and held against what was counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::store::sqlite::health::{Checked, examine};
use crate::store::sqlite::migrate::{Migrations, verify};
use crate::store::sqlite::open;
use crate::store::{OpenError, StoreError};

/// Pages between two looks at whether to go on: 4 MiB of SQLite's usual 4 KiB.
const PAGES: i32 = 1024;

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied<T> {
    /// What the caller saw in it.
    pub seen: T,
    /// How many runs there are.
    pub runs: u64,
    /// How many rows there are, of all tables.
    pub rows: u64,
}

/// A store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It cannot be opened for reading.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error("the store cannot be read")]
    Read(#[source] StoreError),
    /// The copy cannot be written.
    #[error("the copy cannot be written")]
    Write(#[source] StoreError),
    /// The copy's bytes may not be on the disk.
    #[error("the copy cannot be synced")]
    Sync(#[source] std::io::Error),
    /// The copy was read again and is not what was copied.
    #[error("the copy is not what was copied: {0}")]
    Differs(String),
    /// The caller wanted it to end.
    #[error("the copy was broken off")]
    Stopped,
}

/// Copies the store at `from` into the file `into`, which is there and empty. `look` is shown the store at the
/// instant that is copied, and then the copy. Durable when it returns, but for the file's entry in its
/// directory. What is in `into` after an error is of no use.
///
/// # Errors
/// See [`CopyError`]; [`OpenError::NewerSchema`] and [`OpenError::OlderSchema`] where the store is not one of
/// this build.
pub fn copy<T: PartialEq>(
    from: &Path,
    into: &Path,
    migrations: &[Migrations<'_>],
    look: impl Fn(&Connection) -> T,
    goes_on: impl Fn() -> bool + Clone + Send + 'static,
) -> Result<Copied<T>, CopyError> {
    let read = |error: rusqlite::Error| CopyError::Read(error.into());
    let source = open::open_reader(from, migrations)?;
    let instant = source.unchecked_transaction().map_err(read)?;
    // The transaction begins with its first look. Schemas may have changed since the store was opened.
    verify(&instant, from, migrations)?;
    let rows = rows(&instant).map_err(read)?;
    let seen = look(&instant);
    write_pages(&instant, into, &goes_on)?;
    drop(instant);
    File::options()
        .write(true)
        .open(into)
        .and_then(|file| file.sync_all())
        .map_err(CopyError::Sync)?;
    let copied = Copied {
        seen,
        runs: rows.get("fsm_run").copied().unwrap_or(0),
        rows: rows.values().sum(),
    };
    hold_against(into, migrations, &rows, &copied.seen, look, goes_on)?;
    Ok(copied)
}

fn write_pages(
    source: &Connection,
    into: &Path,
    goes_on: &impl Fn() -> bool,
) -> Result<(), CopyError> {
    let write = |error: rusqlite::Error| CopyError::Write(error.into());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(into, flags).map_err(write)?;
    // What is cut off is thrown away, and what is whole is synced afterwards.
    target
        .pragma_update(None, "journal_mode", "OFF")
        .and_then(|()| target.pragma_update(None, "synchronous", "OFF"))
        .map_err(write)?;
    let backup = Backup::new(source, &mut target).map_err(write)?;
    loop {
        if !goes_on() {
            return Err(CopyError::Stopped);
        }
        match backup.step(PAGES).map_err(write)? {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody else has the copy, and a reader's transaction holds the source.
            other => {
                let error = std::io::Error::other(format!("{other:?}"));
                return Err(CopyError::Write(StoreError::Busy(std::sync::Arc::new(
                    error,
                ))));
            }
        }
    }
    drop(backup);
    // The first page says that there is a log, as there is of the source. Of the copy there is none.
    target
        .pragma_update(None, "journal_mode", "DELETE")
        .map_err(write)?;
    target.close().map_err(|(_, error)| write(error))
}

/// Reads the copy as a stranger would.
fn hold_against<T: PartialEq>(
    into: &Path,
    migrations: &[Migrations<'_>],
    counted: &BTreeMap<String, u64>,
    seen: &T,
    look: impl Fn(&Connection) -> T,
    goes_on: impl Fn() -> bool + Clone + Send + 'static,
) -> Result<(), CopyError> {
    let health = examine(into, migrations, goes_on)?;
    if let Some(problem) = health.problems.first().or(health.dangling.first()) {
        return Err(CopyError::Differs(problem.clone()));
    }
    if health.checked != Checked::Whole {
        return Err(CopyError::Stopped);
    }
    let copy = open::open_reader(into, migrations)?;
    let found = rows(&copy).map_err(|error| CopyError::Read(error.into()))?;
    for (table, counted) in counted {
        let found = found.get(table).copied().unwrap_or(0);
        if found != *counted {
            let text = format!("{table} has {found} rows, and had {counted}");
            return Err(CopyError::Differs(text));
        }
    }
    if look(&copy) != *seen {
        let text = "what its rows say is not the same".to_owned();
        return Err(CopyError::Differs(text));
    }
    Ok(())
}

/// How many rows each table has, the one of SQLite's in which ids are kept that were given out included.
fn rows(conn: &Connection) -> Result<BTreeMap<String, u64>, rusqlite::Error> {
    let mut tables = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let table = table?;
        let sql = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
        let count: i64 = conn.query_row(&sql, [], |row| row.get(0))?;
        rows.insert(table, count.unsigned_abs());
    }
    Ok(rows)
}
