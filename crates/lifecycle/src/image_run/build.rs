//! Building the volume of an image, layer by layer, on a thread of its own.
//!
//! A volume is built under a reserved id and is sealed only when everything in it is proven and
//! flushed. Where a snapshot is free, every layer is sealed by itself, on a snapshot of the one
//! below it; where a snapshot is a copy, the layers go into one volume, committed one after the
//! other: the bytes are the same.

use std::{ops::Range, sync::Arc};

use futures::executor::block_on;
use longshore_catalog::{ImageId, Sealing, VolumeId, VolumeKind, VolumeRow, Writer};
use longshore_fsm::Attempt;
use longshore_image::{ChainId, Digest, LayerReport, Totals};
use longshore_source::{ETag, Locator};
use longshore_volume::{Access, SnapshotKind};
use rusqlite::Connection;

use super::{
    ahead::{Begun, Layers},
    obtain::{Delivery, Input},
    sealed::{Sealed, sealed},
    state::LoadedVolume,
};
use crate::{
    Class, Event, Failure, Phase,
    deps::{Deps, volume_id},
    flights::Turn,
    plan::{ChainOrigin, chain_uuid},
    room::Promised,
    trouble::Trouble,
    unpacking::{CagedVolume, Finished, Grow, Unapplied, Unpacker},
};

/// What building one image takes.
pub(crate) struct Build {
    pub(crate) deps: Arc<Deps>,
    pub(crate) attempt: Attempt<Connection>,
    pub(crate) run: u64,
    pub(crate) image: ImageId,
    pub(crate) image_name: String,
    pub(crate) locators: Vec<Locator>,
    pub(crate) runtime: tokio::runtime::Handle,
}

/// A volume that is being built.
struct Work {
    id: VolumeId,
    unpacker: Unpacker,
    chain: Option<ChainId>,
    origin: ChainOrigin,
    /// The layer that goes into it next.
    next: usize,
    /// The first one that does not go into it.
    until: usize,
    /// Others who want the same wait for this.
    _turn: Turn,
}

impl Build {
    /// Builds what is missing, and answers the sealed volume of the whole chain. `deliveries` are
    /// those of the layers from `first` on.
    pub(crate) fn run(
        &self,
        first: usize,
        deliveries: Vec<Delivery>,
        promised: &Promised,
    ) -> Result<LoadedVolume, Failure> {
        let (deps, attempt, name) = (&self.deps, &self.attempt, &self.image_name);
        let mut layers = Layers::new(deps, attempt, name, &self.locators, first, deliveries);
        let mut unfinished: Option<Work> = None;
        loop {
            let mut work = match unfinished.take() {
                Some(work) => work,
                None => {
                    let (sealed, turn) = self.take_turn()?;
                    if sealed.layers == self.locators.len() {
                        return self.finish(&sealed);
                    }
                    self.begin(&sealed, turn)?
                }
            };
            let begun = layers.take(work.next, &work.unpacker, work.until)?;
            self.layer(begun, &mut work)?;
            promised.taken(work.next - 1 - first);
            if work.next == work.until {
                self.seal(work)?;
            } else {
                unfinished = Some(work);
            }
        }
    }

    /// Waits until nobody else extends the same volume by the same layers, and answers how far the
    /// chain is sealed then.
    fn take_turn(&self) -> Result<(Sealed, Turn), Failure> {
        loop {
            let before = self.sealed()?;
            let parent = before.volume.as_ref().map(|volume| volume.id);
            // Where intermediate volumes are kept, the next layer is all that is at stake.
            let wanted = match self.deps.backend.snapshot_kind() {
                SnapshotKind::Copy => &self.locators[before.layers..],
                _ => self
                    .locators
                    .get(before.layers..=before.layers)
                    .unwrap_or_default(),
            };
            let etags = wanted.iter().map(|locator| match &locator.etag {
                Some(etag) => format!("{etag} {}", locator.size),
                None => locator.key.to_string(),
            });
            let key = (parent, etags.collect());
            let turn = self.runtime.block_on(async {
                tokio::select! {
                    turn = self.deps.build_flights.turn(key) => Ok(turn),
                    () = self.attempt.token().cancelled() => Err(Failure::interrupted()),
                }
            })?;
            let after = self.sealed()?;
            if after.layers == before.layers {
                return Ok((after, turn));
            }
        }
    }

    fn sealed(&self) -> Result<Sealed, Failure> {
        self.deps.read(|read| sealed(read, self.image, &self.deps))
    }

