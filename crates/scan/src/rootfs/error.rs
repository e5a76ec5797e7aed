//! Why something in a root filesystem cannot be read.

use std::io;

use super::FileKind;

/// Why something in a root filesystem cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RootfsError {
    /// Nothing is there, or the way to it leads nowhere.
    #[error("it is not there")]
    Missing,
    /// It is something else.
    #[error("it is {}, where {} was expected", found.as_str(), expected.as_str())]
    WrongKind {
        /// What it is.
        found: FileKind,
        /// What it would have to be.
        expected: FileKind,
    },
    /// It is larger than is read of such a file.
    #[error("it has {size} bytes, and at most {limit} are read of it")]
    TooLarge {
        /// Its length in bytes.
        size: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A directory has more entries than are listed.
    #[error("it has more than {limit} entries")]
    TooMany {
        /// The most that are listed.
        limit: usize,
    },
    /// The filesystem is damaged there.
    #[error("the filesystem is damaged there: {0}")]
    Damaged(String),
    /// The host failed.
    #[error("it could not be read")]
    Host(#[source] io::Error),
}
