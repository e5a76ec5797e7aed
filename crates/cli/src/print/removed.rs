//! What `remove` took away, or would.

use longshore_lifecycle::{Failure, Removed};
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
        listed(&self.removed, self.dry_run, &self.target)
    }

    fn word(&self) -> Option<String> {
        Some(self.target.clone())
    }
}

/// What `cleanup` took away, or would, and what stayed because it is in use.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CleanupReport {
    /// Whether it was only asked what would be.
    pub(crate) dry_run: bool,
    /// What it was.
    #[serde(flatten)]
    pub(crate) removed: Removed,
    /// Machines whose time is over and that could not be removed.
    pub(crate) in_use: Vec<Failure>,
}

impl Document for CleanupReport {
    fn text(&self, _: &Page) -> String {
        listed(&self.removed, self.dry_run, "cleanup")
    }

    fn word(&self) -> Option<String> {
        let names = self.removed.machines.join("\n");
        (!names.is_empty()).then_some(names)
    }
}

fn listed(removed: &Removed, dry_run: bool, target: &str) -> String {
    let verb = if dry_run { "would remove" } else { "removed" };
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
        text = format!("{}: nothing to remove\n", harmless(target));
    }
    if removed.freed_bytes > 0 {
        let verb = if dry_run { "would free" } else { "freed" };
        text.push_str(&format!("{verb} {}\n", bytes(removed.freed_bytes)));
    }
    text
}
