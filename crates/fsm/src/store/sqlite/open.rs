//! Opening connections: the pragmas that the store's promises rest on.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, ffi};

use crate::store::sqlite::migrate::{Migrations, migrate, verify};
use crate::store::{OpenError, StoreError};

/// How long SQLite waits for another process's transaction. Ours are milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept for each connection: the engine's own and the domain's.
const STATEMENTS: usize = 64;

/// The writer's connection, with every schema brought up to date.
pub(super) fn open_writer(
    path: &Path,
    migrations: &[Migrations<'_>],
) -> Result<Connection, OpenError> {
    #[cfg(unix)]
    make_private(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)
        .and_then(|conn| refuse_read_only(&conn).map(|()| conn))
        .and_then(|conn| prepare_writer(&conn).map(|()| conn))
        .map_err(|e| failed(path, e))?;
    migrate(&mut conn, path, migrations)?;
    // SQLite syncs the file, and its directory for the journals; the entry of the file itself is ours.
    sync_parent(path).map_err(|source| OpenError::Create {
        path: path.to_owned(),
        source,
    })?;
    Ok(conn)
}

/// A database that lives and dies with its one connection.
pub(super) fn open_in_memory(migrations: &[Migrations<'_>]) -> Result<Connection, OpenError> {
    let path = Path::new(":memory:");
    let mut conn = Connection::open_in_memory()
        .and_then(|conn| prepare_writer(&conn).map(|()| conn))
        .map_err(|e| failed(path, e))?;
    migrate(&mut conn, path, migrations)?;
    Ok(conn)
}

/// A connection that only reads, on a database whose schemas are those of this build.
pub(super) fn open_reader(
    path: &Path,
    migrations: &[Migrations<'_>],
) -> Result<Connection, OpenError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(OpenError::Missing {
            path: path.to_owned(),
        });
    }
    let conn = reader(path).map_err(|e| failed(path, e))?;
    verify(&conn, path, migrations)?;
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let conn = match read_first(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Err(error) if waits_for_rollback(&error) => {
            // A process was killed while it made the database, before that had a log. Whoever may
            // write takes that back, as SQLite does by itself; then there is something to read.
            drop(read_first(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?);
            read_first(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?
        }
        opened => opened?,
    };
    conn.pragma_update(None, "query_only", true)?;
    prepare_statements(&conn)?;
    Ok(conn)
}

/// A connection that has read: before that SQLite has not looked at the file.
fn read_first(path: &Path, access: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_query_value(None, "schema_version", |_| Ok(()))?;
    Ok(conn)
}

/// Whether a journal has to be rolled back first, which a connection that only reads cannot do.
fn waits_for_rollback(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    extended == Some(ffi::SQLITE_READONLY_ROLLBACK)
}

/// SQLite opens a file that may not be written to for reading, and says nothing.
fn refuse_read_only(conn: &Connection) -> Result<(), rusqlite::Error> {
    if conn.is_readonly(MAIN_DB)? {
        let error = ffi::Error::new(ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(error, None));
    }
    Ok(())
}

fn prepare_statements(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else SQLite plans a cached statement anew whenever other values are bound to it, which costs
    // more than the statement.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn prepare_writer(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // macOS: fsync alone does not reach the platter there. Elsewhere it is ignored.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    prepare_statements(conn)?;
    Ok(())
}

/// Makes the file, where there is none, such that its owner alone can read it; SQLite gives the log
/// and the index beside it the same mode.
#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt;

    use crate::sabotage::{self, Fault};

    let mode = if sabotage::on(Fault::F25) {
        0o666
    } else {
        0o600
    };
    let mut options = File::options();
    // A file that is there keeps its mode; what else may be in the way, SQLite meets and tells.
    let _ = options.write(true).create_new(true).mode(mode).open(path);
}

fn failed(path: &Path, error: rusqlite::Error) -> OpenError {
    OpenError::Store {
        path: path.to_owned(),
        source: StoreError::from(error),
    }
}

fn sync_parent(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
