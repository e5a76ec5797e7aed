//! The body of an answer on its way out: counted, and spoilt as its faults say.
//!
//! Frames are split exactly at the offsets where something happens, and what must have left the
//! server before (at a cut, at a gate) is flushed first. Nothing is held but one frame.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::fault::Fault;
use super::gate::Gate;
use super::record::Ongoing;
use super::socket::Line;

/// Largest piece sent at once under [`Fault::Throttle`], so that a slow answer trickles.
const THROTTLED_PIECE: u64 = 16 * 1024;
/// Largest piece of padding made at once.
const PADDING_PIECE: u64 = 64 * 1024;

/// Why a body ended early; only the connection sees it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("cut by a fault")]
    Cut,
    #[error("the object could not be read: {0}")]
    Read(Box<dyn std::error::Error + Send + Sync>),
}

/// What is to be done to one body.
#[derive(Debug, Default)]
pub(super) struct Plan {
    cut: Option<Cut>,
    stall: Option<(u64, Gate)>,
    flips: Vec<u64>,
    extra: u64,
    bytes_per_second: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Cut {
    after: u64,
    reset: bool,
}

impl Plan {
    /// `start` is the offset in the object of the body's first byte.
    pub(super) fn new(faults: &[Fault], start: u64) -> Self {
        let mut plan = Self::default();
        for fault in faults {
            match fault {
                Fault::Reset { after } => {
                    plan.cut = Some(Cut {
                        after: *after,
                        reset: true,
                    })
                }
                Fault::Truncate { after } => {
                    plan.cut = Some(Cut {
                        after: *after,
                        reset: false,
                    })
                }
                Fault::Stall { after, gate } => plan.stall = Some((*after, gate.clone())),
                Fault::FlipBit { offset } => plan.flips.extend(offset.checked_sub(start)),
                Fault::ExtraBytes(count) => plan.extra += count,
                Fault::Throttle { bytes_per_second } => {
                    plan.bytes_per_second = Some(*bytes_per_second);
                }
                Fault::Status(_)
                | Fault::ServeKey(_)
                | Fault::IgnoreRange
                | Fault::WrongContentRange
                | Fault::Header(..) => {}
            }
        }
        plan
    }

    /// Bytes appended to the body.
    pub(super) fn extra(&self) -> u64 {
        self.extra
    }
}

/// The body that hyper sends.
#[derive(Debug)]
pub(super) struct Outgoing {
    inner: s3s::Body,
    inner_ended: bool,
    /// Bytes promised by `Content-Length`.
    length: Option<u64>,
    held: Bytes,
    plan: Plan,
    sent: u64,
    flush: Flush,
    pace: Option<(Instant, Pin<Box<Sleep>>)>,
    entry: Ongoing,
    line: Arc<Line>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flush {
    Idle,
    Asked,
    Done,
}

impl Outgoing {
    pub(super) fn new(
        inner: s3s::Body,
        length: Option<u64>,
        plan: Plan,
        entry: Ongoing,
        line: Arc<Line>,
    ) -> Self {
        Self {
            inner,
            inner_ended: false,
            length,
            held: Bytes::new(),
            plan,
            sent: 0,
            flush: Flush::Idle,
            pace: None,
            entry,
            line,
        }
    }

    /// Ready when everything yielded so far was written to the socket.
    fn poll_left_server(&mut self, context: &Context<'_>) -> Poll<()> {
        match self.flush {
            Flush::Done => Poll::Ready(()),
            Flush::Asked if self.line.was_flushed() => {
                self.flush = Flush::Done;
                Poll::Ready(())
            }
            Flush::Idle | Flush::Asked => {
                self.line.ask_flush(context.waker());
                self.flush = Flush::Asked;
                Poll::Pending
            }
        }
    }

    /// Makes `held` non-empty, or says that the body has ended.
    fn poll_hold(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Broken>> {
        while self.held.is_empty() {
            if self.inner_ended {
                let padding = self.plan.extra.min(PADDING_PIECE);
                if padding == 0 {
                    return Poll::Ready(Ok(false));
                }
                self.plan.extra -= padding;
                let length = usize::try_from(padding).expect("at most PADDING_PIECE");
                self.held = Bytes::from(vec![0xEE; length]);
                break;
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => self.held = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Err(Broken::Read(error))),
                None => self.inner_ended = true,
            }
        }
        Poll::Ready(Ok(true))
    }

    /// Takes what may be sent now from `held`.
    fn take_piece(&mut self) -> Bytes {
        let held = u64::try_from(self.held.len()).expect("a length in memory");
        let mut length = held;
        if let Some(cut) = self.plan.cut {
            length = length.min(cut.after - self.sent);
        }
        if let Some((after, _)) = self.plan.stall.as_ref() {
            length = length.min(after - self.sent);
        }
        if self.plan.bytes_per_second.is_some() {
            length = length.min(THROTTLED_PIECE);
        }
        let piece = self
            .held
            .split_to(usize::try_from(length).expect("at most what is held"));
        self.flipped(piece)
    }

    fn flipped(&self, piece: Bytes) -> Bytes {
        let end = self.sent + u64::try_from(piece.len()).expect("a length in memory");
        let mut here = self
            .plan
            .flips
            .iter()
            .filter(|at| (self.sent..end).contains(at))
            .peekable();
        if here.peek().is_none() {
            return piece;
        }
        let mut copy = BytesMut::from(piece.as_ref());
        for at in here {
            copy[usize::try_from(at - self.sent).expect("inside the piece")] ^= 1;
        }
        copy.freeze()
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if let Some((_, pause)) = this.pace.as_mut() {
            ready!(pause.as_mut().poll(context));
        }
        if this.plan.cut.is_some_and(|cut| cut.after == this.sent) {
            ready!(this.poll_left_server(context));
            if this.plan.cut.is_some_and(|cut| cut.reset) {
                this.line.reset_on_close();
            }
            return Poll::Ready(Some(Err(Broken::Cut)));
        }
        if let Some((_, gate)) = this
            .plan
            .stall
            .clone()
            .filter(|(after, _)| *after == this.sent)
        {
            if this.flush != Flush::Done {
                ready!(this.poll_left_server(context));
                gate.arrive();
            }
            ready!(gate.poll_open(context));
            this.plan.stall = None;
            this.flush = Flush::Idle;
        }
        match ready!(this.poll_hold(context)) {
            Ok(true) => {}
            Ok(false) => {
                this.entry.completed();
                return Poll::Ready(None);
            }
            Err(broken) => return Poll::Ready(Some(Err(broken))),
        }
        let piece = this.take_piece();
        let length = u64::try_from(piece.len()).expect("a length in memory");
        this.sent += length;
        this.entry.sent(length);
        if let Some(rate) = this.plan.bytes_per_second {
            let begun = this
                .pace
                .as_ref()
                .map_or_else(Instant::now, |(begun, _)| *begun);
            let due = begun + Duration::from_nanos(this.sent.saturating_mul(1_000_000_000) / rate);
            this.pace = Some((begun, Box::pin(tokio::time::sleep_until(due))));
        }
        if this.length == Some(this.sent) {
            // hyper does not ask again once Content-Length bytes are out.
            this.entry.completed();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        // Content-Length is stated in the head; hyper holds the body to it.
        SizeHint::default()
    }
}
