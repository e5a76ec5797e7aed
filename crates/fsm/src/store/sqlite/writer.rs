//! The writer: the one thread, and the one connection, that changes the database.
//!
//! It takes whatever is waiting, stores it in one transaction, and answers once that is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::panic::panic_text;
use crate::store::sqlite::rows::{Admitted, admit, append};
use crate::store::sqlite::sqlite_error::of_write;
use crate::store::{Batch, CommitError, Committed, StoreError, Target};

/// At most so many batches share a transaction, so that the first of them does not wait for ever.
const GROUP: usize = 512;

type Answer = Result<Committed, CommitError>;

/// Something for the writer to do.
pub(super) enum Job {
    /// Store this.
    Commit(Commit),
    /// Look at the database on this connection, for there is no other.
    Read(Box<dyn FnOnce(&Connection) + Send>),
    /// Close the database, and say so.
    Close(oneshot::Sender<()>),
}

/// A batch, and who waits for it.
pub(super) struct Commit {
    pub(super) batch: Batch<Connection>,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Works until it is told to close, or until nobody is left who could ask for anything.
pub(super) fn work(conn: Connection, jobs: &mpsc::Receiver<Job>) {
    let mut writer = Writer { conn, failed: None };
    let mut next = None;
    while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
        match job {
            Job::Commit(first) => {
                let mut group = vec![first];
                while group.len() < GROUP {
                    match jobs.try_recv() {
                        Ok(Job::Commit(commit)) => group.push(commit),
                        other => {
                            next = other.ok();
                            break;
                        }
                    }
                }
                writer.commit(group);
            }
            Job::Read(look) => writer.look(look),
            Job::Close(closed) => {
                drop(writer);
                // Whoever asked may be gone; the database is closed all the same.
                let _ = closed.send(());
                return;
            }
        }
    }
}

struct Writer {
    conn: Connection,
    /// Once the disk has failed under a commit nothing says what of it is there: no more is written
    /// through this connection, and a failed fsync is never tried again on the same file.
    failed: Option<StoreError>,
}

impl Writer {
    fn commit(&mut self, group: Vec<Commit>) {
        let (batches, waiting): (Vec<_>, Vec<_>) =
            group.into_iter().map(|c| (c.batch, c.answer)).unzip();
        let answers = self.transaction(batches);
        for (answer, waiting) in answers.into_iter().zip(waiting) {
            // Whoever asked may be gone; what was stored is stored.
            let _ = waiting.send(answer);
        }
    }

    /// One answer for each batch, in order.
    fn transaction(&mut self, batches: Vec<Batch<Connection>>) -> Vec<Answer> {
        let count = batches.len();
        let all = |error: StoreError| (0..count).map(|_| Err(error.clone().into())).collect();
        if let Some(error) = &self.failed {
            return all(error.clone());
        }
        if let Err(error) = self.conn.execute_batch("BEGIN IMMEDIATE") {
            return all(self.note(error.into()));
        }
        let mut answers = Vec::with_capacity(count);
        for batch in batches {
            let answer = self.in_savepoint(batch);
            if self.conn.is_autocommit() {
                // The transaction is gone, and with it what was already written in it.
                return all(self.note(match answer {
                    Err(CommitError::Store(error)) => error,
                    _ => StoreError::TransactionEnded,
                }));
            }
            answers.push(answer);
        }
        if let Err(error) = self.conn.execute_batch("COMMIT") {
            // If this fails too there is no transaction to end.
            let _ = self.conn.execute_batch("ROLLBACK");
            let error = self.note(error.into());
            let lost = answers.into_iter();
            return lost
                .map(|answer| answer.and(Err(error.clone().into())))
                .collect();
        }
        answers
    }

    fn note(&mut self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Io(_) | StoreError::Corrupt(_)) {
            tracing::error!(error = %crate::error::chain_text(&error), "the store takes no more");
            self.failed = Some(error.clone());
        }
        error
    }

    /// Stores the batch, or leaves everything as it was before it.
    fn in_savepoint(&self, batch: Batch<Connection>) -> Answer {
        let run = |sql| self.conn.execute_batch(sql).map_err(StoreError::from);
        run("SAVEPOINT batch")?;
        let answer = self.store(batch);
        if self.conn.is_autocommit() {
            return answer;
        }
        if answer.is_err() {
            run("ROLLBACK TO batch")?;
        }
        run("RELEASE batch")?;
        answer
    }

    fn store(&self, batch: Batch<Connection>) -> Answer {
        let admitted = admit(&self.conn, &batch.target)?;
        if let Admitted::No(answer) = admitted {
            return Ok(answer);
        }
        for write in batch.writes {
            let applied = catch_unwind(AssertUnwindSafe(|| write.apply(&self.conn)));
            let applied = applied.unwrap_or_else(|p| Err(panic_text(p.as_ref()).into()));
            applied.map_err(of_write)?;
            if self.conn.is_autocommit() {
                return Err(StoreError::TransactionEnded.into());
            }
        }
        let ends = matches!(batch.target, Target::Run { ends: true, .. });
        match admitted {
            Admitted::No(answer) => Ok(answer),
            Admitted::Domain => Ok(Committed::Stored),
            Admitted::New(run) => {
                append(&self.conn, run, &batch.events, ends)?;
                Ok(Committed::Created(run))
            }
            Admitted::Run(run) => {
                append(&self.conn, run, &batch.events, ends)?;
                Ok(Committed::Stored)
            }
        }
    }

    /// A look that cannot write, nor take the writer down.
    fn look(&self, look: Box<dyn FnOnce(&Connection) + Send>) {
        let only = |on: bool| self.conn.pragma_update(None, "query_only", on);
        if only(true).is_err() {
            // The look is dropped, and whoever waits for it learns that it was not made.
            return;
        }
        // A look that panicked has not answered either.
        let _ = catch_unwind(AssertUnwindSafe(|| look(&self.conn)));
        if let Err(error) = only(false) {
            tracing::error!(%error, "the store stays read-only after a look");
        }
    }
}
