//! What the catalogue knows, and what is there: read once for each stage, only as much as that compares.

use std::collections::BTreeMap;

use longshore_catalog::{
    ImageRow, LayerRow, MachineRow, MachineState, VolumeId, VolumeRow, VolumeState,
};
use longshore_image::Digest;
use longshore_source::{BlobList, ETag, Partial, PartialLocator, Receipt};
use longshore_volume::{Listing, Stray, VolumeError};

use super::stage::Stage;
use crate::{
    Failure, MachineName,
    deps::{Deps, volume_id},
    trouble::Trouble,
};

/// What the catalogue knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) volumes: Vec<VolumeRow>,
    /// The last id of a volume that it has ever given out.
    pub(super) last: u64,
    pub(super) machines: Vec<MachineRow>,
    pub(super) images: Vec<(ImageRow, Vec<LayerRow>)>,
    pub(super) blobs: BTreeMap<Digest, u64>,
}

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) listing: Listing,
    /// The machines that have a path, and what it leads to.
    pub(super) active: Vec<(MachineName, longshore_volume::VolumeId)>,
    /// Bytes that volumes have where somebody uses them, of those that could be asked.
    pub(super) lengths: BTreeMap<u64, u64>,
    pub(super) strays: Vec<Stray>,
    pub(super) blobs: BlobList,
    pub(super) receipts: Vec<Receipt>,
    pub(super) partials: Vec<Partial>,
}

impl Known {
    pub(super) fn look(deps: &Deps) -> Result<Self, Failure> {
        deps.read(|read| {
            let images = read
                .images()?
                .into_iter()
                .map(|image| Ok((image.clone(), read.layers(image.id)?)))
                .collect::<Result<_, longshore_catalog::Error>>()?;
            let blobs = read
                .blobs()?
                .into_iter()
                .map(|blob| (blob.digest, blob.size))
                .collect();
            Ok(Self {
                volumes: read.volumes()?,
                last: read.last_volume()?.map_or(0, |id| id.0),
                machines: read.machines()?,
                images,
                blobs,
            })
        })
    }

    /// The machines that are active, with their disks.
    pub(super) fn active(&self) -> BTreeMap<&str, VolumeId> {
        let active = self.machines.iter();
        let active = active.filter(|machine| machine.state == MachineState::Active);
        active
            .map(|machine| (machine.name.as_str(), machine.disk))
            .collect()
    }

    /// Whether a layer is this object, in this version, and its bytes are not here.
    pub(super) fn wants(&self, locator: &PartialLocator) -> bool {
        let etag = locator.etag.as_ref().map(ETag::as_str);
        let is_it = |layer: &LayerRow| {
            layer.key == locator.key.as_str()
                && layer.size == locator.size
                && layer.etag.as_deref() == etag
                && layer
                    .digest
                    .is_none_or(|digest| !self.blobs.contains_key(&digest))
        };
        self.images.iter().any(|(image, layers)| {
            image.origin == locator.origin.as_str() && layers.iter().any(is_it)
        })
    }
}

impl Found {
    pub(super) fn look(deps: &Deps, stage: Stage, known: &Known) -> Result<Self, Failure> {
        let (backend, blobs) = (&deps.backend, &deps.blobs);
        let mut found = Self::default();
        match stage {
            Stage::Machines | Stage::Unfinished => {}
            Stage::Ids => found.listing = backend.list().map_err(Trouble::failure)?,
            Stage::Paths => found.active = backend.active().map_err(Trouble::failure)?,
            Stage::Volumes => {
                found.listing = backend.list().map_err(Trouble::failure)?;
                found.lengths = lengths(deps, known, &found.listing)?;
            }
            Stage::Strays => found.strays = backend.strays().map_err(Trouble::failure)?,
            Stage::Given => {
                found.active = backend.active().map_err(Trouble::failure)?;
                found.listing = backend.list().map_err(Trouble::failure)?;
                found.lengths = lengths(deps, known, &found.listing)?;
            }
            Stage::Blobs => found.blobs = blobs.list().map_err(Trouble::failure)?,
            Stage::Receipts => found.receipts = blobs.receipts().map_err(Trouble::failure)?,
            Stage::Partials => found.partials = blobs.partials().map_err(Trouble::failure)?,
        }
        Ok(found)
    }
}

/// The lengths of the volumes that are there and are to be relied on.
fn lengths(deps: &Deps, known: &Known, listing: &Listing) -> Result<BTreeMap<u64, u64>, Failure> {
    let there: std::collections::BTreeSet<u64> =
        listing.volumes.iter().map(|id| id.get()).collect();
    let mut lengths = BTreeMap::new();
    for volume in &known.volumes {
        let is_made = matches!(volume.state, VolumeState::Sealed | VolumeState::Created);
        if !is_made || !there.contains(&volume.id.0) {
            continue;
        }
        match deps.backend.shown(volume_id(volume.id)?) {
            Ok(Some(bytes)) => {
                lengths.insert(volume.id.0, bytes);
            }
            Ok(None) | Err(VolumeError::NotFound { .. }) => {}
            Err(error) => return Err(error.failure()),
        }
    }
    Ok(lengths)
}
