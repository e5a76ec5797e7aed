//! [`Line`]: the parent's end of the channel, with everything that a wait on it must also heed.
//!
//! One place waits, for whatever comes first: a frame, room for one, last words, a cancel or the
//! deadline. What the child sends is read whenever it is there, so that two sides that both send
//! do not wait for each other; it is bounded by one frame and a read.

use std::{
    io::{ErrorKind, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    send::{self, Outlet},
    words::Words,
};
use crate::{
    cancel::Cancel,
    error::{Breach, CageError},
    frame::{HEADER_BYTES, Header, LONGEST_GREETING},
    limits::Limit,
};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Line {
    outlet: Arc<Outlet>,
    words: Words,
    cancel: Option<Cancel>,
    deadline: Instant,
    /// Bytes in one frame of the child's.
    longest: u32,
    incoming: Vec<u8>,
    /// The child has closed its end.
    closed: bool,
}

impl Line {
    pub(crate) fn new(
        channel: UnixStream,
        words: Words,
        cancel: Option<Cancel>,
        deadline: Instant,
    ) -> Line {
        Line {
            outlet: Arc::new(Outlet::new(channel)),
            words,
            cancel,
            deadline,
            longest: LONGEST_GREETING,
            incoming: Vec::new(),
            closed: false,
        }
    }

    /// Frames may be so long from now on.
    pub(crate) fn allow(&mut self, longest: u32) {
        self.longest = longest;
    }

    /// For other threads.
    pub(crate) fn sender(&self) -> send::Sender {
        send::Sender::new(self.outlet.clone(), self.cancel.clone(), self.deadline)
    }

    pub(crate) fn send(
        &mut self,
        content: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), CageError> {
        let outlet = self.outlet.clone();
        match outlet.send(content, descriptors, || self.turn(PollFlags::OUT)) {
            // It may have answered before: what it has sent is still to be read, and says more.
            Err(CageError::Broken(Breach::Closed)) => Ok(()),
            other => other,
        }
    }

    /// The next frame.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>, CageError> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            if self.closed {
                return Err(CageError::Broken(match self.incoming.is_empty() {
                    true => Breach::Closed,
                    false => Breach::Cut,
                }));
            }
            self.turn(PollFlags::empty())?;
        }
    }

    /// Says that nothing more will be sent, and waits until the child has closed its end too.
    pub(crate) fn close(&mut self) -> Result<(), CageError> {
        self.outlet.close();
        while self.incoming.is_empty() {
            if self.closed {
                return Ok(());
            }
            self.turn(PollFlags::empty())?;
        }
        Err(CageError::Broken(Breach::Unasked))
    }

    /// Time until the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// What the child wrote at its end.
    pub(crate) fn last_words(&mut self) -> String {
        self.words.listen();
        self.words.text()
    }

    /// A frame that is there whole.
    fn take(&mut self) -> Result<Option<Vec<u8>>, CageError> {
        let Some((header, rest)) = self.incoming.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let header = Header::from_bytes(*header);
        if header.descriptors != 0 {
            return Err(CageError::Broken(Breach::Header));
        }
        if header.bytes > self.longest {
            return Err(CageError::Broken(Breach::TooLong {
                announced: header.bytes,
                allowed: self.longest,
            }));
        }
        let Some(frame) = rest.get(..bytes(header.bytes)) else {
            return Ok(None);
        };
        let frame = frame.to_vec();
        self.incoming.drain(..HEADER_BYTES + frame.len());
        Ok(Some(frame))
    }

    /// Waits until something happens, takes what has come, and says whether to go on.
    fn turn(&mut self, also: PollFlags) -> Result<(), CageError> {
        let left = self.left();
        if left.is_zero() {
            return Err(CageError::Limit(Limit::Wall));
        }
        let has_room = self.incoming.len() < HEADER_BYTES + bytes(self.longest);
        let reads = match has_room && !self.closed {
            true => PollFlags::IN,
            false => PollFlags::empty(),
        };
        let channel = PollFd::from_borrowed_fd(self.outlet.as_fd(), reads | also);
        let others = [self.cancel.as_ref().map(AsFd::as_fd), self.words.pipe()];
        let others = others.into_iter().flatten();
        let mut waits: Vec<_> = std::iter::once(channel)
            .chain(others.map(|other| PollFd::from_borrowed_fd(other, PollFlags::IN)))
            .collect();
        wait(&mut waits, left)?;
        let is_there = !waits[0].revents().difference(PollFlags::OUT).is_empty();
        let is_cancelled = self.cancel.is_some() && !waits[1].revents().is_empty();
        if is_cancelled {
            return Err(CageError::Cancelled);
        }
        self.words.listen();
        if is_there && !reads.is_empty() {
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), CageError> {
        let mut buffer = [0; READ_BYTES];
        match self.outlet.channel().read(&mut buffer) {
            Ok(0) => self.closed = true,
            Ok(count) => self.incoming.extend_from_slice(&buffer[..count]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                // The child died with something of ours unread.
                ErrorKind::ConnectionReset => self.closed = true,
                _ => return Err(CageError::Host(error)),
            },
        }
        Ok(())
    }
}

/// Waits for one of these, at most so long. A signal ends the wait too.
pub(crate) fn wait(waits: &mut [PollFd<'_>], patience: Duration) -> Result<(), CageError> {
    // What the kernel's clock cannot count is for ever.
    let patience = Timespec::try_from(patience).ok();
    match poll(waits, patience.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(CageError::Host(error.into())),
    }
}

fn bytes(count: u32) -> usize {
    usize::try_from(count).expect("a word has at least 32 bits here")
}
