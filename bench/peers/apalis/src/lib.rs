//! apalis, as a peer: a workflow of five steps on its SQLite backend.

mod inserts;
mod pool;
mod tasks;

pub use tasks::Tasks;
