//! The reports of several scanners as one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, iter,
    str::FromStr,
};

use crate::{AdvisoriesUsed, Coverage, Finding, REPORT_FORMAT, Reason, Report};

/// How the findings of several scanners become those of one report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combination {
    /// A finding counts that any of them has: fewer are missed, more are false.
    Any,
    /// A finding counts that all of them have: fewer are false, more are missed.
    All,
}

impl Combination {
    /// The word that is printed and read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is neither of the two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither any nor all")]
pub struct UnknownCombination(pub String);

impl FromStr for Combination {
    type Err = UnknownCombination;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = [Self::Any, Self::All].into_iter();
        let mut found = found.filter(|one| one.as_str() == word);
        found
            .next()
            .ok_or_else(|| UnknownCombination(word.to_owned()))
    }
}

/// The combined report of scanners that looked into the same image, in their order; nothing of none.
///
/// A finding is the same in two reports if id (or an alias) and package are. What is taken over is the first
/// scanner's, with the worst severity that any of them gives it.
///
/// Coverage: with [`Combination::All`] a finding is lost as soon as one scanner has not looked, so that the
/// result is covered only where each of them is: the worst of theirs, with the reasons of all. With
/// [`Combination::Any`] one complete look is enough, and the result is complete where one of them is. Where
/// none is, it is the best of theirs, with the reasons of all: two partial looks may leave out the same.
#[must_use]
pub fn combine(how: Combination, reports: &[Report]) -> Option<Report> {
    let first = reports.first()?;
    let joined = |part: fn(&Report) -> &String| {
        let parts: Vec<&str> = reports.iter().map(|report| part(report).as_str()).collect();
        parts.join("+")
    };
    let advisories: BTreeSet<AdvisoriesUsed> = reports
        .iter()
        .flat_map(|report| report.advisories.iter().cloned())
        .collect();
    Some(Report {
        format: REPORT_FORMAT,
        scanner: joined(|report| &report.scanner),
        scanner_version: joined(|report| &report.scanner_version),
        // What is known is as old as the oldest look.
        scanned_at: reports.iter().map(|report| report.scanned_at).min()?,
        advisories: advisories.into_iter().collect(),
        coverage: coverage(how, reports),
        covered_until: covered_until(how, reports),
        packages: reports
            .iter()
            .map(|report| report.packages)
            .max()
            .unwrap_or(first.packages),
        findings: findings(how, reports),
    })
}

fn coverage(how: Combination, reports: &[Report]) -> Coverage {
    let rank = |report: &&Report| match report.coverage {
        Coverage::Complete => 0,
        Coverage::Partial(_) => 1,
        Coverage::None(_) => 2,
    };
    let decides = match how {
        Combination::Any => reports.iter().min_by_key(rank),
        Combination::All => reports.iter().max_by_key(rank),
    };
    let reasons: BTreeSet<Reason> = reports
        .iter()
        .flat_map(|report| report.coverage.reasons().iter().cloned())
        .collect();
    let reasons = reasons.into_iter().collect();
    match decides.map(|report| &report.coverage) {
        Some(Coverage::Complete) => Coverage::Complete,
        Some(Coverage::Partial(_)) => Coverage::Partial(reasons),
        Some(Coverage::None(_)) | None => Coverage::None(reasons),
    }
}

/// From when on a complete coverage is out of date: with one complete look enough, when the last of them is;
/// where all must be, when the first is.
fn covered_until(how: Combination, reports: &[Report]) -> Option<i64> {
    if !coverage(how, reports).is_complete() {
        return None;
    }
    let complete = reports
        .iter()
        .filter(|report| report.coverage.is_complete());
    // One that nobody can say it of lasts longest.
    let ends = complete.map(|report| report.covered_until.unwrap_or(i64::MAX));
    let end = match how {
        Combination::Any => ends.max(),
        Combination::All => ends.min(),
    };
    end.filter(|end| *end != i64::MAX)
}

fn findings(how: Combination, reports: &[Report]) -> Vec<Finding> {
    let mut combined: Vec<Finding> = Vec::new();
    for report in reports {
        // Only what came from the reports before: what one report has twice stays there twice.
        let mut places = BTreeMap::new();
        for (place, finding) in combined.iter().enumerate() {
            for name in names(finding) {
                let key = (
                    finding.package.clone(),
                    finding.version.clone(),
                    name.to_owned(),
                );
                places.entry(key).or_insert(place);
            }
        }
        for finding in &report.findings {
            let key = |name: &str| {
                (
                    finding.package.clone(),
                    finding.version.clone(),
                    name.to_owned(),
                )
            };
            match names(finding).find_map(|name| places.get(&key(name)).copied()) {
                Some(place) => merge(&mut combined[place], finding),
                None => combined.push(finding.clone()),
            }
        }
    }
    if how == Combination::All {
        // Versions are left out here: scanners write them differently, with an epoch and without.
        let seen: Vec<BTreeSet<(&str, &str)>> = reports
            .iter()
            .map(|report| report.findings.iter().flat_map(keys).collect())
            .collect();
        combined.retain(|finding| {
            seen.iter()
                .all(|theirs| keys(finding).any(|key| theirs.contains(&key)))
        });
    }
    worst_first(&mut combined);
    combined
}

