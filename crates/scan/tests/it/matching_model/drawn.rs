//! Inventories and records, drawn at random from few names and versions, so that they have much in common.

use longshore_scan::{Inventory, Package, PackageKind};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    model::is_modular,
    published::{Affected, CVES, Event, NAMES, Record, STREAMS, SYSTEMS, System},
};
use crate::sample::{built_from, os, package as plain_package};

fn affected(system: System, modular: bool) -> impl Strategy<Value = Affected> {
    let versions = if modular {
        system.modular
    } else {
        system.versions
    };
    let event = (
        select(&["introduced", "fixed", "last_affected"][..]),
        select(versions),
    );
    let event = event.prop_map(|(what, at)| Event { what, at });
    let first = prop_oneof![Just("0"), select(versions)];
    let others = (vec(event, 0..4), first, any::<prop::sample::Index>());
    (
        select(&NAMES[..]),
        others,
        vec(select(system.versions), 0..2),
    )
        .prop_map(move |(package, (mut events, first, place), versions)| {
            // A range without a version from which on it is vulnerable is refused.
            let introduced = Event {
                what: "introduced",
                at: first,
            };
            events.insert(place.index(events.len() + 1), introduced);
            // That something is of a module is told by its fix.
            let fixed = modular.then(|| fix_of_a_module(system));
            events.extend(fixed);
            // Where one span ends with the version with which the next begins, nobody says which of the two has
            // the fix: no publisher writes that.
            let begins: Vec<_> = events
                .iter()
                .filter(|event| event.what == "introduced")
                .map(|event| event.at)
                .collect();
            events.retain(|event| event.what != "last_affected" || !begins.contains(&event.at));
            Affected {
                package,
                events,
                versions,
            }
        })
}

/// The last of a module's versions as a fix.
fn fix_of_a_module(system: System) -> Event {
    let last = system.modular.last().unwrap();
    Event {
        what: "fixed",
        at: last,
    }
}

fn record(system: System) -> impl Strategy<Value = Record> {
    let modules = if system.modular.is_empty() {
        Just(None).boxed()
    } else {
        prop::option::of(select(&STREAMS[..])).boxed()
    };
    let one = modules.prop_flat_map(move |module| {
        let affected = affected(system, module.is_some());
        (Just(module), vec(affected, 1..4))
    });
    let cves = prop::sample::subsequence(&CVES[..], 0..=2);
    (one, cves, prop::bool::weighted(0.2)).prop_map(|((module, affected), cves, withdrawn)| {
        Record {
            id: String::new(),
            cves,
            withdrawn,
            module,
            affected,
        }
    })
}

/// Records with ids, the first of which stands, so that there are advisories at all.
fn records(system: System) -> impl Strategy<Value = Vec<Record>> {
    vec(record(system), 1..8).prop_map(|mut records| {
        records[0].withdrawn = false;
        for (nth, record) in records.iter_mut().enumerate() {
            record.id = format!("ALSA-2026:{nth}");
        }
        records
    })
}

fn package(system: System) -> impl Strategy<Value = Package> {
    let all = [system.versions, system.modular].concat();
    let label =
        prop::sample::select(&STREAMS[..]).prop_map(|stream| format!("{stream}:8060020:ad"));
    let built = prop::option::of((select(&NAMES[..]), select(system.versions)));
    (select(&NAMES[..]), select(all), label, built).prop_map(
        move |(name, version, label, built)| {
            let mut package = plain_package(system.kind, name, version);
            package.module = is_modular(version).then_some(label);
            match built {
                Some((name, version)) if system.kind != PackageKind::Go => {
                    built_from(package, name, version)
                }
                _ => package,
            }
        },
    )
}

pub(super) fn inventory(system: System) -> impl Strategy<Value = Inventory> {
    vec(package(system), 1..8).prop_map(move |mut packages| {
        // Findings name a package by name and version, so that those of two would be told together.
        let mut seen = std::collections::BTreeSet::new();
        packages.retain(|package| seen.insert((package.name.clone(), package.version.clone())));
        let os = (!system.id.is_empty()).then(|| os(system.id, system.version));
        Inventory::new(os, packages, Vec::new(), 0)
    })
}

pub(super) fn case() -> impl Strategy<Value = (System, Inventory, Vec<Record>)> {
    let of = |system| (Just(system), inventory(system), records(system));
    select(&SYSTEMS[..]).prop_flat_map(of)
}
