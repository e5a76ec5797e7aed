//! What to serve and to whom, and why that may not work.

use std::io;
use std::path::PathBuf;

use super::bucket::MOST_KEYS;

/// Who may read the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anonymous requests, and requests signed with the key `harbor`/`harbor-secret`; a signature
    /// with any other key is refused with 403, as in a public bucket of S3.
    Public,
    /// Only requests signed with this key; others are refused with 403.
    Keys {
        /// The access key's id.
        access_key: String,
        /// The secret.
        secret_key: String,
    },
}

/// What to serve, and how.
#[derive(Debug, Clone)]
pub struct Options {
    pub(super) dir: PathBuf,
    pub(super) bucket: String,
    pub(super) port: u16,
    pub(super) access: Access,
    pub(super) page: usize,
}

impl Options {
    /// Serves the files below `dir`: `dir/images/demo/1.tar` is the key `images/demo/1.tar`. The
    /// bucket is called `longshore-test`, is public, and listens on a free port.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            bucket: "longshore-test".to_owned(),
            port: 0,
            access: Access::Public,
            page: MOST_KEYS,
        }
    }

    /// Calls the bucket so; S3's rules for bucket names apply.
    #[must_use]
    pub fn bucket(self, name: &str) -> Self {
        Self {
            bucket: name.to_owned(),
            ..self
        }
    }

    /// Listens on this port; 0 takes a free one.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Lets only these in.
    #[must_use]
    pub fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// Lists at most this many keys in one answer (S3: 1000), so that clients have to page.
    #[must_use]
    pub fn list_page(self, keys: usize) -> Self {
        Self {
            page: keys.clamp(1, MOST_KEYS),
            ..self
        }
    }
}

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder to serve cannot be used.
    #[error("cannot serve {dir}", dir = dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The address cannot be listened on, or the thread cannot be started.
    #[error("cannot listen on 127.0.0.1 port {port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        #[source]
        source: io::Error,
    },
    /// `s3s-fs` refused its folder.
    #[error("s3s-fs cannot open its folder: {0}")]
    Storage(String),
}
