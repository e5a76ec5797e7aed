//! The inventory as it is kept: canonical, so that equal filesystems have equal records.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Os, Package};
use crate::{Reason, Stream};

/// The version of the record. What was read by an older one is read again.
pub const INVENTORY_FORMAT: u32 = 1;

/// What is in a root filesystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// [`INVENTORY_FORMAT`] of whoever wrote it.
    pub format: u32,
    /// The operating system, where something says what it is.
    pub os: Option<Os>,
    /// Its packages in their order, each once.
    pub packages: Vec<Package>,
    /// What is missing, in its order, each once.
    pub gaps: Vec<Reason>,
    /// Executables that were looked into because there is no operating system to explain them.
    pub executables: u64,
}

impl Inventory {
    /// The record of what was found, in its canonical order.
    #[must_use]
    pub fn new(
        os: Option<Os>,
        mut packages: Vec<Package>,
        mut gaps: Vec<Reason>,
        executables: u64,
    ) -> Self {
        packages.sort();
        packages.dedup();
        gaps.sort();
        gaps.dedup();
        Self {
            format: INVENTORY_FORMAT,
            os,
            packages,
            gaps,
            executables,
        }
    }

    /// The streams whose advisories are about what is in it.
    #[must_use]
    pub fn streams(&self) -> BTreeSet<Stream> {
        let os = self.os.as_ref().and_then(Os::stream);
        let languages = self
            .packages
            .iter()
            .filter_map(|package| package.kind.language());
        let languages = languages.map(|ecosystem| Stream::new(ecosystem, ""));
        languages.chain(os).collect()
    }
}
