//! From the errors of the parts to what a person reads: one place, so that one kind of trouble has
//! one code, one class and one hint wherever it strikes.

use std::{error::Error, io, time::Instant};

use longshore_fsm::{
    RecordError, StepError,
    store::{CommitError, OpenError, StoreError, WriteError, WriteRefused},
};
use longshore_image::{ApplyError, Rejected};
use longshore_source::{
    ConnectError, DiskError as BlobError, DocumentError, FetchError, ListError, PartialError,
    SourceError,
};
use longshore_volume::VolumeError;

use crate::{Class, Failure, failure::causes, join::DiskTreeError, unpacking::TreeTrouble};

/// An error of one of the parts.
pub(crate) trait Trouble: Sized {
    /// As a person reads it.
    fn failure(self) -> Failure;

    /// As a step returns it.
    fn step(self) -> StepError {
        self.failure().step()
    }
}

impl Failure {
    /// As a step returns it: tried again where that may help, else the end of the run.
    pub(crate) fn step(self) -> StepError {
        let detail = serde_json::to_value(&self).unwrap_or_default();
        let error = match (self.retryable, self.class) {
            (true, _) | (_, Class::Interrupted) => StepError::retry(self),
            (_, Class::Usage | Class::NotAuthorised | Class::NotFound | Class::Refused) => {
                StepError::user(self)
            }
            _ => StepError::system(self),
        };
        error.with_detail(detail)
    }

    /// Somebody stopped it; it can be gone on with.
    pub(crate) fn interrupted() -> Self {
        Self::new(
            Class::Interrupted,
            "interrupted",
            "stopped before it was done",
        )
        .hint("the same command goes on where this one stopped")
    }

    /// Whether it only says that it was stopped.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.class == Class::Interrupted
    }

    /// Something that this program should have made impossible.
    pub(crate) fn broken(what: &str) -> Self {
        Self::new(Class::Failed, "internal", what)
            .hint("this is a defect of longshore; please report it with the output of `runs show`")
    }

    /// The disk that the state directory is on has no room.
    pub(crate) fn full() -> Self {
        Self::new(
            Class::Full,
            "disk-full",
            "no space is left for the state directory",
        )
        .hint("free some space, or remove what is not needed with `longshore remove`")
    }
}

