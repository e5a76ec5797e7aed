//! Wakes the worker when a task was inserted.
//!
//! It listens to the same hook of SQLite's as the listener that comes with apalis. That one takes one
//! insert at a time and, in the moment in which it does, leaves nobody to wake the worker for the next;
//! here the worker looks once more after the last insert, so that it never waits without need.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use apalis::prelude::{PollSnapshot, PollStrategy};
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;

/// The inserts that the worker has not seen yet.
#[derive(Debug, Clone)]
pub(crate) struct Inserts(Arc<Mutex<UnboundedReceiver<()>>>);

impl Inserts {
    pub(crate) fn new(receiver: UnboundedReceiver<()>) -> Self {
        Self(Arc::new(Mutex::new(receiver)))
    }
}

impl PollStrategy for Inserts {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut receiver = self.0.lock().expect("nothing panics in here");
        let mut any = false;
        while let Poll::Ready(Some(())) = receiver.poll_next_unpin(cx) {
            any = true;
        }
        if any {
            cx.waker().wake_by_ref();
            return Poll::Ready(Some(()));
        }
        Poll::Pending
    }
}
