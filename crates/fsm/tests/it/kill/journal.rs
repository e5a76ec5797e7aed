//! The tables in which the runs of a life leave what they do, in the order of its commits.

use longshore_fsm::store::{Migrations, WriteError};
use longshore_fsm::{Ended, RunId};
use rusqlite::Connection;

pub(super) const TABLES: Migrations<'static> = Migrations {
    owner: "journal",
    steps: &["
        CREATE TABLE journal (
            place   INTEGER PRIMARY KEY AUTOINCREMENT,
            run     INTEGER NOT NULL,
            what    TEXT    NOT NULL,
            step    TEXT    NOT NULL,
            attempt INTEGER NOT NULL,
            UNIQUE (run, what, step, attempt)
        ) STRICT;
        CREATE TABLE account (name TEXT NOT NULL PRIMARY KEY, balance INTEGER NOT NULL) STRICT;
        INSERT INTO account VALUES ('here', 1000000), ('there', 0);
        CREATE TABLE outcome (
            run      INTEGER PRIMARY KEY,
            ended    TEXT    NOT NULL,
            response TEXT    NOT NULL
        ) STRICT;
    "],
};

/// What the accounts hold together, always.
pub(super) const TOTAL: i64 = 1_000_000;

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// 0 for the beginning of a life.
    pub(super) run: u64,
    pub(super) what: String,
    pub(super) step: String,
    pub(super) attempt: u32,
}

/// Adds a row. The same one twice is refused.
pub(super) fn note(
    conn: &Connection,
    run: RunId,
    what: &str,
    step: &str,
    attempt: u32,
) -> Result<(), WriteError> {
    let sql = "INSERT INTO journal (run, what, step, attempt) VALUES (?1, ?2, ?3, ?4)";
    let run = i64::try_from(run.get())?;
    conn.prepare_cached(sql)?
        .execute((run, what, step, attempt))?;
    Ok(())
}

/// Another life begins.
pub(super) fn note_life(conn: &Connection) -> Result<(), WriteError> {
    let lives = "SELECT count(*) FROM journal WHERE what = 'life'";
    let sql =
        format!("INSERT INTO journal (run, what, step, attempt) SELECT 0, 'life', '', ({lives})");
    conn.execute(&sql, [])?;
    Ok(())
}

/// Moves something there, or back.
pub(super) fn transfer(conn: &Connection, amount: i64) -> Result<(), WriteError> {
    let sql = "UPDATE account SET balance = balance + ?2 WHERE name = ?1";
    let mut update = conn.prepare_cached(sql)?;
    update.execute(("here", -amount))?;
    update.execute(("there", amount))?;
    Ok(())
}

/// A run ends so.
pub(super) fn note_end(
    conn: &Connection,
    run: RunId,
    ended: &Ended,
    response: &[String],
) -> Result<(), WriteError> {
    note(conn, run, "ended", "", 0)?;
    let row = (
        i64::try_from(run.get())?,
        serde_json::to_string(ended)?,
        serde_json::to_string(response)?,
    );
    conn.prepare_cached("INSERT INTO outcome VALUES (?1, ?2, ?3)")?
        .execute(row)?;
    Ok(())
}

/// All rows, in order.
pub(super) fn rows(conn: &Connection) -> Result<Vec<Row>, rusqlite::Error> {
    let sql = "SELECT run, what, step, attempt FROM journal ORDER BY place";
    let mut select = conn.prepare(sql)?;
    let rows = select.query_map([], |row| {
        Ok(Row {
            run: row.get::<_, i64>(0)?.unsigned_abs(),
            what: row.get(1)?,
            step: row.get(2)?,
            attempt: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// How the runs ended, and what they had to say, as their finalizers wrote it.
pub(super) fn outcomes(conn: &Connection) -> Result<Vec<(u64, String, String)>, rusqlite::Error> {
    let mut select = conn.prepare("SELECT run, ended, response FROM outcome ORDER BY run")?;
    let rows = select.query_map([], |row| {
        let run = row.get::<_, i64>(0)?.unsigned_abs();
        Ok((run, row.get(1)?, row.get(2)?))
    })?;
    rows.collect()
}

/// What is here, and what is there.
pub(super) fn balances(conn: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    let balance = |name: &str| {
        let sql = "SELECT balance FROM account WHERE name = ?1";
        conn.query_row(sql, [name], |row| row.get(0))
    };
    Ok((balance("here")?, balance("there")?))
}
