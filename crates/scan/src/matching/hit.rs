//! What is known against one package.

use super::within;
use crate::advisory::{Advisories, End, Entry, Shard};
use crate::version::{check, compare};
use crate::{FixStatus, Scheme, Stream};

/// Something that is known against one version of a package.
#[derive(Debug, Clone)]
pub struct Hit<'a> {
    /// The entry that says so.
    pub entry: Entry<'a>,
    /// The version that has the fix.
    pub fixed_in: Option<&'a str>,
    /// Why it is not certain, where it is not.
    pub doubt: Option<String>,
}

impl Hit<'_> {
    /// Whether there is a fix, and what becomes of it if not.
    #[must_use]
    pub fn status(&self) -> FixStatus {
        match self.fixed_in {
            Some(_) => FixStatus::Fixed,
            // Of a version that was fixed in another line, and is not in this one.
            None if self.entry.status() == FixStatus::Fixed => FixStatus::Affected,
            None => self.entry.status(),
        }
    }
}

/// What is known against a version of a package, by the name that its advisories have for it: of the source
/// package where [`Ecosystem::by_source`](crate::Ecosystem::by_source) says so, with the source's version. An
/// rpm that its release says to be of a module is held against what is known of any stream of it.
#[must_use]
pub fn match_package<'a>(
    advisories: &'a Advisories,
    stream: &Stream,
    name: &str,
    version: &str,
) -> Vec<Hit<'a>> {
    let shard = advisories.of(stream);
    shard.map_or_else(Vec::new, |shard| hits(shard, name, version, None))
}

/// What a shard has against a version of a package, which may be of a module: `nodejs:18:8060020:ad008a3a`.
pub(super) fn hits<'a>(
    shard: &'a Shard,
    name: &str,
    version: &str,
    module: Option<&str>,
) -> Vec<Hit<'a>> {
    let scheme = shard.stream().ecosystem.scheme();
    let module = Module::of(version, module);
    let malformed = check(scheme, version).err().map(|error| error.to_string());
    shard
        .of(name)
        .filter(|entry| module.fits(entry.module()))
        .filter_map(|entry| hit(entry, scheme, version, malformed.as_deref()))
        .collect()
}

fn hit<'a>(
    entry: Entry<'a>,
    scheme: Scheme,
    version: &str,
    malformed: Option<&str>,
) -> Option<Hit<'a>> {
    let mut doubtful = None;
    for range in entry.ranges() {
        let fixed_in = match range.end {
            End::Fixed(fixed) => Some(fixed),
            End::Open | End::LastAffected(_) => None,
        };
        let hit = |doubt| Hit {
            entry,
            fixed_in,
            doubt,
        };
        // Every version is vulnerable, whatever it is.
        if range.bounds().next().is_none() {
            return Some(hit(None));
        }
        let doubt = match (malformed, entry.is_sound()) {
            (Some(why), _) => why.to_owned(),
            (None, false) => {
                let bounds: Vec<_> = range.bounds().copied().collect();
                format!(
                    "its advisory has a version that cannot be compared: {}",
                    bounds.join(", ")
                )
            }
            (None, true) => match within(scheme, version, &range) {
                Ok(true) => return Some(hit(None)),
                Ok(false) => continue,
                Err(error) => error.to_string(),
            },
        };
        doubtful = doubtful.or(Some(hit(Some(doubt))));
    }
    let same = |one: &str| {
        one == version || compare(scheme, one, version).is_ok_and(std::cmp::Ordering::is_eq)
    };
    if entry.versions().any(same) {
        return Some(Hit {
            entry,
            fixed_in: None,
            doubt: None,
        });
    }
    doubtful
}

/// Which module stream an installed package is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Module<'a> {
    None,
    /// Its release says that it is of one, and nothing says of which.
    Some,
    /// Name and stream: `nodejs:18`.
    Of(&'a str),
}

impl<'a> Module<'a> {
    fn of(version: &str, label: Option<&'a str>) -> Self {
        match label.filter(|label| !label.is_empty()) {
            Some(label) => {
                let after_stream = label.match_indices(':').nth(1).map(|(at, _)| at);
                Self::Of(&label[..after_stream.unwrap_or(label.len())])
            }
            None if version.contains(".module_el") || version.contains(".module+el") => Self::Some,
            None => Self::None,
        }
    }