fn keys(finding: &Finding) -> impl Iterator<Item = (&str, &str)> {
    names(finding).map(|name| (finding.package.as_str(), name))
}

fn names(finding: &Finding) -> impl Iterator<Item = &str> {
    iter::once(&finding.id)
        .chain(&finding.aliases)
        .map(String::as_str)
}

fn merge(into: &mut Finding, other: &Finding) {
    if other.severity > into.severity {
        into.severity = other.severity;
        into.severity_from.clone_from(&other.severity_from);
    }
    // One scanner that is certain is enough, and so is one that counts it.
    if other.doubt.is_none() {
        into.doubt = None;
    }
    into.apart &= other.apart;
    if into.fixed_in.is_none() && other.fixed_in.is_some() {
        into.fixed_in.clone_from(&other.fixed_in);
        into.status = other.status;
    }
    for name in names(other) {
        if name != into.id && !into.aliases.iter().any(|alias| alias == name) {
            into.aliases.push(name.to_owned());
        }
    }
}

/// Puts the worst first, and those that are as bad in the order of their names.
pub(crate) fn worst_first(findings: &mut [Finding]) {
    findings.sort_by(|one, other| {
        (other.severity.cmp(&one.severity))
            .then_with(|| one.id.cmp(&other.id))
            .then_with(|| one.package.cmp(&other.package))
            .then_with(|| one.version.cmp(&other.version))
            .then_with(|| one.found_in.cmp(&other.found_in))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Severity, report::tests::finding};

    fn report(scanner: &str, coverage: Coverage, findings: &[Finding]) -> Report {
        Report {
            format: REPORT_FORMAT,
            scanner: scanner.to_owned(),
            scanner_version: "1".to_owned(),
            scanned_at: 5,
            advisories: Vec::new(),
            coverage,
            covered_until: None,
            packages: 2,
            findings: findings.to_vec(),
        }
    }

    fn ids(how: Combination, one: &[Finding], other: &[Finding]) -> Vec<String> {
        let reports = [
            report("one", Coverage::Complete, one),
            report("two", Coverage::Complete, other),
        ];
        let combined = combine(how, &reports).expect("there are two");
        let shown =
            |finding: &Finding| format!("{} {} {}", finding.id, finding.package, finding.severity);
        combined.findings.iter().map(shown).collect()
    }

    #[test]
    fn any_is_the_union_and_all_the_intersection_by_every_name() {
        let mut go = finding("GO-1", "a", Severity::Low);
        go.aliases = vec!["CVE-1".to_owned()];
        let one = [go, finding("CVE-2", "a", Severity::High)];
        let other = [
            finding("CVE-1", "a", Severity::Critical),
            finding("CVE-2", "b", Severity::High),
        ];
        assert_eq!(
            ids(Combination::Any, &one, &other),
            ["GO-1 a CRITICAL", "CVE-2 a HIGH", "CVE-2 b HIGH"]
        );
        assert_eq!(ids(Combination::All, &one, &other), ["GO-1 a CRITICAL"]);
        assert_eq!(ids(Combination::All, &one, &[]), [""; 0]);
    }

    #[test]
    fn what_one_report_has_of_two_versions_stays_two_findings() {
        let mut newer = finding("CVE-1", "a", Severity::Low);
        newer.version = "2".to_owned();
        let both = [finding("CVE-1", "a", Severity::Low), newer];
        for how in [Combination::Any, Combination::All] {
            assert_eq!(ids(how, &both, &both).len(), 2, "{how:?}");
        }
        assert_eq!(ids(Combination::All, &both, &both[..1]).len(), 2);
    }

    #[test]
    fn coverage_is_the_best_of_any_and_the_worst_of_all() {
        let gap = |os: &str| Reason::OsUnsupported { os: os.to_owned() };
        let complete = Coverage::Complete;
        let partial = Coverage::Partial(vec![gap("a")]);
        let none = Coverage::None(vec![gap("b")]);
        let both = vec![gap("a"), gap("b")];
        for (how, one, other, expected) in [
            (Combination::Any, &complete, &none, Coverage::Complete),
            (
                Combination::Any,
                &none,
                &partial,
                Coverage::Partial(both.clone()),
            ),
            (Combination::All, &complete, &partial, partial.clone()),
            (Combination::All, &partial, &none, Coverage::None(both)),
            (Combination::All, &complete, &complete, Coverage::Complete),
        ] {
            let reports = [
                report("one", one.clone(), &[]),
                report("two", other.clone(), &[]),
            ];
            let combined = combine(how, &reports).expect("there are two");
            assert_eq!(
                combined.coverage, expected,
                "{how:?} of {one:?} and {other:?}"
            );
            assert_eq!(combined.scanner, "one+two");
        }
        assert_eq!(combine(Combination::Any, &[]), None);
    }
}
