//! Why there is no document.

use std::{io, path::PathBuf};

use crate::{client::ConnectError, error::Cause};

/// Why there is no document. Addresses in it are without user, password and query, which may be secret.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The text is no address that a document is fetched from.
    #[error("{address:?} is not the address of a document: {why}")]
    NotAUrl {
        /// The text, as far as it can be shown.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such document.
    #[error("{address} is not there")]
    NotFound {
        /// The document.
        address: String,
    },
    /// The server understood and does not give it.
    #[error("{address} is refused: the server answers {status}")]
    Refused {
        /// The document.
        address: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server leads to somewhere that is not gone to.
    #[error("{address} is not followed further: {why}")]
    Redirected {
        /// The document.
        address: String,
        /// Why not.
        why: &'static str,
    },
    /// No usable answer came, nor did after the last try.
    #[error("{address} could not be reached: tried {tries} times")]
    Unreachable {
        /// The document.
        address: String,
        /// Tries, the first one included.
        tries: u32,
        /// What went wrong with the last one.
        source: Cause,
    },
    /// It is larger than it may be.
    #[error("{address} has more than {limit} bytes, the most that are taken")]
    TooLarge {
        /// The document.
        address: String,
        /// The most it may have, in bytes.
        limit: u64,
    },
    /// It broke off, and did so again when it was asked for once more.
    #[error("{address} broke off after {received} bytes")]
    CutOff {
        /// The document.
        address: String,
        /// What had come by then.
        received: u64,
        /// What happened.
        source: Cause,
    },
    /// The file on this host that was named cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it was to be written to failed.
    #[error("{address} could not be written down")]
    Write {
        /// The document.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// There is no HTTP client for these settings.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It was cancelled.
    #[error("fetching {address} was cancelled")]
    Cancelled {
        /// The document.
        address: String,
    },
}
