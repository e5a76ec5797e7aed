//! Orders two versions of one ecosystem.
//!
//! [`compare`] is total on what it can read and answers as the ecosystem's own tool does, also for what
//! that tool calls malformed and orders all the same. [`check`] says whether a version is well formed:
//! where a finding depends on a version that is not, the finding is in doubt.

use std::cmp::Ordering;

use super::{apk, dpkg, pep440, rpm, semver};
use crate::Scheme;

/// The longest version that is read. The longest of all advisories here has 80 bytes; dpkg and rpm have
/// no limit of their own.
pub const MAX_VERSION_BYTES: usize = 512;

/// A version that cannot be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{version:?} is no version that can be compared: {why}")]
pub struct UnreadableVersion {
    /// The version, cut where it is too long.
    pub version: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl UnreadableVersion {
    pub(super) fn new(version: &str, why: &'static str) -> Self {
        /// Enough of it to be recognised.
        const SHOWN: usize = 64;
        Self {
            version: version.chars().take(SHOWN).collect(),
            why,
        }
    }
}

/// How `a` stands to `b`.
///
/// # Errors
/// One of them cannot be read at all.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, UnreadableVersion> {
    for version in [a, b] {
        bounded(version)?;
    }
    match scheme {
        Scheme::Apk => apk::compare(a, b),
        Scheme::Dpkg => dpkg::compare(a, b),
        Scheme::Pep440 => pep440::compare(a, b),
        Scheme::Rpm => rpm::compare(a, b),
        Scheme::Semver => semver::compare(a, b),
    }
}

/// Whether a version is well formed, so that its place in the order means something.
///
/// # Errors
/// What is wrong with it.
pub fn check(scheme: Scheme, version: &str) -> Result<(), UnreadableVersion> {
    bounded(version)?;
    match scheme {
        Scheme::Apk => apk::check(version),
        Scheme::Dpkg => dpkg::check(version),
        Scheme::Pep440 => pep440::check(version),
        Scheme::Rpm => rpm::check(version),
        Scheme::Semver => semver::check(version),
    }
}

fn bounded(version: &str) -> Result<(), UnreadableVersion> {
    match version.len() {
        0 => Err(UnreadableVersion::new(version, "it is empty")),
        length if length > MAX_VERSION_BYTES => {
            Err(UnreadableVersion::new(version, "it is too long"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMES: [Scheme; 5] = [
        Scheme::Apk,
        Scheme::Dpkg,
        Scheme::Pep440,
        Scheme::Rpm,
        Scheme::Semver,
    ];

    #[test]
    fn what_is_empty_too_long_or_of_blanks_is_no_version_of_any_scheme() {
        let long = "1".repeat(MAX_VERSION_BYTES + 1);
        for scheme in SCHEMES {
            for version in ["", " ", "\n", "\0", long.as_str()] {
                assert!(
                    compare(scheme, version, "1").is_err(),
                    "{scheme:?} {version:?}"
                );
                assert!(
                    compare(scheme, "1", version).is_err(),
                    "{scheme:?} {version:?}"
                );
                assert!(check(scheme, version).is_err(), "{scheme:?} {version:?}");
            }
        }
    }

    #[test]
    fn the_longest_version_is_compared_in_every_scheme() {
        let long = "1".repeat(MAX_VERSION_BYTES);
        for scheme in SCHEMES {
            // A number of PEP 440 has 64 bits.
            let expected = (scheme != Scheme::Pep440).then_some(Ordering::Greater);
            assert_eq!(compare(scheme, &long, "2").ok(), expected, "{scheme:?}");
        }
    }
}
