//! Reading: a few connections that cannot write.
//!
//! They work beside the engine, and in another process without one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::clock::{Clock, SystemClock};
use crate::event::EventRecord;
use crate::ids::RunId;
use crate::store::sqlite::migrate::Migrations;
use crate::store::sqlite::{open, rows};
use crate::store::{OpenError, RawRun, RunFilter, StoreError};
use crate::view::{HistoryError, RunSummary, history_in, summary_of};

/// Connections kept open when nobody reads. More are opened when more read at once.
const IDLE: usize = 4;

/// Read-only access to a store, for any number of threads. A clone shares the connections.
#[derive(Clone)]
pub struct Readers {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Opens the store at `path` for reading. It must be at the schema versions of this build.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::Missing`] if there is no store yet.
    pub fn open(path: impl AsRef<Path>, migrations: &[Migrations<'_>]) -> Result<Self, OpenError> {
        let first = open::open_reader(path.as_ref(), migrations)?;
        let readers = Self::of(path.as_ref().to_owned());
        readers.put_back(first);
        Ok(readers)
    }

    pub(super) fn of(path: PathBuf) -> Self {
        Self {
            path: path.into(),
            idle: Arc::default(),
        }
    }

    /// Looks at the database. The connection refuses to write.
    ///
    /// # Errors
    /// If no connection can be opened.
    pub fn read<R>(&self, look: impl FnOnce(&Connection) -> R) -> Result<R, StoreError> {
        let kept = self.lock().pop();
        let conn = match kept {
            Some(conn) => conn,
            None => open::reader(&self.path)?,
        };
        let seen = look(&conn);
        // A look that left a transaction open would see the same old moment for ever.
        if conn.is_autocommit() {
            self.put_back(conn);
        }
        Ok(seen)
    }

    /// The runs that pass the filter, the newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        let raw = self.load(filter)?;
        let now = SystemClock::default().now();
        Ok(raw.iter().map(|raw| summary_of(raw, now)).collect())
    }

    /// The active runs, the newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn list_active(&self) -> Result<Vec<RunSummary>, StoreError> {
        self.list_runs(&RunFilter::active())
    }

    /// This run; `None` if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub fn run(&self, run: RunId) -> Result<Option<RunSummary>, StoreError> {
        Ok(self.list_runs(&RunFilter::one(run))?.pop())
    }

    /// Every event of this run, in order.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub fn history(&self, run: RunId) -> Result<Vec<EventRecord>, HistoryError> {
        history_in(run, &self.load(&RunFilter::one(run))?)
    }

    pub(super) fn load(&self, filter: &RunFilter) -> Result<Vec<RawRun>, StoreError> {
        self.read(|conn| rows::load(conn, filter))?
    }

    fn put_back(&self, conn: Connection) {
        let mut idle = self.lock();
        if idle.len() < IDLE {
            idle.push(conn);
        }
    }

    pub(super) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readers").field(&self.path).finish()
    }
}
