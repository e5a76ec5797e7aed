//! All cases, each held against what the table says of it.

use std::collections::{BTreeMap, BTreeSet};

use longshore_image::Code;

use super::case::{Case, Expected};
use super::{
    acls, compression, devices, ends, headers, limits, links, metadata, names, parents, pax,
    sparse, types, whiteouts, xattrs, zstd,
};

pub(crate) fn all() -> Vec<Case> {
    [
        ends::cases(),
        compression::cases(),
        headers::cases(),
        types::cases(),
        metadata::cases(),
        pax::cases(),
        sparse::cases(),
        names::cases(),
        parents::cases(),
        links::cases(),
        whiteouts::cases(),
        xattrs::cases(),
        acls::cases(),
        devices::cases(),
        zstd::cases(),
        limits::cases(),
    ]
    .concat()
}

#[test]
fn every_case_is_what_the_table_says() {
    let mut wrong = Vec::new();
    for case in all() {
        let (expected, found) = (case.outcome(), case.run());
        if expected != found {
            wrong.push(format!(
                "{}:\n  expected {expected:?}\n  found    {found:?}",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_cases_that_its_rule_alone_rejects() {
    let mut alone: BTreeMap<Code, (u32, u32)> = BTreeMap::new();
    for case in all() {
        if let Expected::Rejected {
            code, otherwise, ..
        } = case.expected
        {
            let (cases, lonely) = alone.entry(code).or_default();
            *cases += 1;
            *lonely += u32::from(otherwise.is_none());
        }
    }
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| {
            let (cases, lonely) = alone.get(code).copied().unwrap_or_default();
            cases < 2 || lonely < 2
        })
        .map(|code| (code, alone.get(code)))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_counter_has_a_case_that_is_accepted() {
    let mut counted = BTreeSet::new();
    let mut counters = BTreeSet::new();
    for case in all() {
        if let Expected::Accepted { counters: it, .. } = case.expected {
            for (name, count) in serde_json::to_value(it).unwrap().as_object().unwrap() {
                counters.insert(name.clone());
                if count != 0 {
                    counted.insert(name.clone());
                }
            }
        }
    }
    assert_eq!(counted, counters);
}

#[test]
fn the_table_is_large_and_no_two_cases_have_one_name() {
    let cases = all();
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    let twice: Vec<_> = names
        .iter()
        .filter(|name| cases.iter().filter(|case| case.name == ***name).count() > 1)
        .collect();
    assert!(twice.is_empty(), "{twice:?}");
    let rejected = cases.iter().filter(|case| case.code().is_some()).count();
    println!(
        "{} cases: {rejected} rejected, {} accepted",
        cases.len(),
        cases.len() - rejected
    );
    assert!(cases.len() >= 250, "{}", cases.len());
}
