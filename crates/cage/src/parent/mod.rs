//! The parent's side: starting a child, speaking with it, and seeing it to its end.

mod caged;
mod ending;
mod line;
mod send;
mod start;
mod words;

pub use caged::Caged;
pub use send::Sender;
pub(crate) use start::start;
pub use words::harmless;
