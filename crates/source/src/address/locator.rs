//! A layer as a listing found it: which object, in which version.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ETag, Key, Origin};

/// One object in one version. A fetch is pinned to it: it gets these bytes or fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Locator {
    /// Where the key means something.
    pub origin: Origin,
    /// The object.
    pub key: Key,
    /// Its version; `None` where the server gives none or a weak one. Then nothing can be reused
    /// by identity and a broken transfer cannot be resumed.
    pub etag: Option<ETag>,
    /// Its length in bytes.
    pub size: u64,
    /// The layer's number within its family.
    pub number: u32,
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.key, self.origin)
    }
}
