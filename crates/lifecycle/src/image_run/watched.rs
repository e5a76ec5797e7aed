//! A reader that says how far it is, and can be stopped.

use std::io::Read;

/// A reader that tells how far it is, and ends with an error once it was cancelled.
pub(crate) struct Watched<R, F> {
    pub(crate) inner: R,
    pub(crate) token: tokio_util::sync::CancellationToken,
    pub(crate) read: F,
}

impl<R: Read, F: FnMut(u64)> Read for Watched<R, F> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.token.is_cancelled() {
            return Err(std::io::Error::other("cancelled"));
        }
        let bytes = self.inner.read(buf)?;
        (self.read)(u64::try_from(bytes).unwrap_or(u64::MAX));
        Ok(bytes)
    }
}
