//! [`Inside`]: the child's end of the channel.

use std::{
    io::{self, ErrorKind, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
    sync::{Mutex, PoisonError},
};

use rustix::{
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg,
        sockopt::{self},
    },
};

use crate::frame::{HEADER_BYTES, Header, LONGEST_GREETING, LONGEST_JOB, MOST_DESCRIPTORS};

/// A caged child, as it sees itself. Threads share it by reference.
///
/// What is open is read and written as anywhere, but `File::metadata` fails with older C libraries,
/// which ask for it as they would for a path: seek to the end, or use `rustix::fs::fstat`. Threads
/// start and have no names for the system. What is written to standard output is gone; the end of
/// what is written to standard error becomes the last words.
#[derive(Debug)]
pub struct Inside {
    longest: u32,
    receiving: Mutex<()>,
    sending: Mutex<()>,
}

/// A frame of the parent's.
#[derive(Debug)]
pub struct Message {
    /// What it says.
    pub bytes: Vec<u8>,
    /// What came with it, in the order in which it was sent.
    pub descriptors: Vec<OwnedFd>,
}

impl Inside {
    /// Where standard input is a socket, as a parent of ours makes it.
    pub(crate) fn new() -> io::Result<Inside> {
        sockopt::socket_type(channel())?;
        Ok(Inside {
            longest: LONGEST_GREETING,
            receiving: Mutex::new(()),
            sending: Mutex::new(()),
        })
    }

    /// Frames may be so long from now on.
    pub(crate) fn allow(&mut self, longest: u32) {
        self.longest = longest;
    }

    /// Waits for the next frame; `None` where the parent will send no more.
    ///
    /// # Errors
    /// `UnexpectedEof` where the parent died within a frame; `InvalidData` where descriptors were
    /// lost, because more are open than the limit allows.
    pub fn receive(&self) -> io::Result<Option<Message>> {
        let _receiving = self
            .receiving
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut header = [0; HEADER_BYTES];
        let mut descriptors = Vec::new();
        let mut filled = 0;
        while filled < header.len() {
            match pull(&mut header[filled..], &mut descriptors)? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => filled += count,
            }
        }
        let header = Header::from_bytes(header);
        let came = u32::try_from(descriptors.len()).ok();
        if came != Some(header.descriptors) || header.bytes > LONGEST_JOB {
            let reason =
                "a frame came with fewer descriptors than it was sent with, or is too long";
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        }
        let length = usize::try_from(header.bytes).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        fill(&mut bytes)?;
        Ok(Some(Message { bytes, descriptors }))
    }

    /// Sends a frame, and waits until the kernel has it.
    ///
    /// # Errors
    /// `InvalidInput` for more than [`Limits::answer_bytes`](crate::Limits::answer_bytes) bytes;
    /// whatever else says that the parent is gone.
    pub fn send(&self, content: &[u8]) -> io::Result<()> {
        let Some(header) = Header::of(content.len(), 0, self.longest) else {
            let reason = "an answer longer than the limit";
            return Err(io::Error::new(ErrorKind::InvalidInput, reason));
        };
        let _sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        write(&header.to_bytes())?;
        write(content)
    }
}

/// Standard input. It is the socket that the parent made, and nothing else reads or closes it.
fn channel() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

/// Reads some bytes and the descriptors that came with them.
fn pull(buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    loop {
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            channel(),
            &mut [IoSliceMut::new(buffer)],
            &mut control,
            RecvFlags::empty(),
        );
        let count = match received {
            Err(Errno::INTR) => continue,
            other => other?.bytes,
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(came) = message {
                descriptors.extend(came);
            }
        }
        return Ok(count);
    }
}

fn fill(mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match rustix::io::read(channel(), &mut *buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => buffer = &mut buffer[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(channel(), bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
