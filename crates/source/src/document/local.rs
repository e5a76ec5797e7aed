//! A document that is a file on this host.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use tokio_util::sync::CancellationToken;

use super::{DocumentError, Fetched, Seen, sink::Sink};

/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;

/// Copies a file. Blocks.
pub(super) fn copy(
    path: &Path,
    seen: Option<&Seen>,
    into: &File,
    limit: u64,
    cancel: &CancellationToken,
) -> Result<Fetched, DocumentError> {
    let address = || path.display().to_string();
    let failed = |source: io::Error| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            DocumentError::NotFound { address: address() }
        }
        _ => DocumentError::File {
            path: path.to_path_buf(),
            source,
        },
    };
    let unwritten = |source| DocumentError::Write {
        address: address(),
        source,
    };
    // Before it is opened: opening a pipe would wait for who writes to it.
    regular(&fs::metadata(path).map_err(failed)?).map_err(failed)?;
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    regular(&before).map_err(failed)?;
    let version = version(&before);
    if seen.is_some_and(|seen| seen.etag.as_ref() == Some(&version)) {
        return Ok(Fetched::NotModified);
    }
    let too_large = || DocumentError::TooLarge {
        address: address(),
        limit,
    };
    if before.len() > limit {
        return Err(too_large());
    }
    let mut sink = Sink::begin(into).map_err(unwritten)?;
    let mut piece = vec![0; PIECE];
    loop {
        if cancel.is_cancelled() {
            return Err(DocumentError::Cancelled { address: address() });
        }
        let count = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        if sink.size() + count as u64 > limit {
            return Err(too_large());
        }
        sink.write(&piece[..count]).map_err(unwritten)?;
    }
    let after = file.metadata().map_err(failed)?;
    if self::version(&after) != version || sink.size() != before.len() {
        return Err(failed(io::Error::new(
            ErrorKind::InvalidData,
            "it was written to while it was read",
        )));
    }
    let (size, digest) = sink.done();
    Ok(Fetched::Changed {
        size,
        digest,
        seen: Seen {
            etag: Some(version),
            last_modified: None,
        },
    })
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        "it is not a regular file",
    ))
}

/// What tells one version of a file from another: which file it is, its length, and when it was changed,
/// which no program sets to another time (`stat(2)`, `st_ctim`).
fn version(metadata: &Metadata) -> String {
    format!(
        "file:{:x}-{:x}-{:x}-{:x}.{:x}",
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        metadata.ctime(),
        metadata.ctime_nsec()
    )
}
