//! An inventory in the words of others: [CycloneDX](https://cyclonedx.org/docs/1.6/json/) 1.6 and
//! [SPDX](https://spdx.github.io/spdx-spec/v2.3/) 2.3, as JSON.
//!
//! Same input, same bytes: there is no clock and no random number in them. What was not looked into is said
//! in both, for a list of packages that keeps silent about it is taken for a whole one.

mod bom;
mod cyclonedx;
mod document;
mod spdx;
mod vulnerabilities;

pub use cyclonedx::cyclonedx;
pub use document::SbomSubject;
pub use spdx::spdx;
