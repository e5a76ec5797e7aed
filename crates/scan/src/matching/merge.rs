//! One finding for each vulnerability of a package, however many records are about it.

use std::collections::BTreeMap;

use super::hit::Hit;
use crate::finding::is_of_another_kernel;
use crate::version::compare;
use crate::{Finding, FixStatus, Package, Scheme, Severity};

/// What is known against a package, as findings: one for each CVE, or for each record that has none and is
/// not another name of one that has.
pub(super) fn findings(package: &Package, scheme: Scheme, hits: &[Hit<'_>]) -> Vec<Finding> {
    let names = Names::of(hits);
    let mut findings: BTreeMap<&str, Finding> = BTreeMap::new();
    let mut add = |id, hit: &Hit<'_>| match findings.get_mut(id) {
        Some(there) => merge(there, &Told::by(hit, id), scheme),
        None => drop(findings.insert(id, finding(package, id, hit))),
    };
    for hit in hits {
        match hit.entry.cves().next() {
            Some(_) => hit.entry.cves().for_each(|id| add(id, hit)),
            None => names.ids(hit).iter().for_each(|id| add(id, hit)),
        }
    }
    findings.into_values().collect()
}

/// The ids under which records are reported that have no CVE.
struct Names<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Names<'a> {
    /// Of records with CVEs under all their names first, so that a record without one is found to be another name
    /// of them.
    fn of(hits: &[Hit<'a>]) -> Self {
        let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let (with, without): (Vec<_>, Vec<_>) = hits
            .iter()
            .partition(|hit| hit.entry.cves().next().is_some());
        if without.is_empty() {
            return Self(names);
        }
        for hit in with {
            for name in all_names(hit) {
                names.entry(name).or_default().extend(hit.entry.cves());
            }
        }
        for hit in without {
            let known = all_names(hit).find_map(|name| names.get(name).cloned());
            let ids = known.unwrap_or_else(|| vec![hit.entry.id()]);
            for name in all_names(hit) {
                names.entry(name).or_insert_with(|| ids.clone());
            }
        }
        Self(names)
    }

    fn ids(&self, hit: &Hit<'a>) -> &[&'a str] {
        self.0.get(hit.entry.id()).map_or(&[], Vec::as_slice)
    }
}

fn all_names<'a>(hit: &Hit<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    [hit.entry.id()].into_iter().chain(hit.entry.aliases())
}

fn finding(package: &Package, id: &str, hit: &Hit<'_>) -> Finding {
    let (severity, severity_from) = hit.entry.severity();
    let source = package.source_name();
    let mut aliases: Vec<_> = all_names(hit)
        .filter(|name| *name != id)
        .map(str::to_owned)
        .collect();
    aliases.sort();
    aliases.dedup();
    Finding {
        purl: None,
        id: id.to_owned(),
        aliases,
        severity,
        severity_from: severity_from.to_owned(),
        package: package.name.clone(),
        version: package.version.clone(),
        source: (source != package.name).then(|| source.to_owned()),
        found_in: package.found_in.clone(),
        status: hit.status(),
        fixed_in: hit.fixed_in.map(str::to_owned),
        title: hit.entry.title().to_owned(),
        doubt: hit.doubt.clone(),
        apart: is_of_another_kernel(&package.name),
    }
}

/// What one more record tells of something that is found already.
pub(super) struct Told<'a> {
    names: Vec<&'a str>,
    severity: Severity,
    severity_from: &'a str,
    fixed_in: Option<&'a str>,
    is_certain: bool,
    title: &'a str,
}

impl<'a> Told<'a> {
    fn by(hit: &Hit<'a>, id: &str) -> Self {
        let (severity, severity_from) = hit.entry.severity();
        Self {
            names: all_names(hit).filter(|name| *name != id).collect(),
            severity,
            severity_from,
            fixed_in: hit.fixed_in,
            is_certain: hit.doubt.is_none(),
            title: hit.entry.title(),
        }
    }

    /// By what was found of the same package in another place.
    pub(super) fn again(finding: &'a Finding) -> Self {
        Self {
            names: finding.aliases.iter().map(String::as_str).collect(),
            severity: finding.severity,
            severity_from: &finding.severity_from,
            fixed_in: finding.fixed_in.as_deref(),
            is_certain: finding.doubt.is_none(),
            title: &finding.title,
        }
    }
}

/// Of two records about the same: the worse severity, the version that has the fixes of both, and no doubt if
/// one is certain.
pub(super) fn merge(there: &mut Finding, told: &Told<'_>, scheme: Scheme) {
    for name in &told.names {
        if let Err(at) = there.aliases.binary_search_by(|one| one.as_str().cmp(name)) {
            there.aliases.insert(at, (*name).to_owned());
        }
    }
    if told.severity > there.severity {
        there.severity = told.severity;
        told.severity_from.clone_into(&mut there.severity_from);
    }
    let later = match (&there.fixed_in, told.fixed_in) {
        (Some(a), Some(b)) => compare(scheme, b, a).is_ok_and(std::cmp::Ordering::is_gt),
        (there, told) => there.is_none() && told.is_some(),
    };
    if later {
        there.fixed_in = told.fixed_in.map(str::to_owned);
        there.status = FixStatus::Fixed;
    }
    if told.is_certain {
        there.doubt = None;
    }
    if there.title.is_empty() {
        told.title.clone_into(&mut there.title);
    }
}

/// The worst first, and then by what they are.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let worse = b.severity.cmp(&a.severity);
        worse.then_with(|| (&a.id, &a.package, &a.version).cmp(&(&b.id, &b.package, &b.version)))
    });
}
