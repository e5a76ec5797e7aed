//! What needs more than one file of the crate, or data that is not in it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(
    clippy::print_stdout,
    reason = "a test says what it has measured, and what it passes over"
)]

mod accuracy;
mod data;
mod feeds;
mod inventory;
mod matching;
mod matching_model;
mod openvex;
mod order;
mod osv;
mod sample;
mod sbom;
mod trivy;
mod trivy_double;
mod trivy_golden;
mod vectors;
