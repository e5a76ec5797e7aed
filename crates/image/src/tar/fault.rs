//! Why no more of an archive can be read: what it says, or whoever reads it.

use std::io;

use crate::Rejected;
use crate::rules::MayReject;

/// Why reading an archive stopped.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It breaks a rule.
    Rejected(Rejected),
    /// The reader of the stored bytes failed.
    Read(io::Error),
}

impl Fault {
    /// Says which entry it concerns, unless that is already said.
    pub(crate) fn at(self, entry: &[u8]) -> Self {
        match self {
            Self::Rejected(rejected) => Self::Rejected(rejected.at(entry)),
            read @ Self::Read(_) => read,
        }
    }
}

impl MayReject for Fault {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Read(_) => None,
        }
    }
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}
