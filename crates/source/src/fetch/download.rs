//! One range of an object: asked for, written at its place, asked for again where it broke off.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt;
use longshore_durable::File;
use tokio_util::sync::CancellationToken;

use super::{error::FetchError, plan::Window, shared::Shared};
use crate::{
    blob::{DiskError, Doing, failed},
    client::{Fault, Source},
    error::SourceError,
};

/// Bytes gathered before they are written: large enough to make the hop to a thread cheap.
const GATHER: usize = 256 << 10;
/// Or this long, so that followers of a slow source are not kept waiting.
const GATHER_TIME: Duration = Duration::from_millis(250);
/// A try that brought this many bytes was none in vain, and the count of failures begins anew.
const PROGRESS: u64 = 1 << 20;

/// What all ranges of one fetch have in common.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) source: Arc<Source>,
    pub(super) shared: Arc<Shared>,
    pub(super) file: Arc<dyn File>,
    /// The name of the file, for errors.
    pub(super) name: String,
    /// Fires when no more bytes are wanted.
    pub(super) stop: CancellationToken,
    pub(super) window: Mutex<Window>,
    /// Bytes that came from the source.
    pub(super) received: AtomicU64,
}

/// How a range is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// By a range request.
    Range,
    /// As part of the whole object, what precedes it being thrown away: where the server ignores
    /// ranges, or gives no ETag that would hold several of them together.
    Whole,
}

/// Why a range is not there.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server sends whole objects only.
    RangeIgnored,
    Final(FetchError),
}

/// Why one try ended early.
enum Broken {
    Fault(Fault),
    Disk(DiskError),
    Stopped,
}

#[derive(Debug, thiserror::Error)]
#[error("the body ended {missing} bytes early")]
struct EndedEarly {
    missing: u64,
}

impl Download {
    /// Brings a range, however often that has to be tried.
    pub(super) async fn range(&self, range: Range<u64>, ask: Ask) -> Result<(), Failure> {
        let mut at = range.start;
        let mut failures = 0;
        loop {
            let began = at;
            let fault = match self.attempt(&mut at, range.end, ask).await {
                Ok(()) => return Ok(()),
                Err(Broken::Stopped) => return Err(Failure::Final(FetchError::Cancelled)),
                Err(Broken::Disk(error)) => return Err(Failure::Final(error.into())),
                Err(Broken::Fault(fault)) => fault,
            };
            tracing::debug!(locator = %self.shared.locator(), ?range, at, ?fault, "broken off");
            if at - began >= PROGRESS {
                failures = 0;
            }
            failures += 1;
            self.after(fault, failures, ask, at > range.start).await?;
        }
    }

    /// Waits for the next try, if there is to be one.
    async fn after(
        &self,
        fault: Fault,
        failures: u32,
        ask: Ask,
        begun: bool,
    ) -> Result<(), Failure> {
        let locator = self.shared.locator();
        let asked = match &fault {
            Fault::Transient { wait, .. } => *wait,
            Fault::RangeIgnored if ask == Ask::Range => return Err(Failure::RangeIgnored),
            Fault::Changed(_) => {
                let error = tokio::select! {
                    error = self.source.look_again(locator) => error.into(),
                    () = self.stop.cancelled() => FetchError::Cancelled,
                };
                return Err(Failure::Final(error));
            }
            _ => return Err(self.give_up(fault, failures)),
        };
        self.window
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .shrink();
        // Without an ETag nothing says that a second answer continues the first.
        let resumable = locator.etag.is_some() || !begun;
        match self.source.wait(failures, asked).filter(|_| resumable) {
            None => Err(self.give_up(fault, failures)),
            Some(wait) => tokio::select! {
                () = tokio::time::sleep(wait) => Ok(()),
                () = self.stop.cancelled() => Err(Failure::Final(FetchError::Cancelled)),
            },
        }
    }

    fn give_up(&self, fault: Fault, tries: u32) -> Failure {
        let error: SourceError =
            self.source
                .error(self.shared.locator().key.as_str(), fault, tries);
        Failure::Final(error.into())
    }

    /// One request. `at` moves on with what has been written, also where the try fails.
    async fn attempt(&self, at: &mut u64, end: u64, ask: Ask) -> Result<(), Broken> {
        let (range, mut skip) = match ask {
            Ask::Range => (Some(*at..end), 0),
            Ask::Whole => (None, *at),
        };
        let open = self.source.open(self.shared.locator(), range);
        let mut body = tokio::select! {
            body = open => body.map_err(Broken::Fault)?,
            () = self.stop.cancelled() => return Err(Broken::Stopped),
        };
        let mut gathered = Vec::with_capacity(capacity(end - *at));
        let mut since = Instant::now();
        // Nothing is dropped while it is being written: only the wait for the network ends early.
        let broken = loop {
            let missing = end - *at - length(&gathered);
            if missing == 0 {
                break None;
            }
            let piece = tokio::select! {
                piece = body.next() => piece,
                () = self.stop.cancelled() => break Some(Broken::Stopped),
            };
            let mut piece = match piece {
                Some(Ok(piece)) => piece,
                Some(Err(fault)) => break Some(Broken::Fault(fault)),
                None => break Some(Broken::Fault(Fault::transient(EndedEarly { missing }))),
            };
            self.received.fetch_add(length(&piece), Ordering::Relaxed);
            let skipped = skip.min(length(&piece));
            let _ = piece.split_to(usize::try_from(skipped).unwrap_or(piece.len()));
            skip -= skipped;
            // What a server sends beyond the range is not looked at.
            piece.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
            gathered.extend_from_slice(&piece);
            if gathered.len() >= GATHER || since.elapsed() >= GATHER_TIME {
                gathered = self.write(at, gathered).await?;
                since = Instant::now();
            }
        };
        self.write(at, gathered).await?;
        broken.map_or(Ok(()), Err)
    }

    /// Writes what was gathered, and gives the emptied buffer back.
    async fn write(&self, at: &mut u64, gathered: Vec<u8>) -> Result<Vec<u8>, Broken> {
        if gathered.is_empty() {
            return Ok(gathered);
        }
        let (file, start) = (Arc::clone(&self.file), *at);
        let written = tokio::task::spawn_blocking(move || {
            let written = file.write_at(start, &gathered);
            (gathered, written)
        });
        // The runtime is going down, or a write panicked.
        let Ok((mut gathered, written)) = written.await else {
            return Err(Broken::Stopped);
        };
        written.map_err(|error| Broken::Disk(failed(Doing::Writing, &self.name)(error)))?;
        *at += length(&gathered);
        self.shared.record(start..*at);
        gathered.clear();
        Ok(gathered)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("a buffer's length fits in 64 bits")
}

fn capacity(range: u64) -> usize {
    usize::try_from(range).map_or(GATHER, |range| range.min(GATHER))
}
