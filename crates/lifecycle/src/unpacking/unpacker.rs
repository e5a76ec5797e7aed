//! [`Unpacker`]: what unpacks into one volume.

use longshore_image::{Ahead, ApplyError, Budget, LayerReport, Limits};
use longshore_volume::Disk;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    caged::{CagedUnpack, CagedVolume},
    feed::{Feed, Open},
    unapplied::{Unapplied, no_thread},
    unpack::{Finished, Grow, Unpack},
};
use crate::{Failure, caged::Cages, join::DiskDevice, trouble::Trouble};

/// What unpacks into one volume.
#[derive(Debug)]
pub(crate) enum Unpacker {
    /// This process.
    Here(Box<Here>),
    /// A child in a cage.
    Caged(Box<CagedUnpack>),
}

/// This process at work.
#[derive(Debug)]
pub(crate) struct Here {
    unpack: Unpack<DiskDevice>,
    limits: Limits,
    ahead: Budget,
}

/// A layer that was begun, before its turn.
#[derive(Debug)]
pub(crate) enum Started {
    /// It is inflated in this process.
    Here(Ahead),
    /// Its bytes are given to a child.
    There(Feed),
}

impl Unpacker {
    /// In this process, with what all images together may inflate before its turn.
    pub(crate) fn here(
        disk: Box<dyn Disk>,
        grow: Grow,
        limits: &Limits,
        ahead: &Budget,
    ) -> Result<Self, Failure> {
        let unpack = Unpack::begin(DiskDevice(disk), grow).map_err(Trouble::failure)?;
        Ok(Self::Here(Box::new(Here {
            unpack,
            limits: limits.clone(),
            ahead: ahead.clone(),
        })))
    }

    /// In a child. `say` is told once which layers its cage goes without.
    pub(crate) fn caged(
        volume: CagedVolume<'_>,
        cages: &Cages,
        runtime: &Handle,
        token: &CancellationToken,
        say: impl FnOnce(String),
    ) -> Result<Self, Failure> {
        let caged = CagedUnpack::begin(volume, cages, runtime, token, say)?;
        Ok(Self::Caged(Box::new(caged)))
    }

    /// Whether a layer that it begins can be applied by it alone.
    pub(crate) fn keeps_what_it_begins(&self) -> bool {
        matches!(self, Self::Caged(_))
    }

    /// Begins to read and inflate a layer, the `number`th of the image.
    pub(crate) fn start(&self, number: usize, open: Open) -> Result<Started, Failure> {
        match self {
            Self::Here(here) => {
                let ahead = Ahead::start(open, &here.limits, &here.ahead);
                Ok(Started::Here(ahead.map_err(|error| no_thread(&error))?))
            }
            Self::Caged(caged) => Ok(Started::There(caged.feed(number, open)?)),
        }
    }

    /// Applies the next layer.
    pub(crate) fn apply(&mut self, layer: Started) -> Result<LayerReport, Unapplied> {
        match (self, layer) {
            (Self::Here(here), Started::Here(layer)) => {
                let applied = here.unpack.apply(layer, &here.limits);
                applied.map_err(|error| match error {
                    ApplyError::Read(error) => Unapplied::Read(error),
                    error => Unapplied::Failed(error.failure()),
                })
            }
            (Self::Caged(caged), Started::There(layer)) => caged.apply(&layer),
            _ => Err(Failure::broken("a layer that was begun elsewhere").into()),
        }
    }

    /// Gives the filesystem its UUID, and lets go of the volume when all of it is durable.
    pub(crate) fn finish(self, uuid: [u8; 16]) -> Result<Finished, Failure> {
        match self {
            Self::Here(here) => here.unpack.finish(uuid).map_err(Trouble::failure),
            Self::Caged(caged) => caged.finish(uuid),
        }
    }
}
