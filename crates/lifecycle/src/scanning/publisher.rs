//! Who is asked for which stream's advisories, and where: pure.

use std::collections::BTreeSet;

use longshore_scan::{Ecosystem, Stream};

use super::Publishers;

/// The most that a bulk export of one ecosystem may have; the largest has some hundred megabytes.
const MAX_OSV: u64 = 1 << 30;
/// The most that one document of Alpine's may have; they have some hundred kilobytes.
const MAX_ALPINE: u64 = 64 << 20;
/// The most that Debian's document may have; it has some seventy megabytes.
const MAX_DEBIAN: u64 = 512 << 20;

/// Somebody who publishes advisories, and for what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Publisher {
    /// Alpine's security database, of one release (`v3.19`).
    Alpine(String),
    /// Debian's security tracker, for all releases.
    Debian,
    /// The bulk export of OSV, of one ecosystem.
    Osv(Ecosystem),
}

/// A document that a publisher has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentAt {
    pub(crate) url: String,
    /// The most bytes that it may have.
    pub(crate) limit: u64,
}

impl Publisher {
    /// Who has a stream.
    pub(crate) fn of(stream: &Stream) -> Self {
        match stream.ecosystem {
            Ecosystem::Alpine => Self::Alpine(stream.release.clone()),
            Ecosystem::Debian => Self::Debian,
            ecosystem => Self::Osv(ecosystem),
        }
    }

    /// Who has them, each once.
    pub(crate) fn of_all<'a>(streams: impl IntoIterator<Item = &'a Stream>) -> BTreeSet<Self> {
        streams.into_iter().map(Self::of).collect()
    }

    /// The name under which it is remembered, and shown.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Alpine(release) => format!("Alpine:{release}"),
            Self::Debian => "Debian".to_owned(),
            Self::Osv(ecosystem) => ecosystem.to_string(),
        }
    }

    /// Its documents.
    pub(crate) fn documents(&self, publishers: &Publishers) -> Vec<DocumentAt> {
        let at = |url: String, limit| DocumentAt { url, limit };
        let below = |base: &str| base.trim_end_matches('/').to_owned();
        match self {
            Self::Alpine(release) => ["main", "community"]
                .map(|repository| {
                    let base = below(&publishers.alpine);
                    at(format!("{base}/{release}/{repository}.json"), MAX_ALPINE)
                })
                .to_vec(),
            Self::Debian => vec![at(publishers.debian.clone(), MAX_DEBIAN)],
            Self::Osv(ecosystem) => {
                let name = ecosystem.as_str().replace(' ', "%20");
                vec![at(
                    format!("{}/{name}/all.zip", below(&publishers.osv)),
                    MAX_OSV,
                )]
            }
        }
    }
}

/// Whom a word of the command line means: an ecosystem, or a stream of one.
pub(crate) fn named(word: &str) -> Option<Publisher> {
    let (name, release) = word.split_once(':').unwrap_or((word, ""));
    let found = Ecosystem::ALL
        .into_iter()
        .find(|one| one.as_str().eq_ignore_ascii_case(name));
    match (found?, release) {
        // Its documents are by release.
        (Ecosystem::Alpine, "") => None,
        (ecosystem, release) => Some(Publisher::of(&Stream::new(ecosystem, release))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_documents_at_its_publishers() {
        let publishers = Publishers {
            osv: "https://osv/".to_owned(),
            alpine: "https://alpine".to_owned(),
            debian: "https://debian/json".to_owned(),
        };
        for (ecosystem, release, expected) in [
            (
                Ecosystem::Alpine,
                "v3.19",
                &[
                    "https://alpine/v3.19/main.json",
                    "https://alpine/v3.19/community.json",
                ][..],
            ),
            (Ecosystem::Debian, "12", &["https://debian/json"]),
            (
                Ecosystem::RockyLinux,
                "9",
                &["https://osv/Rocky%20Linux/all.zip"],
            ),
            (Ecosystem::Go, "", &["https://osv/Go/all.zip"]),
        ] {
            let publisher = Publisher::of(&Stream::new(ecosystem, release));
            let urls: Vec<_> = publisher
                .documents(&publishers)
                .into_iter()
                .map(|one| one.url)
                .collect();
            assert_eq!(urls, expected);
        }
    }

    #[test]
    fn releases_of_one_publisher_are_asked_for_once() {
        let streams = [
            Stream::new(Ecosystem::Debian, "11"),
            Stream::new(Ecosystem::Debian, "12"),
            Stream::new(Ecosystem::Alpine, "v3.18"),
            Stream::new(Ecosystem::Alpine, "v3.19"),
        ];
        assert_eq!(Publisher::of_all(&streams).len(), 3);
    }

    #[test]
    fn words_name_publishers() {
        assert_eq!(named("debian"), Some(Publisher::Debian));
        assert_eq!(named("Debian:12"), Some(Publisher::Debian));
        assert_eq!(
            named("alpine:v3.19"),
            Some(Publisher::Alpine("v3.19".to_owned()))
        );
        assert_eq!(
            named("Rocky Linux"),
            Some(Publisher::Osv(Ecosystem::RockyLinux))
        );
        assert_eq!(named("alpine"), None);
        assert_eq!(named("suse"), None);
    }
}
