//! Machines that were made available or taken out of use.

use longshore_lifecycle::MachineReport;
use serde::Serialize;

use super::{Document, Page, quantity::harmless, table::pairs};

impl Document for MachineReport {
    fn text(&self, _: &Page) -> String {
        let mut facts = vec![("machine", self.name.clone())];
        if let Some(path) = &self.path {
            facts.push(("disk", harmless(path)));
        }
        pairs(&facts)
    }

    fn word(&self) -> Option<String> {
        Some(self.path.clone().unwrap_or_else(|| self.name.clone()))
    }
}

/// A machine that is out of use.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Deactivated {
    /// Its name.
    pub(crate) machine: String,
    /// Whether it was in use until now.
    pub(crate) changed: bool,
}

impl Document for Deactivated {
    fn text(&self, _: &Page) -> String {
        if self.changed {
            format!("{}: deactivated\n", self.machine)
        } else {
            format!("{}: was not active\n", self.machine)
        }
    }

    fn word(&self) -> Option<String> {
        Some(self.machine.clone())
    }
}
