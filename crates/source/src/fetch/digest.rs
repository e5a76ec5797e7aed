//! The digest of an object while it arrives.

use longshore_image::{Digest, Hasher};

use super::shared::{Next, Shared};
use crate::blob::{DiskError, Doing, failed};

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// Hashes every byte in order, behind the frontier. Blocks a thread until the object is whole or
/// the fetch has failed (`None`).
///
/// It reads the file and not the network's buffers: what is proven is what is stored, bytes that
/// an earlier fetch left included. New ones are still in the page cache.
pub(super) fn digest(shared: &Shared, name: &str) -> Result<Option<Digest>, DiskError> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    loop {
        let (file, until) = match shared.next(at, || shared.is_halted()) {
            Next::Bytes { file, until } => (file, until),
            Next::End => return Ok(Some(hasher.finish())),
            Next::Failed(_) => return Ok(None),
        };
        while at < until {
            let length = usize::try_from(until - at).map_or(PIECE, |length| length.min(PIECE));
            let piece = &mut buffer[..length];
            file.read_at(at, piece)
                .map_err(failed(Doing::Reading, name))?;
            hasher.update(piece);
            at += u64::try_from(length).expect("a buffer's length fits in 64 bits");
        }
    }
}
