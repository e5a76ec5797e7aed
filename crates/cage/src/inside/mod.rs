//! The child's side: learning what it is, locking itself in, and speaking with its parent.

mod channel;
mod lock;
mod role;

pub use channel::{Inside, Message};
pub use role::{Role, role};