    /// Reserves an id and makes the volume that the next layer goes into.
    fn begin(&self, sealed: &Sealed, turn: Turn) -> Result<Work, Failure> {
        let parent = sealed.volume.as_ref();
        let parent_id = parent.map(|volume| volume.id);
        let (size, run, now) = (self.deps.volume_size, self.run, self.deps.now());
        let reserve = move |connection: &Connection| {
            let write = Writer::new(connection);
            Ok(write.reserve_volume(VolumeKind::Base, parent_id, size, run, now)?)
        };
        let id = self
            .attempt
            .record_blocking(reserve)
            .map_err(Trouble::failure)?;
        let backend = &self.deps.backend;
        match parent_id {
            Some(parent) => {
                backend
                    .snapshot(volume_id(parent)?, volume_id(id)?, None)
                    .map_err(Trouble::failure)?;
            }
            None => {
                backend
                    .create(volume_id(id)?, size)
                    .map_err(Trouble::failure)?;
            }
        }
        let created = move |connection: &Connection| {
            Writer::new(connection).volume_created(id)?;
            Ok(())
        };
        self.attempt
            .record_blocking(created)
            .map_err(Trouble::failure)?;
        let grow = match parent {
            None => Grow::FromNothing,
            Some(volume) => Grow::From(totals_of(volume)?),
        };
        // Where a snapshot is a copy, one volume takes all layers.
        let until = match backend.snapshot_kind() {
            SnapshotKind::Copy => self.locators.len(),
            _ => sealed.layers + 1,
        };
        Ok(Work {
            id,
            unpacker: self.unpacker(id, grow, sealed.layers..until)?,
            chain: parent.and_then(|volume| volume.chain),
            origin: sealed.origin.clone(),
            next: sealed.layers,
            until,
            _turn: turn,
        })
    }

    /// In a cage, where there are some and the volume can be handed to it.
    fn unpacker(
        &self,
        id: VolumeId,
        grow: Grow,
        layers: Range<usize>,
    ) -> Result<Unpacker, Failure> {
        let Deps {
            backend, limits, ..
        } = &*self.deps;
        let disk = backend.open(volume_id(id)?, Access::Write);
        let disk = disk.map_err(Trouble::failure)?;
        let Some(path) = disk.path().filter(|_| self.deps.cages.are_used()) else {
            return Unpacker::here(disk, grow, limits, &self.deps.inflate_ahead);
        };
        let layers = self.locators.get(layers).unwrap_or_default();
        let volume = CagedVolume {
            name: self.image_name.clone(),
            disk,
            path,
            grow,
            limits,
            stored: layers.iter().map(|layer| layer.size).sum(),
            ahead: self.deps.inflate_ahead_of_one,
        };
        let say = |text| self.deps.say(Event::Notice { text });
        let token = self.attempt.token();
        Unpacker::caged(volume, &self.deps.cages, &self.runtime, token, say)
    }

    /// Applies one layer and records what it turned out to be.
    fn layer(&self, begun: Begun, work: &mut Work) -> Result<(), Failure> {
        let Begun {
            position,
            layer,
            input,
            proof,
        } = begun;
        let locator = &self.locators[position];
        let key = locator.key.as_str();
        // A delivery that never comes was given up by whoever makes it, who says why.
        let input = input.blocking_recv().map_err(|_| Failure::interrupted())?;
        let is_fetch = matches!(input, Input::Coming(_));
        let report = work.unpacker.apply(layer).map_err(|error| match error {
            // A fetch that failed tells its own story, and so does whoever cancelled.
            Unapplied::Read(_) if is_fetch || self.attempt.token().is_cancelled() => {
                Failure::interrupted()
            }
            error => error.failure().layer(key),
        })?;
        let digest = block_on(proof).map_err(|_| Failure::interrupted())?;
        if let Input::Here(_) = input {
            self.still_is(&digest, &report)
                .map_err(|failure| failure.layer(key))?;
        }
        work.chain = Some(match &work.chain {
            None => ChainId::base(report.diff_id),
            Some(below) => below.extend(report.diff_id),
        });
        work.origin.push(&digest, &report.diff_id);
        work.next += 1;
        let (image, now, pinned) = (self.image, self.deps.now(), locator.clone());
        let record = move |connection: &Connection| {
            let write = Writer::new(connection);
            // Only now: an object that could not be unpacked may be replaced by a better one.
            write.record_pin(
                pinned.origin.as_str(),
                pinned.key.as_str(),
                pinned.etag.as_ref().map(ETag::as_str),
                pinned.size,
                &digest,
                now,
            )?;
            let counters = serde_json::to_string(&report)?;
            write.record_diff_id(&digest, &report.diff_id, report.stream_bytes)?;
            let position = u64::try_from(position)?;
            write.layer_unpacked(image, position, &report.diff_id, Some(&counters))?;
            Ok(())
        };
        self.attempt
            .record_blocking(record)
            .map_err(Trouble::failure)?;
        self.say(position, Phase::Unpacked, locator.size);
        Ok(())
    }

