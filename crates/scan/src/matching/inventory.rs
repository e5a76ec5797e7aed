//! Holds an inventory against advisories, and says how much of it could be.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::hit::hits;
use super::merge::{Told, findings, merge, sort};
use crate::advisory::{Advisories, Shard, end_of_life};
use crate::day::{begins_after, day_of, days_since};
use crate::package_url;
use crate::version::check;
use crate::{
    AdvisoriesUsed, Coverage, Finding, Inventory, Os, Package, PackageKind, Reason, Scheme, Stream,
};

/// How many packages are named where a reason is about many.
const EXAMPLES: usize = 5;

/// What is known against what is installed, and how much of that could be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// What was found, the worst first: one for each vulnerability of each version of a package.
    pub findings: Vec<Finding>,
    /// How much was held against advisories, and why that is not all.
    pub coverage: Coverage,
    /// From when on that is out of date, where it is complete, in milliseconds since 1970.
    pub covered_until: Option<i64>,
    /// The advisories.
    pub used: Vec<AdvisoriesUsed>,
}

/// Holds what is installed against what is known of it.
///
/// It is `now_ms` (milliseconds since 1970), and advisories that are older than `max_age_days` make the
/// coverage partial, as does whatever the inventory itself says that it lacks.
#[must_use]
pub fn match_inventory(
    inventory: &Inventory,
    advisories: &Advisories,
    now_ms: i64,
    max_age_days: u64,
) -> Matched {
    let os_stream = inventory.os.as_ref().and_then(Os::stream);
    let os_stream = os_stream.as_ref();
    let mut streams: BTreeMap<Stream, u64> = BTreeMap::new();
    let mut found: BTreeMap<(&str, &str), BTreeMap<String, Finding>> = BTreeMap::new();
    let mut in_doubt = Vec::new();
    let mut of_no_stream = 0u64;
    for package in &inventory.packages {
        let Some(stream) = stream(package, os_stream) else {
            of_no_stream += 1;
            continue;
        };
        let scheme = stream.ecosystem.scheme();
        let Some(shard) = advisories.of(&stream) else {
            *streams.entry(stream).or_default() += 1;
            continue;
        };
        let (name, version) = match stream.ecosystem.by_source() {
            true => (package.source_name(), package.source_version()),
            false => (package.name.as_str(), package.version.as_str()),
        };
        let hits = hits(shard, name, version, package.module.as_deref());
        if check(scheme, version).is_err() || hits.iter().any(|hit| hit.doubt.is_some()) {
            in_doubt.push(format!("{} {}", package.name, package.version));
        }
        if !hits.is_empty() {
            let purl = package_url(package, inventory.os.as_ref());
            let there = found.entry((&package.name, &package.version)).or_default();
            for mut finding in findings(package, scheme, &hits) {
                finding.purl.clone_from(&purl);
                match there.get_mut(&finding.id) {
                    Some(there) => merge(there, &Told::again(&finding), scheme),
                    None => drop(there.insert(finding.id.clone(), finding)),
                }
            }
        }
        *streams.entry(stream).or_default() += 1;
    }
    let mut reasons = inventory.gaps.clone();
    let os_is_explained =
        |reason: &Reason| matches!(reason, Reason::OsUnknown | Reason::OsUnsupported { .. });
    if of_no_stream > 0 && !reasons.iter().any(os_is_explained) {
        let os = inventory.os.as_ref().map(|os| os.name.clone());
        reasons.push(os.map_or(Reason::OsUnknown, |os| Reason::OsUnsupported { os }));
    }
    if !in_doubt.is_empty() {
        reasons.push(doubts(in_doubt));
    }
    let today = day_of(now_ms);
    reasons.extend(os_stream.and_then(|stream| ended(stream, today)));
    let mut used = Vec::new();
    for (stream, packages) in streams {
        match advisories.of(&stream) {
            Some(shard) => {
                reasons.extend(old(shard, today, max_age_days));
                used.push(AdvisoriesUsed::of(&stream, shard.dated(), shard.digest()));
            }
            None => reasons.push(Reason::AdvisoriesMissing { stream, packages }),
        }
    }
    reasons.sort();
    reasons.dedup();
    let found = found.into_values();
    let mut findings: Vec<_> = found.flat_map(BTreeMap::into_values).collect();
    sort(&mut findings);
    let coverage = Coverage::of(reasons, !used.is_empty());
    Matched {
        findings,
        covered_until: match coverage.is_complete() {
            true => covered_until(&used, os_stream, max_age_days),
            false => None,
        },
        coverage,
        used,
    }
}

/// The stream whose advisories are about a package: of its language, or of the operating system if that
/// installs packages of this kind.
fn stream(package: &Package, os_stream: Option<&Stream>) -> Option<Stream> {
    if let Some(language) = package.kind.language() {
        return Some(Stream::new(language, ""));
    }
    let scheme = match package.kind {
        PackageKind::Apk => Scheme::Apk,
        PackageKind::Deb => Scheme::Dpkg,
        PackageKind::Rpm => Scheme::Rpm,
        PackageKind::Go => return None,
    };
    os_stream
        .filter(|stream| stream.ecosystem.scheme() == scheme)
        .cloned()
}

fn doubts(mut packages: Vec<String>) -> Reason {
    packages.sort();
    packages.dedup();
    let count = packages.len() as u64;
    packages.truncate(EXAMPLES);
    Reason::VersionsInDoubt {
        count,
        examples: packages,
    }
}

fn ended(stream: &Stream, today: Date) -> Option<Reason> {
    let end = end_of_life(stream)?;
    (days_since(end, today)? > 0).then(|| Reason::OsEndOfLife {
        stream: stream.clone(),
        ended: end.to_owned(),
    })
}

fn old(shard: &Shard, today: Date, max_age_days: u64) -> Option<Reason> {
    let days = days_since(shard.dated(), today).unwrap_or(u64::MAX);
    (days > max_age_days).then(|| Reason::AdvisoriesOld {
        stream: shard.stream().clone(),
        dated: shard.dated().to_owned(),
        days,
        allowed: max_age_days,
    })
}

/// From when on a complete coverage is out of date: with the first day on which one of the advisories is too
/// old, or the operating system gets none any more.
fn covered_until(
    used: &[AdvisoriesUsed],
    os_stream: Option<&Stream>,
    max_age_days: u64,
) -> Option<i64> {
    let too_old = used
        .iter()
        .filter_map(|used| begins_after(&used.dated, max_age_days.saturating_add(1)));
    let ended = os_stream
        .and_then(end_of_life)
        .and_then(|end| begins_after(end, 1));
    too_old.chain(ended).min()
}
