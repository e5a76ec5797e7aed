//! Layers on a disk that is needed once.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use longshore_ext4::{Filesystem, Format, Open, Reader};
use longshore_image::{ApplyError, LayerReport, Limits, Totals, WrongBytes, apply};

use super::{
    scratch::{Scratch, ScratchDisk},
    trouble::{no_disk, other_bytes},
};
use crate::{
    Failure,
    join::{DiskRootfs, DiskTree},
    trouble::Trouble,
};

/// A disk that layers are applied to as to an image's volume, to be looked into.
#[derive(Debug)]
pub(super) struct ArchiveDisk {
    tree: DiskTree<ScratchDisk>,
    totals: Totals,
    /// Where it is.
    dir: PathBuf,
}

impl ArchiveDisk {
    /// An empty one.
    pub(super) fn make(scratch: &Scratch<'_>) -> Result<Self, Failure> {
        let disk = scratch.make();
        let disk = disk.map_err(|error| no_disk(scratch.dir, &error))?;
        Self::on(disk, scratch.dir)
    }

    /// An empty one on a disk of zeros in `dir`.
    pub(super) fn on(disk: ScratchDisk, dir: &Path) -> Result<Self, Failure> {
        let filesystem = Filesystem::make(disk, &Format::default());
        let filesystem = filesystem.map_err(|error| error.failure().on_disk(dir))?;
        Ok(Self {
            tree: DiskTree(filesystem),
            totals: Totals::default(),
            dir: dir.to_path_buf(),
        })
    }

    /// Applies the next layer, called `name`.
    pub(super) fn layer(
        &mut self,
        name: &str,
        stored: impl Read,
        limits: &Limits,
    ) -> Result<LayerReport, Failure> {
        let applied = apply(&mut self.tree, stored, limits, &mut self.totals);
        let report = applied.map_err(|error| match error {
            ApplyError::Read(error) if WrongBytes::is(&error) => other_bytes(name),
            error => error.failure().on_disk(&self.dir).layer(name),
        })?;
        let committed = self.tree.0.commit();
        committed.map_err(|error| error.failure().on_disk(&self.dir).layer(name))?;
        Ok(report)
    }

    /// What is on it, and its file. Nobody reads the disk again after that, so that whoever is given the
    /// file may also write to it.
    pub(super) fn into_rootfs(self) -> Result<(DiskRootfs<ScratchDisk>, File), Failure> {
        let disk = self.tree.0.into_device();
        let file = disk.file().map_err(|error| no_disk(&self.dir, &error))?;
        let reader = Reader::open(disk, Open::default()).map_err(Trouble::failure)?;
        Ok((DiskRootfs(reader), file))
    }
}
