//! For tests of workflows and of stores: a clock that is set by hand, a store that crashes on
//! demand, and the suite that every store passes.

mod clock;
pub mod conformance;
mod crash;
mod subject;

pub use clock::ManualClock;
pub use crash::{CrashingStore, Fault};
pub use subject::{MemorySubject, Subject};
