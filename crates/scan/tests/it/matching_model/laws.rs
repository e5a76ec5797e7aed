//! What must hold for any inventory and any records.

use longshore_scan::{
    Advisories, AdvisorySource, Ecosystem, FixStatus, Inventory, Matched, PackageKind, Stream,
    end_of_life, import_osv, match_inventory,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use super::{
    drawn::case,
    model::{Found, model},
    published::{Record, System},
};
use crate::sample::{os, package as plain_package};

/// 2026-11-20T00:00:00Z, and the day on which the advisories are published.
pub(super) const NOW: i64 = 1_795_132_800_000;
const DAY: i64 = 24 * 60 * 60 * 1000;
const PUBLISHED: &str = "2026-11-19";
pub(super) const MAX_AGE: u64 = 30;

pub(super) fn source() -> AdvisorySource {
    AdvisorySource {
        location: "a test".to_owned(),
        dated: PUBLISHED.to_owned(),
        ..AdvisorySource::default()
    }
}

fn advisories(system: System, records: &[Record]) -> Advisories {
    let files: Vec<_> = records
        .iter()
        .map(|record| (record.id.as_str(), record.json(system)))
        .collect();
    let files = files.iter().map(|(id, json)| (*id, json.as_slice()));
    let imported = import_osv(files, &source()).unwrap();
    assert_eq!(imported.report.bad, 0, "{:?}", imported.report.skipped);
    imported.shards.into_iter().collect()
}

fn matched(system: System, inventory: &Inventory, records: &[Record]) -> Matched {
    match_inventory(inventory, &advisories(system, records), NOW, MAX_AGE)
}

fn found(matched: &Matched) -> Result<Found, TestCaseError> {
    let mut found = Found::new();
    for finding in &matched.findings {
        let status = match &finding.fixed_in {
            Some(_) => FixStatus::Fixed,
            None => FixStatus::Affected,
        };
        prop_assert_eq!(finding.status, status);
        prop_assert_eq!(&finding.doubt, &None);
        let key = (
            finding.id.clone(),
            finding.package.clone(),
            finding.version.clone(),
        );
        prop_assert!(
            found.insert(key, finding.fixed_in.clone()).is_none(),
            "{:?} twice",
            finding
        );
    }
    Ok(found)
}

proptest! {
    #[test]
    fn what_is_found_is_what_the_model_finds((system, inventory, records) in case()) {
        let matched = matched(system, &inventory, &records);
        prop_assert_eq!(found(&matched)?, model(system, &inventory, &records));
        prop_assert!(matched.coverage.is_complete(), "{:?}", matched.coverage);
    }

    #[test]
    fn what_is_about_nothing_that_is_installed_changes_nothing((system, inventory, records) in case()) {
        let before = matched(system, &inventory, &records);
        let mut more = records.clone();
        let mut other = records[0].clone();
        other.id = "ALSA-2026:other".to_owned();
        other.affected.iter_mut().for_each(|affected| affected.package = "unrelated");
        more.push(other);
        let after = matched(system, &inventory, &more);
        prop_assert_eq!(before.findings, after.findings);
        prop_assert_eq!(before.coverage, after.coverage);
    }

    #[test]
    fn the_order_of_records_changes_nothing(
        ((system, inventory, records), shuffled) in case().prop_flat_map(|case| {
            let shuffled = Just(case.2.clone()).prop_shuffle();
            (Just(case), shuffled)
        })
    ) {
        // The digest of the advisories is among what is equal.
        prop_assert_eq!(matched(system, &inventory, &records), matched(system, &inventory, &shuffled));
    }

    #[test]
    fn without_a_package_exactly_its_findings_are_gone(
        (system, inventory, records) in case(),
        which in any::<prop::sample::Index>(),
    ) {
        let mut less = inventory.clone();
        let gone = less.packages.remove(which.index(less.packages.len()));
        let mut expected = matched(system, &inventory, &records).findings;
        expected.retain(|finding| (&finding.package, &finding.version) != (&gone.name, &gone.version));
        prop_assert_eq!(matched(system, &less, &records).findings, expected);
    }

    #[test]
    fn what_is_newer_than_every_fix_has_nothing_that_is_fixed((system, mut inventory, records) in case()) {
        for package in &mut inventory.packages {
            let newest = if package.module.is_some() { system.modular } else { system.versions };
            package.version = (*newest.last().unwrap()).to_owned();
            if let Some(source) = &mut package.source {
                source.version = (*system.versions.last().unwrap()).to_owned();
            }
        }
        for finding in matched(system, &inventory, &records).findings {
            prop_assert_ne!(finding.status, FixStatus::Fixed, "{:?}", finding);
        }
    }

    #[test]
    fn coverage_is_complete_exactly_where_every_package_was_held_against_fresh_advisories(
        release in select(&["12", "10"][..]),
        kinds in vec(select(&[PackageKind::Deb, PackageKind::Go, PackageKind::Rpm][..]), 0..4),
        known in prop::sample::subsequence(&["Debian:12", "Debian:10", "Go"][..], 0..=3),
        days in 0_i64..60,
    ) {
        let packages: Vec<_> = kinds.iter().map(|kind| plain_package(*kind, "a", "1.0")).collect();
        let inventory = Inventory::new(Some(os("debian", release)), packages, Vec::new(), 0);
        let debian = Stream::new(Ecosystem::Debian, release);
        let records = known.iter().enumerate().map(|(nth, ecosystem)| {
            let affected = json!([{
                "package": {"ecosystem": ecosystem, "name": "a"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }]);
            (format!("X-{nth}"), json!({"id": format!("X-{nth}"), "affected": affected}).to_string())
        });
        let records: Vec<_> = records.collect();
        let files = records.iter().map(|(id, json)| (id.as_str(), json.as_bytes()));
        let advisories: Advisories = match records.is_empty() {
            true => Advisories::new(),
            false => import_osv(files, &source()).unwrap().shards.into_iter().collect(),
        };
        let now = NOW + (days - 1) * DAY;
        let matched = match_inventory(&inventory, &advisories, now, MAX_AGE);
        let is_held = |kind: &PackageKind| match kind {
            PackageKind::Deb => advisories.of(&debian).is_some(),
            PackageKind::Go => advisories.of(&Stream::new(Ecosystem::Go, "")).is_some(),
            _ => false,
        };
        let has_ended = end_of_life(&debian).unwrap() < PUBLISHED;
        let expected = !kinds.is_empty()
            && kinds.iter().all(is_held)
            && u64::try_from(days).unwrap() <= MAX_AGE
            && !has_ended;
        prop_assert_eq!(matched.coverage.is_complete(), expected, "{:?}", matched.coverage);
    }
}
