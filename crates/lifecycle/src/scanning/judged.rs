//! What an image is judged to be, from what the catalogue has on it: the one place where report, waivers,
//! VEX documents and policy come together.

use longshore_catalog::{Decision, ImageRow, Verdict};
use longshore_scan::{
    AdvisoriesUsed, Counts, Coverage, Excused, Finding, Judgement, Judging, OpenVex, Policy,
    Report, SbomSubject, Waiver, judge,
};
use serde::{Deserialize, Serialize};

use super::{ScanReport, vex};
use crate::{Failure, Status, deps::Deps};

/// What a decision rests on, as it is kept with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanSummary {
    /// Who looked.
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
    /// How many packages there are.
    pub packages: u64,
    /// Findings, by severity.
    pub counts: Counts,
    /// Their ids, by severity.
    pub unique: Counts,
    /// How many findings stand against it.
    pub against: u64,
    /// How many would, but for waivers and VEX documents.
    pub excused: u64,
    /// What it was judged by.
    pub policy: Policy,
}

/// What was found in an image, and what of it stands against it.
#[derive(Debug, Clone, Serialize)]
pub struct ScanOutcome {
    /// The short of it.
    #[serde(flatten)]
    pub summary: ScanSummary,
    /// What stands against it, the worst first.
    pub findings_against: Vec<Finding>,
    /// What would, but for what its operator has said.
    pub findings_excused: Vec<Excused>,
}

/// An image as it was looked into and judged.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) report: Report,
    pub(crate) judgement: Judgement,
    policy: Policy,
}

impl Judged {
    /// Judges the last report on an image's volume, whoever made it: what several scanners found together,
    /// where they looked together. `None` where nothing has looked into it.
    pub(crate) fn of(deps: &Deps, image: &ImageRow) -> Result<Option<Self>, Failure> {
        let Some(volume) = image.volume else {
            return Ok(None);
        };
        let (report, waivers) =
            deps.read(|read| Ok((read.last_report(volume)?, read.waivers(&image.name)?)))?;
        let Some(report) = report else {
            return Ok(None);
        };
        let Ok(report) = serde_json::from_str::<Report>(&report) else {
            // Of another release: whoever needs it looks again.
            return Ok(None);
        };
        let waivers: Vec<_> = waivers.into_iter().map(waiver).collect();
        let subject = SbomSubject {
            name: image.name.clone(),
            digest: image.chain.map(|chain| chain.to_string()),
        };
        let vex = deps.vex()?;
        let policy = &deps.scanning.policy;
        Ok(Some(Self::by(
            report,
            policy,
            &waivers,
            vex,
            &subject,
            deps.now(),
        )))
    }

    /// Judges a report by what its operator has said.
    pub(crate) fn by(
        report: Report,
        policy: &Policy,
        waivers: &[Waiver],
        vex: &OpenVex,
        subject: &SbomSubject,
        now: i64,
    ) -> Self {
        let judgement = judge(
            &report,
            &Judging {
                policy,
                waivers,
                vex: &|finding| vex::excuse(vex, finding, subject),
                now,
            },
        );
        Self {
            report,
            judgement,
            policy: policy.clone(),
        }
    }

    /// All of it, as it is printed.
    pub(crate) fn scan_report(self, name: String) -> ScanReport {
        ScanReport {
            image: name,
            status: self.status(),
            outcome: self.outcome(),
            findings: self.report.findings,
        }
    }

    pub(crate) fn summary(&self) -> ScanSummary {
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        ScanSummary {
            scanner: self.report.scanner.clone(),
            scanner_version: self.report.scanner_version.clone(),
            scanned_at: self.report.scanned_at,
            advisories: self.report.advisories.clone(),
            coverage: self.judgement.coverage.clone(),
            packages: self.report.packages,
            counts: self.judgement.counts,
            unique: self.judgement.unique,
            against: count(self.judgement.against.len()),
            excused: count(self.judgement.excused.len()),
            policy: self.policy.clone(),
        }
    }

    /// Where the image stands by it.
    pub(crate) fn status(&self) -> Status {
        match self.judgement.verdict {
            longshore_scan::Verdict::Ready => Status::Ready,
            longshore_scan::Verdict::Vulnerable => Status::Vulnerable,
            longshore_scan::Verdict::Unproven => Status::Unproven,
        }
    }

    pub(crate) fn outcome(&self) -> ScanOutcome {
        ScanOutcome {
            summary: self.summary(),
            findings_against: self.judgement.against.clone(),
            findings_excused: self.judgement.excused.clone(),
        }
    }
}

/// The decision about an image, as of now: a pure function of what it was judged to be.
pub(crate) fn decision(judged: Option<&Judged>, now: i64) -> Result<Decision, Failure> {
    let Some(judged) = judged else {
        return Ok(Decision {
            verdict: Verdict::Unscanned,
            admitted: false,
            report: "{}".to_owned(),
            decided_at: now,
            valid_until: None,
        });
    };
    let report = serde_json::to_string(&judged.summary())
        .map_err(|error| Failure::broken("a decision cannot be written").caused_by(&error))?;
    let verdict = match judged.judgement.verdict {
        longshore_scan::Verdict::Ready => Verdict::Ready,
        longshore_scan::Verdict::Vulnerable => Verdict::Vulnerable,
        longshore_scan::Verdict::Unproven => Verdict::Unproven,
    };
    Ok(Decision {
        verdict,
        admitted: verdict == Verdict::Ready,
        report,
        decided_at: now,
        valid_until: judged.judgement.valid_until,
    })
}

fn waiver(row: longshore_catalog::WaiverRow) -> Waiver {
    Waiver {
        id: row.advisory,
        until: row.until,
        reason: row.reason,
        by: row.by,
        at: row.at,
    }
}
