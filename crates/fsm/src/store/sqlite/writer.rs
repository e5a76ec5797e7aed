//! The writer: the one connection that changes the database, and what it does with it.
//!
//! It stores a group of batches in one transaction, so that they share a sync.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;

use crate::panic::panic_text;
use crate::store::sqlite::rows::{Admitted, admit, append, prune};
use crate::store::sqlite::sqlite_error::of_write;
use crate::store::{Batch, CommitError, Committed, Prune, StoreError, Target};

pub(super) type Answer = Result<Committed, CommitError>;

/// See the module.
pub(super) struct Writer {
    /// None once it is closed.
    conn: Option<Connection>,
    /// Once the disk has failed under a commit nothing says what of it is there: no more is written
    /// through this connection, and a failed fsync is never tried again on the same file.
    failed: Option<StoreError>,
}

impl Writer {
    pub(super) fn new(conn: Connection) -> Self {
        Self {
            conn: Some(conn),
            failed: None,
        }
    }

    /// Closes the database.
    pub(super) fn close(&mut self) {
        self.conn = None;
    }

    /// Stores these: one answer for each, in order.
    pub(super) fn commit(&mut self, batches: Vec<Batch<Connection>>) -> Vec<Answer> {
        let count = batches.len();
        let all = |error: StoreError| (0..count).map(|_| Err(error.clone().into())).collect();
        if let Some(error) = &self.failed {
            return all(error.clone());
        }
        let Some(conn) = &self.conn else {
            return all(StoreError::Closed);
        };
        if let Err(error) = run(conn, "BEGIN IMMEDIATE") {
            return all(self.note(error));
        }
        let mut answers = Vec::with_capacity(count);
        for batch in batches {
            // One that is alone has the whole transaction for its savepoint.
            let answer = if count == 1 {
                store(conn, batch)
            } else {
                in_savepoint(conn, batch)
            };
            if conn.is_autocommit() {
                // The transaction is gone, and with it what was already written in it.
                return all(self.note(match answer {
                    Err(CommitError::Store(error)) => error,
                    _ => StoreError::TransactionEnded,
                }));
            }
            answers.push(answer);
        }
        let ended = if count == 1 && answers.iter().all(Result::is_err) {
            run(conn, "ROLLBACK")
        } else {
            run(conn, "COMMIT")
        };
        if let Err(error) = ended {
            // If this fails too there is no transaction to end.
            let _ = run(conn, "ROLLBACK");
            let error = self.note(error);
            let lost = answers.into_iter();
            return lost
                .map(|answer| answer.and(Err(error.clone().into())))
                .collect();
        }
        answers
    }

    /// Forgets runs, in a transaction of their own.
    pub(super) fn prune(&mut self, which: Prune) -> Result<u32, StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some(conn) = &self.conn else {
            return Err(StoreError::Closed);
        };
        let pruned = (|| {
            run(conn, "BEGIN IMMEDIATE")?;
            let pruned = prune(conn, &which)?;
            run(conn, "COMMIT")?;
            Ok(pruned)
        })();
        if pruned.is_err() && !conn.is_autocommit() {
            let _ = run(conn, "ROLLBACK");
        }
        pruned.map_err(|error| self.note(error))
    }

    /// A look that cannot write, nor take the writer down; `None` if it was not made.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Connection) -> R) -> Option<R> {
        let conn = self.conn.as_ref()?;
        let only = |on: bool| conn.pragma_update(None, "query_only", on);
        only(true).ok()?;
        let seen = catch_unwind(AssertUnwindSafe(|| look(conn)));
        if let Err(error) = only(false) {
            tracing::error!(%error, "the store stays read-only after a look");
        }
        seen.ok()
    }

    fn note(&mut self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Io(_) | StoreError::Corrupt(_)) {
            tracing::error!(error = %crate::error::chain_text(&error), "the store takes no more");
            self.failed = Some(error.clone());
        }
        error
    }
}

fn run(conn: &Connection, sql: &str) -> Result<(), StoreError> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Stores the batch, or leaves everything as it was before it.
fn in_savepoint(conn: &Connection, batch: Batch<Connection>) -> Answer {
    run(conn, "SAVEPOINT batch")?;
    let answer = store(conn, batch);
    if conn.is_autocommit() {
        return answer;
    }
    if answer.is_err() {
        run(conn, "ROLLBACK TO batch")?;
    }
    run(conn, "RELEASE batch")?;
    answer
}

fn store(conn: &Connection, batch: Batch<Connection>) -> Answer {
    let admitted = admit(conn, &batch.target)?;
    if let Admitted::No(answer) = admitted {
        return Ok(answer);
    }
    for write in batch.writes {
        let applied = catch_unwind(AssertUnwindSafe(|| write.apply(conn)));
        let applied = applied.unwrap_or_else(|p| Err(panic_text(p.as_ref()).into()));
        applied.map_err(of_write)?;
        if conn.is_autocommit() {
            return Err(StoreError::TransactionEnded.into());
        }
    }
    let ends = matches!(batch.target, Target::Run { ends: true, .. });
    match admitted {
        Admitted::No(answer) => Ok(answer),
        Admitted::Domain => Ok(Committed::Stored),
        Admitted::New(run) => {
            append(conn, run, &batch.events, ends)?;
            Ok(Committed::Created(run))
        }
        Admitted::Run(run) => {
            append(conn, run, &batch.events, ends)?;
            Ok(Committed::Stored)
        }
    }
}