    /// Whether an entry with these streams, or of no module, is about it.
    fn fits(self, streams: Option<&str>) -> bool {
        match (self, streams) {
            (Self::None, None) | (Self::Some, Some(_)) | (Self::Of(_), Some("?")) => true,
            (Self::Of(stream), Some(streams)) => streams.split(' ').any(|one| one == stream),
            (Self::None, Some(_)) | (Self::Some | Self::Of(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ecosystem;
    use crate::advisory::{Advisory, AdvisorySource, Range};

    fn shard(ecosystem: Ecosystem, release: &str, advisories: Vec<Advisory>) -> Shard {
        let source = AdvisorySource {
            dated: "2026-11-01".to_owned(),
            ..AdvisorySource::default()
        };
        Shard::new(Stream::new(ecosystem, release), vec![source], advisories).unwrap()
    }

    fn fixed(package: &str, id: &str, fixed: &str) -> Advisory {
        Advisory {
            ranges: vec![Range::before(fixed)],
            ..Advisory::new(package, id)
        }
    }

    fn ids(hits: &[Hit<'_>]) -> Vec<String> {
        hits.iter().map(|hit| hit.entry.id().to_owned()).collect()
    }

    #[test]
    fn a_module_stream_is_held_against_its_own_advisories_only() {
        let with = |module: &str, mut advisory: Advisory| {
            advisory.module = Some(module.to_owned());
            advisory
        };
        let shard = shard(
            Ecosystem::AlmaLinux,
            "8",
            vec![
                with(
                    "nodejs:18",
                    fixed("nodejs", "ALSA-18", "1:18.20-1.module_el8.9.0+1"),
                ),
                with(
                    "nodejs:20 x:1",
                    fixed("nodejs", "ALSA-20", "1:20.10-1.module_el8.9.0+1"),
                ),
                with("?", fixed("nodejs", "ALSA-ANY", "1:99-1.module_el8.9.0+1")),
                fixed("nodejs", "ALSA-PLAIN", "1:99-1.el8"),
            ],
        );
        let old = "1:18.1-1.module_el8.6.0+7";
        let of = |version, module| ids(&hits(&shard, "nodejs", version, module));
        assert_eq!(
            of(old, Some("nodejs:18:8060020220523160029:ad008a3a")),
            ["ALSA-18", "ALSA-ANY"]
        );
        assert_eq!(
            of(old, Some("nodejs:20:8060020220523160029:ad008a3a")),
            ["ALSA-20", "ALSA-ANY"]
        );
        assert_eq!(of("1:18.1-1.el8", None), ["ALSA-PLAIN"]);
        assert_eq!(of(old, None), ["ALSA-18", "ALSA-20", "ALSA-ANY"]);
    }

    #[test]
    fn a_version_that_cannot_be_compared_is_in_doubt_and_never_safe() {
        let go = shard(
            Ecosystem::Go,
            "",
            vec![
                fixed("stdlib", "GO-1", "1.24.4"),
                Advisory {
                    ranges: vec![Range::all()],
                    ..Advisory::new("stdlib", "GO-2")
                },
            ],
        );
        let hits_of = |version| hits(&go, "stdlib", version, None);
        let found = hits_of("devel go1.25-abc");
        assert_eq!(ids(&found), ["GO-1", "GO-2"]);
        assert!(found[0].doubt.is_some() && found[0].fixed_in == Some("1.24.4"));
        // It is vulnerable whatever its version is.
        assert!(found[1].doubt.is_none());
        assert_eq!(ids(&hits_of("1.24.4")), ["GO-2"]);
    }

    #[test]
    fn an_advisory_that_cannot_be_compared_is_in_doubt() {
        let alpine = shard(
            Ecosystem::Alpine,
            "v3.10",
            vec![fixed("musl", "CVE-1", "1.1-rX")],
        );
        let found = hits(&alpine, "musl", "9-r0", None);
        assert!(found[0].doubt.as_deref().unwrap().contains("1.1-rX"));
    }

    #[test]
    fn versions_are_vulnerable_one_by_one() {
        let mut advisory = Advisory::new("zstd", "PYSEC-1");
        advisory.versions = vec!["1.4.10".to_owned(), "old-one".to_owned()];
        let pypi = shard(Ecosystem::PyPI, "", vec![advisory]);
        for (version, expected) in [("1.4.10", 1), ("1.4.10.0", 1), ("1.4.9", 0), ("old-one", 1)] {
            assert_eq!(
                hits(&pypi, "zstd", version, None).len(),
                expected,
                "{version}"
            );
        }
    }
}
