//! [`examine`]: what state a store's file is in, told also where nothing else can be done with it.
//!
//! It only reads, on a connection of its own, beside whoever works. SQLite's own checks go first: a quick
//! one (the pages and what is in them), then a whole one (that every index says what its table says). Each
//! is broken off when the caller's time is over, and [`Checked`] says how far they came.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use crate::store::sqlite::migrate::{Migrations, versions};
use crate::store::sqlite::open;
use crate::store::{OpenError, StoreError};

/// How many instructions of SQLite's machine go between two looks at the caller's time: some tenths of a
/// millisecond.
const INSTRUCTIONS: i32 = 10_000;

/// How many of the problems are told: the first ones say what is wrong, and a damaged file has thousands.
const PROBLEMS: u8 = 5;

/// What state a store's file is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Every schema that this build knows, the engine's own first.
    pub schemas: Vec<SchemaVersion>,
    /// How far it was checked.
    pub checked: Checked,
    /// What is wrong with it, in SQLite's words; the first few. Empty where nothing is.
    pub problems: Vec<String>,
    /// Rows that name others which are not there; the first few. Empty where there are none.
    pub dangling: Vec<String>,
    /// When the newest event of a run happened, in milliseconds since 1970; nothing without events, or
    /// where they cannot be read.
    pub newest_event: Option<i64>,
}

/// The version of one owner's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaVersion {
    /// Whose tables.
    pub owner: String,
    /// The version they have; 0 where there are none.
    pub found: u32,
    /// The newest that this build knows.
    pub known: u32,
}

/// How far a store's file was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checked {
    /// Time was over before the quick check was.
    InPart,
    /// All pages and rows, and not whether the indexes agree with them.
    Quickly,
    /// All of it.
    Whole,
}

/// Looks a store over, as long as `has_time` says so. Damage is an answer and no error.
///
/// # Errors
/// [`OpenError::Missing`]; [`OpenError::Store`] where it cannot even be opened: it is no database, or may
/// not be read. A schema that is not this build's is none.
pub fn examine(
    path: &Path,
    migrations: &[Migrations<'_>],
    has_time: impl Fn() -> bool + Clone + Send + 'static,
) -> Result<Health, OpenError> {
    if !path.try_exists().unwrap_or(true) {
        return Err(OpenError::Missing {
            path: path.to_owned(),
        });
    }
    let failed = |source: rusqlite::Error| OpenError::Store {
        path: path.to_owned(),
        source: StoreError::from(source),
    };
    let mut conn = open::reader(path).map_err(failed)?;
    let schemas = versions(&conn, migrations)?.map_err(failed)?;
    let newest_event = newest_event(&conn).unwrap_or(None);
    conn.progress_handler(INSTRUCTIONS, Some(move || !has_time()))
        .map_err(failed)?;
    let mut health = Health {
        schemas,
        checked: Checked::InPart,
        problems: Vec::new(),
        dangling: Vec::new(),
        newest_event,
    };
    for (pragma, checked) in [
        ("quick_check", Checked::Quickly),
        ("integrity_check", Checked::Whole),
    ] {
        let Some(problems) = problems(&conn, pragma).map_err(failed)? else {
            return Ok(health);
        };
        health.checked = checked;
        health.problems = problems;
        if !health.problems.is_empty() {
            return Ok(health);
        }
        if checked == Checked::Quickly {
            let Some(dangling) = dangling(&conn).map_err(failed)? else {
                return Ok(health);
            };
            health.dangling = dangling;
        }
    }
    Ok(health)
}

/// What one of SQLite's checks finds; nothing where time was over before it was done.
fn problems(conn: &Connection, pragma: &str) -> Result<Option<Vec<String>>, rusqlite::Error> {
    let mut found = Vec::new();
    let looked = conn.pragma(None, pragma, PROBLEMS, |row| {
        found.push(row.get::<_, String>(0)?);
        Ok(())
    });
    match kind(looked)? {
        Looked::Whole => {}
        Looked::BrokenOff => return Ok(None),
        Looked::Damaged(why) => found.push(why),
    }
    found.retain(|line| line != "ok");
    // A problem of SQLite's may be several lines, the first of which only says where they begin.
    let lines = found.iter().flat_map(|text| text.lines());
    let lines = lines.filter(|line| !line.starts_with("*** in database"));
    Ok(Some(
        lines.take(PROBLEMS.into()).map(str::to_owned).collect(),
    ))
}

/// Rows that name others which are not there; nothing where time was over.
fn dangling(conn: &Connection) -> Result<Option<Vec<String>>, rusqlite::Error> {
    let mut found = Vec::new();
    let looked = conn.pragma_query(None, "foreign_key_check", |row| {
        let (table, id, parent) = (
            row.get::<_, String>(0)?,
            row.get::<_, Option<i64>>(1)?,
            row.get::<_, String>(2)?,
        );
        let id = id.map_or_else(String::new, |id| format!(" {id}"));
        found.push(format!(
            "row{id} of {table} names one of {parent} that is not there"
        ));
        Ok(())
    });
    match kind(looked)? {
        Looked::Whole => {}
        Looked::BrokenOff => return Ok(None),
        Looked::Damaged(why) => found.push(why),
    }
    found.truncate(PROBLEMS.into());
    Ok(Some(found))
}

enum Looked {
    Whole,
    BrokenOff,
    Damaged(String),
}

fn kind(looked: Result<(), rusqlite::Error>) -> Result<Looked, rusqlite::Error> {
    match looked {
        Ok(()) => Ok(Looked::Whole),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(Looked::BrokenOff),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Ok(Looked::Damaged(error.to_string()))
            }
            _ => Err(error),
        },
    }
}

fn newest_event(conn: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    if !conn.table_exists(None, "fsm_event")? {
        return Ok(None);
    }
    conn.query_row("SELECT max(at) FROM fsm_event", [], |row| row.get(0))
}
