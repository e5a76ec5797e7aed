//! Why a layer could not be applied: the archive, its reader, or the tree.

use std::io;

use crate::Rejected;
use crate::rules::MayReject;
use crate::tar::Fault;

/// Why [`apply`](crate::apply()) gave up. The tree is half done and has to be dropped.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E: std::error::Error + 'static> {
    /// The layer breaks a rule. The same bytes will break it again.
    #[error("the layer is rejected")]
    Rejected(#[source] Rejected),
    /// The reader of the stored bytes failed, or was told to stop.
    #[error("the stored layer cannot be read")]
    Read(#[source] io::Error),
    /// The tree failed.
    #[error("the filesystem under construction failed")]
    Tree(#[source] E),
}

impl<E: std::error::Error + 'static> From<Rejected> for ApplyError<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl<E: std::error::Error + 'static> ApplyError<E> {
    /// Says which entry it concerns, unless that is already said.
    pub(super) fn at(self, entry: &[u8]) -> Self {
        match self {
            Self::Rejected(rejected) => Self::Rejected(rejected.at(entry)),
            other => other,
        }
    }
}

impl<E: std::error::Error + 'static> MayReject for ApplyError<E> {
    fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Read(_) | Self::Tree(_) => None,
        }
    }
}

impl<E: std::error::Error + 'static> From<Fault> for ApplyError<E> {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Rejected(rejected) => Self::Rejected(rejected),
            Fault::Read(error) => Self::Read(error),
        }
    }
}
