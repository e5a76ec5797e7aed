//! Errors of the local disk.

use std::{fmt, io, sync::Arc};

/// The local disk failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{doing} {name} in the blob store failed")]
pub struct DiskError {
    doing: Doing,
    name: String,
    source: Arc<io::Error>,
}

/// What was being done when the disk failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Creating,
    Listing,
    Opening,
    Reading,
    Removing,
    Renaming,
    Syncing,
    Writing,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Creating => "creating",
            Self::Listing => "listing",
            Self::Opening => "opening",
            Self::Reading => "reading",
            Self::Removing => "removing",
            Self::Renaming => "renaming",
            Self::Syncing => "syncing",
            Self::Writing => "writing",
        })
    }
}

impl DiskError {
    /// Whether the filesystem (or a quota on it) is full.
    pub fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self.source.kind(), StorageFull | QuotaExceeded)
    }

    /// What the operating system said.
    pub fn io(&self) -> &io::Error {
        &self.source
    }

    /// Whether a sync failed: then nothing written since the last one may be believed, and
    /// syncing the same file again proves nothing.
    pub(crate) fn is_sync(&self) -> bool {
        self.doing == Doing::Syncing
    }
}

/// Adds what was being done to what the operating system says: for `map_err`.
pub(crate) fn failed(doing: Doing, name: &str) -> impl FnOnce(io::Error) -> DiskError {
    move |source| DiskError {
        doing,
        name: name.to_owned(),
        source: Arc::new(source),
    }
}
