//! What an operator has decided to live with, for a while.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Finding;

/// A vulnerability that an operator has decided to live with, up to a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// What it is called; any of a finding's names will do.
    pub id: String,
    /// From when on it is worth nothing, in milliseconds since 1970.
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl Waiver {
    /// Whether it is about a finding, at a time.
    #[must_use]
    pub fn covers(&self, finding: &Finding, now: i64) -> bool {
        let named = |id: &str| id.eq_ignore_ascii_case(&self.id);
        now < self.until && (named(&finding.id) || finding.aliases.iter().any(|id| named(id)))
    }
}

/// Why a finding does not stand against an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Excuse {
    /// It is waived.
    Waiver(Waiver),
    /// A VEX document says that it does not matter here.
    Vex {
        /// `not_affected` or `fixed`.
        status: String,
        /// The justification, or the impact statement.
        reason: String,
    },
}

impl fmt::Display for Excuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiver(waiver) => write!(f, "waived by {}: {}", waiver.by, waiver.reason),
            Self::Vex { status, reason } if reason.is_empty() => write!(f, "VEX: {status}"),
            Self::Vex { status, reason } => write!(f, "VEX: {status}, {reason}"),
        }
    }
}

/// A finding that would stand against an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excused {
    /// What it is called.
    pub id: String,
    /// The package.
    pub package: String,
    /// Why it does not.
    pub excuse: Excuse,
}
