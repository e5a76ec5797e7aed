//! The facade as its callers have it: over a real S3 server, judged by programs that are not ours.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what tests share panics like a test, and says what it skips"
)]

mod advisories;
mod again;
mod changed;
mod coverage;
mod damaged;
mod hostile;
mod identical;
mod judged;
mod limits;
mod machines;
mod network;
mod place;
mod reconcile;
mod remove;
mod runs;
mod scanners;
mod together;
#[allow(dead_code, reason = "not every crate that has it needs all of it")]
#[path = "../../../scan/tests/it/trivy_double.rs"]
mod trivy_double;
mod wrong;
