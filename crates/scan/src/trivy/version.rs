//! What `trivy version --format json` says, and whether a scan with it would be worth anything.

use std::{cmp::Ordering, fmt, str::FromStr};

use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

/// The oldest release whose flags and JSON are known here.
const OLDEST: TrivyVersion = TrivyVersion::release(0, 72, 0);

/// The releases that were published by somebody who had taken over the build (CVE-2026-33634).
const TAKEN_OVER: [TrivyVersion; 2] = [
    TrivyVersion::release(0, 69, 4),
    TrivyVersion::release(0, 69, 6),
];

const MS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// A version of Trivy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrivyVersion {
    numbers: [u64; 3],
    /// Whether it comes before the release of these numbers.
    before_release: bool,
}

impl TrivyVersion {
    const fn release(major: u64, minor: u64, patch: u64) -> Self {
        Self {
            numbers: [major, minor, patch],
            before_release: false,
        }
    }
}

impl PartialOrd for TrivyVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TrivyVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |version: &Self| (version.numbers, !version.before_release);
        key(self).cmp(&key(other))
    }
}

impl fmt::Display for TrivyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        let before = if self.before_release { "-pre" } else { "" };
        write!(f, "{major}.{minor}.{patch}{before}")
    }
}

/// A text that is no version of Trivy, `dev` for one: what it was built from says nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version of a release of Trivy")]
pub struct UnreadableTrivyVersion(pub String);

impl FromStr for TrivyVersion {
    type Err = UnreadableTrivyVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || UnreadableTrivyVersion(text.chars().take(40).collect());
        let plain = text.strip_prefix('v').unwrap_or(text);
        let plain = plain.split_once('+').map_or(plain, |(plain, _)| plain);
        let (release, before) = match plain.split_once('-') {
            Some((release, _)) => (release, true),
            None => (plain, false),
        };
        let mut numbers = [0; 3];
        let mut parts = release.split('.');
        for number in &mut numbers {
            *number = parts
                .next()
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|part| part.parse().ok())
                .ok_or_else(unreadable)?;
        }
        match parts.next() {
            None => Ok(Self {
                numbers,
                before_release: before,
            }),
            Some(_) => Err(unreadable()),
        }
    }
}

/// What Trivy says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionReport {
    /// Its version.
    pub version: String,
    /// When its database was made, in milliseconds since 1970; nothing where it has none.
    pub database_at: Option<i64>,
    /// When its database of Java archives was made, likewise.
    pub java_database_at: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    version: Option<String>,
    #[serde(rename = "VulnerabilityDB")]
    database: Option<Database>,
    #[serde(rename = "JavaDB")]
    java_database: Option<Database>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Database {
    updated_at: Option<String>,
}

impl VersionReport {
    /// Reads the answer of `trivy version --format json`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(answer: &[u8]) -> Result<Self, String> {
        let said: Said = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        let version = said.version.ok_or("it has no version")?;
        Ok(Self {
            version,
            database_at: made_at(said.database)?,
            java_database_at: made_at(said.java_database)?,
        })
    }

    /// The day its database was made, `YYYY-MM-DD`; empty where it has none.
    #[must_use]
    pub fn database_dated(&self) -> String {
        day(self.database_at)
    }

    /// The same of its database of Java archives.
    #[must_use]
    pub fn java_database_dated(&self) -> String {
        day(self.java_database_at)
    }

    /// Whether this version may be run at all.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn may_run(&self) -> Result<(), String> {
        let version: TrivyVersion = self
            .version
            .parse()
            .map_err(|error: UnreadableTrivyVersion| error.to_string())?;
        let [first, last] = TAKEN_OVER;
        if (first..=last).contains(&version) {
            return Err(format!(
                "{version} is one of the releases {first} to {last} that were made by whoever had taken over \
                 its build (CVE-2026-33634): remove it, look for what it did, and install {OLDEST} or newer"
            ));
        }
        if version < OLDEST {
            return Err(format!(
                "it is version {version}, and its answers are understood from {OLDEST} on"
            ));
        }
        Ok(())
    }

    /// Whether its database is there and not older than `allowed` days at `now_ms`.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn may_answer(&self, now_ms: i64, allowed: u64) -> Result<(), String> {
        let bring = "`longshore advisories update trivy-db` brings one here";
        let Some(at) = self.database_at else {
            return Err(format!("it has no database of vulnerabilities: {bring}"));
        };
        let days = now_ms.saturating_sub(at).div_euclid(MS_PER_DAY);
        let days = u64::try_from(days).unwrap_or(0);
        if days > allowed {
            let dated = self.database_dated();
            return Err(format!(
                "its database is of {dated}, {days} days ago ({allowed} are allowed): {bring}"
            ));
        }
        Ok(())
    }

    /// Until when [`VersionReport::may_answer`] lets it, in milliseconds since 1970.
    #[must_use]
    pub fn answers_until(&self, allowed: u64) -> Option<i64> {
        let days = i64::try_from(allowed).ok()?.checked_add(1)?;
        self.database_at?.checked_add(days.checked_mul(MS_PER_DAY)?)
    }
}

