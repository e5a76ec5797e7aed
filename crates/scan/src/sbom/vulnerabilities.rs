//! What was found, as vulnerabilities of a CycloneDX document: one for each id, with the packages it affects.

use std::collections::BTreeMap;

use super::{
    bom::{Affected, AffectedVersion, Property, Rating, RatingSource, Vulnerability, property},
    document::Entry,
};
use crate::{Finding, Severity};

pub(super) fn vulnerabilities<'a>(
    findings: &'a [Finding],
    entries: &'a [Entry<'a>],
) -> Vec<Vulnerability<'a>> {
    let mut references: BTreeMap<(&str, &str), Vec<&Entry<'_>>> = BTreeMap::new();
    for entry in entries {
        let key = (entry.package.name.as_str(), entry.package.version.as_str());
        references.entry(key).or_default().push(entry);
    }
    let mut by_id: BTreeMap<&str, Vec<&'a Finding>> = BTreeMap::new();
    for finding in findings {
        by_id.entry(&finding.id).or_default().push(finding);
    }
    by_id
        .into_iter()
        .map(|(id, findings)| {
            let mut vulnerability = Vulnerability {
                id,
                ratings: Vec::new(),
                description: findings[0].title.as_str(),
                affects: Vec::new(),
                properties: Vec::new(),
            };
            for finding in findings {
                add(&mut vulnerability, finding, &references);
            }
            vulnerability
        })
        .collect()
}

fn add<'a>(
    vulnerability: &mut Vulnerability<'a>,
    finding: &'a Finding,
    references: &BTreeMap<(&str, &str), Vec<&'a Entry<'a>>>,
) {
    let rating = Rating {
        source: Some(RatingSource {
            name: &finding.severity_from,
        })
        .filter(|source| !source.name.is_empty()),
        severity: severity(finding.severity),
    };
    if !vulnerability.ratings.contains(&rating) {
        vulnerability.ratings.push(rating);
    }
    let key = (finding.package.as_str(), finding.version.as_str());
    let here = references.get(&key).map_or(&[][..], Vec::as_slice);
    // Several files may say that the same package is installed; a scanner that is not ours may not say
    // which of them it means.
    let same = |entry: &&&Entry<'_>| entry.package.found_in == finding.found_in;
    let meant: Vec<_> = match here.iter().any(|entry| same(&entry)) {
        true => here.iter().filter(same).collect(),
        false => here.iter().collect(),
    };
    for entry in meant {
        let known = |other: &Affected<'_>| other.reference == entry.reference;
        if !vulnerability.affects.iter().any(known) {
            vulnerability.affects.push(Affected {
                reference: &entry.reference,
                versions: [AffectedVersion {
                    version: &finding.version,
                    status: "affected",
                }],
            });
        }
    }
    let name = format!("{} {}", finding.package, finding.version);
    let mut say = |key: &str, value: String| {
        let known = |other: &Property| other.name == key && other.value == value;
        if !vulnerability.properties.iter().any(known) {
            vulnerability.properties.push(property(key, &value));
        }
    };
    for alias in &finding.aliases {
        say("longshore:alias", alias.clone());
    }
    say(
        "longshore:status",
        format!("{name}: {}", finding.status.as_str()),
    );
    if let Some(fixed_in) = &finding.fixed_in {
        say("longshore:fixed-in", format!("{name}: {fixed_in}"));
    }
    if let Some(doubt) = &finding.doubt {
        say("longshore:doubt", format!("{name}: {doubt}"));
    }
}

/// The word of CycloneDX for it.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Unknown => "unknown",
    }
}
