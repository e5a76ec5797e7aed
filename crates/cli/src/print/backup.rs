//! A copy of the database, and what is in it.

use longshore_lifecycle::BackupReport;

use super::{Document, Page, bytes, quantity::harmless, table::pairs};

impl Document for BackupReport {
    fn text(&self, _: &Page) -> String {
        let held = format!(
            "{}, {}, {}",
            count(self.runs, "run"),
            count(self.images, "image"),
            count(self.machines, "machine"),
        );
        let pool = match &self.pool {
            None => "none".to_owned(),
            Some(pool) => format!(
                "{} at transaction {}",
                harmless(&pool.name),
                pool.transaction
            ),
        };
        let known = format!(
            "the names of {} and {}, and none of their bytes",
            count(self.volumes, "volume"),
            count(self.blobs, "blob")
        );
        pairs(&[
            ("file", harmless(&self.file.to_string_lossy())),
            ("size", bytes(self.bytes)),
            ("holds", held),
            ("pool", pool),
            ("knows", known),
        ])
    }

    fn word(&self) -> Option<String> {
        Some(self.file.display().to_string())
    }
}

fn count(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
