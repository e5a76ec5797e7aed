//! One installed package, whoever installed it.

use serde::{Deserialize, Serialize};

use crate::Ecosystem;

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Package {
    /// What kind of package it is.
    pub kind: PackageKind,
    /// Its name: that of the binary package, the module, the distribution.
    pub name: String,
    /// Its version as it is compared: with epoch and release where the kind has them
    /// (`1:2.36-9+deb12u4`, `1.2.4-r1`, `1:3.0.7-24.el9`).
    pub version: String,
    /// What it was built for, as its database says (`amd64`, `x86_64`, `noarch`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// What it was built from, where its database says so, also if name and version are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The module stream of an rpm (`nodejs:18:8060020220523160029:ad008a3a`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Who built it, as an rpm says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Its licence, as its database says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The file that says that it is installed.
    pub found_in: String,
}

/// What a package was built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The source package's name.
    pub name: String,
    /// Its version, which may differ from the binary package's.
    pub version: String,
}

/// What kind of package something is: who installed it, and which type its package URL has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageKind {
    /// By apk.
    Apk,
    /// By dpkg.
    Deb,
    /// By rpm.
    Rpm,
    /// A Go module linked into an executable; `stdlib` for what comes with the toolchain.
    Go,
}

impl PackageKind {
    /// The type of its package URL (purl-spec, PURL-TYPES).
    #[must_use]
    pub const fn purl_type(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Go => "golang",
        }
    }

    /// Whose advisories are about it, where the operating system does not decide that.
    #[must_use]
    pub const fn language(self) -> Option<Ecosystem> {
        match self {
            Self::Apk | Self::Deb | Self::Rpm => None,
            Self::Go => Some(Ecosystem::Go),
        }
    }
}

impl Package {
    /// The name that advisories have for what it was built from.
    #[must_use]
    pub fn source_name(&self) -> &str {
        self.source
            .as_ref()
            .map_or(&self.name, |source| &source.name)
    }

    /// The version that goes with [`Package::source_name`].
    #[must_use]
    pub fn source_version(&self) -> &str {
        self.source
            .as_ref()
            .map_or(&self.version, |source| &source.version)
    }
}
