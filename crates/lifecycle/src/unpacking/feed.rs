//! [`Feed`]: a layer's stored bytes, from wherever they come into the pipe that a child reads.
//!
//! The child is given a pipe and not the file, for a blob that is still being fetched has an end that moves,
//! and it can tell nobody who writes to it how far it is.

use std::{
    io::{self, PipeWriter, Read, Write},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Instant,
};

use longshore_cage::Sender;
use longshore_image::StoredLayer;

use super::wire::{self, Order};

/// Bytes in the pipe: as many as Linux lets anybody have, so that neither side waits for the other at every
/// piece.
const PIPE_BYTES: usize = 1 << 20;
/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// Waits for the stored bytes of a layer and opens them, on the thread that reads them.
pub(crate) type Open = Box<dyn FnOnce() -> io::Result<StoredLayer<Box<dyn Read>>> + Send>;

/// A layer on its way to a child.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(super) number: usize,
    pub(super) way: Arc<Way>,
}

/// How far it is.
#[derive(Debug)]
pub(super) struct Way(Mutex<(Stage, Option<io::Error>)>);

/// Whose turn it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    /// Whoever the bytes come from.
    Origin,
    /// The child's, since then.
    Child(Instant),
}

/// Why a feed ended before its end.
enum Ended {
    /// The child is gone, and its parent knows why.
    Gone,
    /// The bytes, or their digest, did not come.
    Lost(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl Way {
    pub(super) fn new() -> Self {
        Self(Mutex::new((Stage::Origin, None)))
    }

    pub(super) fn is_at(&self, stage: Stage) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = stage;
    }

    fn is_lost(&self, error: io::Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(error);
    }

    pub(super) fn stage(&self) -> Stage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Why the bytes did not come, if they did not.
    pub(super) fn lost(&self) -> Option<io::Error> {
        let mut way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        way.1.take()
    }
}

impl Feed {
    /// Begins to give a layer to the child that `to` speaks with, on a thread of its own.
    pub(super) fn start(number: usize, open: Open, to: Sender) -> io::Result<Self> {
        let way = Arc::new(Way::new());
        let theirs = Arc::clone(&way);
        let feed = move || {
            if let Err(Ended::Lost(error)) = give(number, open, &to, &theirs) {
                theirs.is_lost(error);
                // A child that is gone does not wait for it.
                let _ = say(&to, &Order::Lost { number });
            }
        };
        thread::Builder::new().name("feed".to_owned()).spawn(feed)?;
        Ok(Self { number, way })
    }
}

fn give(number: usize, open: Open, to: &Sender, way: &Way) -> Result<(), Ended> {
    let StoredLayer { bytes, proof } = open()?;
    let (theirs, mut ours) = io::pipe()?;
    enlarge(&ours);
    let order = Order::Layer {
        number,
        is_hashed: proof.is_some(),
    };
    let order = wire::write(&order).map_err(io::Error::from)?;
    to.send(&order, &[theirs.as_fd()])
        .map_err(|_| Ended::Gone)?;
    drop(theirs);
    // Where the bytes do not come, that is known before the pipe is seen to end.
    pour(bytes, &mut ours, way).inspect_err(|ended| {
        if let Ended::Lost(error) = ended {
            way.is_lost(io::Error::new(error.kind(), error.to_string()));
        }
    })?;
    drop(ours);
    if let Some(proof) = proof {
        way.is_at(Stage::Origin);
        let digest = proof.wait();
        let digest =
            digest.ok_or_else(|| io::Error::other("the stored bytes were never proven"))?;
        say(to, &Order::Digest { number, digest })?;
    }
    way.is_at(Stage::Child(Instant::now()));
    Ok(())
}

fn pour(mut bytes: impl Read, pipe: &mut PipeWriter, way: &Way) -> Result<(), Ended> {
    let mut piece = vec![0; PIECE];
    loop {
        way.is_at(Stage::Origin);
        let count = match bytes.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Ended::Lost(error)),
        };
        way.is_at(Stage::Child(Instant::now()));
        // Nobody reads it any more.
        pipe.write_all(&piece[..count]).map_err(|_| Ended::Gone)?;
    }
}

fn say(to: &Sender, order: &Order) -> Result<(), Ended> {
    let order = wire::write(order).map_err(io::Error::from)?;
    to.send(&order, &[]).map_err(|_| Ended::Gone)
}

/// A pipe has 64 KiB otherwise, and does as well.
#[cfg(target_os = "linux")]
fn enlarge(pipe: &PipeWriter) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

#[cfg(not(target_os = "linux"))]
fn enlarge(_pipe: &PipeWriter) {}
