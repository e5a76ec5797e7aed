//! What every peer is asked to do, and how it is timed: the same work, the same clock, the same lines.
//!
//! A peer implements [`Peer`] and calls [`main`]. Its program then takes one job from its command line,
//! works in the directory that is named there, and prints what it measured, a line of JSON for each.

mod args;
mod jobs;
mod line;
mod memory;
mod peer;
mod spread;
mod steps;

pub use args::{Args, Job};
pub use jobs::main;
pub use line::{Line, Measured};
pub use peer::{Answer, Failure, Peer};
pub use spread::Spread;
pub use steps::{STEPS, Steps};
