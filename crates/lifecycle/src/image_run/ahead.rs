//! The next layers of an image, inflated while the one before them is applied.

use std::{
    collections::VecDeque,
    io::{self, Read},
    iter::{Peekable, Zip},
    ops::RangeFrom,
    sync::Arc,
    thread::available_parallelism,
    vec,
};

use futures::{FutureExt, executor::block_on, future::Shared};
use longshore_fsm::Attempt;
use longshore_image::{Digest, Proof, StoredLayer};
use longshore_source::Locator;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    obtain::{Delivery, Input},
    watched::Watched,
};
use crate::{
    Event, Failure, Phase,
    deps::Deps,
    unpacking::{Started, Unpacker},
};

/// Layers that are begun before their turn, at most: what they share is soon used up, and each has some
/// memory of its own.
const MOST_AHEAD: usize = 4;

/// A layer that is being inflated.
pub(super) struct Begun {
    pub(super) position: usize,
    pub(super) layer: Started,
    /// Where its bytes come from, once that is known; nobody says it if they never come.
    pub(super) input: oneshot::Receiver<Input>,
    /// What its stored bytes are proven to be; nobody says it if they never are.
    pub(super) proof: Shared<oneshot::Receiver<Digest>>,
}

/// Says how far a layer is.
type Say = dyn Fn(&Locator, Phase, u64) + Send + Sync;

/// The layers of an image from some layer on, each begun before its turn.
pub(super) struct Layers {
    deps: Arc<Deps>,
    attempt: Attempt<Connection>,
    say: Arc<Say>,
    locators: Vec<Locator>,
    waiting: Peekable<Zip<RangeFrom<usize>, vec::IntoIter<Delivery>>>,
    begun: VecDeque<Begun>,
}

impl Layers {
    /// Those of `deliveries`, the first of which is that of layer `first`.
    pub(super) fn new(
        deps: &Arc<Deps>,
        attempt: &Attempt<Connection>,
        image_name: &str,
        locators: &[Locator],
        first: usize,
        deliveries: Vec<Delivery>,
    ) -> Self {
        let (to, image) = (Arc::clone(deps), image_name.to_owned());
        let say = move |locator: &Locator, phase, done| {
            to.say(Event::Layer {
                image: image.clone(),
                key: locator.key.to_string(),
                phase,
                done,
                total: locator.size,
            });
        };
        Self {
            deps: Arc::clone(deps),
            attempt: attempt.clone(),
            say: Arc::new(say),
            locators: locators.to_vec(),
            waiting: (first..).zip(deliveries).peekable(),
            begun: VecDeque::new(),
        }
    }

    /// The layer at this position, and those after it begun, as many as there are processors, and
    /// [`MOST_AHEAD`] at most. Those before it are given up: somebody else has sealed them meanwhile.
    ///
    /// `unpacker` is to apply those before `until`. Where it keeps what it begins, no more are begun.
    pub(super) fn take(
        &mut self,
        position: usize,
        unpacker: &Unpacker,
        until: usize,
    ) -> Result<Begun, Failure> {
        let is_its = |next: usize| next < until || !unpacker.keeps_what_it_begins();
        loop {
            let ahead = available_parallelism()
                .map_or(1, usize::from)
                .min(MOST_AHEAD);
            while self.begun.len() <= ahead {
                let Some((next, delivery)) = self.waiting.next_if(|(next, _)| is_its(*next)) else {
                    break;
                };
                if next >= position {
                    let begun = self.begin(next, delivery, unpacker)?;
                    self.begun.push_back(begun);
                }
            }
            match self.begun.pop_front() {
                Some(begun) if begun.position == position => return Ok(begun),
                Some(_) => {}
                None => return Err(Failure::interrupted()),
            }
        }
    }

    fn begin(
        &self,
        position: usize,
        delivery: Delivery,
        unpacker: &Unpacker,
    ) -> Result<Begun, Failure> {
        let Delivery { input, proof } = delivery;
        let proof = proof.shared();
        let fetched = proof.clone();
        let (tell, told) = oneshot::channel();
        let locator = self.locators.get(position).cloned();
        let locator =
            locator.ok_or_else(|| Failure::broken("a layer that the image does not have"))?;
        let (deps, say) = (Arc::clone(&self.deps), Arc::clone(&self.say));
        let token = self.attempt.token().clone();
        let open = move || {
            let input = input.blocking_recv().map_err(io::Error::other)?;
            let (stored, proof): (Box<dyn Read>, _) = match &input {
                // What was proven once may have rotted, and is hashed again.
                Input::Here(digest) => {
                    (Box::new(deps.blob(digest).map_err(io::Error::other)?), None)
                }
                // The fetch hashes the file that this reads.
                Input::Coming(fetch) => {
                    let proof = Proof::new(move || block_on(fetched).ok());
                    (Box::new(fetch.follow()), Some(proof))
                }
            };
            // Whoever builds may have given up.
            let _ = tell.send(input);
            say(&locator, Phase::Unpacking, 0);
            let mut done = 0;
            let bytes: Box<dyn Read> = Box::new(Watched {
                inner: stored,
                token,
                read: move |bytes| {
                    done += bytes;
                    say(&locator, Phase::Unpacking, done);
                },
            });
            Ok(StoredLayer { bytes, proof })
        };
        Ok(Begun {
            position,
            layer: unpacker.start(position, Box::new(open))?,
            input: told,
            proof,
        })
    }
}
