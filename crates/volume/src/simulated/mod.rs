//! A model of thin provisioning in memory.
//!
//! Volumes share pages of 4 KiB with their snapshots until they differ; a snapshot takes constant
//! time; space is that of the distinct pages. Everything is gone with the backend: two runs of a
//! program do not see each other's volumes, and there are no paths. What a crash loses is not
//! modelled here: run [`FileBackend`](crate::FileBackend) on `longshore_durable::Simulated` for
//! that.

mod backend;
mod disk;

pub use backend::SimulatedBackend;
