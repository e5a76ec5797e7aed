//! Turns in queues, as the journal tells them.

use std::collections::{BTreeMap, BTreeSet};

use crate::kill::asks::QUEUES;
use crate::kill::check::Told;
use crate::kill::journal::Row;

/// In a queue with one turn, runs of one priority begin in the order in which they were started.
pub(super) fn check_turns(journal: &[Row], told: &BTreeMap<u64, Told>) {
    let (queue, limit) = QUEUES[0];
    assert_eq!(limit, 1);
    let mut seen = BTreeSet::new();
    let mut last = BTreeMap::<i32, u64>::new();
    for row in journal.iter().filter(|row| row.what == "begun") {
        let terms = &told[&row.run].summary.terms;
        if terms.queue.as_deref() != Some(queue) || !seen.insert(row.run) {
            continue;
        }
        let before = last.insert(terms.priority, row.run);
        assert!(
            before.is_none_or(|before| before < row.run),
            "run {} had its turn after {before:?}",
            row.run
        );
    }
}

/// No more than the limit of a queue's runs are under way. A life that ends has none under way.
pub(super) fn check_limits(journal: &[Row], told: &BTreeMap<u64, Told>) {
    for (queue, limit) in QUEUES {
        let (mut under_way, mut most) = (BTreeSet::new(), 0);
        for row in journal {
            if row.what == "life" {
                under_way.clear();
                continue;
            }
            if told[&row.run].summary.terms.queue.as_deref() != Some(queue) {
                continue;
            }
            match row.what.as_str() {
                "begun" => drop(under_way.insert(row.run)),
                // Going back needs no turn, and one that is parked then has given it up.
                "undoing" | "ended" => drop(under_way.remove(&row.run)),
                _ => {}
            }
            assert!(under_way.len() <= limit, "{queue}: {under_way:?}");
            most = most.max(under_way.len());
        }
        assert_eq!(most, limit, "{queue}: never as many as may");
    }
}
