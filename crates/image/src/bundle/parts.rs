//! What a bundle is made of, asked for by name.

use std::fmt;
use std::io::{self, Read};

use crate::{Digest, Name};

/// Where the parts of a bundle are.
pub trait Parts {
    /// Opens a part; `None` where there is none of that name.
    ///
    /// # Errors
    /// [`PartError::Refused`] for what stands there and is not opened, [`PartError::Read`].
    fn open(&self, name: &PartName) -> Result<Option<Part>, PartError>;
}

/// The name of a part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PartName {
    /// `oci-layout`.
    Layout,
    /// `index.json`.
    Index,
    /// `manifest.json`.
    DockerManifest,
    /// `blobs/sha256/` and the digest's digits.
    Blob(Digest),
    /// What a docker-archive calls one of its parts, as it stands there. Nobody but an archive has such parts: it
    /// must not become a path of the host.
    Free(Name),
}

impl PartName {
    /// What it is called within an archive.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Layout => b"oci-layout".to_vec(),
            Self::Index => b"index.json".to_vec(),
            Self::DockerManifest => b"manifest.json".to_vec(),
            Self::Blob(digest) => format!("blobs/sha256/{}", digest.to_hex()).into_bytes(),
            Self::Free(name) => name.as_bytes().to_vec(),
        }
    }
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Name::from(self.to_bytes()).fmt(f)
    }
}

/// A part, open from its beginning.
pub struct Part {
    /// Its length in bytes.
    pub size: u64,
    /// Its bytes.
    pub bytes: Box<dyn Read + Send>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Why a part is not opened.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// What stands there is not opened, or not told from another.
    #[error("{0}")]
    Refused(&'static str),
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
}

/// The bytes of an archive, at offsets.
pub trait ArchiveBytes: Send + Sync {
    /// Their number. It does not change.
    fn size(&self) -> u64;

    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    /// What reading them fails with; a range past the end is `UnexpectedEof`.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}
