//! What was found in an image: the short of it, what stands against it, and all of it.

use longshore_lifecycle::{
    Counts, Coverage, Finding, FixStatus, ScanOutcome, ScanReport, ScanSummary, Severity,
};
use serde::Serialize;

use super::{
    Document, Listed, Page,
    fetched::{meaning, painted},
    quantity::{age, ago, harmless},
    table::{Column, pairs, table},
};

/// So many findings are shown where they are not what was asked for.
const SOME: usize = 20;

impl Document for ScanReport {
    fn text(&self, page: &Page) -> String {
        let mut text = format!("{}  {}\n", harmless(&self.image), painted(self.status));
        if let Some(meaning) = meaning(self.status) {
            text.push_str(&format!("{meaning}\n"));
        }
        text.push('\n');
        text.push_str(&pairs(&facts(&self.outcome, page)));
        if !self.findings.is_empty() {
            text.push('\n');
            text.push_str(&findings(&self.findings, page.width));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(self.status.to_string())
    }
}

/// An image of `scan --all`.
#[derive(Debug, Serialize)]
pub(crate) struct ScanRow(ScanReport);

impl From<ScanReport> for ScanRow {
    fn from(report: ScanReport) -> Self {
        Self(report)
    }
}

impl Listed for ScanRow {
    fn columns() -> Vec<Column> {
        let mut columns = vec![Column::words("IMAGE"), Column::words("STATUS")];
        columns.extend(Severity::WORST_FIRST.map(|one| Column::quantities(one.as_str())));
        columns.push(Column::words("COVERAGE"));
        columns
    }

    fn cells(&self, _: &Page) -> Vec<String> {
        let summary = &self.0.outcome.summary;
        let mut cells = vec![harmless(&self.0.image), self.0.status.to_string()];
        cells.extend(Severity::WORST_FIRST.map(|one| summary.counts.get(one).to_string()));
        cells.push(summary.coverage.as_str().to_owned());
        cells
    }

    fn word(&self) -> String {
        self.0.image.clone()
    }
}

/// What was found, in two words or three: `2 critical, 7 high`.
pub(super) fn counted(counts: &Counts) -> String {
    let of = |one: Severity| (counts.get(one), one.as_str().to_ascii_lowercase());
    let worst_first = Severity::WORST_FIRST.map(of);
    let there: Vec<_> = worst_first
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if there.is_empty() {
        "nothing".to_owned()
    } else {
        there.join(", ")
    }
}

/// The counts of `list`: `2C 7H 1M 0L`, and how old they are. What could not be judged has none.
pub(super) fn short(summary: &ScanSummary, now: i64) -> String {
    let counts = &summary.counts;
    if matches!(summary.coverage, Coverage::None(_)) {
        return format!("not judged, {}", age(summary.scanned_at, now));
    }
    let mut text = format!(
        "{}C {}H {}M {}L",
        counts.critical, counts.high, counts.medium, counts.low
    );
    if counts.unknown > 0 {
        text.push_str(&format!(" {}?", counts.unknown));
    }
    format!("{text}, {}", age(summary.scanned_at, now))
}

/// The short of what was found.
pub(super) fn facts(outcome: &ScanOutcome, page: &Page) -> Vec<(&'static str, String)> {
    let mut facts = summary_facts(&outcome.summary, page);
    if !outcome.findings_excused.is_empty() {
        facts.push(("excused", excused(outcome)));
    }
    facts
}

/// The same without what would name single findings.
pub(super) fn summary_facts(summary: &ScanSummary, page: &Page) -> Vec<(&'static str, String)> {
    let unique = summary.unique.total();
    let found = match summary.counts.total() {
        0 => "nothing".to_owned(),
        _ => format!("{} ({unique} ids)", counted(&summary.counts)),
    };
    let mut facts = vec![
        ("packages", summary.packages.to_string()),
        ("found", found),
        ("coverage", coverage(&summary.coverage)),
    ];
    let used: Vec<_> = summary
        .advisories
        .iter()
        .map(|used| match used.dated.as_str() {
            "" => harmless(&used.about),
            dated => harmless(&format!("{} of {dated}", used.about)),
        })
        .collect();
    if !used.is_empty() {
        facts.push(("advisories", used.join("\n")));
    }
    let scanned = ago(summary.scanned_at, page.now);
    facts.push(("scanned", format!("{scanned} by {}", summary.scanner)));
    facts
}

fn coverage(coverage: &Coverage) -> String {
    let reasons: Vec<_> = coverage
        .reasons()
        .iter()
        .map(|reason| harmless(&reason.to_string()))
        .collect();
    match reasons.is_empty() {
        true => coverage.as_str().to_owned(),
        false => format!("{}\n{}", coverage.as_str(), reasons.join("\n")),
    }
}

fn excused(outcome: &ScanOutcome) -> String {
    let lines: Vec<_> = outcome
        .findings_excused
        .iter()
        .map(|one| harmless(&format!("{} in {}: {}", one.id, one.package, one.excuse)))
        .collect();
    lines.join("\n")
}

/// What stands against an image, the first of it.
pub(super) fn against(outcome: &ScanOutcome, image: &str, width: Option<u16>) -> Option<String> {
    let all = &outcome.findings_against;
    if all.is_empty() {
        return None;
    }
    let mut text = findings(&all[..all.len().min(SOME)], width);
    let more = all.len().saturating_sub(SOME);
    if more > 0 {
        text.push_str(&format!(
            "and {more} more; `longshore scan {}` shows all\n",
            harmless(image)
        ));
    }
    Some(text)
}

/// Findings, a row each; the widest column last.
fn findings(findings: &[Finding], width: Option<u16>) -> String {
    let columns = [
        Column::words("SEVERITY"),
        Column::words("ID"),
        Column::words("PACKAGE"),
        Column::words("VERSION"),
        Column::words("FIX"),
        Column::words("WHAT"),
    ];
    let rows = findings.iter().map(|finding| {
        let fix = match (&finding.fixed_in, finding.status) {
            (Some(version), FixStatus::Fixed) => version.clone(),
            (_, status) => status.as_str().to_owned(),
        };
        let mut what = finding.title.clone();
        if let Some(doubt) = &finding.doubt {
            what = format!("in doubt: {doubt}");
        }
        if finding.apart {
            what = format!("headers only, counted apart; {what}");
        }
        [
            finding.severity.to_string(),
            finding.id.clone(),
            finding.package.clone(),
            finding.version.clone(),
            fix,
            what,
        ]
        .map(|text| harmless(&text))
        .to_vec()
    });
    table(&columns, rows, width)
}
