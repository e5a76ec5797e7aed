//! For tests of workflows and of stores: a clock that is set by hand, a store that crashes on
//! demand, the suite that every store passes, and the kit that disturbs a job wherever it can be
//! disturbed.

mod clock;
pub mod conformance;
mod crash;
pub mod kit;
pub mod simulation;
mod subject;

pub use clock::ManualClock;
pub use crash::{CrashingStore, Fault};
pub use subject::{MemorySubject, Subject};
