//! Where advisories come from.

use serde::{Deserialize, Serialize};

/// Where a shard's advisories come from: what its reader needs to judge their age, and its publisher's
/// licence asks to be said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdvisorySource {
    /// Its URL or path.
    pub location: String,
    /// When it was published, `YYYY-MM-DD`. Importers take the newest change of its records where this is
    /// empty.
    pub dated: String,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its licence and whom to name, where it has one.
    pub licence: String,
}

/// Whether this is a day: `YYYY-MM-DD`.
pub(super) fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}
