//! How a store fails, by what the caller would do about it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::BoxError;

/// The reason as the store's library gave it; shared by everyone whose batch it took down.
pub type Cause = Arc<dyn std::error::Error + Send + Sync + 'static>;

/// The store itself failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the store and did not let go in time.
    #[error("the store is in use by another process")]
    Busy(#[source] Cause),
    /// No space is left on the disk.
    #[error("no space is left for the store")]
    Full(#[source] Cause),
    /// The store's content is damaged, or is no store's.
    #[error("the store is damaged")]
    Corrupt(#[source] Cause),
    /// The store may not be written to.
    #[error("the store is read-only")]
    ReadOnly(#[source] Cause),
    /// The disk failed. Nothing more is written until the store is opened again.
    #[error("the store's disk failed")]
    Io(#[source] Cause),
    /// Anything else that the store's library refused.
    #[error("the store refused the operation")]
    Other(#[source] Cause),
    /// A write ended the transaction it was made in; what shared the transaction is not stored.
    #[error("a write ended the transaction that it was part of")]
    TransactionEnded,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

/// A domain write was refused, and with it everything it was to be stored with.
#[derive(Debug, thiserror::Error)]
#[error("a write was refused")]
pub struct WriteRefused(#[source] pub BoxError);

/// A batch was not stored.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of the batch's writes failed.
    #[error(transparent)]
    Refused(#[from] WriteRefused),
    /// What the batch's guard asked for does not hold: somebody else appended, the attempt was
    /// superseded, the run has ended, or there is none.
    #[error("the run has moved on")]
    Fenced,
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such file.
    #[error("there is no store at {path}")]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// A later version has migrated it.
    #[error(
        "the store {path} was written by a newer version: the schema of {owner} is {found}, this \
         build knows up to {known}"
    )]
    NewerSchema {
        /// Where.
        path: PathBuf,
        /// Whose tables.
        owner: String,
        /// The version they have.
        found: u32,
        /// The newest that this build knows.
        known: u32,
    },
    /// It is opened for reading, and its tables have not been migrated to what this build reads.
    #[error(
        "the store {path} was written by an older version: the schema of {owner} is {found}, this \
         build reads {known}; a command that writes brings it up to date"
    )]
    OlderSchema {
        /// Where.
        path: PathBuf,
        /// Whose tables.
        owner: String,
        /// The version they have.
        found: u32,
        /// The version that this build reads.
        known: u32,
    },
    /// Two lists of migrations have the same owner, or one has the engine's own name.
    #[error("the migrations of {owner} are given twice")]
    DuplicateOwner {
        /// The owner.
        owner: String,
    },
    /// A migration failed; the store is at the version before it.
    #[error("cannot bring the schema of {owner} in {path} to version {version}")]
    Migration {
        /// Where.
        path: PathBuf,
        /// Whose tables.
        owner: String,
        /// The version that was not reached.
        version: u32,
        /// What the store's library said.
        #[source]
        source: StoreError,
    },
    /// The store failed.
    #[error("cannot open the store {path}")]
    Store {
        /// Where.
        path: PathBuf,
        /// How.
        #[source]
        source: StoreError,
    },
    /// The file or its directory could not be made or made durable.
    #[error("cannot make the store {path}")]
    Create {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
