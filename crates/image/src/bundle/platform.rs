//! Which of several images is meant.

use std::fmt;

use serde::Deserialize;

use super::{BundleError, document::Stated};

/// What an image is made for, in Go's words (`GOOS`, `GOARCH`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The processor.
    pub architecture: String,
    /// Which kind of that processor.
    #[serde(default)]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on a processor by the word that Rust has for it (`std::env::consts::ARCH`).
    pub fn linux(rust_arch: &str) -> Self {
        let architecture = match rust_arch {
            "x86_64" => "amd64",
            "x86" => "386",
            "aarch64" => "arm64",
            "powerpc64" => "ppc64le",
            "loongarch64" => "loong64",
            same => same,
        };
        Self {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
        }
    }

    fn suits(&self, wanted: &Self) -> bool {
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_none() || self.variant == wanted.variant)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// An image that an index names.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) manifest: Stated,
    pub(super) platform: Option<Platform>,
}

/// Images that are named in an error.
const NAMED: usize = 10;

/// The image for a platform; where none is made for it, the only one there is.
pub(super) fn choose(
    mut candidates: Vec<Candidate>,
    wanted: &Platform,
) -> Result<Candidate, BundleError> {
    // One image may be there under several tags.
    let mut seen = std::collections::HashSet::new();
    candidates.retain(|candidate| seen.insert(candidate.manifest.digest));
    let suits = |candidate: &Candidate| {
        let platform = candidate.platform.as_ref();
        platform.is_some_and(|platform| platform.suits(wanted))
    };
    if candidates.iter().any(suits) {
        candidates.retain(suits);
    }
    match candidates.len() {
        0 => Err(BundleError::NoImage {
            wanted: wanted.clone(),
        }),
        1 => Ok(candidates.remove(0)),
        _ if candidates.iter().all(|one| one.platform.is_some()) && !suits(&candidates[0]) => {
            Err(BundleError::NoImage {
                wanted: wanted.clone(),
            })
        }
        _ => Err(BundleError::Several {
            images: candidates.iter().take(NAMED).map(name).collect(),
        }),
    }
}

fn name(candidate: &Candidate) -> String {
    let digest = candidate.manifest.digest;
    match &candidate.platform {
        Some(platform) => {
            format!(
                "{digest} ({})",
                super::document::shown(&platform.to_string())
            )
        }
        None => digest.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    fn candidate(digest: &str, platform: Option<(&str, &str)>) -> Candidate {
        Candidate {
            manifest: Stated {
                digest: Digest::of(digest.as_bytes()),
                size: 1,
            },
            platform: platform.map(|(os, architecture)| Platform {
                os: os.to_owned(),
                architecture: architecture.to_owned(),
                variant: None,
            }),
        }
    }

    fn chosen(candidates: &[Candidate]) -> Result<Digest, BundleError> {
        let chosen = choose(candidates.to_vec(), &Platform::linux("x86_64"));
        chosen.map(|chosen| chosen.manifest.digest)
    }

    #[test]
    fn the_platform_decides_and_else_there_must_be_one_only() {
        let amd = candidate("amd", Some(("linux", "amd64")));
        let arm = candidate("arm", Some(("linux", "arm64")));
        let windows = candidate("windows", Some(("windows", "amd64")));
        let unsaid = candidate("unsaid", None);
        let all = [arm.clone(), windows.clone(), unsaid.clone(), amd.clone()];
        assert_eq!(chosen(&all).unwrap(), amd.manifest.digest);
        for only in [&amd, &arm, &windows, &unsaid] {
            let twice = [only.clone(), only.clone()];
            assert_eq!(chosen(&twice).unwrap(), only.manifest.digest);
        }
        assert!(matches!(chosen(&[]), Err(BundleError::NoImage { .. })));
        let others = [arm, windows.clone()];
        assert!(matches!(chosen(&others), Err(BundleError::NoImage { .. })));
        let several = [unsaid, windows];
        assert!(matches!(chosen(&several), Err(BundleError::Several { .. })));
        let other_amd = candidate("other", Some(("linux", "amd64")));
        assert!(matches!(
            chosen(&[amd, other_amd]),
            Err(BundleError::Several { .. })
        ));
    }
}
