//! The child's side: what this program is when it was started to unpack.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, ErrorKind},
    os::fd::OwnedFd,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use longshore_cage::{Inside, Message};
use longshore_image::{Ahead, ApplyError, Budget, Digest, Limits, Proof, StoredLayer};

use super::{
    trouble::TreeTrouble,
    unpack::{Grow, Unpack},
    wire::{self, Answer, Order, Problem},
};
use crate::{
    failure::causes,
    join::{DiskTreeError, FileDevice},
};

/// The role in which a child unpacks.
pub(crate) const UNPACK: &str = "unpack";

/// What the thread that listens tells the one that works.
enum Told {
    Layer(usize, Ahead),
    Lost(usize),
    Apply(usize),
    Finish([u8; 16]),
}

/// Unpacks into the volume that comes with the first frame, until it is told to finish.
pub(crate) fn unpack(inside: &Inside) -> io::Result<()> {
    let Some(Message { bytes, descriptors }) = inside.receive()? else {
        return Ok(());
    };
    let Order::Begin {
        grow,
        limits,
        ahead,
    } = wire::read(&bytes)?
    else {
        return Err(out_of_order());
    };
    let volume = one(descriptors)?;
    let unpack = match begin(volume, grow) {
        Ok(unpack) => unpack,
        Err(problem) => return answer(inside, &Answer::Failed(problem)),
    };
    answer(inside, &Answer::Begun)?;
    let (tell, told) = channel();
    thread::scope(|scope| {
        let listener = scope.spawn(|| listen(inside, &limits, &Budget::new(ahead), tell));
        let worked = work(inside, unpack, &limits, &told);
        if worked.is_err() {
            // The listener waits for the parent, which waits for an answer: this is none, and wakes both.
            let _ = inside.send(b"");
        }
        let listened = listener.join();
        worked.and(listened.unwrap_or_else(|_| Err(io::Error::other("the listener panicked"))))
    })
}

fn begin(volume: OwnedFd, grow: Grow) -> Result<Unpack<FileDevice>, Problem> {
    let device = FileDevice::new(File::from(volume));
    let device = device.map_err(|error| Problem::Tree(TreeTrouble::Filesystem, causes(&error)))?;
    Unpack::begin(device, grow)
        .map_err(|error| Problem::Tree(TreeTrouble::from(&error), causes(&error)))
}

/// Does what is to be done in order, until there is nothing more.
fn work(
    inside: &Inside,
    mut unpack: Unpack<FileDevice>,
    limits: &Limits,
    told: &Receiver<Told>,
) -> io::Result<()> {
    let mut layers = BTreeMap::new();
    loop {
        match told.recv() {
            Ok(Told::Layer(number, layer)) => {
                layers.insert(number, layer);
            }
            Ok(Told::Apply(number)) => {
                let applied = match arrived(number, &mut layers, told)? {
                    Some(layer) => unpack.apply(layer, limits).map_err(|error| error.into()),
                    None => Err(Problem::Read),
                };
                let applied = applied.map(|report| Answer::Applied(Box::new(report)));
                answer(inside, &applied.unwrap_or_else(Answer::Failed))?;
            }
            Ok(Told::Finish(uuid)) => {
                let finished = unpack.finish(uuid).map(Answer::Finished);
                let finished = finished.unwrap_or_else(|error| {
                    Answer::Failed(Problem::Tree(TreeTrouble::from(&error), causes(&error)))
                });
                return answer(inside, &finished);
            }
            // One that was begun and is not wanted any more.
            Ok(Told::Lost(_)) => {}
            // The parent is gone, or the listener does not understand it and says so.
            Err(_) => return Ok(()),
        }
    }
}

/// A layer that is to be applied, once it is there; `None` if it never will be.
fn arrived(
    number: usize,
    layers: &mut BTreeMap<usize, Ahead>,
    told: &Receiver<Told>,
) -> io::Result<Option<Ahead>> {
    loop {
        if let Some(layer) = layers.remove(&number) {
            return Ok(Some(layer));
        }
        match told.recv() {
            Ok(Told::Layer(other, layer)) => {
                layers.insert(other, layer);
            }
            Ok(Told::Lost(other)) if other == number => return Ok(None),
            Ok(Told::Lost(_)) => {}
            Ok(Told::Apply(_) | Told::Finish(_)) => return Err(out_of_order()),
            Err(_) => return Ok(None),
        }
    }
}

/// Takes what the parent sends, whatever is being worked on.
fn listen(inside: &Inside, limits: &Limits, budget: &Budget, tell: Sender<Told>) -> io::Result<()> {
    let mut digests: BTreeMap<usize, Sender<Digest>> = BTreeMap::new();
    while let Some(Message { bytes, descriptors }) = inside.receive()? {
        let told = match wire::read(&bytes)? {
            Order::Layer { number, is_hashed } => {
                let bytes = File::from(one(descriptors)?);
                let proof = is_hashed.then(|| {
                    let (prove, proven) = channel();
                    digests.insert(number, prove);
                    Proof::new(move || proven.recv().ok())
                });
                let layer = StoredLayer { bytes, proof };
                Told::Layer(number, Ahead::start(move || Ok(layer), limits, budget)?)
            }
            Order::Digest { number, digest } => {
                // Nobody wants it where the layer is not plain.
                if let Some(prove) = digests.remove(&number) {
                    let _ = prove.send(digest);
                }
                continue;
            }
            Order::Lost { number } => {
                digests.remove(&number);
                Told::Lost(number)
            }
            Order::Apply { number } => Told::Apply(number),
            Order::Finish { uuid } => Told::Finish(uuid),
            Order::Begin { .. } => return Err(out_of_order()),
        };
        if tell.send(told).is_err() {
            break;
        }
    }
    Ok(())
}

impl From<ApplyError<DiskTreeError>> for Problem {
    fn from(error: ApplyError<DiskTreeError>) -> Self {
        match error {
            ApplyError::Rejected(rejected) => Self::Rejected(rejected),
            ApplyError::Read(_) => Self::Read,
            ApplyError::Tree(DiskTreeError::Filesystem(error)) => {
                Self::Tree(TreeTrouble::from(&error), causes(&error))
            }
            ApplyError::Tree(error) => Self::Tree(TreeTrouble::from(&error), causes(&error)),
        }
    }
}

fn answer(inside: &Inside, answer: &Answer) -> io::Result<()> {
    inside.send(&wire::write(answer)?)
}

fn one(descriptors: Vec<OwnedFd>) -> io::Result<OwnedFd> {
    let mut descriptors = descriptors.into_iter();
    match (descriptors.next(), descriptors.next()) {
        (Some(descriptor), None) => Ok(descriptor),
        _ => Err(io::Error::other("a frame came without its descriptor")),
    }
}

fn out_of_order() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "an order out of its turn")
}
