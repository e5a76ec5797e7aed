//! Where an image stands: a pure function of what is recorded, never stored itself.

use longshore_catalog::Verdict;
use serde::Serialize;

/// Where an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Known, and nothing of it is here yet.
    Pending,
    /// Its blobs are coming.
    Downloading,
    /// Its blobs are here; its volume is not.
    Unpacking,
    /// Its volume is sealed, and nothing has looked into it.
    Unscanned,
    /// It was looked into; there is no decision yet.
    Scanned,
    /// Wholly covered, and nothing stands against it.
    Ready,
    /// Something that the policy blocks was found.
    Vulnerable,
    /// Not wholly covered.
    Unproven,
    /// Its last run failed, and nothing of it can be used.
    Failed,
}

impl Status {
    /// The word that is printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Downloading => "downloading",
            Self::Unpacking => "unpacking",
            Self::Unscanned => "unscanned",
            Self::Scanned => "scanned",
            Self::Ready => "ready",
            Self::Vulnerable => "vulnerable",
            Self::Unproven => "unproven",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a status is derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Whether the top volume is sealed.
    pub(crate) sealed: bool,
    /// The recorded verdict, if there is one.
    pub(crate) verdict: Option<Verdict>,
    /// Whether what the verdict rests on has ended.
    pub(crate) expired: bool,
    /// Layers whose bytes are here and proven.
    pub(crate) layers_here: usize,
    /// Layers in all.
    pub(crate) layers: usize,
    /// Whether the last run has ended without success.
    pub(crate) run_failed: bool,
    /// Whether work on it has begun.
    pub(crate) begun: bool,
}

/// Where an image stands. What is sealed stays usable, so a later run that failed does not make
/// it `failed`.
#[must_use]
pub(crate) fn status(facts: &Facts) -> Status {
    match (facts.sealed, facts.verdict) {
        (true, Some(_)) if facts.expired => Status::Scanned,
        (true, Some(Verdict::Ready)) => Status::Ready,
        (true, Some(Verdict::Vulnerable)) => Status::Vulnerable,
        (true, Some(Verdict::Unproven)) => Status::Unproven,
        (true, Some(Verdict::Unscanned) | None) => Status::Unscanned,
        (false, _) if facts.run_failed => Status::Failed,
        (false, _) if facts.layers > 0 && facts.layers_here == facts.layers => Status::Unpacking,
        (false, _) if facts.begun => Status::Downloading,
        (false, _) => Status::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Facts = Facts {
        sealed: false,
        verdict: None,
        expired: false,
        layers_here: 0,
        layers: 3,
        run_failed: false,
        begun: false,
    };

    #[test]
    fn an_image_passes_through_its_statuses_in_order() {
        assert_eq!(status(&NOTHING), Status::Pending);
        let begun = Facts {
            begun: true,
            layers_here: 2,
            ..NOTHING
        };
        assert_eq!(status(&begun), Status::Downloading);
        assert_eq!(
            status(&Facts {
                layers_here: 3,
                ..begun
            }),
            Status::Unpacking
        );
        let sealed = Facts {
            sealed: true,
            layers_here: 3,
            ..begun
        };
        assert_eq!(status(&sealed), Status::Unscanned);
        for (verdict, expected) in [
            (Verdict::Unscanned, Status::Unscanned),
            (Verdict::Ready, Status::Ready),
            (Verdict::Vulnerable, Status::Vulnerable),
            (Verdict::Unproven, Status::Unproven),
        ] {
            assert_eq!(
                status(&Facts {
                    verdict: Some(verdict),
                    ..sealed
                }),
                expected
            );
            let expired = Facts {
                verdict: Some(verdict),
                expired: true,
                ..sealed
            };
            assert_eq!(status(&expired), Status::Scanned);
        }
    }

    #[test]
    fn a_failed_run_shows_until_something_usable_is_sealed() {
        let failed = Facts {
            run_failed: true,
            begun: true,
            ..NOTHING
        };
        assert_eq!(status(&failed), Status::Failed);
        assert_eq!(
            status(&Facts {
                sealed: true,
                ..failed
            }),
            Status::Unscanned
        );
    }

    #[test]
    fn an_image_without_layers_is_never_unpacking() {
        let facts = Facts {
            layers: 0,
            begun: true,
            ..NOTHING
        };
        assert_eq!(status(&facts), Status::Downloading);
    }
}
