//! Where runs are kept: the contract, the SQLite store, and its in-memory twin.
//!
//! [`Store`] says what holds once each call has returned; both stores pass the conformance suite of
//! the `testing` feature.

mod contract;
mod error;
mod memory;
mod select;
mod sqlite;
mod write;

pub use contract::{
    Batch, Committed, EncodedEvent, Guard, NewRun, Prune, RawEvent, RawRun, Store, Target,
};
pub use error::{Cause, CommitError, OpenError, StoreError, WriteRefused};
pub use memory::{Ledger, MemoryStore};
pub use select::RunFilter;
pub use sqlite::{
    Checked, Copied, CopyError, Health, Migrations, Readers, SchemaVersion, SqliteStore, copy,
    examine,
};
pub use write::{Write, WriteError, write};

pub(crate) use write::{domain_batch, into_write};
