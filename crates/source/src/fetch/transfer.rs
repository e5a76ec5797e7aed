//! From the first missing byte to the last: ranges side by side, and checkpoints between them.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::MissedTickBehavior;

use super::{
    checkpoint::Checkpoints,
    download::{Ask, Download, Failure},
    error::FetchError,
    plan::next_range,
};
use crate::blob::{RangeSet, Workspace};

/// Brings every byte that is missing. Gives the workspace back (if its thread did) when nothing
/// writes to it any more.
pub(super) async fn transfer(
    download: Arc<Download>,
    workspace: Workspace,
) -> (Option<Workspace>, Result<(), FetchError>) {
    let settings = *download.source.transfer();
    let mut flight = Flight::new(Arc::clone(&download), workspace.durable().clone());
    let mut checkpoints = Checkpoints::new(workspace);
    let mut result = Ok(());
    let interval = settings.checkpoint_interval.max(Duration::from_millis(1));
    let mut tick = tokio::time::interval(interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.reset();
    loop {
        if result.is_ok() {
            flight.launch(settings.range);
        }
        if flight.running.is_empty() {
            if result.is_ok() && flight.fall_back() {
                continue;
            }
            break;
        }
        let (news, due) = tokio::select! {
            Some(done) = flight.running.next() => (flight.settle(done), settings.checkpoint_bytes),
            saved = checkpoints.finished() => (saved, u64::MAX),
            _ = tick.tick() => (Ok(()), 1),
        };
        if news.is_err() && result.is_ok() {
            // The first failure is the one to tell; the others will follow from it.
            result = news;
            download.stop.cancel();
        }
        if result.is_ok() {
            checkpoints.offer(download.shared.written(), due);
        }
    }
    let (workspace, saved) = checkpoints.end().await;
    (workspace, result.and(saved))
}

/// The ranges that are being downloaded.
struct Flight {
    download: Arc<Download>,
    ask: Ask,
    /// A server ignored a range.
    ignored: bool,
    /// What is there or asked for.
    claimed: RangeSet,
    running: FuturesUnordered<BoxFuture<'static, Result<(), Failure>>>,
}

impl Flight {
    fn new(download: Arc<Download>, durable: RangeSet) -> Self {
        let ask = match download.shared.locator().etag {
            Some(_) => Ask::Range,
            None => Ask::Whole,
        };
        Self {
            download,
            ask,
            ignored: false,
            claimed: durable,
            running: FuturesUnordered::new(),
        }
    }

    /// Asks for as much as may be asked for at a time.
    fn launch(&mut self, range: u64) {
        let (limit, step) = match self.ask {
            Ask::Range => (self.window(|window| window.limit()), range),
            Ask::Whole => (1, u64::MAX),
        };
        while self.running.len() < limit && !self.ignored {
            let size = self.download.shared.locator().size;
            let Some(range) = next_range(&self.claimed, size, step) else {
                break;
            };
            self.claimed.insert(range.clone());
            let (download, ask) = (Arc::clone(&self.download), self.ask);
            self.running
                .push(Box::pin(async move { download.range(range, ask).await }));
        }
    }

    fn settle(&mut self, done: Result<(), Failure>) -> Result<(), FetchError> {
        match done {
            Ok(()) => {
                self.window(|window| window.grow());
                Ok(())
            }
            Err(Failure::RangeIgnored) => {
                self.ignored = true;
                Ok(())
            }
            Err(Failure::Final(error)) => Err(error),
        }
    }

    /// Where a server ignored ranges: goes on without them. Says whether it did.
    fn fall_back(&mut self) -> bool {
        if !self.ignored {
            return false;
        }
        self.ignored = false;
        self.ask = Ask::Whole;
        self.claimed = self.download.shared.written();
        true
    }

    fn window<T>(&self, with: impl FnOnce(&mut super::plan::Window) -> T) -> T {
        with(
            &mut self
                .download
                .window
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
