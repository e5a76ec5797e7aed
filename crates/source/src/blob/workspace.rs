//! One partial blob on disk, and the order in which it is written.

use std::{io, sync::Arc};

use longshore_durable::{Dir, File, Mode};
use longshore_image::Digest;

use super::{
    DiskError, Doing, PartialId, PartialLocator, RangeSet, failed,
    sidecar::{LARGEST, Sidecar},
};

/// A partial blob that somebody is filling. All calls block.
#[derive(Debug)]
pub(crate) struct Workspace {
    partials: Arc<dyn Dir>,
    names: Names,
    file: Arc<dyn File>,
    sidecar: Sidecar,
}

/// The files of one partial blob.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) data: String,
    pub(super) sidecar: String,
    pub(super) new_sidecar: String,
}

impl Names {
    pub(super) fn of(id: PartialId) -> Self {
        let data = id.to_hex();
        Self {
            sidecar: format!("{data}.json"),
            new_sidecar: format!("{data}.json.new"),
            data,
        }
    }

    /// Whose file `name` is.
    pub(super) fn owner(name: &str) -> Option<PartialId> {
        let hex = name.strip_suffix(".new").unwrap_or(name);
        let hex = hex.strip_suffix(".json").unwrap_or(hex);
        hex.parse()
            .ok()
            .filter(|id| Self::of(*id).all().contains(&name))
    }

    /// The data last: without a sidecar it is worth nothing, the other way round it would not be
    /// seen any more.
    pub(super) fn all(&self) -> [&str; 3] {
        [&self.new_sidecar, &self.sidecar, &self.data]
    }
}

impl Workspace {
    /// Goes on with what is durable of this object, or begins anew.
    pub(crate) fn open(partials: Arc<dyn Dir>, locator: PartialLocator) -> Result<Self, DiskError> {
        let names = Names::of(PartialId::of(&locator));
        if let Some(workspace) = resume(&partials, &names, &locator)? {
            return Ok(workspace);
        }
        // Nothing is written to the new file before the sync has made both names durable, so that
        // an old sidecar can only be found beside an old file, or beside one that is too short.
        let sidecar = Sidecar {
            locator,
            durable: RangeSet::new(),
        };
        put(&*partials, &names, &sidecar)?;
        partials
            .remove(&names.data)
            .map_err(failed(Doing::Removing, &names.data))?;
        let file = partials
            .open(&names.data, Mode::CreateNew)
            .map_err(failed(Doing::Creating, &names.data))?;
        partials
            .sync()
            .map_err(failed(Doing::Syncing, &names.data))?;
        Ok(Self {
            partials,
            names,
            file,
            sidecar,
        })
    }

    pub(super) fn locator(&self) -> &PartialLocator {
        &self.sidecar.locator
    }

    pub(crate) fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// The name of the data file, for errors.
    pub(crate) fn name(&self) -> &str {
        &self.names.data
    }

    /// What will still be there after a crash.
    pub(crate) fn durable(&self) -> &RangeSet {
        &self.sidecar.durable
    }

    /// Makes `written` durable: the bytes first, then the record of them.
    pub(crate) fn checkpoint(&mut self, written: RangeSet) -> Result<(), DiskError> {
        if written == self.sidecar.durable {
            return Ok(());
        }
        self.file
            .sync()
            .map_err(failed(Doing::Syncing, &self.names.data))?;
        if self.sidecar.locator.etag.is_some() {
            let locator = self.sidecar.locator.clone();
            let sidecar = Sidecar {
                locator,
                durable: written,
            };
            put(&*self.partials, &self.names, &sidecar)?;
            self.partials
                .sync()
                .map_err(failed(Doing::Syncing, &self.names.sidecar))?;
            self.sidecar = sidecar;
        }
        Ok(())
    }

    /// Cuts off what lies beyond `written`: on a full disk, room for the record of it.
    pub(crate) fn trim(&self, written: &RangeSet) -> Result<(), DiskError> {
        self.file
            .set_len(written.end())
            .map_err(failed(Doing::Writing, &self.names.data))
    }

    /// Gives the bytes, which a [`checkpoint`](Self::checkpoint) of all of them made durable, the
    /// name of their digest.
    ///
    /// A blob of that name is replaced by its equal, and who reads it goes on reading: its name
    /// may be left of a sync that failed, and only a name that is given again is made durable.
    pub(crate) fn publish(self, blobs: &dyn Dir, digest: Digest) -> Result<(), DiskError> {
        let (Names { data, sidecar, .. }, partials) = (&self.names, &self.partials);
        let blob = digest.to_hex();
        partials
            .rename_into(data, blobs, &blob)
            .map_err(failed(Doing::Renaming, data))?;
        // The new name first: the other way round the blob could lose both.
        if let Err(error) = blobs.sync() {
            // A name that may be gone after a crash is none to be found under.
            let _ = blobs.remove(&blob);
            return Err(failed(Doing::Syncing, &blob)(error));
        }
        // A crash between the syncs may have left both names to one file, and then renaming the
        // one to the other does nothing (POSIX).
        for name in [data, sidecar] {
            partials
                .remove(name)
                .map_err(failed(Doing::Removing, name))?;
        }
        partials.sync().map_err(failed(Doing::Syncing, sidecar))
    }

    /// Removes all of it.
    pub(crate) fn discard(self) -> Result<(), DiskError> {
        remove(&*self.partials, &self.names).map(|_| ())
    }
}

/// Removes the files of a partial blob; says whether there were any.
pub(super) fn remove(partials: &dyn Dir, names: &Names) -> Result<bool, DiskError> {
    let mut any = false;
    for name in names.all() {
        any |= partials
            .remove(name)
            .map_err(failed(Doing::Removing, name))?;
    }
    if any {
        partials
            .sync()
            .map_err(failed(Doing::Syncing, &names.data))?;
    }
    Ok(any)
}

