//! What takes how much room.

use longshore_lifecycle::{PoolReport, Space, SpaceReport};
use serde::Serialize;

use super::{
    Document, Page, bytes,
    quantity::harmless,
    table::{Column, pairs, table},
};

/// What takes how much room, with the pool where there is one.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SpaceUsed {
    /// The pool.
    pub(crate) pool: Option<PoolReport>,
    /// The rest.
    #[serde(flatten)]
    pub(crate) report: SpaceReport,
}

impl Document for SpaceUsed {
    fn text(&self, page: &Page) -> String {
        let mut facts = Vec::new();
        if let Some(pool) = &self.pool {
            for (what, part) in [("pool data", &pool.data), ("pool metadata", &pool.metadata)] {
                let total = bytes(part.space.total_bytes);
                let text = match part.space.used_bytes {
                    Some(used) => format!("{} of {total} used", bytes(used)),
                    None => format!("{total}, down"),
                };
                facts.push((what, text));
            }
        }
        if let Some(available) = self.report.available_bytes {
            facts.push(("available", bytes(available)));
        }
        facts.push(("blobs", bytes(self.report.blob_bytes)));
        let images = self.report.images.iter();
        let images = images.map(|image| row("image", &image.image, &image.space));
        let machines = self.report.machines.iter();
        let machines = machines.map(|machine| row("machine", &machine.machine, &machine.space));
        let rows: Vec<_> = images.chain(machines).collect();
        let mut text = pairs(&facts);
        if !rows.is_empty() {
            let columns = [
                Column::words("KIND"),
                Column::words("NAME"),
                Column::quantities("TAKES"),
                Column::quantities("OF ITS OWN"),
            ];
            text.push('\n');
            text.push_str(&table(&columns, rows, page.width));
        }
        text
    }

    fn word(&self) -> Option<String> {
        self.report.available_bytes.map(|bytes| bytes.to_string())
    }
}

fn row(kind: &str, name: &str, space: &Space) -> Vec<String> {
    vec![
        kind.to_owned(),
        harmless(name),
        bytes(space.allocated_bytes),
        space.exclusive_bytes.map_or("-".to_owned(), bytes),
    ]
}
