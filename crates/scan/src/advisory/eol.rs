//! When a release stops getting advisories: from then on, that there are none says nothing.

use crate::{Ecosystem, Stream};

/// Releases and the last day of their advisories. For Debian that is the end of its long term support, for
/// Ubuntu that of its standard support (what comes later is Pro's, whose advisories are not used), for Red
/// Hat and those built from it that of maintenance. Debian, Ubuntu, Red Hat, Alma and Rocky: endoflife.date as of
/// 2026-08-22. Alpine: alpinelinux.org/releases.
const ENDS: [(Ecosystem, &[(&str, &str)]); 6] = [
    (
        Ecosystem::Debian,
        &[
            ("4", "2010-02-15"),
            ("5", "2012-02-06"),
            ("6", "2016-02-29"),
            ("7", "2018-05-31"),
            ("8", "2020-06-30"),
            ("9", "2022-07-01"),
            ("10", "2024-06-30"),
            ("11", "2026-08-31"),
            ("12", "2028-06-30"),
            ("13", "2030-06-30"),
        ],
    ),
    (
        Ecosystem::Ubuntu,
        &[
            ("12.04", "2017-04-28"),
            ("14.04", "2019-04-02"),
            ("14.10", "2015-07-23"),
            ("15.04", "2016-02-04"),
            ("15.10", "2016-07-28"),
            ("16.04", "2021-04-02"),
            ("16.10", "2017-07-20"),
            ("17.04", "2018-01-13"),
            ("17.10", "2018-07-19"),
            ("18.04", "2023-05-31"),
            ("18.10", "2019-07-18"),
            ("19.04", "2020-01-23"),
            ("19.10", "2020-07-06"),
            ("20.04", "2025-05-31"),
            ("20.10", "2021-07-22"),
            ("21.04", "2022-01-20"),
            ("21.10", "2022-07-14"),
            ("22.04", "2027-04-01"),
            ("22.10", "2023-07-20"),
            ("23.04", "2024-01-20"),
            ("23.10", "2024-07-12"),
            ("24.04", "2029-05-31"),
            ("24.10", "2025-07-10"),
            ("25.04", "2026-01-17"),
            ("25.10", "2026-07-01"),
            ("26.04", "2031-04-30"),
        ],
    ),
    (
        Ecosystem::Alpine,
        &[
            ("v3.3", "2017-11-01"),
            ("v3.4", "2018-05-01"),
            ("v3.5", "2018-11-01"),
            ("v3.6", "2019-05-01"),
            ("v3.7", "2019-11-01"),
            ("v3.8", "2020-05-01"),
            ("v3.9", "2020-11-01"),
            ("v3.10", "2021-05-01"),
            ("v3.11", "2021-11-01"),
            ("v3.12", "2022-05-01"),
            ("v3.13", "2022-11-01"),
            ("v3.14", "2023-05-01"),
            ("v3.15", "2023-11-01"),
            ("v3.16", "2024-05-23"),
            ("v3.17", "2024-11-22"),
            ("v3.18", "2025-05-09"),
            ("v3.19", "2025-11-01"),
            ("v3.20", "2026-04-01"),
            ("v3.21", "2026-11-01"),
            ("v3.22", "2027-05-01"),
            ("v3.23", "2027-11-01"),
        ],
    ),
    (Ecosystem::AlmaLinux, &REBUILDS),
    (Ecosystem::RockyLinux, &REBUILDS),
    (
        Ecosystem::RedHat,
        &[
            ("5", "2017-03-31"),
            ("6", "2020-11-30"),
            ("7", "2024-06-30"),
            ("8", "2029-05-31"),
            ("9", "2032-05-31"),
            ("10", "2035-05-31"),
        ],
    ),
];

/// Those of AlmaLinux and Rocky Linux.
const REBUILDS: [(&str, &str); 3] = [
    ("8", "2029-05-31"),
    ("9", "2032-05-31"),
    ("10", "2035-05-31"),
];

/// The last day of a stream's advisories, `YYYY-MM-DD`, as far as it is known.
#[must_use]
pub fn end_of_life(stream: &Stream) -> Option<&'static str> {
    let (_, releases) = ENDS
        .iter()
        .find(|(ecosystem, _)| *ecosystem == stream.ecosystem)?;
    let found = releases
        .iter()
        .find(|(release, _)| *release == stream.release);
    found.map(|(_, end)| *end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::source::is_day;

    #[test]
    fn long_term_support_counts() {
        let debian = Stream::new(Ecosystem::Debian, "12");
        assert_eq!(end_of_life(&debian), Some("2028-06-30"));
        assert_eq!(end_of_life(&Stream::new(Ecosystem::Debian, "14")), None);
        assert_eq!(end_of_life(&Stream::new(Ecosystem::Go, "")), None);
    }

    #[test]
    fn every_end_is_a_day() {
        for (ecosystem, releases) in ENDS {
            for (release, end) in releases {
                assert!(is_day(end), "{ecosystem} {release}");
            }
        }
    }
}
