//! What a scanner found, and how much it looked into: the record that is kept and printed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Coverage, Finding, Severity, Stream};

/// The version of the record.
pub const REPORT_FORMAT: u32 = 1;

/// What a scanner found in one root filesystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_FORMAT`] of whoever wrote it.
    pub format: u32,
    /// Who looked: `embedded`, `trivy-sbom`, ...; several in their order, with `+` between them.
    pub scanner: String,
    /// The version of who looked.
    pub scanner_version: String,
    /// When, in milliseconds since 1970.
    pub scanned_at: i64,
    /// What it was held against.
    pub advisories: Vec<AdvisoriesUsed>,
    /// How much was looked into.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// From when on that is out of date, where it is complete, in milliseconds since 1970: when the first of
    /// the advisories is too old, or the operating system gets none any more. Never where nobody can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_until: Option<i64>,
    /// How many packages there are.
    pub packages: u64,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

/// A set of advisories that a scanner has used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AdvisoriesUsed {
    /// What it is about, as OSV writes it; what the scanner calls it where it is not ours.
    pub about: String,
    /// When it was published, `YYYY-MM-DD`; empty where nobody says.
    pub dated: String,
    /// What it is: the SHA-256 of its bytes, where it is ours.
    pub digest: Option<String>,
}

impl AdvisoriesUsed {
    /// A stream of ours.
    #[must_use]
    pub fn of(stream: &Stream, dated: &str, digest: &str) -> Self {
        Self {
            about: stream.to_string(),
            dated: dated.to_owned(),
            digest: Some(digest.to_owned()),
        }
    }
}

/// How many findings there are of each severity, without those that are counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Critical ones.
    pub critical: u64,
    /// High ones.
    pub high: u64,
    /// Medium ones.
    pub medium: u64,
    /// Low ones.
    pub low: u64,
    /// Ones that nobody has rated.
    pub unknown: u64,
}

impl Counts {
    /// Of findings: one for each package that has it.
    #[must_use]
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut counts = Self::default();
        for finding in findings.into_iter().filter(|finding| !finding.apart) {
            *counts.at(finding.severity) += 1;
        }
        counts
    }

    /// Of unique ids, each with the worst severity that it has anywhere.
    #[must_use]
    pub fn unique<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut sorted: Vec<_> = findings
            .into_iter()
            .filter(|finding| !finding.apart)
            .collect();
        sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let mut seen = BTreeSet::new();
        sorted.retain(|finding| seen.insert(finding.id.as_str()));
        Self::of(sorted)
    }

    /// Of one severity.
    #[must_use]
    pub const fn get(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Unknown => self.unknown,
        }
    }

    /// Of all of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.critical + self.high + self.medium + self.low + self.unknown
    }

    const fn at(&mut self, severity: Severity) -> &mut u64 {
        match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Unknown => &mut self.unknown,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::FixStatus;

    /// A finding with nothing but what a test is about.
    pub(crate) fn finding(id: &str, package: &str, severity: Severity) -> Finding {
        Finding {
            id: id.to_owned(),
            aliases: Vec::new(),
            severity,
            severity_from: String::new(),
            package: package.to_owned(),
            version: "1".to_owned(),
            source: None,
            purl: None,
            found_in: String::new(),
            status: FixStatus::Affected,
            fixed_in: None,
            title: String::new(),
            doubt: None,
            apart: false,
        }
    }

    #[test]
    fn an_id_in_two_packages_is_two_findings_and_one_id_of_the_worse_severity() {
        let mut headers = finding("CVE-3", "linux-libc-dev", Severity::Critical);
        headers.apart = true;
        let findings = [
            finding("CVE-1", "a", Severity::Low),
            finding("CVE-1", "b", Severity::High),
            finding("CVE-2", "a", Severity::Medium),
            headers,
        ];
        let counts = Counts::of(&findings);
        assert_eq!(
            (counts.total(), counts.low, counts.high, counts.medium),
            (3, 1, 1, 1)
        );
        let unique = Counts::unique(&findings);
        assert_eq!((unique.total(), unique.high, unique.low), (2, 1, 0));
        assert_eq!(unique.get(Severity::Critical), 0);
    }
}
