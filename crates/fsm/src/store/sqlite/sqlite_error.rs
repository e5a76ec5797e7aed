//! SQLite's errors, as the store's.

use std::error::Error;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::error::BoxError;

use crate::store::{Cause, CommitError, StoreError, WriteRefused};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = stores_own(&error).unwrap_or(StoreError::Other);
        kind(Arc::new(error))
    }
}

/// What kind of store error this is, if it is one that says something of the store rather than of
/// the statement (<https://sqlite.org/rescode.html>).
fn stores_own(error: &rusqlite::Error) -> Option<fn(Cause) -> StoreError> {
    // Growing the shared memory file is where a full disk shows first, and not as SQLITE_FULL.
    let extended = error.sqlite_error().map(|error| error.extended_code);
    if extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
        return Some(StoreError::Full);
    }
    Some(match error.sqlite_error_code()? {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::ReadOnly,
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => StoreError::Io,
        _ => return None,
    })
}

/// What a failed domain write means for its batch: a disk that failed under it is the store's error,
/// anything else is a refusal.
pub(super) fn of_write(error: BoxError) -> CommitError {
    let mut link: Option<&(dyn Error + 'static)> = Some(error.as_ref());
    while let Some(cause) = link {
        if let Some(kind) = cause.downcast_ref().and_then(stores_own) {
            return kind(Arc::from(error)).into();
        }
        link = cause.source();
    }
    WriteRefused(error).into()
}