/// Whether somewhere in an error's chain a disk is full.
pub(crate) fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// An error that is either a full disk or none of its callers' making.
pub(crate) fn storage(code: &str, message: &str, error: &(dyn Error + 'static)) -> Failure {
    let failure = if is_full(error) {
        Failure::full()
    } else {
        Failure::new(Class::Failed, code, message)
    };
    failure.caused_by(error)
}

impl Trouble for Failure {
    fn failure(self) -> Failure {
        self
    }
}

impl Trouble for DocumentError {
    fn failure(self) -> Failure {
        let (class, retryable) = match &self {
            Self::NotAUrl { .. } => (Class::Usage, false),
            Self::NotFound { .. } => (Class::NotFound, false),
            Self::Refused { .. } | Self::Redirected { .. } | Self::TooLarge { .. } => {
                (Class::Refused, false)
            }
            Self::Unreachable { .. } | Self::CutOff { .. } => (Class::Failed, true),
            Self::File { .. } => (Class::Failed, false),
            Self::Write { .. } => {
                return storage("advisories", "what was fetched could not be written", &self);
            }
            Self::Connect(_) => (Class::Failed, false),
            Self::Cancelled { .. } => return Failure::interrupted(),
        };
        let failure = Failure::new(class, "document", "a document could not be fetched");
        let failure = if retryable {
            failure.retryable()
        } else {
            failure
        };
        failure.caused_by(&self)
    }
}

impl Trouble for longshore_catalog::Error {
    fn failure(self) -> Failure {
        match &self {
            Self::InUse { what, id, by } => Failure::new(
                Class::Busy,
                "in-use",
                format!("{what} {id} is used by {by}"),
            ),
            _ => storage("catalogue", "the catalogue failed", &self),
        }
    }
}

impl Trouble for &StoreError {
    fn failure(self) -> Failure {
        match self {
            StoreError::Full(_) => Failure::full().caused_by(self),
            StoreError::Busy(_) => storage("store", "the state database failed", self).retryable(),
            _ => storage("store", "the state database failed", self),
        }
    }
}

impl Trouble for StoreError {
    fn failure(self) -> Failure {
        (&self).failure()
    }
}

impl Trouble for RecordError {
    fn failure(self) -> Failure {
        match self {
            Self::Store(error) => error.failure(),
            Self::Superseded { .. } => Failure::interrupted(),
            Self::Refused { source, .. } => refused(source),
        }
    }
}

impl Trouble for OpenError {
    fn failure(self) -> Failure {
        let failure = storage("store", "the state database could not be opened", &self);
        match self {
            Self::Store { source, .. } => source.failure(),
            _ => failure,
        }
    }
}

impl Trouble for CommitError {
    fn failure(self) -> Failure {
        match self {
            Self::Store(error) => error.failure(),
            Self::Refused(WriteRefused(error)) => refused(error),
            Self::Fenced => Failure::interrupted(),
        }
    }
}

/// A write of the catalogue that failed inside of the store.
fn refused(error: WriteError) -> Failure {
    match error.downcast::<longshore_catalog::Error>() {
        Ok(error) => error.failure(),
        Err(error) => storage("catalogue", "the catalogue failed", &*error),
    }
}

impl Trouble for ConnectError {
    fn failure(self) -> Failure {
        Failure::new(
            Class::Usage,
            "source",
            "the source cannot be used as it is set",
        )
        .caused_by(&self)
        .hint("see what is set with `longshore config show`")
    }
}

impl Trouble for SourceError {
    fn failure(self) -> Failure {
        let failure = |class, code: &str| Failure::new(class, code, self.to_string());
        let mut failure = match &self {
            Self::NotFound { .. } => failure(Class::NotFound, "not-found")
                .hint("see what there is with `longshore list --remote`"),
            Self::NoSuchOrigin { .. } => failure(Class::NotFound, "no-such-origin")
                .hint("see where images are looked for with `longshore config show`"),
            Self::Denied { .. } => failure(Class::NotAuthorised, "denied")
                .hint("check the name, or give credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
            Self::Changed { .. } => failure(Class::Refused, "changed-object")
                .hint("if the change is meant, accept it with --accept-changed"),
            Self::Unavailable { .. } => failure(Class::Failed, "unavailable")
                .hint("the same command goes on where this one stopped"),
            _ => failure(Class::Failed, "source"),
        };
        failure.causes = self
            .source()
            .map(crate::failure::causes)
            .unwrap_or_default();
        match &self {
            Self::Changed { key, .. } => failure.layer(key.as_str()),
            _ => failure,
        }
    }
}

impl Trouble for ListError {
    fn failure(self) -> Failure {
        let text = self.to_string();
        match self {
            Self::Source(error) => error.failure(),
            Self::EmptyFamily { .. } => Failure::new(Class::NotFound, "not-found", text)
                .hint("see what there is with `longshore list --remote`"),
            Self::Gap { .. } => Failure::new(Class::Refused, "layer-missing", text)
                .hint("layers are numbered without a gap, from 0 or 1 on"),
            Self::DuplicateNumber { .. } => Failure::new(Class::Refused, "layer-twice", text)
                .hint("one layer has one object; remove the other"),
            Self::NumberTooLarge { .. } => Failure::new(Class::Refused, "layer-number", text),
        }
    }
}

impl Trouble for FetchError {
    fn failure(self) -> Failure {
        let text = self.to_string();
        match self {
            Self::Source(error) => error.failure(),
            Self::Disk(error) => error.failure(),
            Self::DigestMismatch { ref key, .. } => Failure::new(Class::Refused, "digest", text)
                .layer(key.as_str())
                .hint(
                    "the origin gave other bytes under the same name and entity tag; ask its owner",
                ),
            Self::Cancelled | Self::Abandoned => Failure::interrupted(),
        }
    }
}

impl Trouble for PartialError {
    fn failure(self) -> Failure {
        match self {
            Self::Disk(error) => error.failure(),
            Self::InUse { .. } => Failure::new(Class::Busy, "blob-busy", self.to_string()),
        }
    }
}

impl Trouble for BlobError {
    fn failure(self) -> Failure {
        if self.is_disk_full() {
            return Failure::full().caused_by(&self);
        }
        storage("blobs", "the blob store failed", &self)
    }
}

impl Trouble for VolumeError {
    fn failure(self) -> Failure {
        match &self {
            Self::NoSpace { .. } => Failure::full().caused_by(&self),
            Self::PoolFull { .. } => Failure::new(Class::Full, "pool-full", self.to_string())
                .hint("see what takes how much with `longshore df`, and remove what is not needed"),
            Self::Busy { .. } | Self::NameTaken { .. } => {
                Failure::new(Class::Busy, "volume-busy", self.to_string())
            }
            Self::BadSize { .. } => Failure::new(Class::Usage, "volume-size", self.to_string()),
            _ => storage("volumes", "a volume failed", &self),
        }
    }
}

impl Trouble for longshore_ext4::Error {
    fn failure(self) -> Failure {
        TreeTrouble::from(&self).failure(causes(&self))
    }
}

impl Trouble for DiskTreeError {
    fn failure(self) -> Failure {
        match self {
            Self::Filesystem(error) => error.failure(),
            _ => TreeTrouble::from(&self).failure(causes(&self)),
        }
    }
}

impl Trouble for Rejected {
    fn failure(self) -> Failure {
        let mut failure = Failure::new(
            Class::Refused,
            self.code.as_str(),
            format!("the layer is rejected: {}", self.detail),
        );
        failure.entry = self.entry.map(|entry| entry.to_string());
        failure
    }
}

impl Trouble for ApplyError<DiskTreeError> {
    fn failure(self) -> Failure {
        match self {
            Self::Rejected(rejected) => rejected.failure(),
            Self::Read(error) => storage("layer", "the layer could not be read", &error),
            Self::Tree(error) => error.failure(),
        }
    }
}

/// Milliseconds since a moment.
pub(crate) fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