/// Trivy leaves a database out that it does not have, or writes the first day of the year 1 for it.
fn made_at(database: Option<Database>) -> Result<Option<i64>, String> {
    let Some(text) = database.and_then(|database| database.updated_at) else {
        return Ok(None);
    };
    let at: Timestamp = text
        .parse()
        .map_err(|_| format!("{text:?} is no time that a database was made at"))?;
    Ok(Some(at.as_millisecond()).filter(|at| *at > 0))
}

fn day(at: Option<i64>) -> String {
    at.and_then(|at| Timestamp::from_millisecond(at).ok())
        .map(|at| at.to_zoned(TimeZone::UTC).date().to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(version: &str, at: Option<&str>) -> VersionReport {
        let database =
            at.map(|at| format!(r#","VulnerabilityDB":{{"Version":2,"UpdatedAt":"{at}"}}"#));
        let text = format!(
            r#"{{"Version":"{version}"{}}}"#,
            database.unwrap_or_default()
        );
        VersionReport::read(text.as_bytes()).expect(version)
    }

    #[test]
    fn versions_are_ordered_by_number_and_a_release_comes_after_what_precedes_it() {
        let ordered = [
            "0.9.0",
            "0.69.3",
            "0.69.4",
            "0.72.0-rc.1",
            "v0.72.0",
            "0.72.1",
            "0.100.0",
            "1.0.0",
        ];
        let ordered: Vec<TrivyVersion> = ordered
            .iter()
            .map(|text| text.parse().expect(text))
            .collect();
        assert!(ordered.is_sorted());
        assert_eq!("0.72.0+dirty".parse(), Ok(OLDEST));
        for text in [
            "dev", "", "0.72", "0.72.0.1", "0.x.1", "0.-1.0", "0..0", "0.+7.0",
        ] {
            assert!(text.parse::<TrivyVersion>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn old_releases_and_those_of_an_intruder_are_refused_by_name() {
        for version in ["0.72.0", "0.74.1", "1.0.0"] {
            assert_eq!(report(version, None).may_run(), Ok(()));
        }
        for version in ["0.69.4", "0.69.5", "0.69.6"] {
            let why = report(version, None).may_run().expect_err(version);
            assert!(why.contains("CVE-2026-33634"), "{why}");
        }
        for version in ["0.69.3", "0.69.7", "0.71.9", "0.72.0-rc1", "dev"] {
            let why = report(version, None).may_run().expect_err(version);
            assert!(!why.contains("CVE-"), "{why}");
        }
    }

    #[test]
    fn a_database_is_there_and_fresh_or_the_command_that_brings_it_is_named() {
        let at = |text: &str| text.parse::<Timestamp>().expect(text).as_millisecond();
        let database = report("0.72.0", Some("2026-08-01T12:00:00.123456789Z"));
        assert_eq!(database.database_dated(), "2026-08-01");
        assert_eq!(database.may_answer(at("2026-08-08T12:00:01Z"), 7), Ok(()));
        assert_eq!(database.may_answer(at("2026-07-01T00:00:00Z"), 7), Ok(()));
        let old = database
            .may_answer(at("2026-08-09T12:00:01Z"), 7)
            .expect_err("it is old");
        assert!(
            old.contains("8 days ago") && old.contains("advisories update"),
            "{old}"
        );
        let none = report("0.72.0", None)
            .may_answer(0, 7)
            .expect_err("there is none");
        assert!(none.contains("advisories update"), "{none}");
    }

    #[test]
    fn each_database_has_its_day_or_is_not_there() {
        let said = br#"{"Version":"0.74.0","VulnerabilityDB":{"UpdatedAt":"0001-01-01T00:00:00Z"},
            "JavaDB":{"Version":1,"UpdatedAt":"2026-08-03T00:30:00Z"}}"#;
        let report = VersionReport::read(said).expect("it is whole");
        assert_eq!(
            (report.database_at, report.database_dated()),
            (None, String::new())
        );
        assert_eq!(report.java_database_dated(), "2026-08-03");
    }

    #[test]
    fn an_answer_that_is_none_is_an_error() {
        for answer in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"Version":"0.72.0","VulnerabilityDB":{"UpdatedAt":"soon"}}"#,
        ] {
            assert!(VersionReport::read(answer.as_bytes()).is_err(), "{answer}");
        }
        let nothing = br#"{"Version":"0.72.0","VulnerabilityDB":null}"#;
        assert_eq!(
            VersionReport::read(nothing)
                .expect("it is whole")
                .database_at,
            None
        );
    }
}
