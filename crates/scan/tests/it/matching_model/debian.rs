//! What Debian's tracker says, and what becomes of it by its status.

use longshore_scan::{Advisories, FixStatus, import_tracker, match_inventory};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    drawn::inventory,
    laws::{MAX_AGE, NOW, source},
    model::order,
    published::{NAMES, SYSTEMS},
};
use crate::sample::os;

/// What Debian's tracker says of one vulnerability in one release, and what becomes of it by scan.md.
fn debian_state() -> impl Strategy<Value = (Value, Option<(Option<&'static str>, FixStatus)>)> {
    let fixed = select(SYSTEMS[0].versions);
    prop_oneof![
        Just((json!({"status": "open"}), Some((None, FixStatus::Affected)))),
        Just((
            json!({"status": "open", "nodsa": "Minor issue"}),
            Some((None, FixStatus::WillNotFix))
        )),
        Just((
            json!({"status": "open", "nodsa": "", "nodsa_reason": "postponed"}),
            Some((None, FixStatus::FixDeferred))
        )),
        Just((
            json!({"status": "open", "urgency": "end-of-life"}),
            Some((None, FixStatus::EndOfLife))
        )),
        Just((json!({"status": "undetermined"}), None)),
        Just((json!({"status": "resolved", "fixed_version": "0"}), None)),
        fixed.prop_map(|fixed| (
            json!({"status": "resolved", "fixed_version": fixed}),
            Some((Some(fixed), FixStatus::Fixed))
        )),
    ]
}

proptest! {
    #[test]
    fn what_debian_says_of_a_vulnerability_is_what_is_found(
        states in vec((select(&NAMES[..]), debian_state()), 1..8),
        mut inventory in inventory(SYSTEMS[0]),
    ) {
        inventory.os = Some(os("debian", "12"));
        let mut tracker = json!({});
        for (nth, (name, (state, _))) in states.iter().enumerate() {
            tracker[name][format!("CVE-2026-{nth}")] = json!({"releases": {"bookworm": state}});
        }
        let imported = import_tracker(tracker.to_string().as_bytes(), &source()).unwrap();
        let advisories: Advisories = imported.shards.into_iter().collect();
        let mut expected = Vec::new();
        for package in &inventory.packages {
            for (nth, (name, (_, becomes))) in states.iter().enumerate() {
                let is_vulnerable = |fixed: Option<&str>| {
                    fixed.is_none_or(|fixed| order(SYSTEMS[0], package.source_version(), fixed).is_lt())
                };
                if let Some((fixed, status)) = becomes
                    && *name == package.source_name()
                    && is_vulnerable(*fixed)
                {
                    let id = format!("CVE-2026-{nth}");
                    expected.push((id, package.name.clone(), package.version.clone(), *status));
                }
            }
        }
        expected.sort();
        let findings = match_inventory(&inventory, &advisories, NOW, MAX_AGE).findings;
        let mut found: Vec<_> = findings
            .into_iter()
            .map(|finding| (finding.id, finding.package, finding.version, finding.status))
            .collect();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}
