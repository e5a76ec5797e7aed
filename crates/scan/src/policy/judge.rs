//! The judgement.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Excuse, Excused, Waiver};
use crate::{Counts, Coverage, Finding, FixStatus, Reason, Report, Severity, day::day_of};

/// What an operator lets through, and what not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Findings of these severities stand against an image.
    pub block: BTreeSet<Severity>,
    /// Findings without a fix do not.
    pub ignore_unfixed: bool,
}

impl Default for Policy {
    /// High and critical ones, with a fix or without.
    fn default() -> Self {
        Self {
            block: BTreeSet::from([Severity::High, Severity::Critical]),
            ignore_unfixed: false,
        }
    }
}

impl Policy {
    /// Whether a finding stands against an image, unless it is excused.
    #[must_use]
    pub fn blocks(&self, finding: &Finding) -> bool {
        let fixable = finding.status == FixStatus::Fixed || finding.doubt.is_some();
        !finding.apart
            && self.block.contains(&finding.severity)
            && (fixable || !self.ignore_unfixed)
    }
}

/// What a report is judged by.
pub struct Judging<'a> {
    /// What is let through.
    pub policy: &'a Policy,
    /// What the operator lives with.
    pub waivers: &'a [Waiver],
    /// What VEX documents of the operator say of a finding.
    pub vex: &'a dyn Fn(&Finding) -> Option<Excuse>,
    /// Now, in milliseconds since 1970.
    pub now: i64,
}

impl std::fmt::Debug for Judging<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judging")
            .field("policy", &self.policy)
            .field("waivers", &self.waivers)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// What an image is judged to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was looked into wholly, and nothing stands against it.
    Ready,
    /// Something stands against it.
    Vulnerable,
    /// Nothing does, as far as was looked.
    Unproven,
}

/// The judgement of an image: what it is, and what stands against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What it is judged to be.
    pub verdict: Verdict,
    /// How much of it was looked into, as of now; one that is vulnerable may not be wholly.
    pub coverage: Coverage,
    /// What stands against it, the worst first.
    pub against: Vec<Finding>,
    /// What would, but for what its operator has said.
    pub excused: Vec<Excused>,
    /// Everything that was found, counted.
    pub counts: Counts,
    /// The same, each id once.
    pub unique: Counts,
    /// Until when this holds without judging again, in milliseconds since 1970: when the first waiver that it
    /// rests on ends, or its coverage is out of date.
    pub valid_until: Option<i64>,
}

/// Judges a report.
#[must_use]
pub fn judge(report: &Report, judging: &Judging<'_>) -> Judgement {
    let mut against = Vec::new();
    let mut excused = Vec::new();
    let coverage = coverage(report, judging.now);
    let mut valid_until = report.covered_until.filter(|_| coverage.is_complete());
    for finding in report
        .findings
        .iter()
        .filter(|finding| judging.policy.blocks(finding))
    {
        match excuse(finding, judging) {
            None => against.push(finding.clone()),
            Some(excuse) => {
                if let Excuse::Waiver(waiver) = &excuse {
                    let until =
                        valid_until.map_or(waiver.until, |until: i64| until.min(waiver.until));
                    valid_until = Some(until);
                }
                excused.push(Excused {
                    id: finding.id.clone(),
                    package: finding.package.clone(),
                    excuse,
                });
            }
        }
    }
    against.sort_by(|one, other| {
        let key = |finding: &Finding| (finding.package.clone(), finding.id.clone());
        (other.severity, key(one)).cmp(&(one.severity, key(other)))
    });
    let verdict = match (against.is_empty(), coverage.is_complete()) {
        (true, true) => Verdict::Ready,
        (true, false) => Verdict::Unproven,
        (false, _) => Verdict::Vulnerable,
    };
    Judgement {
        verdict,
        coverage,
        against,
        excused,
        counts: Counts::of(&report.findings),
        unique: Counts::unique(&report.findings),
        valid_until,
    }
}

