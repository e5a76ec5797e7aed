//! Schemas by owner: which version each has, and how it gets to the next.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::store::sqlite::health::SchemaVersion;
use crate::store::{OpenError, StoreError};

/// The schema of one owner of tables: step n takes it from version n to version n + 1.
///
/// A step that was ever released is never changed. Constraints must not be deferred: a violation
/// that shows only at the commit would take down everything that shares it.
#[derive(Debug, Clone, Copy)]
pub struct Migrations<'a> {
    /// Whose tables; unique. The engine's own are `fsm`.
    pub owner: &'a str,
    /// SQL, a script for each step.
    pub steps: &'a [&'a str],
}

impl Migrations<'_> {
    fn version(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }
}

const OWN: Migrations<'static> = Migrations {
    owner: "fsm",
    steps: &["
        CREATE TABLE fsm_run (
            run      INTEGER PRIMARY KEY AUTOINCREMENT,
            workflow TEXT    NOT NULL,
            version  INTEGER NOT NULL,
            id       TEXT    NOT NULL,
            active   INTEGER NOT NULL CHECK (active IN (0, 1))
        ) STRICT;
        CREATE UNIQUE INDEX fsm_run_active ON fsm_run (workflow, id) WHERE active = 1;
        CREATE INDEX fsm_run_of ON fsm_run (workflow, id);
        CREATE TABLE fsm_event (
            run   INTEGER NOT NULL REFERENCES fsm_run (run),
            seq   INTEGER NOT NULL,
            at    INTEGER NOT NULL,
            fence INTEGER,
            body  TEXT    NOT NULL,
            PRIMARY KEY (run, seq)
        ) STRICT, WITHOUT ROWID;
    ", "
        ALTER TABLE fsm_run ADD COLUMN idempotency_key TEXT;
        ALTER TABLE fsm_run ADD COLUMN parent INTEGER;
        ALTER TABLE fsm_run ADD COLUMN follows INTEGER;
        ALTER TABLE fsm_run ADD COLUMN ended INTEGER;
        UPDATE fsm_run SET ended =
            coalesce((SELECT at FROM fsm_event e WHERE e.run = fsm_run.run ORDER BY seq DESC LIMIT 1), 0)
            WHERE active = 0;
        CREATE UNIQUE INDEX fsm_run_key ON fsm_run (workflow, idempotency_key)
            WHERE idempotency_key IS NOT NULL;
        CREATE INDEX fsm_run_parent ON fsm_run (parent) WHERE parent IS NOT NULL;
        CREATE INDEX fsm_run_follows ON fsm_run (follows) WHERE follows IS NOT NULL;
        CREATE INDEX fsm_run_ended ON fsm_run (ended) WHERE active = 0;
    "],
};

/// The engine's schema and these, each owner once.
fn with_own<'a>(given: &[Migrations<'a>]) -> Result<Vec<Migrations<'a>>, OpenError> {
    let mut all = vec![OWN];
    for migrations in given {
        if all.iter().any(|m| m.owner == migrations.owner) {
            return Err(OpenError::DuplicateOwner {
                owner: migrations.owner.to_owned(),
            });
        }
        all.push(*migrations);
    }
    Ok(all)
}

/// Brings every owner's schema to the version that this build knows. Nothing is changed if one of
/// them is newer.
pub(super) fn migrate(
    conn: &mut Connection,
    path: &Path,
    given: &[Migrations<'_>],
) -> Result<(), OpenError> {
    let all = with_own(given)?;
    let failed = |source: rusqlite::Error| OpenError::Store {
        path: path.to_owned(),
        source: source.into(),
    };
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS fsm_schema (
            owner   TEXT    NOT NULL PRIMARY KEY,
            version INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;",
    )
    .map_err(failed)?;
    for migrations in &all {
        let found = version_of(conn, migrations.owner).map_err(failed)?;
        refuse_newer(path, migrations, found)?;
    }
    for migrations in &all {
        for (step, sql) in (1..).zip(migrations.steps) {
            let applied = apply(conn, migrations.owner, step, sql);
            applied.map_err(|source| OpenError::Migration {
                path: path.to_owned(),
                owner: migrations.owner.to_owned(),
                version: step,
                source,
            })?;
        }
    }
    Ok(())
}

/// Refuses a database whose schemas are not exactly those that this build reads.
pub(super) fn verify(
    conn: &Connection,
    path: &Path,
    given: &[Migrations<'_>],
) -> Result<(), OpenError> {
    let failed = |source: rusqlite::Error| OpenError::Store {
        path: path.to_owned(),
        source: source.into(),
    };
    let has_versions = conn.table_exists(None, "fsm_schema").map_err(failed)?;
    for migrations in with_own(given)? {
        let found = if has_versions {
            version_of(conn, migrations.owner).map_err(failed)?
        } else {
            0
        };
        refuse_newer(path, &migrations, found)?;
        if found < migrations.version() {
            return Err(OpenError::OlderSchema {
                path: path.to_owned(),
                owner: migrations.owner.to_owned(),
                found,
                known: migrations.version(),
            });
        }
    }
    Ok(())
}

/// The version of every schema, the engine's own first. The outer error is of what was given.
pub(super) fn versions(
    conn: &Connection,
    given: &[Migrations<'_>],
) -> Result<Result<Vec<SchemaVersion>, rusqlite::Error>, OpenError> {
    let all = with_own(given)?;
    let found = |migrations: &Migrations<'_>| -> Result<SchemaVersion, rusqlite::Error> {
        let has_versions = conn.table_exists(None, "fsm_schema")?;
        Ok(SchemaVersion {
            owner: migrations.owner.to_owned(),
            found: match has_versions {
                true => version_of(conn, migrations.owner)?,
                false => 0,
            },
            known: migrations.version(),
        })
    };
    Ok(all.iter().map(found).collect())
}

fn refuse_newer(path: &Path, known: &Migrations<'_>, found: u32) -> Result<(), OpenError> {
    if found <= known.version() {
        return Ok(());
    }
    Err(OpenError::NewerSchema {
        path: path.to_owned(),
        owner: known.owner.to_owned(),
        found,
        known: known.version(),
    })
}

fn version_of(conn: &Connection, owner: &str) -> Result<u32, rusqlite::Error> {
    let sql = "SELECT version FROM fsm_schema WHERE owner = ?1";
    let version = conn.query_row(sql, [owner], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or(0))
}

/// Applies one step, unless that has been done, in a transaction of its own.
fn apply(conn: &mut Connection, owner: &str, step: u32, sql: &str) -> Result<(), StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read inside the transaction: another process may be doing the same.
    if version_of(&transaction, owner)? >= step {
        return Ok(());
    }
    transaction.execute_batch(sql)?;
    if transaction.is_autocommit() {
        return Err(StoreError::TransactionEnded);
    }
    transaction.execute(
        "INSERT INTO fsm_schema (owner, version) VALUES (?1, ?2)
         ON CONFLICT (owner) DO UPDATE SET version = excluded.version",
        (owner, step),
    )?;
    transaction.commit()?;
    Ok(())
}
