//! Children in cages: what they can and cannot do, and every way in which they end.
//!
//! This program is the parent and the children, as the product is: a child is locked in before
//! anything else happens in it, so `main` is ours and not libtest's ([`longshore_vmtest::harness`]).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that panics has failed, and its result is printed"
)]

#[cfg(target_os = "linux")]
mod attack;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod forbidden;
#[cfg(target_os = "linux")]
mod layers;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod parent;
#[cfg(target_os = "linux")]
mod protocol;
#[cfg(target_os = "linux")]
mod role;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    if let Some(role) = longshore_cage::role() {
        return role.enter(role::work);
    }
    if let Some(code) = role::uncaged() {
        return code;
    }
    longshore_vmtest::harness::run(&[
        descriptors::TESTS,
        forbidden::TESTS,
        layers::TESTS,
        limits::TESTS,
        parent::TESTS,
        protocol::TESTS,
    ])
}

/// Nothing holds a child there; the crate only has to compile.
#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    longshore_vmtest::harness::run(&[])
}
