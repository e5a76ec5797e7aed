//! The command line as a whole: what it promises to users and scripts.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod backup;
mod caged;
mod check;
mod contents;
mod disk;
mod doctor;
mod full_bucket;
mod images;
mod interrupt;
mod kill;
mod machines;
mod place;
mod reference;
mod results;
mod runs;
mod scanners;
mod scanning;
mod settings;
#[path = "../../../../tests/soak.rs"]
mod soak;
mod stalled;
mod trial;
#[allow(dead_code, reason = "not every crate that has it needs all of it")]
#[path = "../../../scan/tests/it/trivy_double.rs"]
mod trivy_double;
mod usage;
mod wrong;
