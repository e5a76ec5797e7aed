//! The store as the engine and its owner hold it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use crate::store::sqlite::group::{Group, Job};
use crate::store::sqlite::migrate::Migrations;
use crate::store::sqlite::readers::Readers;
use crate::store::sqlite::{open, rows};
use crate::store::{
    Batch, CommitError, Committed, OpenError, Prune, RawRun, RunFilter, Store, StoreError,
    WriteError, domain_batch,
};

/// How many reads are made at once for those that wait without blocking.
const READS: usize = 4;

/// Runs, and the domain's tables beside them, in one SQLite file.
///
/// A clone is the same store. It has one writer: whoever opens it for writing holds a lock of their
/// own that keeps a second engine away (SQLite would let both write, and the engines' guards would
/// stop one another's runs).
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    group: Group,
    /// None for a database in memory, where the writer's connection is the only one.
    readers: Option<Readers>,
    reading: Semaphore,
    closed: AtomicBool,
    name: String,
}

impl SqliteStore {
    /// Opens the store at `path`, making it where there is none, and brings the schema of every owner
    /// up to date. Blocks for as long as that takes.
    ///
    /// # Errors
    /// [`OpenError`]; the store is then as it was, or at the version before the step that failed.
    pub fn open(path: impl AsRef<Path>, migrations: &[Migrations<'_>]) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let conn = open::open_writer(path, migrations)?;
        Self::start(conn, path, Some(Readers::of(path.to_owned())))
    }

    /// A store in memory that runs SQL, for tests of workflows that write it.
    ///
    /// # Errors
    /// [`OpenError`], where a migration fails.
    pub fn in_memory(migrations: &[Migrations<'_>]) -> Result<Self, OpenError> {
        let conn = open::open_in_memory(migrations)?;
        Self::start(conn, Path::new(":memory:"), None)
    }

    /// Opens the store at `path` for reading alone, in any process: see [`Readers::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open_read_only(
        path: impl AsRef<Path>,
        migrations: &[Migrations<'_>],
    ) -> Result<Readers, OpenError> {
        Readers::open(path, migrations)
    }

    fn start(conn: Connection, path: &Path, readers: Option<Readers>) -> Result<Self, OpenError> {
        let group = Group::start(conn).map_err(|source| OpenError::Create {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                group,
                readers,
                reading: Semaphore::new(READS),
                closed: AtomicBool::new(false),
                name: path.display().to_string(),
            }),
        })
    }

    /// Makes a domain write outside of any run; it is durable when this returns.
    ///
    /// # Errors
    /// [`CommitError::Refused`] with what the write failed with, [`CommitError::Store`] if the store
    /// failed. Nothing was written then.
    pub async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, CommitError> {
        crate::store::write(self, write).await
    }

    /// As [`SqliteStore::write`], for a thread that does blocking work.
    ///
    /// # Errors
    /// As there.
    pub fn write_blocking<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, CommitError> {
        let (batch, slot) = domain_batch(write);
        self.send(batch).and_then(|answer| {
            futures::executor::block_on(answer).map_err(|_| StoreError::Closed)
        })??;
        Ok(slot.take())
    }

    /// Looks at the database on a connection that cannot write. What has been committed before is
    /// seen.
    ///
    /// # Errors
    /// If the store is closed or no connection can be opened.
    ///
    /// # Panics
    /// Outside of a Tokio runtime, whose threads for blocking work it uses: see
    /// [`SqliteStore::read_blocking`].
    pub async fn read<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> R + Send + 'static,
    ) -> Result<R, StoreError> {
        let Some(readers) = self.open_readers()? else {
            return self.inner.group.look(look).ok_or(StoreError::Closed);
        };
        let permit = self.inner.reading.acquire().await;
        let _permit = permit.map_err(|_| StoreError::Closed)?;
        let readers = readers.clone();
        match tokio::task::spawn_blocking(move || readers.read(look)).await {
            Ok(seen) => seen,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_the_runtime_is_ending) => Err(StoreError::Closed),
            },
        }
    }

    /// As [`SqliteStore::read`], for a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn read_blocking<R: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> R + Send + 'static,
    ) -> Result<R, StoreError> {
        match self.open_readers()? {
            Some(readers) => readers.read(look),
            None => self.inner.group.look(look).ok_or(StoreError::Closed),
        }
    }

    fn open_readers(&self) -> Result<Option<&Readers>, StoreError> {
        if self.inner.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        Ok(self.inner.readers.as_ref())
    }

    fn send(
        &self,
        batch: Batch<Connection>,
    ) -> Result<oneshot::Receiver<Result<Committed, CommitError>>, StoreError> {
        let (answer, waiting) = oneshot::channel();
        self.inner.group.submit(Job::Commit { batch, answer })?;
        Ok(waiting)
    }
}

impl Store for SqliteStore {
    type Handle = Connection;

    async fn commit(&self, batch: Batch<Connection>) -> Result<Committed, CommitError> {
        // A writer that is gone without an answer was closed before it came to this batch.
        self.send(batch)?.await.map_err(|_| StoreError::Closed)?
    }

    async fn load(&self, filter: RunFilter) -> Result<Vec<RawRun>, StoreError> {
        self.read(move |conn| rows::load(conn, &filter)).await?
    }

    async fn prune(&self, prune: Prune) -> Result<u32, StoreError> {
        let (answer, waiting) = oneshot::channel();
        self.inner.group.submit(Job::Prune { prune, answer })?;
        waiting.await.map_err(|_| StoreError::Closed)?
    }

    async fn close(&self) {
        if self.inner.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(readers) = &self.inner.readers {
            readers.close();
        }
        let (closed, waiting) = oneshot::channel();
        if self.inner.group.submit(Job::Close(closed)).is_ok() {
            // An error is a writer that is gone already.
            let _ = waiting.await;
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteStore")
            .field(&self.inner.name)
            .finish()
    }
}