/// What is known of a partial blob; `None` where its sidecar is missing or says nothing.
pub(super) fn known(partials: &dyn Dir, names: &Names) -> Result<Option<Sidecar>, DiskError> {
    let name = &names.sidecar;
    let file = match partials.open(name, Mode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(Doing::Opening, name)(error)),
    };
    let length = file.len().map_err(failed(Doing::Reading, name))?;
    let Some(length) = usize::try_from(length.min(LARGEST + 1)).ok() else {
        return Ok(None);
    };
    let mut bytes = vec![0; length];
    file.read_at(0, &mut bytes)
        .map_err(failed(Doing::Reading, name))?;
    Ok(Sidecar::decode(&bytes))
}

/// The data file, if there is one.
pub(super) fn data(
    partials: &dyn Dir,
    names: &Names,
    mode: Mode,
) -> Result<Option<Arc<dyn File>>, DiskError> {
    match partials.open(&names.data, mode) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(Doing::Opening, &names.data)(error)),
    }
}

/// What can be gone on with. A sidecar without ranges is not: it may stand beside a file whose
/// name was never made durable.
fn resume(
    partials: &Arc<dyn Dir>,
    names: &Names,
    locator: &PartialLocator,
) -> Result<Option<Workspace>, DiskError> {
    let Some(sidecar) = known(&**partials, names)? else {
        return Ok(None);
    };
    let durable = sidecar.durable.end();
    if sidecar.locator != *locator || locator.etag.is_none() || durable == 0 {
        return Ok(None);
    }
    let Some(file) = data(&**partials, names, Mode::Write)? else {
        return Ok(None);
    };
    let length = file.len().map_err(failed(Doing::Reading, &names.data))?;
    if length < durable {
        return Ok(None);
    }
    // What lies beyond may be left of a sync that failed: it reads back, and a crash may still
    // take it and the length of the file. Cut off, it is written again as if it were new.
    file.set_len(durable)
        .map_err(failed(Doing::Writing, &names.data))?;
    let (partials, names) = (Arc::clone(partials), names.clone());
    Ok(Some(Workspace {
        partials,
        names,
        file,
        sidecar,
    }))
}

/// Replaces the sidecar whole. Its name is durable after a sync of the directory.
fn put(partials: &dyn Dir, names: &Names, sidecar: &Sidecar) -> Result<(), DiskError> {
    let name = &names.new_sidecar;
    partials
        .remove(name)
        .map_err(failed(Doing::Removing, name))?;
    let file = partials
        .open(name, Mode::CreateNew)
        .map_err(failed(Doing::Creating, name))?;
    file.write_at(0, &sidecar.encode())
        .map_err(failed(Doing::Writing, name))?;
    file.sync().map_err(failed(Doing::Syncing, name))?;
    partials
        .rename(name, &names.sidecar)
        .map_err(failed(Doing::Renaming, name))
}

#[cfg(test)]
mod tests {
    use longshore_durable::{Failure, Plan, Simulated};

    use super::*;
    use crate::address::ETag;

    fn locator(etag: &str) -> PartialLocator {
        PartialLocator {
            origin: "s3://b".parse().unwrap(),
            key: "a/1.tar".parse().unwrap(),
            etag: ETag::strong(etag),
            size: 10_000,
        }
    }

    fn open(disk: &Simulated, etag: &str) -> Workspace {
        Workspace::open(Arc::new(disk.clone()), locator(etag)).unwrap()
    }

    /// A workspace with 10,000 durable bytes.
    fn filled(disk: &Simulated, etag: &str, byte: u8) -> Workspace {
        let mut workspace = open(disk, etag);
        workspace.file().write_at(0, &[byte; 10_000]).unwrap();
        workspace.checkpoint(RangeSet::whole(10_000)).unwrap();
        workspace
    }

    #[test]
    fn the_sidecar_of_another_object_says_nothing() {
        let disk = Simulated::new();
        let (from, to) = (filled(&disk, "v1", 1).names, open(&disk, "v2").names);
        disk.rename(&from.data, &to.data).unwrap();
        disk.rename(&from.sidecar, &to.sidecar).unwrap();
        assert_eq!(open(&disk, "v2").durable().len(), 0);
    }

    #[test]
    fn a_file_whose_name_was_never_made_durable_is_not_gone_on_with() {
        let disk = Simulated::new();
        let names = filled(&disk, "v1", 1).names;
        // What is recorded of the old bytes is spoilt, and the sync of the new names fails.
        let sidecar = disk.open(&names.sidecar, Mode::Write).unwrap();
        sidecar.write_at(0, b"?").unwrap();
        sidecar.sync().unwrap();
        let changes = disk.power().changes();
        let last_of_creation = {
            let trial = disk.crash(0);
            drop(open(&trial, "v1"));
            trial.power().changes()
        };
        let plan = Plan::FailOnce(changes + last_of_creation, Failure::Io);
        disk.power().plan(plan);
        let failed = Workspace::open(Arc::new(disk.clone()), locator("v1")).unwrap_err();
        assert!(failed.is_sync(), "{failed}");
        // The old bytes must not come back under what is recorded of the new ones.
        filled(&disk, "v1", 2);
        for seed in 0..8 {
            let found = disk.crash(seed);
            let workspace = open(&found, "v1");
            assert_eq!(workspace.durable().len(), 10_000, "seed {seed}");
            let mut bytes = [0; 10_000];
            workspace.file().read_at(0, &mut bytes).unwrap();
            assert!(bytes == [2; 10_000], "seed {seed}");
        }
    }
}