/// How much was looked into, as of now: what was wholly covered is not for ever, for new vulnerabilities are
/// found every day.
fn coverage(report: &Report, now: i64) -> Coverage {
    match report.covered_until {
        Some(until) if report.coverage.is_complete() && until <= now => {
            let since = day_of(until).to_string();
            Coverage::Partial(vec![Reason::LookedTooLongAgo { since }])
        }
        _ => report.coverage.clone(),
    }
}

/// Why a finding does not stand against the image: of several waivers the one that holds longest.
fn excuse(finding: &Finding, judging: &Judging<'_>) -> Option<Excuse> {
    let waivers = judging.waivers.iter();
    let waiver = waivers
        .filter(|waiver| waiver.covers(finding, judging.now))
        .max_by_key(|waiver| waiver.until);
    // What a VEX document says holds for good; a waiver only up to its day.
    (judging.vex)(finding).or_else(|| waiver.cloned().map(Excuse::Waiver))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{REPORT_FORMAT, report::tests::finding};

    const NOW: i64 = 1_000;

    fn report(coverage: Coverage, findings: Vec<Finding>) -> Report {
        Report {
            format: REPORT_FORMAT,
            scanner: "embedded".to_owned(),
            scanner_version: "1".to_owned(),
            scanned_at: NOW,
            advisories: Vec::new(),
            coverage,
            covered_until: None,
            packages: 1,
            findings,
        }
    }

    fn judged(report: &Report, policy: &Policy, waivers: &[Waiver]) -> Judgement {
        judge(
            report,
            &Judging {
                policy,
                waivers,
                vex: &|_| None,
                now: NOW,
            },
        )
    }

    fn waiver(id: &str, until: i64) -> Waiver {
        Waiver {
            id: id.to_owned(),
            until,
            reason: "not reachable".to_owned(),
            by: "root".to_owned(),
            at: 0,
        }
    }

    #[test]
    fn ready_needs_all_of_it_looked_into_and_nothing_found_that_blocks() {
        let policy = Policy::default();
        let low = vec![finding("CVE-1", "a", Severity::Medium)];
        let high = vec![finding("CVE-1", "a", Severity::High)];
        let partial = Coverage::Partial(vec![Reason::OsUnknown]);
        for (coverage, findings, verdict, proven) in [
            (Coverage::Complete, low.clone(), Verdict::Ready, true),
            (Coverage::Complete, high.clone(), Verdict::Vulnerable, true),
            (partial.clone(), low, Verdict::Unproven, false),
            (partial, high, Verdict::Vulnerable, false),
            (
                Coverage::None(vec![Reason::NothingToMatch]),
                vec![],
                Verdict::Unproven,
                false,
            ),
        ] {
            let judgement = judged(&report(coverage.clone(), findings), &policy, &[]);
            assert_eq!(
                (judgement.verdict, judgement.coverage.is_complete()),
                (verdict, proven),
                "{coverage:?}"
            );
        }
    }

    #[test]
    fn what_was_covered_is_not_for_ever() {
        let policy = Policy::default();
        let mut report = report(Coverage::Complete, vec![]);
        report.covered_until = Some(NOW + 1);
        let judgement = judged(&report, &policy, &[]);
        assert_eq!(
            (judgement.verdict, judgement.valid_until),
            (Verdict::Ready, Some(NOW + 1))
        );
        report.covered_until = Some(NOW);
        let judgement = judged(&report, &policy, &[]);
        assert_eq!(
            (judgement.verdict, judgement.valid_until),
            (Verdict::Unproven, None)
        );
        let since = "1970-01-01".to_owned();
        assert_eq!(
            judgement.coverage.reasons(),
            [Reason::LookedTooLongAgo { since }]
        );
        // A waiver that ends sooner is what has to be judged again first.
        report.covered_until = Some(NOW + 9);
        report.findings = vec![finding("CVE-1", "a", Severity::High)];
        let judgement = judged(&report, &policy, &[waiver("CVE-1", NOW + 5)]);
        assert_eq!(judgement.valid_until, Some(NOW + 5));
    }

    #[test]
    fn the_worst_is_first_and_headers_of_a_kernel_are_left_out() {
        let mut headers = finding("CVE-9", "linux-libc-dev", Severity::Critical);
        headers.apart = true;
        let findings = vec![
            finding("CVE-2", "b", Severity::High),
            headers,
            finding("CVE-1", "z", Severity::Critical),
            finding("CVE-1", "a", Severity::High),
        ];
        let judgement = judged(
            &report(Coverage::Complete, findings),
            &Policy::default(),
            &[],
        );
        let order: Vec<_> = judgement
            .against
            .iter()
            .map(|one| one.package.as_str())
            .collect();
        assert_eq!(order, ["z", "a", "b"]);
    }

    #[test]
    fn what_has_no_fix_is_ignored_only_on_request_and_doubt_never_is() {
        let mut fixed = finding("CVE-1", "a", Severity::High);
        fixed.status = FixStatus::Fixed;
        let unfixed = finding("CVE-2", "b", Severity::High);
        let mut doubtful = finding("CVE-3", "c", Severity::High);
        doubtful.doubt = Some("its version cannot be compared".to_owned());
        let report = report(Coverage::Complete, vec![fixed, unfixed, doubtful]);
        assert_eq!(judged(&report, &Policy::default(), &[]).against.len(), 3);
        let policy = Policy {
            ignore_unfixed: true,
            ..Policy::default()
        };
        let left: Vec<_> = judged(&report, &policy, &[])
            .against
            .into_iter()
            .map(|one| one.id)
            .collect();
        assert_eq!(left, ["CVE-1", "CVE-3"]);
    }

    #[test]
    fn a_waiver_holds_up_to_its_day_for_any_name_of_the_finding() {
        let mut one = finding("CVE-1", "a", Severity::High);
        one.aliases = vec!["DSA-7-1".to_owned()];
        let report = report(Coverage::Complete, vec![one]);
        let policy = Policy::default();
        for (waiver, verdict, valid_until) in [
            (waiver("cve-1", NOW + 1), Verdict::Ready, Some(NOW + 1)),
            (waiver("DSA-7-1", NOW + 9), Verdict::Ready, Some(NOW + 9)),
            (waiver("CVE-1", NOW), Verdict::Vulnerable, None),
            (waiver("CVE-11", NOW + 1), Verdict::Vulnerable, None),
        ] {
            let judgement = judged(&report, &policy, std::slice::from_ref(&waiver));
            assert_eq!(
                (judgement.verdict, judgement.valid_until),
                (verdict, valid_until),
                "{waiver:?}"
            );
        }
        let two = [waiver("CVE-1", NOW + 1), waiver("DSA-7-1", NOW + 5)];
        assert_eq!(judged(&report, &policy, &two).valid_until, Some(NOW + 5));
    }

    #[test]
    fn what_vex_says_holds_without_an_end() {
        let report = report(
            Coverage::Complete,
            vec![finding("CVE-1", "a", Severity::High)],
        );
        let vex = |_: &Finding| {
            Some(Excuse::Vex {
                status: "not_affected".to_owned(),
                reason: "vulnerable_code_not_present".to_owned(),
            })
        };
        let judgement = judge(
            &report,
            &Judging {
                policy: &Policy::default(),
                waivers: &[waiver("CVE-1", NOW + 1)],
                vex: &vex,
                now: NOW,
            },
        );
        assert_eq!(
            (judgement.verdict, judgement.valid_until),
            (Verdict::Ready, None)
        );
        assert_eq!(judgement.excused.len(), 1);
        assert_eq!(judgement.counts.high, 1, "what was found is still counted");
    }
}
