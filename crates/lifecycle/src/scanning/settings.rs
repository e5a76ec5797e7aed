//! How images are looked into, and what is let through.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use longshore_cage::Layer;
use longshore_scan::{Combination, Policy, ScannerKind, Trivy};

use crate::CageMode;

/// Days after which advisories are too old for an image to be called ready: a month's worth of what a
/// distribution publishes is more than anybody would overlook.
pub const DEFAULT_ADVISORIES_MAX_AGE: u64 = 30;

/// How long advisories are used before they are asked for again: a day is how often most of their
/// publishers write them anew.
pub const DEFAULT_ADVISORIES_REFRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// How long Trivy may take for one image, or to fetch its database: what it allows itself where nobody says
/// anything.
pub const DEFAULT_TRIVY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// How images are looked into, and what is let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanning {
    /// Who looks, at least one.
    pub scanners: Vec<ScannerKind>,
    /// How the findings of several become those of one report.
    pub scanners_agree: Combination,
    /// Trivy, for where it is one of them.
    pub trivy: TrivySettings,
    /// Findings that stand against an image.
    pub policy: Policy,
    /// OpenVEX documents of the operator: what in them is said not to matter does not.
    pub vex: Vec<PathBuf>,
    /// Days after which advisories are too old for an image to be called ready.
    pub max_age: u64,
    /// How long advisories are used before they are asked for again; for ever where nothing is said.
    pub refresh: Option<Duration>,
    /// Where advisories come from.
    pub publishers: Publishers,
    /// What is let through although something stands against it.
    pub allow: Allow,
    /// Whether images are unpacked and read in cages.
    pub cage: CageMode,
    /// Layers that a cage does without as though the kernel lacked them: to see what is done then.
    pub cage_without: Vec<Layer>,
    /// Who gives this command, for what is let through and waived.
    pub user: String,
}

/// Without a cage: it takes a program whose main asks [`caged`](crate::caged), which then chooses
/// [`CageMode::OF_THIS_SYSTEM`].
impl Default for Scanning {
    fn default() -> Self {
        Self {
            scanners: vec![ScannerKind::Embedded],
            scanners_agree: Combination::Any,
            trivy: TrivySettings::default(),
            policy: Policy::default(),
            vex: Vec::new(),
            max_age: DEFAULT_ADVISORIES_MAX_AGE,
            refresh: Some(DEFAULT_ADVISORIES_REFRESH),
            publishers: Publishers::default(),
            allow: Allow::default(),
            cage: CageMode::Off,
            cage_without: Vec::new(),
            user: "unknown".to_owned(),
        }
    }
}

/// Trivy, as it is installed on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrivySettings {
    /// The program. One without a path was not found, and is reported as missing where it is needed.
    pub program: PathBuf,
    /// Where its databases are; `trivy` in the state directory where nothing is said.
    pub cache: Option<PathBuf>,
    /// How long it may take for one image.
    pub timeout: Duration,
    /// Where its database comes from, where not from its publisher.
    pub db_repository: Option<String>,
    /// How it reaches a network.
    pub network: TrivyNetwork,
}

impl Default for TrivySettings {
    fn default() -> Self {
        Self {
            program: PathBuf::from("trivy"),
            cache: None,
            timeout: DEFAULT_TRIVY_TIMEOUT,
            db_repository: None,
            network: TrivyNetwork::default(),
        }
    }
}

impl TrivySettings {
    /// Where its databases are.
    pub(crate) fn cache_in(&self, state_dir: &Path) -> PathBuf {
        let cache = self.cache.clone();
        cache.unwrap_or_else(|| state_dir.join("trivy"))
    }
}

/// The variables of an environment that say how to reach a network: Trivy is given them to fetch its
/// databases. There may be passwords in them, so they are not shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TrivyNetwork(pub(crate) Vec<(OsString, OsString)>);

impl TrivyNetwork {
    /// Those of an environment.
    pub fn of<'a>(environment: impl IntoIterator<Item = (&'a OsString, &'a OsString)>) -> Self {
        let is_one = |(key, _): &(&OsString, &OsString)| {
            Trivy::OF_A_NETWORK
                .iter()
                .any(|name| key.as_os_str() == *name)
        };
        let network = environment.into_iter().filter(is_one);
        Self(
            network
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }
}

impl fmt::Debug for TrivyNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| (name, "***"));
        f.debug_map().entries(names).finish()
    }
}

/// What is let through although something stands against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allow {
    /// Images in which something was found that the policy blocks.
    pub vulnerable: bool,
    /// Images that were not wholly looked into.
    pub unproven: bool,
}

impl Allow {
    /// Either of two.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            vulnerable: self.vulnerable || other.vulnerable,
            unproven: self.unproven || other.unproven,
        }
    }
}

/// Where advisories come from: the publishers, or mirrors with the same layout. `https://`, `http://` or
/// `file://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publishers {
    /// The bulk export of OSV: `ECOSYSTEM/all.zip`.
    pub osv: String,
    /// Alpine's security database: `v3.19/main.json`, `v3.19/community.json`.
    pub alpine: String,
    /// Debian's security tracker, one JSON document.
    pub debian: String,
}

impl Default for Publishers {
    fn default() -> Self {
        Self {
            osv: "https://storage.googleapis.com/osv-vulnerabilities".to_owned(),
            alpine: "https://secdb.alpinelinux.org".to_owned(),
            debian: "https://security-tracker.debian.org/tracker/data/json".to_owned(),
        }
    }
}
