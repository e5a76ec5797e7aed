//! What can go wrong outside, told apart by what a caller would do about it.

use std::{error::Error, fmt, sync::Arc};

use crate::address::{ETag, Key, Origin};

/// The cause of an error, shared because several waiters may get the same failure.
pub type Cause = Arc<dyn Error + Send + Sync + 'static>;

/// A version of an object, for messages about one that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its strong ETag.
    pub etag: Option<ETag>,
    /// Its length in bytes.
    pub size: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.etag {
            Some(etag) => write!(f, "ETag {etag}, {} bytes", self.size),
            None => write!(f, "no strong ETag, {} bytes", self.size),
        }
    }
}

/// Why a source did not give what it was asked for.
///
/// Only [`Unavailable`](Self::Unavailable) may be gone by the next try.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// There is no such object.
    #[error("{key} is not in {origin}")]
    NotFound {
        /// Where it was looked for.
        origin: Origin,
        /// The object, or the prefix that was listed.
        key: String,
    },

    /// There is no such bucket or directory.
    #[error("{origin} does not exist")]
    NoSuchOrigin {
        /// What was asked.
        origin: Origin,
    },

    /// The source refuses; S3 says the same of what is not there.
    #[error(
        "{origin} denies access to {key}, or it is not found there (S3 answers 403 for a missing \
         key to one who may not list the bucket)"
    )]
    Denied {
        /// Who refuses.
        origin: Origin,
        /// The object, or the prefix that was listed.
        key: String,
        /// Its answer.
        source: Cause,
    },

    /// The object is not the one that was listed.
    #[error(
        "{key} in {origin} has changed: expected {expected}; found {}",
        found.as_ref().map_or_else(|| "another one".to_owned(), Version::to_string)
    )]
    Changed {
        /// Where it is.
        origin: Origin,
        /// The object.
        key: Key,
        /// The version that the listing showed.
        expected: Version,
        /// The version that is there now, where the source says so.
        found: Option<Version>,
    },

    /// The network or the source failed in a way that may pass, and still did after the last try.
    #[error("{key} could not be read from {origin}: tried {tries} times")]
    Unavailable {
        /// Who was asked.
        origin: Origin,
        /// The object, or the prefix that was listed.
        key: String,
        /// Tries in a row that brought nothing, the first one included.
        tries: u32,
        /// What went wrong with the last one.
        source: Cause,
    },

    /// The source understood and will never answer this (a 4xx or a redirect).
    #[error("{origin} refuses the request for {key}")]
    Refused {
        /// Who refuses.
        origin: Origin,
        /// The object, or the prefix that was listed.
        key: String,
        /// Its answer.
        source: Cause,
    },

    /// The source holds a key that cannot be addressed.
    #[error("{origin} holds a key that cannot be used")]
    BadKey {
        /// Where it is.
        origin: Origin,
        /// The key and what is wrong with it.
        source: Cause,
    },

    /// In a directory, the name leads out of it or to something that is not a plain file.
    #[error("{key} in {origin} is {what}, and will not be read")]
    Outside {
        /// The directory.
        origin: Origin,
        /// The name.
        key: String,
        /// What it is.
        what: &'static str,
    },

    /// The locator belongs to another origin than the source that was asked.
    #[error("{key} was found in {found} and cannot be fetched from {asked}")]
    WrongOrigin {
        /// The object.
        key: Key,
        /// Where the locator says it is.
        found: Origin,
        /// The source that was asked for it.
        asked: Origin,
    },
}

impl SourceError {
    /// Whether asking again later may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
