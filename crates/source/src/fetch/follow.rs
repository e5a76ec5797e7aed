//! Reading an object while it arrives.

use std::{
    io::{self, Read},
    sync::Arc,
};

use super::{FetchError, handle::Interest, shared::Next};
use crate::blob::{Doing, failed};

/// A blocking reader of a fetch, from the first byte on.
///
/// It waits where the bytes end that are there, and ends where the object does. Its end proves
/// nothing: [`Fetch::proven`](crate::Fetch::proven) does. When the fetch fails or its handle is
/// cancelled the next read does too, at once, with the [`FetchError`] inside
/// ([`FetchError::of`]).
///
/// It keeps its fetch running. Use it on a thread that may block.
#[derive(Debug)]
pub struct Follower {
    interest: Arc<Interest>,
    at: u64,
}

impl Follower {
    pub(super) fn new(interest: Arc<Interest>) -> Self {
        Self { interest, at: 0 }
    }
}

impl Read for Follower {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let shared = self.interest.shared();
        let (file, until) = match shared.next(self.at, || self.interest.is_cancelled()) {
            Next::Bytes { file, until } => (file, until),
            Next::End => return Ok(0),
            Next::Failed(error) => return Err(error.into()),
        };
        let there = usize::try_from(until - self.at).unwrap_or(usize::MAX);
        let length = buffer.len().min(there);
        file.read_at(self.at, &mut buffer[..length])
            .map_err(|error| {
                let key = shared.locator().key.as_str();
                FetchError::Disk(failed(Doing::Reading, key)(error))
            })?;
        self.at += u64::try_from(length).expect("a buffer's length fits in 64 bits");
        Ok(length)
    }
}