    /// Fails if the bytes that were applied are not those of the blob's digest any more: what was
    /// fetched just now was hashed on its way, what was here may have rotted. The blob is
    /// forgotten then, and another attempt fetches it again.
    fn still_is(&self, digest: &Digest, report: &LayerReport) -> Result<(), Failure> {
        let is_plain = report.stored_bytes == report.stream_bytes;
        let found = if is_plain {
            *report.diff_id.digest()
        } else {
            self.deps.blob(digest)?.digest().map_err(|error| {
                Failure::new(
                    Class::Failed,
                    "blobs",
                    format!("blob {digest} could not be read"),
                )
                .caused_by(&error)
            })?
        };
        if found == *digest {
            return Ok(());
        }
        let rotten = *digest;
        let forget = move |connection: &Connection| {
            Writer::new(connection).forget_blob(&rotten)?;
            Ok(())
        };
        self.attempt
            .record_blocking(forget)
            .map_err(Trouble::failure)?;
        self.deps.blobs.remove(digest).map_err(Trouble::failure)?;
        Err(Failure::new(
            Class::Failed,
            "blob-damaged",
            format!("blob {digest} had other bytes than it was stored with, and was removed"),
        )
        .hint("check the disk; the same command fetches the blob again")
        .retryable())
    }

    /// Makes a built volume one that can be relied on, or drops it where another has its key.
    fn seal(&self, work: Work) -> Result<(), Failure> {
        let chain = work
            .chain
            .ok_or_else(|| Failure::broken("a volume without layers"))?;
        let Finished { used, totals } = work.unpacker.finish(chain_uuid(&chain))?;
        let key = self.deps.seal_key(chain, &work.origin);
        let totals = serde_json::to_string(&totals)
            .map_err(|error| Failure::broken("totals cannot be written").caused_by(&error))?;
        let id = work.id;
        let path = self.deps.backend.path(volume_id(id)?);
        let path = path.map(|path| path.to_string_lossy().into_owned());
        let seal = move |connection: &Connection| {
            let contents = Sealing {
                used,
                totals: &totals,
                path: path.as_deref(),
            };
            Ok(Writer::new(connection).seal_volume(id, &key, &contents)?)
        };
        let sealed = self
            .attempt
            .record_blocking(seal)
            .map_err(Trouble::failure)?;
        if sealed != id {
            self.deps.drop_unsealed(id, |write| {
                self.attempt
                    .record_blocking(write)
                    .map_err(Trouble::failure)
            })?;
        }
        Ok(())
    }

    fn finish(&self, sealed: &Sealed) -> Result<LoadedVolume, Failure> {
        let Some((volume, chain)) = sealed
            .volume
            .as_ref()
            .and_then(|volume| Some((volume, volume.chain?)))
        else {
            return Err(Failure::broken("an image without layers"));
        };
        let (image, id) = (self.image, volume.id);
        let record = move |connection: &Connection| {
            Writer::new(connection).image_volume(image, &chain, id)?;
            Ok(())
        };
        self.attempt
            .record_blocking(record)
            .map_err(Trouble::failure)?;
        Ok(LoadedVolume {
            id: id.0,
            chain,
            size: volume.size,
            used: volume.used.unwrap_or_default(),
        })
    }

    fn say(&self, position: usize, phase: Phase, done: u64) {
        let Some(locator) = self.locators.get(position) else {
            return;
        };
        self.deps.say(Event::Layer {
            image: self.image_name.clone(),
            key: locator.key.to_string(),
            phase,
            done,
            total: locator.size,
        });
    }
}

/// What the layers of a sealed volume add up to.
fn totals_of(volume: &VolumeRow) -> Result<Totals, Failure> {
    let totals = volume.totals.as_deref().map(serde_json::from_str);
    let totals = totals.transpose().map_err(|error| {
        Failure::broken("the totals of a sealed volume cannot be read").caused_by(&error)
    })?;
    Ok(totals.unwrap_or_default())
}
