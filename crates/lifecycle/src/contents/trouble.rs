//! What went wrong on a disk that is looked into, and on the way out of it.

use std::io;

use longshore_ext4::Error;
use longshore_image::Name;

use crate::{Class, Failure};

/// An error of the reader, on that disk and, where one was asked for, that path.
pub(super) fn on_disk(error: &Error, target: &str, path: Option<&[u8]>) -> Failure {
    let subject = match path {
        Some(path) => format!("{} on {target}", shown(path)),
        None => target.to_owned(),
    };
    let (class, code, what) = match error {
        Error::NotFound { .. } => {
            return Failure::new(
                Class::NotFound,
                "no-such-path",
                format!("there is no {subject}"),
            );
        }
        Error::WrongKind { .. } => {
            return Failure::new(
                Class::NotFound,
                "no-such-path",
                format!("the path {subject} leads through something that is no directory"),
            );
        }
        Error::TooManySymlinks { .. } | Error::SymlinkTarget { .. } => (
            Class::Refused,
            "symlinks",
            "is behind symbolic links that lead nowhere",
        ),
        Error::Encrypted { .. } => (Class::Refused, "encrypted", "is encrypted"),
        Error::Unclean { .. } => (Class::Refused, "unclean", "was not left clean"),
        Error::Unsupported { .. } => (
            Class::Refused,
            "unsupported-filesystem",
            "has a filesystem that cannot be read here",
        ),
        Error::Corrupt { .. } => (Class::Failed, "damaged", "cannot be read"),
        _ => (Class::Failed, "disk", "cannot be read"),
    };
    let failure = Failure::new(class, code, format!("{subject} {what}")).caused_by(error);
    match error {
        Error::Unclean { .. } => failure.hint(
            "stop the machine that uses it, or put it in order with `e2fsck -p`; `--as-is` reads it as it \
             is, without what stands in its journal only",
        ),
        Error::Corrupt { .. } => failure.hint("`e2fsck -n` tells more of the damage"),
        _ => failure,
    }
}

/// A path on a disk, as a person may see it.
pub(super) fn shown(path: &[u8]) -> String {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    format!("/{}", Name::from(path))
}

/// Why a stream ended before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// What it was written to failed.
    Written(io::Error),
    /// What it was made of failed.
    Failed(Failure),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Written(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Stop {
    /// A reader that went away has what it wanted: that is nothing, and no failure.
    pub(super) fn outcome<T>(stopped: Result<T, Self>) -> Result<Option<T>, Failure> {
        match stopped {
            Ok(done) => Ok(Some(done)),
            Err(Self::Failed(failure)) => Err(failure),
            Err(Self::Written(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            Err(Self::Written(error)) => {
                let class = match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Class::Full,
                    _ => Class::Failed,
                };
                Err(Failure::new(class, "output", "cannot write what was read").caused_by(&error))
            }
        }
    }
}
