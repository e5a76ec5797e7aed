//! The SQLite store: one file, one writer connection, a few readers.
//!
//! WAL, `synchronous=FULL`, foreign keys enforced. What is committed concurrently shares a
//! transaction and so an fsync; each batch has its savepoint, so that one that fails takes nothing
//! with it.

mod copy;
mod group;
mod health;
mod migrate;
mod open;
mod readers;
mod rows;
mod sqlite_error;
mod store;
mod writer;

pub use copy::{Copied, CopyError, copy};
pub use health::{Checked, Health, SchemaVersion, examine};
pub use migrate::Migrations;
pub use readers::Readers;
pub use store::SqliteStore;
