//! Trivy as a scanner: a program of Aqua Security that the operator has installed.
//!
//! ```text
//! version, database's date --suitable--> arguments --process--> JSON --normalise--> Report
//! ```
//!
//! `trivy sbom` is given our own inventory and reads no file of the image; it is the way to prefer. `trivy
//! rootfs` is given a directory and `trivy image` an archive. It is never `trivy fs`, which leaves out what a
//! package manager has installed.
//!
//! Its exit code is worth little: 0 with an operating system it does not know, 1 for whatever was fatal. So
//! it is judged by its JSON, and a report is only made where that is whole. It never checks how old its
//! database is where it may not update it; that is done here, before.
//!
//! No binary of Trivy could be had where this was written. What its flags, its `version` and its JSON are
//! was taken from its documentation and source of 2026-08 (the line of 0.74), and reports that it has
//! written are in the tests; a program that plays it stands in for it there. The test
//! `the_real_trivy_is_asked` runs a real one where the variable `TRIVY` names it.

mod arguments;
mod family;
mod normalise;
mod report;
mod scanner;
mod version;

pub(crate) use family::os_family;
pub use normalise::{NotAReport, TrivyFindings, normalise};
pub use scanner::{Trivy, TrivyDatabase, TrivyWay};
pub use version::{TrivyVersion, UnreadableTrivyVersion, VersionReport};
