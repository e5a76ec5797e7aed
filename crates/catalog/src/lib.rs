//! What is known: images and generations, layers, blobs, pins, volumes and machines, in SQLite.
//!
//! The catalogue has no connection of its own. Its [`SCHEMA`] is applied by whoever owns the
//! database, reads go through [`Reader`] on any connection, and writes through [`Writer`] on the
//! connection that a durable write is given, so that a row never changes outside a transaction
//! that the engine has under its control.
//!
//! The catalogue records and finds; it decides nothing. What a state means, and whether an image
//! may become a machine, is decided by its callers.
//!
//! # What the rows promise
//!
//! * A blob's row exists only after its bytes are durable under their digest.
//! * A volume's id is `reserved` before anything is made under it, `created` after; it is
//!   `sealed` only after its bytes are flushed and every digest of its chain is proven;
//!   it is `deleting` before its bytes go, and its row is gone after.
//! * One [`SealKey`] has at most one sealed volume.
//! * What a pool is about to be asked is recorded with the transaction id that it will have after it,
//!   before it is asked.
//! * A machine's disk is a volume of its own, and its base is a sealed volume.
//!
//! Times are milliseconds since 1970 (UTC), given by the caller.

mod blob;
mod column;
mod error;
mod image;
mod machine;
mod newest;
mod pin;
mod pool;
mod scan;
mod schema;
mod volume;

use rusqlite::Connection;

pub use blob::BlobRow;
pub use error::Error;
pub use image::{Decision, ImageId, ImageRow, LayerRow, NewLayer, Verdict};
pub use machine::{MachineRow, MachineState, NewMachine};
pub use pin::Pin;
pub use pool::{PoolPhase, PoolRow, StoredBackend};
pub use scan::{AllowanceRow, InventoryRow, ReportRow, WaiverRow};
pub use schema::{SCHEMA, SCHEMA_OWNER};
pub use volume::{SealKey, Sealing, VolumeId, VolumeKind, VolumeRow, VolumeState};

/// The reading half. May be made on any connection.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a Connection);

impl<'a> Reader<'a> {
    /// Reads through `connection`, in its transaction if it has one.
    #[must_use]
    pub fn new(connection: &'a Connection) -> Self {
        Self(connection)
    }
}

/// The writing half. To be made only on the connection that a durable write is given.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a>(Reader<'a>);

impl<'a> Writer<'a> {
    /// Writes through `connection`, whose transaction is the caller's.
    #[must_use]
    pub fn new(connection: &'a Connection) -> Self {
        Self(Reader(connection))
    }

    fn connection(&self) -> &'a Connection {
        self.0.0
    }
}

impl<'a> std::ops::Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.0
    }
}
