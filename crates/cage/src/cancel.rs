//! [`Cancel`]: ends cages from another thread.

use std::{
    io::{self, PipeReader, PipeWriter, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Ends every cage that was given it, now and later: what is under way there returns
/// [`CageError::Cancelled`](crate::CageError::Cancelled). Clones are the same.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<Bell>);

#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    /// Readable from the first cancel on, for a pipe can be waited for beside a channel.
    heard: PipeReader,
    rope: PipeWriter,
}

impl Cancel {
    /// One that nothing has been given yet.
    ///
    /// # Errors
    /// Where no pipe can be made: too many descriptors are open.
    pub fn new() -> io::Result<Cancel> {
        let (heard, rope) = io::pipe()?;
        let rung = AtomicBool::new(false);
        Ok(Cancel(Arc::new(Bell { rung, heard, rope })))
    }

    /// Cancels. May be repeated, and waits for nothing.
    pub fn cancel(&self) {
        if !self.0.rung.swap(true, Ordering::Relaxed) {
            // One byte into an empty pipe whose reader is alive: there is no way to fail.
            let _ = (&self.0.rope).write_all(&[1]);
        }
    }
}

impl AsFd for Cancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.heard.as_fd()
    }
}
