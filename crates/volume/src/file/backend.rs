//! [`FileBackend`]: the volumes themselves.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use longshore_durable::{Dir, File, Mode};

use super::{
    disk::FileDisk,
    layout::{self, MACHINES, Meaning, VOLUMES},
    machines::Machines,
    names::Names,
};
use crate::{
    backend::{
        Access, Activated, Backend, Capacity, Created, Deactivated, Listing, Removed, Share,
        SnapshotKind, Usage, already_there, checked_size, snapshot_size,
    },
    disk::Disk,
    error::{Doing, VolumeError, is_no_space},
    holders::Holders,
    id::VolumeId,
    name::Name,
};

/// Volumes as sparse files below a directory.
#[derive(Debug)]
pub struct FileBackend {
    volumes: Names,
    machines: Machines,
    holders: Holders,
    kind: SnapshotKind,
    swept: Vec<String>,
}

impl FileBackend {
    /// Opens the backend in `root`, an absolute one where paths are to be handed out; makes its
    /// directories where they are missing, makes durable what is there, and removes what calls
    /// that were cut off left half-made.
    ///
    /// # Errors
    /// [`VolumeError::NoSpace`], [`VolumeError::Io`].
    pub fn open(root: &dyn Dir) -> Result<FileBackend, VolumeError> {
        let io = |source| VolumeError::io(Doing::Starting, source);
        let volumes = root.dir(VOLUMES).map_err(io)?;
        let machines = root.dir(MACHINES).map_err(io)?;
        let kind = match volumes.can_share() {
            Ok(true) => SnapshotKind::Shared,
            Ok(false) => SnapshotKind::Copy,
            // Trying it takes a block. On a full disk what is there must still be removable, and
            // a copy is what always works.
            Err(error) if is_no_space(&error) => SnapshotKind::Copy,
            Err(error) => return Err(io(error)),
        };
        let mut backend = FileBackend {
            volumes: Names::new(volumes),
            machines: Machines::new(machines),
            holders: Holders::default(),
            kind,
            swept: Vec::new(),
        };
        backend.swept = backend.sweep()?;
        backend.machines.settle(Doing::Starting)?;
        Ok(backend)
    }

    /// Where a volume is below `root`, if it is one there. For who only looks, beside a program that
    /// has the backend open: opening it sweeps up.
    #[must_use]
    pub fn place(root: &Path, id: VolumeId) -> PathBuf {
        root.join(VOLUMES).join(layout::volume(id))
    }

    /// The files that [`FileBackend::open`] removed, as their paths in the directory: volumes
    /// that never came to be.
    pub fn swept(&self) -> &[String] {
        &self.swept
    }

    fn sweep(&self) -> Result<Vec<String>, VolumeError> {
        let io = |source| VolumeError::io(Doing::Starting, source);
        let (dir, mut swept) = (self.volumes.change()?, Vec::new());
        for entry in dir.list().map_err(io)? {
            let is_partial = matches!(layout::meaning(&entry.name), Meaning::Partial(_));
            if is_partial && !entry.is_dir {
                dir.remove(&entry.name).map_err(io)?;
                swept.push(format!("{VOLUMES}/{}", entry.name));
            }
        }
        self.volumes.settle(Doing::Starting)?;
        Ok(swept)
    }

