//! A layer inflated and hashed on threads of its own, before it is applied.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::budget::{Budget, Lane, Room};
use super::fault::Fault;
use super::inflate::Inflate;
use super::uncompressed::{CHUNK, Uncompressed, Whole};
use crate::{Digest, Hasher, Limits};

/// A layer's stored bytes.
#[derive(Debug)]
pub struct StoredLayer<R> {
    /// Gives them from the first to the last.
    pub bytes: R,
    /// Who hashes them too, if somebody does. Of a layer that is not compressed it is the diff id, and
    /// then nobody hashes it a second time.
    pub proof: Option<Proof>,
}

/// Waits until somebody else has hashed all stored bytes of a layer, and tells their digest; `None` if
/// that will never be.
pub struct Proof(Box<dyn FnOnce() -> Option<Digest> + Send>);

impl Proof {
    /// The one that this call waits for. What it hashes has to be what the layer's reader gives.
    pub fn new(wait: impl FnOnce() -> Option<Digest> + Send + 'static) -> Self {
        Self(Box::new(wait))
    }

    /// Waits for it; `None` if it will never be.
    pub fn wait(self) -> Option<Digest> {
        (self.0)()
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proof").finish_non_exhaustive()
    }
}

/// A layer whose stored bytes are read, inflated and hashed ahead, for
/// [`apply_ahead`](crate::apply_ahead()). Dropping it stops that once the reader returns.
#[derive(Debug)]
pub struct Ahead {
    chunks: Receiver<Inflated>,
    current: Option<Arc<Chunk>>,
    whole: Option<(Hashed, u64)>,
    lane: Arc<Lane>,
}

/// Bytes, in room of the budget.
#[derive(Debug)]
struct Chunk {
    room: Room,
    filled: usize,
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        &self.room.buffer[..self.filled]
    }
}

/// What comes out of a layer, in order.
#[derive(Debug)]
enum Inflated {
    Chunk(Arc<Chunk>),
    Fault(Fault),
    /// The end: where the digest comes from, and how many bytes were stored.
    End(Hashed, u64),
}

/// Who tells the digest of what came out.
#[derive(Debug)]
enum Hashed {
    Beside(Receiver<Digest>),
    Elsewhere(Proof),
}

impl Ahead {
    /// Begins to inflate what `open` gives, on a thread; `open` is called on it.
    ///
    /// # Errors
    /// If no thread can be had.
    pub fn start<R: Read>(
        open: impl FnOnce() -> io::Result<StoredLayer<R>> + Send + 'static,
        limits: &Limits,
        budget: &Budget,
    ) -> io::Result<Self> {
        let lane = Lane::new(budget);
        let (tell, chunks) = channel();
        let (their_lane, limits) = (Arc::clone(&lane), limits.clone());
        let inflate = move || {
            let result = inflate_all(open, &limits, &their_lane, &tell);
            if let Err(fault) = result {
                // Whoever would hear of it may be gone.
                let _ = tell.send(Inflated::Fault(fault));
            }
        };
        let thread = thread::Builder::new().name(String::from("inflate"));
        thread.spawn(inflate)?;
        Ok(Self {
            chunks,
            current: None,
            whole: None,
            lane,
        })
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.lane.close();
    }
}

/// Inflates to the end, and has it hashed beside.
fn inflate_all<R: Read>(
    open: impl FnOnce() -> io::Result<StoredLayer<R>>,
    limits: &Limits,
    lane: &Arc<Lane>,
    tell: &Sender<Inflated>,
) -> Result<(), Fault> {
    let StoredLayer { bytes, proof } = open().map_err(Fault::Read)?;
    let mut inflate = Inflate::new(bytes, limits)?;
    let (to_hash, hashed) = match proof.filter(|_| inflate.is_plain()) {
        Some(proof) => (None, Hashed::Elsewhere(proof)),
        None => {
            let (to_hash, digest) = hash_beside().map_err(Fault::Read)?;
            (Some(to_hash), Hashed::Beside(digest))
        }
    };
    loop {
        let Some(mut room) = lane.room() else {
            return Ok(());
        };
        let (filled, fault) = fill(&mut inflate, &mut room.buffer);
        if filled > 0 {
            let chunk = Arc::new(Chunk { room, filled });
            if let Some(to_hash) = &to_hash {
                // The hasher takes what it is given until nobody gives any more.
                let _ = to_hash.send(Arc::clone(&chunk));
            }
            if tell.send(Inflated::Chunk(chunk)).is_err() {
                return Ok(());
            }
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        if filled < CHUNK {
            let _ = tell.send(Inflated::End(hashed, inflate.stored_bytes()));
            return Ok(());
        }
    }
}

/// Fills the buffer unless the end or a fault comes before.
fn fill<R: Read>(inflate: &mut Inflate<R>, buffer: &mut [u8]) -> (usize, Option<Fault>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match inflate.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(fault) => return (filled, Some(fault)),
        }
    }
    (filled, None)
}

/// A thread that hashes what it is given, and tells the digest when nothing more comes.
fn hash_beside() -> io::Result<(Sender<Arc<Chunk>>, Receiver<Digest>)> {
    let (give, chunks) = channel::<Arc<Chunk>>();
    let (tell, digest) = channel();
    let thread = thread::Builder::new().name(String::from("hash"));
    thread.spawn(move || {
        let mut hasher = Hasher::new();
        for chunk in chunks {
            hasher.update(chunk.bytes());
        }
        // Nobody may want it any more.
        let _ = tell.send(hasher.finish());
    })?;
    Ok((give, digest))
}

impl Uncompressed for Ahead {
    fn advance(&mut self) -> Result<bool, Fault> {
        // Its room is free before the next is waited for.
        self.current = None;
        if self.whole.is_some() {
            return Ok(false);
        }
        match self.chunks.recv() {
            Ok(Inflated::Chunk(chunk)) => self.current = Some(chunk),
            Ok(Inflated::Fault(fault)) => return Err(fault),
            Ok(Inflated::End(hashed, stored_bytes)) => self.whole = Some((hashed, stored_bytes)),
            Err(_) => return Err(gone()),
        }
        Ok(self.current.is_some())
    }

    fn chunk(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |chunk| chunk.bytes())
    }

    fn finish(mut self) -> Result<Whole, Fault> {
        let (hashed, stored_bytes) = self.whole.take().ok_or_else(gone)?;
        let digest = match hashed {
            Hashed::Beside(digest) => digest.recv().map_err(|_| gone())?,
            Hashed::Elsewhere(proof) => proof.wait().ok_or_else(|| {
                Fault::Read(io::Error::other("the stored bytes were never proven"))
            })?,
        };
        Ok(Whole {
            digest,
            stored_bytes,
        })
    }
}

fn gone() -> Fault {
    Fault::Read(io::Error::other("the thread that inflates is gone"))
}
