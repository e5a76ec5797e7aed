//! `doctor`: is this host, and what is kept on it, as the work needs it?
//!
//! ```text
//! Examination -- what is read from the machine, one family of facts a file, each a plain struct
//!      |
//!   Vec<Check> -- what is made of it: pure, beside the facts it judges
//! ```
//! Nothing ends early: what cannot be read is a check of its own, and what rests on it is skipped and says so.
//! Nothing is locked and nothing is repaired, but by [`agreement`], which says so. A state directory is never made; in one that is there a file is
//! written and removed again, to see whether that can be done.

mod advisories;
mod agreement;
mod cage;
mod check;
mod clock;
mod database;
mod examine;
mod kernel;
mod space;
mod state;
mod tools;

pub use agreement::agreement;
pub use check::{Check, CheckState};
pub use examine::{Examination, examine};
