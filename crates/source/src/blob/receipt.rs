//! Receipts: what a blob was proven to be, kept until whoever asked for it has recorded it.
//!
//! A blob's bytes get the name of their digest, and lose the name of where they came from. Were the
//! program to end before its caller has written down which digest the object had, the whole object
//! would be fetched again. So a receipt is made durable before the blob gets its name, and is
//! removed by the caller.

use std::io;

use longshore_durable::{Dir, Mode};
use longshore_image::Digest;
use serde::{Deserialize, Serialize};

use super::{DiskError, Doing, PartialId, PartialLocator, failed, record, sidecar::LARGEST};

/// That the bytes of an object, in one version, have this digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The object.
    pub locator: PartialLocator,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
}

fn name(locator: &PartialLocator) -> String {
    PartialId::of(locator).to_hex()
}

/// Makes a receipt durable. Without an ETag there is nothing that it could be found by.
pub(super) fn put(receipts: &dyn Dir, receipt: &Receipt) -> Result<(), DiskError> {
    if receipt.locator.etag.is_none() {
        return Ok(());
    }
    let name = name(&receipt.locator);
    let new = format!("{name}.new");
    receipts
        .remove(&new)
        .map_err(failed(Doing::Removing, &new))?;
    let file = receipts
        .open(&new, Mode::CreateNew)
        .map_err(failed(Doing::Creating, &new))?;
    file.write_at(0, &record::encode(receipt))
        .map_err(failed(Doing::Writing, &new))?;
    file.sync().map_err(failed(Doing::Syncing, &new))?;
    receipts
        .rename(&new, &name)
        .map_err(failed(Doing::Renaming, &new))?;
    receipts.sync().map_err(failed(Doing::Syncing, &name))
}

/// Every receipt that can be read. One that cannot says nothing, and is removed.
pub(super) fn all(receipts: &dyn Dir) -> Result<Vec<Receipt>, DiskError> {
    let mut found = Vec::new();
    for entry in receipts
        .list()
        .map_err(failed(Doing::Listing, "receipts"))?
    {
        if entry.is_dir {
            continue;
        }
        match read(receipts, &entry.name)? {
            Some(receipt) if name(&receipt.locator) == entry.name => found.push(receipt),
            _ => {
                let removed = receipts.remove(&entry.name);
                removed.map_err(failed(Doing::Removing, &entry.name))?;
            }
        }
    }
    Ok(found)
}

fn read(receipts: &dyn Dir, name: &str) -> Result<Option<Receipt>, DiskError> {
    let file = match receipts.open(name, Mode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(Doing::Opening, name)(error)),
    };
    let length = file.len().map_err(failed(Doing::Reading, name))?;
    let Ok(length) = usize::try_from(length.min(LARGEST)) else {
        return Ok(None);
    };
    let mut bytes = vec![0; length];
    file.read_at(0, &mut bytes)
        .map_err(failed(Doing::Reading, name))?;
    Ok(record::decode(&bytes))
}

/// Removes a receipt; says whether there was one. It need not be durable: a receipt that comes
/// back says what is true.
pub(super) fn remove(receipts: &dyn Dir, locator: &PartialLocator) -> Result<bool, DiskError> {
    let name = name(locator);
    receipts
        .remove(&name)
        .map_err(failed(Doing::Removing, &name))
}
