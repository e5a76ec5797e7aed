//! The parent's side: a child that unpacks into one volume.

use std::{fs::File, os::fd::AsFd, path::PathBuf, sync::Arc};

use longshore_cage::{CageError, Caged, Cancel, Limits as CageLimits};
use longshore_image::{LayerReport, Limits};
use longshore_volume::{Disk, DiskError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    budget::budget,
    child::UNPACK,
    ending,
    feed::{Feed, Open, Way},
    plausible::{are_plausible, is_plausible},
    stall::{Owed, PATIENCE, Stall},
    unapplied::{Unapplied, no_thread},
    unpack::{Finished, Grow},
    wire::{self, Answer, Order, Problem},
};
use crate::{
    Failure,
    caged::Cages,
    trouble::{Trouble, storage},
};

/// A volume that a child is to unpack into.
pub(crate) struct CagedVolume<'a> {
    /// What it is called in texts.
    pub(crate) name: String,
    /// It, held: nobody else opens it, and this makes durable what the child writes.
    pub(crate) disk: Box<dyn Disk>,
    /// Where it is.
    pub(crate) path: PathBuf,
    pub(crate) grow: Grow,
    pub(crate) limits: &'a Limits,
    /// Bytes of the layers that will be put on it, as they are stored.
    pub(crate) stored: u64,
    /// Bytes that may be inflated before their turn.
    pub(crate) ahead: u64,
}

/// A child that unpacks, and the volume that it has.
#[derive(Debug)]
pub(crate) struct CagedUnpack {
    name: String,
    disk: Box<dyn Disk>,
    caged: Caged,
    limits: CageLimits,
    /// What the image is held to.
    of_image: Limits,
    owed: Arc<Owed>,
    _stall: Stall,
}

impl CagedUnpack {
    /// Starts a child, and hands it the volume. It is ended when `token` is cancelled.
    pub(super) fn begin(
        volume: CagedVolume<'_>,
        cages: &Cages,
        runtime: &Handle,
        token: &CancellationToken,
        say: impl FnOnce(String),
    ) -> Result<Self, Failure> {
        let CagedVolume {
            name,
            disk,
            path,
            grow,
            limits,
            stored,
            ahead,
        } = volume;
        let of_cage = budget(limits, stored, disk.size(), ahead);
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(|error| storage("volumes", "a volume failed", &error))?;
        let none = |error| ending::failure(&name, &error, &of_cage, false);
        let cancel = Cancel::new().map_err(CageError::Host).map_err(none)?;
        let owed = Arc::new(Owed::default());
        let stall = Stall::watch(runtime, &owed, token, &cancel, PATIENCE);
        let caged = cages
            .spawn(UNPACK, &of_cage, Some(&cancel), say)
            .map_err(none)?;
        let mut begun = Self {
            name,
            disk,
            caged,
            limits: of_cage,
            of_image: limits.clone(),
            owed,
            _stall: stall,
        };
        let order = Order::Begin {
            grow,
            limits: Box::new(limits.clone()),
            ahead,
        };
        match begun.ask(&order, Some(&file), None)? {
            Answer::Begun => Ok(begun),
            other => Err(begun.unexpected(other)),
        }
    }

    /// Begins to give it a layer, of which it is told later that it is to be applied.
    pub(super) fn feed(&self, number: usize, open: Open) -> Result<Feed, Failure> {
        Feed::start(number, open, self.caged.sender()).map_err(|error| no_thread(&error))
    }

    /// Waits until it has applied a layer, and makes that durable.
    pub(super) fn apply(&mut self, layer: &Feed) -> Result<LayerReport, Unapplied> {
        let Feed { number, way } = layer;
        let answer = self.ask(&Order::Apply { number: *number }, None, Some(way));
        // Whatever it says of a layer of which it did not have all.
        if let Some(error) = way.lost() {
            return Err(Unapplied::Read(error));
        }
        match answer? {
            Answer::Applied(report) if is_plausible(&report, &self.of_image) => {
                self.disk.flush().map_err(|error| unflushed(&error))?;
                Ok(*report)
            }
            other => Err(self.unexpected(other).into()),
        }
    }

    /// Waits until it has finished, and ends it.
    pub(super) fn finish(mut self, uuid: [u8; 16]) -> Result<Finished, Failure> {
        let finished = match self.ask(&Order::Finish { uuid }, None, None)? {
            Answer::Finished(finished) if are_plausible(&finished.totals, &self.of_image) => {
                finished
            }
            other => return Err(self.unexpected(other)),
        };
        let Self {
            mut disk, caged, ..
        } = self;
        // Not asked to end, but ended: what is made durable now is the last that it has written.
        drop(caged);
        disk.flush().map_err(|error| unflushed(&error))?;
        let used = finished.used.min(disk.size());
        Ok(Finished { used, ..finished })
    }

    fn ask(
        &mut self,
        order: &Order,
        volume: Option<&File>,
        layer: Option<&Arc<Way>>,
    ) -> Result<Answer, Failure> {
        let order = wire::write(order)
            .map_err(|error| Failure::broken("an order cannot be written").caused_by(&error))?;
        let descriptors: Vec<_> = volume.into_iter().map(AsFd::as_fd).collect();
        self.owed.begins(layer);
        let sent = self.caged.send(&order, &descriptors);
        let answer = sent.and_then(|()| self.caged.receive());
        self.owed.ends();
        let answer = answer.map_err(|error| self.ended(&error))?;
        wire::read(&answer).map_err(|_| self.garbled())
    }

    /// The failure in an answer that is not the one that was due.
    fn unexpected(&self, answer: Answer) -> Failure {
        let Answer::Failed(problem) = answer else {
            return self.garbled();
        };
        match problem.harmless() {
            Problem::Rejected(rejected) => rejected.failure(),
            Problem::Tree(trouble, texts) => trouble.failure(texts),
            // They all came.
            Problem::Read => self.garbled(),
        }
    }

    fn ended(&self, error: &CageError) -> Failure {
        if !matches!(error, CageError::Cancelled) {
            tracing::error!(name = self.name, %error, "a caged unpacker did not get to its end");
        }
        ending::failure(&self.name, error, &self.limits, self.owed.was_overdue())
    }

    fn garbled(&self) -> Failure {
        tracing::error!(
            name = self.name,
            "a caged unpacker said what none of ours says"
        );
        ending::garbled(&self.name)
    }
}

/// What the child wrote could not be made durable.
fn unflushed(error: &DiskError) -> Failure {
    storage("filesystem", "the filesystem of a volume failed", error)
}
