//! The JSON documents of a bundle: read within a bound, proven where a digest is known, and parsed.

use std::io::Read;

use serde::de::DeserializeOwned;

use super::{BundleError, PartError, PartName, Parts};
use crate::{Digest, Name};

/// Bytes of one document: what registries take at most for a manifest (4 MiB, the distribution
/// specification, "Pushing Manifests").
const MOST: u64 = 4 << 20;

/// Bytes that are shown of a text out of a document.
const SHOWN: usize = 100;

/// What is said of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// A document by a fixed name; `None` where it is not there.
pub(super) fn named(parts: &dyn Parts, part: &PartName) -> Result<Option<Vec<u8>>, BundleError> {
    read(parts, part)
}

/// A document by what is said of it, which it must be.
pub(super) fn stated(parts: &dyn Parts, stated: Stated) -> Result<Vec<u8>, BundleError> {
    let part = PartName::Blob(stated.digest);
    let Some(bytes) = read(parts, &part)? else {
        return Err(BundleError::Missing { part });
    };
    if bytes.len() as u64 != stated.size || Digest::of(&bytes) != stated.digest {
        return Err(BundleError::WrongBytes { part });
    }
    Ok(bytes)
}

/// What a document says.
pub(super) fn parse<T: DeserializeOwned>(part: &PartName, json: &[u8]) -> Result<T, BundleError> {
    serde_json::from_slice(json).map_err(|error| malformed(part, shown(&error.to_string())))
}

pub(super) fn malformed(part: &PartName, why: impl Into<String>) -> BundleError {
    BundleError::Malformed {
        part: part.clone(),
        why: why.into(),
    }
}

/// A text out of a document as it may be shown.
pub(super) fn shown(text: &str) -> String {
    let bytes = text.as_bytes();
    Name::from(&bytes[..bytes.len().min(SHOWN)]).to_string()
}

/// What opening a part came to.
pub(super) fn refused(part: &PartName, error: PartError) -> BundleError {
    let part = part.clone();
    match error {
        PartError::Refused(why) => BundleError::Refused { part, why },
        PartError::Read(source) => BundleError::Read { part, source },
    }
}

fn read(parts: &dyn Parts, part: &PartName) -> Result<Option<Vec<u8>>, BundleError> {
    let opened = parts.open(part).map_err(|error| refused(part, error))?;
    let Some(opened) = opened else {
        return Ok(None);
    };
    if opened.size > MOST {
        let why = format!("it has {} bytes, and at most {MOST} are read", opened.size);
        return Err(malformed(part, why));
    }
    let mut bytes = Vec::new();
    // One more than there should be: a file may grow while it is read.
    let mut limited = opened.bytes.take(opened.size + 1);
    let read = limited.read_to_end(&mut bytes);
    read.map_err(|source| refused(part, PartError::Read(source)))?;
    if bytes.len() as u64 != opened.size {
        return Err(BundleError::WrongBytes { part: part.clone() });
    }
    Ok(Some(bytes))
}
