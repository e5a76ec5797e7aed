//! Every backend against one suite, and the file backend through crashes and failures.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conformance;
mod crash;
mod failure;
mod file;
#[cfg(target_os = "linux")]
mod filesystems;
mod implementations;
mod simulated;
