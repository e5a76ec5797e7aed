//! The model: what is known against each package, told from the events of each record.

use std::{cmp::Ordering, collections::BTreeMap};

use longshore_scan::{Inventory, compare_versions};

use super::published::{Affected, Record, System, stream};

/// What was found: the version with the fix, by id, package and version.
pub(super) type Found = BTreeMap<(String, String, String), Option<String>>;

pub(super) fn order(system: System, a: &str, b: &str) -> Ordering {
    // Where it is introduced, `0` stands before everything.
    match (a == "0", b == "0") {
        (false, false) => compare_versions(stream(system).ecosystem.scheme(), a, b).unwrap(),
        (a, b) => b.cmp(&a),
    }
}

/// Whether a version is vulnerable, and if so, where the fix of that is.
pub(super) fn says(
    system: System,
    affected: &Affected,
    version: &str,
) -> Option<Option<&'static str>> {
    let mut events = affected.events.clone();
    events.sort_by(|a, b| order(system, a.at, b.at));
    let mut vulnerable = false;
    for event in &events {
        match (event.what, order(system, event.at, version)) {
            ("introduced", Ordering::Less | Ordering::Equal) => vulnerable = true,
            ("fixed", Ordering::Less | Ordering::Equal) | ("last_affected", Ordering::Less) => {
                vulnerable = false;
            }
            ("fixed", _) if vulnerable => return Some(Some(event.at)),
            ("last_affected", _) if vulnerable => return Some(None),
            _ => {}
        }
    }
    let is_named = affected
        .versions
        .iter()
        .any(|one| order(system, one, version).is_eq());
    (vulnerable || is_named).then_some(None)
}

pub(super) fn is_modular(version: &str) -> bool {
    version.contains(".module_el")
}

pub(super) fn model(system: System, inventory: &Inventory, records: &[Record]) -> Found {
    let mut found = Found::new();
    for package in &inventory.packages {
        let (name, version) = match &package.source {
            Some(source) if system.by_source => (&source.name, &source.version),
            _ => (&package.name, &package.version),
        };
        for record in records.iter().filter(|record| !record.withdrawn) {
            for affected in record
                .affected
                .iter()
                .filter(|affected| affected.package == name)
            {
                let modular = affected.events.iter().any(|event| is_modular(event.at));
                let about = record.module.filter(|_| modular);
                let label = package.module.as_deref();
                if label.map(|label| &label[.."m:1".len()]) != about {
                    continue;
                }
                let Some(fixed) = says(system, affected, version) else {
                    continue;
                };
                let own = [record.id.as_str()];
                let ids = if record.cves.is_empty() {
                    &own[..]
                } else {
                    &record.cves[..]
                };
                for id in ids {
                    let key = (
                        (*id).to_owned(),
                        package.name.clone(),
                        package.version.clone(),
                    );
                    let there = found.entry(key).or_default();
                    let is_later = |there: &String| {
                        fixed.is_some_and(|fixed| order(system, fixed, there).is_gt())
                    };
                    if there.as_ref().is_none_or(is_later) {
                        *there = fixed.map(str::to_owned);
                    }
                }
            }
        }
    }
    found
}
