//! [`Sender`]: sends frames to a child, from any thread.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::Shutdown,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
};

use super::line::wait;
use crate::{
    cancel::Cancel,
    error::{Breach, CageError},
    frame::{Header, LONGEST_JOB, MOST_DESCRIPTORS},
    limits::Limit,
};

/// Sends frames to a child while another thread waits for its answers.
///
/// What it returns as an error is only that the frame has not arrived; why the child is gone is
/// what [`Caged::receive`](crate::Caged::receive) returns.
#[derive(Debug, Clone)]
pub struct Sender {
    outlet: Arc<Outlet>,
    cancel: Option<Cancel>,
    deadline: Instant,
}

impl Sender {
    pub(crate) fn new(outlet: Arc<Outlet>, cancel: Option<Cancel>, deadline: Instant) -> Sender {
        Sender {
            outlet,
            cancel,
            deadline,
        }
    }

    /// Sends a frame of at most [`LONGEST_JOB`] bytes, with at most [`MOST_DESCRIPTORS`]
    /// descriptors, and waits until the kernel has it.
    ///
    /// # Errors
    /// `Broken` where the child has gone, `Cancelled`, `Limit` at the cage's deadline, `Host`.
    pub fn send(&self, content: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), CageError> {
        self.outlet.send(content, descriptors, || {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CageError::Limit(Limit::Wall));
            }
            let mut waits = vec![PollFd::from_borrowed_fd(
                self.outlet.as_fd(),
                PollFlags::OUT,
            )];
            let cancel = self.cancel.as_ref().map(AsFd::as_fd);
            waits.extend(cancel.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            wait(&mut waits, left)?;
            match waits
                .get(1)
                .is_some_and(|cancel| !cancel.revents().is_empty())
            {
                true => Err(CageError::Cancelled),
                false => Ok(()),
            }
        })
    }
}

/// The channel, where whole frames go in.
#[derive(Debug)]
pub(crate) struct Outlet {
    channel: UnixStream,
    /// Held for the length of a frame.
    turn: Mutex<()>,
}

impl Outlet {
    pub(crate) fn new(channel: UnixStream) -> Outlet {
        Outlet {
            channel,
            turn: Mutex::new(()),
        }
    }

    pub(crate) fn channel(&self) -> &UnixStream {
        &self.channel
    }

    /// Nothing more is sent.
    pub(crate) fn close(&self) {
        // It fails where the child has closed already, which is what is wanted.
        let _ = self.channel.shutdown(Shutdown::Write);
    }

    /// Sends a frame, and calls `wait` whenever the kernel has no room for more of it.
    pub(crate) fn send(
        &self,
        content: &[u8],
        descriptors: &[BorrowedFd<'_>],
        mut wait: impl FnMut() -> Result<(), CageError>,
    ) -> Result<(), CageError> {
        let header = Header::of(content.len(), descriptors.len(), LONGEST_JOB);
        let header = header.ok_or_else(|| {
            let reason = "a frame with more bytes or descriptors than a frame can have";
            CageError::Host(io::Error::new(io::ErrorKind::InvalidInput, reason))
        })?;
        let header = header.to_bytes();
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = header.len() + content.len();
        let mut sent = 0;
        while sent < whole {
            let parts = [
                IoSlice::new(header.get(sent..).unwrap_or_default()),
                IoSlice::new(&content[sent.saturating_sub(header.len())..]),
            ];
            // They go with the first byte.
            let now = if sent == 0 { descriptors } else { &[] };
            match self.push(&parts, now) {
                Ok(count) => sent += count,
                Err(Errno::AGAIN) => wait()?,
                Err(Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => {
                    return Err(CageError::Broken(Breach::Closed));
                }
                Err(error) => return Err(CageError::Host(error.into())),
            }
        }
        Ok(())
    }

    fn push(&self, parts: &[IoSlice<'_>], descriptors: &[BorrowedFd<'_>]) -> Result<usize, Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Errno::TOOBIG);
        }
        sendmsg(&self.channel, parts, &mut control, flags())
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

/// A child that is gone is an error, not a signal, whatever the program does with SIGPIPE.
#[cfg(target_os = "linux")]
fn flags() -> SendFlags {
    SendFlags::NOSIGNAL
}

/// Rust's runtime ignores SIGPIPE, and there is no such flag here.
#[cfg(not(target_os = "linux"))]
fn flags() -> SendFlags {
    SendFlags::empty()
}
