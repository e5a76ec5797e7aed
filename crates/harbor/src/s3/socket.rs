//! A connection that a body can ask to be flushed, and to be reset when it closes.
//!
//! hyper flushes the socket only after all of its own buffer was written to it; that moment is what
//! a body waits for that must know its bytes to have left the server.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a body and the connection under it share.
#[derive(Debug, Default)]
pub(super) struct Line {
    reset: AtomicBool,
    awaiting_flush: Mutex<Option<Waker>>,
}

impl Line {
    /// The connection is to end with a reset.
    pub(super) fn reset_on_close(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// Asks to be woken after the next flush.
    pub(super) fn ask_flush(&self, waker: &Waker) {
        *self.slot() = Some(waker.clone());
    }

    /// Whether the flush that was asked for has happened.
    pub(super) fn was_flushed(&self) -> bool {
        self.slot().is_none()
    }

    fn flushed(&self) {
        if let Some(waker) = self.slot().take() {
            waker.wake();
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.awaiting_flush
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    line: Arc<Line>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Self, Arc<Line>) {
        let line = Arc::new(Line::default());
        (
            Self {
                stream,
                line: Arc::clone(&line),
            },
            line,
        )
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::Acquire) {
            // With a linger time of zero, close() sends RST (socket(7)). Best effort: without it
            // the client sees an orderly close before the end of the body, an error as well.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        if polled.is_ready() {
            self.line.flushed();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.reset.load(Ordering::Acquire) {
            // An orderly shutdown here would send FIN before the reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
