//! Children that an image has taken over: whatever a reader does, nobody takes it for an image in which
//! nothing was found; whatever an unpacker does, nobody takes what it made for a volume of something else.
//!
//! This program is the parent and the child, as the product is, so `main` is ours and not libtest's. What
//! its child does is written in the image that it is given.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics has failed, and its result is printed"
)]

#[cfg(target_os = "linux")]
mod taken_over;
#[cfg(target_os = "linux")]
mod unpacking;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    if let Some(role) = longshore_cage::role() {
        // That one is ours.
        if role.name() == "archive" {
            return longshore_lifecycle::caged().unwrap();
        }
        return role.enter(|role, inside| match role {
            "unpack" => unpacking::work(inside),
            _ => taken_over::work(role, inside),
        });
    }
    longshore_vmtest::harness::run(&[taken_over::TESTS, unpacking::TESTS])
}

/// Nothing holds a child there; it only has to compile.
#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    longshore_vmtest::harness::run(&[])
}
