//! A world in which a seed decides what happens next: which task goes on, how late the disk is, and
//! what a crash takes away.
//!
//! One thread does everything, so that the same seed does the same again. [`Simulation`] is the
//! scheduler and what an engine's tasks run on; its [`SimulatedClock`] moves only when nothing else
//! can; a [`LossyStore`] keeps a commit to itself until the disk gets to it, and forgets it where a
//! crash comes first.

mod chance;
mod clock;
mod scheduler;
mod store;

pub use chance::Chance;
pub use clock::SimulatedClock;
pub use scheduler::{Simulation, Stepped};
pub use store::{Applied, LossyStore};
