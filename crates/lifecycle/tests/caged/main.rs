//! A reader that an image has taken over: whatever it does, nobody takes it for an image in which nothing
//! was found.
//!
//! This program is the parent and the child, as the product is, so `main` is ours and not libtest's. What
//! its child does is written in the image that it is given.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics has failed, and its result is printed"
)]

#[path = "../../../cage/tests/it/harness.rs"]
mod harness;
#[cfg(target_os = "linux")]
mod taken_over;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    if let Some(role) = longshore_cage::role() {
        return role.enter(taken_over::work);
    }
    harness::run(&[taken_over::TESTS])
}

/// Nothing holds a child there; it only has to compile.
#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    harness::run(&[])
}
