//! A pool.

use longshore_lifecycle::{PoolPart, PoolReport};

use super::{Document, Page, bytes, quantity::harmless, table::pairs};

impl Document for PoolReport {
    fn text(&self, _: &Page) -> String {
        let mut facts = vec![
            ("pool", self.name.clone()),
            ("state", self.state.to_owned()),
            ("device", harmless(&self.device.to_string_lossy())),
            ("data", part(&self.data)),
            ("metadata", part(&self.metadata)),
            ("blocks", bytes(self.block_bytes)),
        ];
        let below = match self.discards_below {
            true => "what is discarded is given back to what is below",
            false => "what is discarded stays the pool's",
        };
        facts.push(("discard", below.to_owned()));
        let full = match self.when_full {
            "queue" => "writes wait for room",
            _ => "writes fail at once",
        };
        facts.push(("when full", full.to_owned()));
        if let Some(transaction) = self.transaction {
            let at = match self.recorded_transaction == transaction {
                true => transaction.to_string(),
                false => format!("{transaction}, recorded {}", self.recorded_transaction),
            };
            facts.push(("transaction", at));
        }
        pairs(&facts)
    }

    fn word(&self) -> Option<String> {
        Some(self.name.clone())
    }
}

fn part(part: &PoolPart) -> String {
    let kind = match part.kind {
        "device" => "",
        "thick-file" => "preallocated file ",
        _ => "sparse file ",
    };
    let total = bytes(part.space.total_bytes);
    let room = match part.space.used_bytes {
        Some(used) => format!("{} of {total} used", bytes(used)),
        None => total,
    };
    format!("{kind}{}, {room}", harmless(&part.path.to_string_lossy()))
}
