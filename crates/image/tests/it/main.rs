//! The tests of `longshore-image` from outside: archives in, trees and verdicts out.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod acls;
mod ahead;
mod builder;
mod cases;
mod corpus;
mod devices;
mod differential;
mod laws;
mod limits;
mod merge;
mod page;
mod stored;
mod tools;
mod whiteouts;
mod zstd;
