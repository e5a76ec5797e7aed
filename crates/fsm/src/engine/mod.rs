//! The engine: carries out what [`decide`](crate::decide) says, and stores it before it goes on.

mod attempt;
mod builder;
mod cancel;
mod core;
mod drive;
mod error;
mod live;
mod look;
mod resume;
mod shutdown;
mod start;
mod wait;

pub use builder::{Engine, EngineBuilder};
pub use cancel::Cancel;
pub use error::{CancelError, EngineError, Halt, ResumeError, StartError, WaitError};
pub use look::Registered;
pub use resume::{Resume, ResumeReport};
pub use shutdown::ShutdownReport;
pub use start::{Start, StartOptions};
