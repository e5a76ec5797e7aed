//! How a fetch can fail.

use std::io::{self, ErrorKind};

use longshore_image::Digest;

use crate::{
    address::{Key, Origin},
    blob::DiskError,
    error::SourceError,
};

/// Why there is no proven blob. Several waiters may get the same failure, hence `Clone`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// The source did not give it. What has arrived is kept, unless the object has changed.
    #[error(transparent)]
    Source(#[from] SourceError),

    /// The local disk failed. What is durable is kept, unless it was a sync that failed.
    #[error(transparent)]
    Disk(#[from] DiskError),

    /// The bytes are not those that were expected; they are thrown away, unless another waiter
    /// wanted them whatever they are.
    #[error("{key} in {origin} has the digest {found}, not {expected}")]
    DigestMismatch {
        /// Where it came from.
        origin: Origin,
        /// The object.
        key: Key,
        /// What its digest was to be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },

    /// This handle was cancelled. What has arrived is kept.
    #[error("the fetch was cancelled")]
    Cancelled,

    /// The runtime that the fetch ran on was shut down, or it panicked. What is durable is kept.
    #[error("the fetch was abandoned by its runtime")]
    Abandoned,
}

impl FetchError {
    /// The failure of a fetch within the error of a [`Follower`](crate::Follower).
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Whether the local disk is full.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Disk(error) if error.is_disk_full())
    }

    /// Whether what has arrived is worth nothing.
    pub(super) fn spoils_partial(&self) -> bool {
        match self {
            Self::Source(SourceError::Changed { .. }) | Self::DigestMismatch { .. } => true,
            Self::Disk(error) => error.is_sync(),
            Self::Source(_) | Self::Cancelled | Self::Abandoned => false,
        }
    }

    /// Never `Interrupted`, which readers take as an invitation to go on.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Source(SourceError::NotFound { .. } | SourceError::NoSuchOrigin { .. }) => {
                ErrorKind::NotFound
            }
            Self::Source(SourceError::Denied { .. }) => ErrorKind::PermissionDenied,
            Self::Source(SourceError::Unavailable { .. }) => ErrorKind::TimedOut,
            Self::Source(_) | Self::DigestMismatch { .. } => ErrorKind::InvalidData,
            Self::Disk(error) => error.io().kind(),
            Self::Cancelled | Self::Abandoned => ErrorKind::ConnectionAborted,
        }
    }
}

impl From<FetchError> for io::Error {
    fn from(error: FetchError) -> Self {
        let kind = match error.kind() {
            ErrorKind::Interrupted => ErrorKind::Other,
            kind => kind,
        };
        Self::new(kind, error)
    }
}
