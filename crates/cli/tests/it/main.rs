//! The command line as a whole: what it promises to users and scripts.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod images;
mod interrupt;
mod machines;
mod place;
mod reference;
mod results;
mod settings;
mod usage;
mod wrong;
