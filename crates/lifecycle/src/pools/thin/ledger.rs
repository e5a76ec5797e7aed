//! The catalogue as the ledger of a pool: what is about to be asked is durable before it is asked.

use std::io;

use longshore_catalog::{VolumeId as CatalogId, Writer};
use longshore_fsm::store::{Readers, SqliteStore};
use longshore_volume::{
    VolumeId,
    thin::{Change, Ledger},
};

use crate::{
    Class, Failure,
    site::{read, record},
};

/// The volumes and the pool of a catalogue.
pub(super) struct CatalogLedger {
    pub(super) readers: Readers,
    pub(super) store: SqliteStore,
    pub(super) pool: String,
}

impl std::fmt::Debug for CatalogLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pool = &self.pool;
        f.debug_struct("CatalogLedger").field("pool", pool).finish()
    }
}

impl Ledger for CatalogLedger {
    fn size(&self, id: VolumeId) -> io::Result<Option<u64>> {
        size(&self.readers, id)
    }

    fn will(&self, transaction: u64, change: Change) -> io::Result<()> {
        let (pool, change) = (self.pool.clone(), change.to_string());
        let write = move |connection: &rusqlite::Connection| {
            Ok(Writer::new(connection).pool_will(&pool, transaction, Some(&change))?)
        };
        record(&self.store, Box::new(write)).map_err(failed)
    }

    /// Whoever removes a volume forgets its row.
    fn is_gone(&self, _: VolumeId) -> io::Result<()> {
        Ok(())
    }
}

/// The size that a catalogue has of a volume.
pub(super) fn size(readers: &Readers, id: VolumeId) -> io::Result<Option<u64>> {
    let row = read(readers, |reader| reader.volume(CatalogId(id.get())));
    Ok(row.map_err(failed)?.map(|row| row.size))
}

fn failed(failure: Failure) -> io::Error {
    let kind = match failure.class {
        Class::Full => io::ErrorKind::StorageFull,
        Class::Busy => io::ErrorKind::ResourceBusy,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, failure)
}
