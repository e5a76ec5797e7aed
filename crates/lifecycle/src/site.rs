//! A state directory that is this process's: its lock, its database, and writing there outside of any run.

use longshore_catalog::{Reader, SCHEMA, SCHEMA_OWNER};
use longshore_fsm::store::{Batch, Migrations, Readers, SqliteStore, Store, Target, Write};
use rusqlite::Connection;

use crate::{
    Failure, Settings,
    deps::DomainWrite,
    state_dir::{Lock, StateDir},
    trouble::Trouble,
};

/// A state directory that nobody else works in.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) state: StateDir,
    pub(crate) store: SqliteStore,
    pub(crate) readers: Readers,
    /// Let go last.
    pub(crate) lock: Lock,
}

impl Site {
    /// Takes the directory, which is made if there is none, waiting for whoever has it.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Failure> {
        let state = StateDir::prepare(&settings.state_dir)?;
        let lock = {
            let (state, purpose, wait) = (state.clone(), settings.purpose.clone(), settings.wait);
            tokio::task::spawn_blocking(move || state.lock(&purpose, wait))
                .await
                .map_err(|error| Failure::broken("the wait was cut off").caused_by(&error))??
        };
        let migrations = [Migrations {
            owner: SCHEMA_OWNER,
            steps: SCHEMA,
        }];
        let store = SqliteStore::open(state.database(), &migrations).map_err(Trouble::failure)?;
        let readers = Readers::open(state.database(), &migrations).map_err(Trouble::failure)?;
        Ok(Self {
            state,
            store,
            readers,
            lock,
        })
    }

    /// Looks into the catalogue.
    #[cfg(target_os = "linux")]
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&Reader<'_>) -> Result<T, longshore_catalog::Error>,
    ) -> Result<T, Failure> {
        read(&self.readers, look)
    }

    /// Writes to the catalogue; durable when it returns.
    #[cfg(target_os = "linux")]
    pub(crate) fn record(&self, write: DomainWrite) -> Result<(), Failure> {
        record(&self.store, write)
    }
}

/// Looks into a catalogue.
pub(crate) fn read<T>(
    readers: &Readers,
    look: impl FnOnce(&Reader<'_>) -> Result<T, longshore_catalog::Error>,
) -> Result<T, Failure> {
    readers
        .read(|connection| look(&Reader::new(connection)))
        .map_err(Trouble::failure)?
        .map_err(Trouble::failure)
}

/// Writes to a catalogue outside of any run, from a thread that may wait; durable when it returns.
pub(crate) fn record<S: Store<Handle = Connection>>(
    store: &S,
    write: DomainWrite,
) -> Result<(), Failure> {
    let batch = Batch {
        target: Target::Domain,
        events: Vec::new(),
        writes: vec![Write::new(write)],
    };
    let committed = futures::executor::block_on(store.commit(batch));
    committed.map(|_| ()).map_err(Trouble::failure)
}
