//! Who publishes advisories: the ecosystems of the OSV schema, and the streams of their releases.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Who names, versions and fixes a package, under the name that the OSV schema has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ecosystem {
    /// AlmaLinux.
    AlmaLinux,
    /// Alpine Linux.
    Alpine,
    /// Rust's registry.
    #[serde(rename = "crates.io")]
    CratesIo,
    /// Debian.
    Debian,
    /// Go modules, and its standard library as `stdlib`.
    Go,
    /// Python's registry.
    PyPI,
    /// Red Hat Enterprise Linux.
    #[serde(rename = "Red Hat")]
    RedHat,
    /// Rocky Linux.
    #[serde(rename = "Rocky Linux")]
    RockyLinux,
    /// Ubuntu.
    Ubuntu,
}

/// How versions of an ecosystem are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// apk-tools.
    Apk,
    /// dpkg.
    Dpkg,
    /// PEP 440.
    Pep440,
    /// rpm.
    Rpm,
    /// Semantic Versioning 2.0.0, with or without Go's `v` in front.
    Semver,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AlmaLinux,
        Self::Alpine,
        Self::CratesIo,
        Self::Debian,
        Self::Go,
        Self::PyPI,
        Self::RedHat,
        Self::RockyLinux,
        Self::Ubuntu,
    ];

    /// The name in the OSV schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlmaLinux => "AlmaLinux",
            Self::Alpine => "Alpine",
            Self::CratesIo => "crates.io",
            Self::Debian => "Debian",
            Self::Go => "Go",
            Self::PyPI => "PyPI",
            Self::RedHat => "Red Hat",
            Self::RockyLinux => "Rocky Linux",
            Self::Ubuntu => "Ubuntu",
        }
    }

    /// How its versions are ordered.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Debian | Self::Ubuntu => Scheme::Dpkg,
            Self::Alpine => Scheme::Apk,
            Self::AlmaLinux | Self::RedHat | Self::RockyLinux => Scheme::Rpm,
            Self::CratesIo | Self::Go => Scheme::Semver,
            Self::PyPI => Scheme::Pep440,
        }
    }

    /// Whether its advisories name source packages, not the binary packages that are made of them.
    #[must_use]
    pub const fn by_source(self) -> bool {
        matches!(self, Self::Alpine | Self::Debian | Self::Ubuntu)
    }

    /// Whether it is an operating system, whose advisories are kept apart by release.
    #[must_use]
    pub const fn has_releases(self) -> bool {
        !matches!(self, Self::CratesIo | Self::Go | Self::PyPI)
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that no ecosystem here has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no ecosystem that can be scanned for")]
pub struct UnknownEcosystem(pub String);

impl FromStr for Ecosystem {
    type Err = UnknownEcosystem;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == name);
        found.ok_or_else(|| UnknownEcosystem(name.to_owned()))
    }
}

/// What one set of advisories is about: a release of an operating system, or all of a language's packages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stream {
    /// Whose.
    pub ecosystem: Ecosystem,
    /// `12`, `22.04`, `v3.19`, `9`; empty where there are no releases.
    pub release: String,
}

impl Stream {
    /// The stream of a release.
    #[must_use]
    pub fn new(ecosystem: Ecosystem, release: &str) -> Self {
        Self {
            ecosystem,
            release: release.to_owned(),
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.release.as_str() {
            "" => write!(f, "{}", self.ecosystem),
            release => write!(f, "{}:{release}", self.ecosystem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ecosystem_is_read_back_from_its_name_in_text_and_json() {
        for one in Ecosystem::ALL {
            assert_eq!(one.as_str().parse(), Ok(one));
            let json = serde_json::to_string(&one).expect("a unit variant serialises");
            assert_eq!(json, format!("{:?}", one.as_str()));
        }
        assert!("debian".parse::<Ecosystem>().is_err());
    }

    #[test]
    fn a_stream_is_written_as_osv_writes_it() {
        assert_eq!(
            Stream::new(Ecosystem::Debian, "12").to_string(),
            "Debian:12"
        );
        assert_eq!(Stream::new(Ecosystem::Go, "").to_string(), "Go");
    }
}
