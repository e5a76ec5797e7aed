//! The engine: carries out what [`decide`](crate::decide) says, and stores it before it goes on.

mod attempt;
mod builder;
mod cancel;
mod conclude;
mod core;
mod dispatch;
mod drive;
mod error;
mod intervene;
mod live;
mod look;
mod pause;
mod predecessor;
mod prune;
mod resume;
mod schedule;
mod shutdown;
mod start;
mod wait;

pub use builder::{Engine, EngineBuilder};
pub use cancel::{Cancel, Detach};
pub use error::{EngineError, Halt, InterveneError, ResumeError, StartError, WaitError};
pub use look::Registered;
pub use pause::{Pause, RetryNow};
pub use prune::Retention;
pub use resume::{Resume, ResumeReport};
pub use schedule::QueueDepth;
pub use shutdown::ShutdownReport;
pub use start::Start;
