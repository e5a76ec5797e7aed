//! What `remove` took away, or would.

use longshore_lifecycle::Removed;
use serde::Serialize;

use super::{
    Document, Page, bytes,
    quantity::{harmless, short_digest},
};

/// What `remove` took away, or would.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RemovedReport {
    /// What was to be removed.
    pub(crate) target: String,
    /// Whether it was only asked what would be.
    pub(crate) dry_run: bool,
    /// What it was.
    #[serde(flatten)]
    pub(crate) removed: Removed,
}

impl Document for RemovedReport {
    fn text(&self, _: &Page) -> String {
        let verb = if self.dry_run {
            "would remove"
        } else {
            "removed"
        };
        let removed = &self.removed;
        let volumes = removed.volumes.iter().map(|id| ("volume", id.to_string()));
        let named = (removed
            .machines
            .iter()
            .map(|name| ("machine", name.clone())))
        .chain(removed.images.iter().map(|name| ("image", harmless(name))))
        .chain(volumes)
        .chain(
            removed
                .blobs
                .iter()
                .map(|digest| ("blob", short_digest(digest).to_owned())),
        );
        let mut text: String = named
            .map(|(kind, name)| format!("{verb} {kind} {name}\n"))
            .collect();
        if text.is_empty() {
            text = format!("{}: nothing to remove\n", harmless(&self.target));
        }
        if removed.freed_bytes > 0 {
            let verb = if self.dry_run { "would free" } else { "freed" };
            text.push_str(&format!("{verb} {}\n", bytes(removed.freed_bytes)));
        }
        text
    }

    fn word(&self) -> Option<String> {
        Some(self.target.clone())
    }
}
