//! What comes of asking for a document.

use longshore_image::Digest;
use serde::{Deserialize, Serialize};

/// What was seen of a document, for asking whether there is another one by now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Its `ETag` as the server wrote it; of a file, what tells one version of it from another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `Last-Modified` as the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// What came of asking for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It is what was seen of it; nothing was written.
    NotModified,
    /// It is there, whole.
    Changed {
        /// Its length in bytes.
        size: u64,
        /// The SHA-256 of these bytes.
        digest: Digest,
        /// What to ask with the next time.
        seen: Seen,
    },
}
