//! The command line as a whole: what it promises to users and scripts.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod check;
mod contents;
mod disk;
mod full_bucket;
mod images;
mod interrupt;
mod kill;
mod machines;
mod place;
mod reference;
mod results;
mod runs;
mod settings;
#[path = "../../../../tests/soak.rs"]
mod soak;
mod stalled;
mod trial;
mod usage;
mod wrong;