    /// The file of a volume and its length.
    fn find(&self, id: VolumeId, mode: Mode) -> io::Result<Option<(Arc<dyn File>, u64)>> {
        match self.volumes.look().open(&layout::volume(id), mode) {
            Ok(file) => {
                let len = file.len()?;
                Ok(Some((file, len)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn require(
        &self,
        id: VolumeId,
        mode: Mode,
        doing: &Doing,
    ) -> Result<(Arc<dyn File>, u64), VolumeError> {
        let found = self.find(id, mode);
        let found = found.map_err(|source| VolumeError::io(doing.clone(), source))?;
        found.ok_or(VolumeError::NotFound { id })
    }

    /// Makes a volume of `size` whose caller holds it, unless it is there; `fill` makes the file
    /// under the partial name that it is given.
    fn make(
        &self,
        id: VolumeId,
        size: u64,
        doing: Doing,
        fill: impl FnOnce(&dyn Dir, &str) -> io::Result<Arc<dyn File>>,
    ) -> Result<Created, VolumeError> {
        let io = |source| VolumeError::io(doing.clone(), source);
        let dir = self.volumes.change()?;
        if let Some((_, has)) = self.find(id, Mode::Read).map_err(io)? {
            return already_there(id, has, size);
        }
        let partial = layout::partial(id);
        if let Err(source) = make_whole(dir, &partial, &layout::volume(id), fill) {
            // The first error is the one to tell; the next call or start removes it else.
            let _ = dir.remove(&partial);
            return Err(io(source));
        }
        self.volumes.settle(doing)?;
        Ok(Created::Created)
    }
}

/// Makes the file `name` by way of `partial`; the name is not durable yet.
fn make_whole(
    dir: &dyn Dir,
    partial: &str,
    name: &str,
    fill: impl FnOnce(&dyn Dir, &str) -> io::Result<Arc<dyn File>>,
) -> io::Result<()> {
    dir.remove(partial)?;
    fill(dir, partial)?.sync()?;
    dir.rename(partial, name)
}

impl Backend for FileBackend {
    fn create(&self, id: VolumeId, size: u64) -> Result<Created, VolumeError> {
        let size = checked_size(size)?;
        let _hold = self.holders.hold(id, Access::Write)?;
        self.make(id, size, Doing::Creating(id), |dir, partial| {
            let file = dir.open(partial, Mode::CreateNew)?;
            file.set_len(size)?;
            Ok(file)
        })
    }

    fn open(&self, id: VolumeId, access: Access) -> Result<Box<dyn Disk>, VolumeError> {
        let doing = Doing::Opening(id);
        let hold = self.holders.hold(id, access)?;
        let mode = match access {
            Access::Read => Mode::Read,
            Access::Write => {
                self.machines.require_inactive(id, &doing)?;
                Mode::Write
            }
        };
        let (file, size) = self.require(id, mode, &doing)?;
        let path = self.path(id);
        Ok(Box::new(FileDisk {
            hold,
            file,
            size,
            path,
        }))
    }

    fn snapshot(
        &self,
        origin: VolumeId,
        id: VolumeId,
        size: Option<u64>,
    ) -> Result<Created, VolumeError> {
        let doing = Doing::Snapshotting { origin, id };
        let _origin = self.holders.hold(origin, Access::Read)?;
        let _hold = self.holders.hold(id, Access::Write)?;
        self.machines.require_inactive(origin, &doing)?;
        let (_, has) = self.require(origin, Mode::Read, &doing)?;
        let size = snapshot_size(origin, has, size)?;
        self.make(id, size, doing, |dir, partial| {
            dir.clone_file(&layout::volume(origin), partial)?;
            let file = dir.open(partial, Mode::Write)?;
            if size > has {
                file.set_len(size)?;
            }
            Ok(file)
        })
    }

    fn remove(&self, id: VolumeId) -> Result<Removed, VolumeError> {
        let doing = Doing::Removing(id);
        let io = |source| VolumeError::io(doing.clone(), source);
        let hold = self.holders.hold_even_broken(id, Access::Write)?;
        self.machines.require_inactive(id, &doing)?;
        let dir = self.volumes.change()?;
        let was_there = dir.remove(&layout::volume(id)).map_err(io)?;
        if was_there {
            self.volumes.settle(doing)?;
        }
        hold.gone();
        Ok(match was_there {
            true => Removed::Removed,
            false => Removed::NotThere,
        })
    }

    fn list(&self) -> Result<Listing, VolumeError> {
        let io = |source| VolumeError::io(Doing::Listing, source);
        let (dir, mut listing) = (self.volumes.look(), Listing::default());
        for entry in dir.list().map_err(io)? {
            let is_file = !entry.is_dir && !is_link(dir, &entry.name).map_err(io)?;
            match layout::meaning(&entry.name) {
                Meaning::Volume(id) if is_file => listing.volumes.push(id),
                // Being made, or left by a call that failed.
                Meaning::Partial(_) if is_file => {}
                _ => listing.foreign.push(format!("{VOLUMES}/{}", entry.name)),
            }
        }
        let machines = self.machines.found().map_err(io)?;
        let foreign = machines.foreign.into_iter();
        let foreign = foreign.map(|name| format!("{MACHINES}/{name}"));
        listing.foreign.extend(foreign);
        listing.foreign.sort();
        listing.volumes.sort();
        Ok(listing)
    }

    fn activate(&self, id: VolumeId, name: &Name) -> Result<Activated, VolumeError> {
        let _hold = self.holders.hold(id, Access::Read)?;
        self.require(id, Mode::Read, &Doing::Activating(name.clone()))?;
        self.machines.link(id, name)
    }

    fn deactivate(&self, name: &Name) -> Result<Deactivated, VolumeError> {
        self.machines.unlink(name)
    }

    fn active(&self) -> Result<Vec<(Name, VolumeId)>, VolumeError> {
        let found = self.machines.found();
        let found = found.map_err(|source| VolumeError::io(Doing::Listing, source))?;
        Ok(found.active)
    }

    fn path(&self, id: VolumeId) -> Option<PathBuf> {
        Some(self.volumes.look().host_path()?.join(layout::volume(id)))
    }

    fn usage(&self, id: VolumeId) -> Result<Usage, VolumeError> {
        let doing = Doing::Opening(id);
        let (file, virtual_bytes) = self.require(id, Mode::Read, &doing)?;
        let allocated = file.allocated();
        Ok(Usage {
            virtual_bytes,
            allocated_bytes: allocated.map_err(|source| VolumeError::io(doing, source))?,
        })
    }

    fn shown(&self, id: VolumeId) -> Result<Option<u64>, VolumeError> {
        Ok(Some(self.usage(id)?.virtual_bytes))
    }

    fn shares(&self, _: &[Vec<VolumeId>]) -> Result<Option<Vec<Share>>, VolumeError> {
        Ok(None)
    }

    fn snapshot_kind(&self) -> SnapshotKind {
        self.kind
    }

    fn capacity(&self) -> Result<Option<Capacity>, VolumeError> {
        Ok(None)
    }

    fn available(&self) -> Result<Option<u64>, VolumeError> {
        let available = self.volumes.look().available();
        available.map_err(|source| VolumeError::io(Doing::Listing, source))
    }
}

fn is_link(dir: &dyn Dir, name: &str) -> io::Result<bool> {
    match dir.read_link(name) {
        Ok(target) => Ok(target.is_some()),
        // Removed, or renamed from its partial name, since it was listed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
