//! Getting the bytes of layers, side by side, while the volume is built from the ones that are here.

use std::sync::Arc;

use futures::StreamExt;
use longshore_catalog::{ImageId, Writer};
use longshore_fsm::Attempt;
use longshore_image::Digest;
use longshore_source::{Blob, Fetch, Locator};
use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{Event, Failure, Phase, deps::Deps, trouble::Trouble};

/// Layers that are fetched side by side. A few hide the latency between two objects; more would
/// only make the first layer, which everything waits for, come later.
const LAYERS_AT_A_TIME: usize = 3;

/// Where a layer's bytes are to be read.
#[derive(Debug)]
pub(crate) enum Input {
    /// They are here, proven.
    Here(Digest),
    /// They are coming.
    Coming(Fetch),
}

/// What the builder gets for one layer: the bytes at once, their digest once it is proven.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) input: oneshot::Receiver<Input>,
    pub(crate) proof: oneshot::Receiver<Digest>,
}

/// One layer that was obtained.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) position: usize,
    pub(crate) fetched_bytes: u64,
}

/// The layers on their way.
#[derive(Debug)]
pub(crate) struct Supply {
    token: CancellationToken,
    orders: Vec<(Order, Receiver)>,
}

/// What it takes to get one layer.
#[derive(Debug)]
struct Order {
    deps: Arc<Deps>,
    attempt: Attempt<Connection>,
    image: ImageId,
    image_name: Arc<str>,
    position: usize,
    locator: Locator,
    token: CancellationToken,
}

/// The builder's ends of a [`Delivery`], seen from here.
#[derive(Debug)]
struct Receiver {
    tell: oneshot::Sender<Input>,
    prove: oneshot::Sender<Digest>,
}

impl Supply {
    /// Orders the layers from `first` on. Nothing is fetched before [`Supply::all`] is waited for.
    pub(crate) fn order(
        deps: &Arc<Deps>,
        attempt: &Attempt<Connection>,
        image: ImageId,
        image_name: &str,
        locators: &[Locator],
        first: usize,
    ) -> (Self, Vec<Delivery>) {
        let token = attempt.token().child_token();
        let image_name: Arc<str> = image_name.into();
        let mut orders = Vec::new();
        let mut deliveries = Vec::new();
        for (position, locator) in locators.iter().enumerate().skip(first) {
            let (tell, input) = oneshot::channel();
            let (prove, proof) = oneshot::channel();
            deliveries.push(Delivery { input, proof });
            let order = Order {
                deps: Arc::clone(deps),
                attempt: attempt.clone(),
                image,
                image_name: Arc::clone(&image_name),
                position,
                locator: locator.clone(),
                token: token.clone(),
            };
            orders.push((order, Receiver { tell, prove }));
        }
        (Self { token, orders }, deliveries)
    }

    /// Gets the layers, the first ones first, until every one is here or one of them cannot be
    /// had: then the others are given up.
    pub(crate) async fn all(self) -> Result<Vec<Obtained>, Failure> {
        let orders =
            futures::stream::iter(self.orders).map(|(order, receiver)| order.carry_out(receiver));
        let mut results = orders.buffer_unordered(LAYERS_AT_A_TIME);
        let mut obtained = Vec::new();
        let mut first_failure: Option<Failure> = None;
        while let Some(result) = results.next().await {
            match result {
                Ok(layer) => obtained.push(layer),
                Err(failure) => {
                    self.token.cancel();
                    // The others say only that they were stopped.
                    if first_failure.as_ref().is_none_or(Failure::is_interrupted) {
                        first_failure = Some(failure);
                    }
                }
            }
        }
        first_failure.map_or(Ok(obtained), Err)
    }

    /// Gives up what is still on its way.
    pub(crate) fn stopper(&self) -> CancellationToken {
        self.token.clone()
    }
}

impl Order {
    async fn carry_out(self, to: Receiver) -> Result<Obtained, Failure> {
        if self.token.is_cancelled() {
            return Err(Failure::interrupted());
        }
        // Two keys with one entity tag are one blob: whoever comes second finds it here.
        let _turn = match &self.locator.etag {
            Some(etag) => Some(tokio::select! {
                turn = self.deps.blob_flights.turn(format!(
                    "{} {} {}",
                    self.locator.origin,
                    etag.as_str(),
                    self.locator.size
                )) => turn,
                () = self.token.cancelled() => return Err(Failure::interrupted()),
            }),
            None => None,
        };
        let known = self.known().await?;
        if let Some(digest) = known
            && self
                .deps
                .blobs
                .contains(&digest)
                .map_err(Trouble::failure)?
        {
            self.say(Phase::Present, self.locator.size);
            // A builder that is gone has no use for it, and says why itself.
            let _ = to.tell.send(Input::Here(digest));
            let _ = to.prove.send(digest);
            return Ok(Obtained {
                position: self.position,
                fetched_bytes: 0,
            });
        }
        let source = self.deps.source()?;
        let fetch = self
            .deps
            .blobs
            .fetch(&source, &self.locator, known, &self.token);
        let _ = to.tell.send(Input::Coming(fetch.clone()));
        let blob = self.watch(&fetch).await?;
        self.record(blob.digest, blob.size).await?;
        self.deps
            .blobs
            .settle(&(&self.locator).into())
            .map_err(Trouble::failure)?;
        self.say(Phase::Fetched, blob.size);
        let _ = to.prove.send(blob.digest);
        Ok(Obtained {
            position: self.position,
            fetched_bytes: blob.fetched_bytes,
        })
    }

    /// What the layer was proven to be, by its own key or by another with the same entity tag.
    async fn known(&self) -> Result<Option<Digest>, Failure> {
        let (image, position) = (self.image, self.position);
        let (origin, now) = (self.locator.origin.to_string(), self.deps.now());
        let adopt = move |connection: &Connection| {
            let write = Writer::new(connection);
            super::resolve::adopt_known(&write, image, &origin, now)?;
            Ok(write
                .layers(image)?
                .get(position)
                .and_then(|layer| layer.digest))
        };
        self.attempt.record(adopt).await.map_err(Trouble::failure)
    }

    /// Tells how far the fetch is until it is done. Cancelling is the fetch's own business.
    async fn watch(&self, fetch: &Fetch) -> Result<Blob, Failure> {
        let mut progress = fetch.watch();
        let proven = fetch.proven();
        tokio::pin!(proven);
        let mut is_told = true;
        loop {
            tokio::select! {
                blob = &mut proven => return blob.map_err(Trouble::failure),
                changed = progress.changed(), if is_told => {
                    is_told = changed.is_ok();
                    let done = progress.borrow_and_update().done;
                    self.say(Phase::Fetching, done);
                }
            }
        }
    }

    async fn record(&self, digest: Digest, size: u64) -> Result<(), Failure> {
        let (image, now) = (self.image, self.deps.now());
        let position = u64::try_from(self.position).unwrap_or(u64::MAX);
        self.attempt
            .record(move |connection| {
                let write = Writer::new(connection);
                write.record_blob(&digest, size, now)?;
                write.layer_digest(image, position, &digest)?;
                Ok(())
            })
            .await
            .map_err(Trouble::failure)
    }

    fn say(&self, phase: Phase, done: u64) {
        self.deps.say(Event::Layer {
            image: self.image_name.to_string(),
            key: self.locator.key.to_string(),
            phase,
            done,
            total: self.locator.size,
        });
    }
}
