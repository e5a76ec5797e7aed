//! [`Unpack`]: the work itself, wherever it is done.

use longshore_ext4::{Device, Error, Filesystem, Format};
use longshore_image::{Ahead, ApplyError, LayerReport, Limits, Totals, apply_ahead};
use serde::{Deserialize, Serialize};

use crate::join::{DiskTree, DiskTreeError};

/// What a volume has in it when layers are to be put on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Grow {
    /// Nothing: a filesystem is made.
    FromNothing,
    /// The layers below, which add up to this.
    From(Totals),
}

/// A filesystem that layers are applied to.
#[derive(Debug)]
pub(super) struct Unpack<D> {
    tree: DiskTree<D>,
    totals: Totals,
}

/// A filesystem that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finished {
    /// Bytes of its used blocks.
    pub(crate) used: u64,
    /// What all layers in it add up to.
    pub(crate) totals: Totals,
}

impl<D: Device> Unpack<D> {
    pub(super) fn begin(device: D, grow: Grow) -> Result<Self, Error> {
        let (filesystem, totals) = match grow {
            Grow::FromNothing => (
                Filesystem::make(device, &Format::default())?,
                Totals::default(),
            ),
            Grow::From(totals) => (Filesystem::open(device)?, totals),
        };
        let tree = DiskTree(filesystem);
        Ok(Self { tree, totals })
    }

    /// Applies the next layer, and commits what comes of it.
    pub(super) fn apply(
        &mut self,
        layer: Ahead,
        limits: &Limits,
    ) -> Result<LayerReport, ApplyError<DiskTreeError>> {
        let report = apply_ahead(&mut self.tree, layer, limits, &mut self.totals)?;
        let committed = self.tree.0.commit();
        committed.map_err(|error| ApplyError::Tree(DiskTreeError::Filesystem(error)))?;
        Ok(report)
    }

    /// Gives the filesystem its UUID, and lets go of it.
    pub(super) fn finish(mut self, uuid: [u8; 16]) -> Result<Finished, Error> {
        self.tree.0.set_uuid(uuid)?;
        self.tree.0.commit()?;
        let extents = self.tree.0.used_extents();
        Ok(Finished {
            used: extents.map(|extent| extent.end - extent.start).sum(),
            totals: self.totals,
        })
    }
}
