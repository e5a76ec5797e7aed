//! Both implementations of the seam, and what a crash leaves on the simulated one.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod conformance;
mod crash;
mod implementations;
mod protocol;
