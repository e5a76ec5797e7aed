//! [`ThinBackend`]: the volumes themselves.

use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    disk::ThinDisk,
    error::PoolError,
    ledger::{Change, Ledger},
    opens::{Opens, device, machine_of},
    pool::Pool,
    status::{PoolMode, PoolState, ThinStatus, usable_metadata},
};
use crate::{
    backend::{
        Access, Activated, Backend, Capacity, Created, Deactivated, Listing, Removed, Share,
        SnapshotKind, Stray, Usage, already_there, checked_size, snapshot_size,
    },
    disk::Disk,
    dm::{Info, Nodes, SECTOR, Uuid},
    error::{Doing, Holder, VolumeError},
    holders::Holders,
    id::VolumeId,
    name::Name,
};

/// Bytes of a block of metadata.
const METADATA_BLOCK: u64 = 4096;

/// Volumes as thin devices of one pool, which only this program uses.
#[derive(Debug)]
pub struct ThinBackend {
    pub(super) pool: Arc<Pool>,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) opens: Arc<Opens>,
    pub(super) nodes: Nodes,
    pub(super) holders: Holders,
    /// Held from looking who is active to having changed it.
    pub(super) machines: Mutex<()>,
    /// Whether what a volume had is discarded below the pool before it is removed.
    pub(super) gives_back: bool,
    /// Whether somebody else has volumes in the pool, too.
    is_shared: bool,
}

impl ThinBackend {
    /// The volumes of a pool that is up, as `ledger` knows them.
    #[must_use]
    pub fn new(pool: Pool, ledger: Arc<dyn Ledger>) -> Self {
        let pool = Arc::new(pool);
        Self {
            opens: Arc::new(Opens::new(Arc::clone(&pool))),
            pool,
            ledger,
            nodes: Nodes::default(),
            holders: Holders::default(),
            machines: Mutex::default(),
            gives_back: false,
            is_shared: false,
        }
    }

    /// The same on a pool that somebody else has made: what is in it and not in the ledger is theirs.
    #[must_use]
    pub fn shared(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }

    /// The same on a pool whose data is a sparse file: what only a removed volume had is given back to its
    /// filesystem, which takes time for each block. Elsewhere it is only free for other volumes.
    #[must_use]
    pub fn giving_back(self) -> Self {
        Self {
            gives_back: true,
            ..self
        }
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The volume of this pool that a uuid is of.
    pub(super) fn volume_of(&self, uuid: &Uuid) -> Option<VolumeId> {
        self.opens.volume(uuid)
    }

    pub(super) fn machines(&self) -> MutexGuard<'_, ()> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The size of a volume that the ledger has.
    pub(super) fn size(&self, id: VolumeId, doing: &Doing) -> Result<u64, VolumeError> {
        let size = self.ledger.size(id);
        let size = size.map_err(|source| VolumeError::io(doing.clone(), source))?;
        size.ok_or(VolumeError::NotFound { id })
    }

    /// Whether the pool has a volume.
    fn is_there(&self, id: VolumeId, doing: &Doing) -> Result<bool, VolumeError> {
        if self.machine_on(id, doing)?.is_some() {
            return Ok(true);
        }
        // It is there if it can have a device, of whatever size.
        let open = self.opens.open(id, SECTOR * 8);
        Ok(open.map_err(|error| failed(doing, error))?.is_some())
    }

    /// The machine that is active on a volume, and its device.
    pub(super) fn machine_on(
        &self,
        id: VolumeId,
        doing: &Doing,
    ) -> Result<Option<(Name, Info)>, VolumeError> {
        let found = self.pool.control().find(&self.opens.uuid(id));
        let found = found.map_err(|error| failed(doing, error.into()))?;
        Ok(found.and_then(|(device, info)| Some((machine_of(&device)?, info))))
    }

    fn require_inactive(&self, id: VolumeId, doing: &Doing) -> Result<(), VolumeError> {
        match self.machine_on(id, doing)? {
            None => Ok(()),
            Some((name, _)) => Err(VolumeError::Busy {
                id,
                holder: Holder::Machine(name),
            }),
        }
    }

    /// Makes a volume by a change of the pool, which says whether the id was free.
    fn make(
        &self,
        id: VolumeId,
        size: u64,
        doing: Doing,
        change: Change,
    ) -> Result<Created, VolumeError> {
        let io = |source| VolumeError::io(doing.clone(), source);
        let known = self.ledger.size(id).map_err(io)?;
        if let Some(has) = known
            && has != size
            && self.is_there(id, &doing)?
        {
            return already_there(id, has, size);
        }
        let made = self.pool.change(change, &*self.ledger);
        match made.map_err(|error| failed(&doing, error))? {
            true => Ok(Created::Created),
            false if known.is_some() => Ok(Created::AlreadyThere),
            // Whatever is on it is not what anybody here asked for.
            false => {
                self.ledger.is_gone(id).map_err(io)?;
                let text = format!("the pool has a volume {id} that nobody here has made");
                Err(io(io::Error::new(io::ErrorKind::AlreadyExists, text)))
            }
        }
    }
}

impl Backend for ThinBackend {
    fn create(&self, id: VolumeId, size: u64) -> Result<Created, VolumeError> {
        let size = checked_size(size)?;
        let _hold = self.holders.hold(id, Access::Write)?;
        self.make(id, size, Doing::Creating(id), Change::Create { id, size })
    }

    fn open(&self, id: VolumeId, access: Access) -> Result<Box<dyn Disk>, VolumeError> {
        let doing = Doing::Opening(id);
        let hold = self.holders.hold(id, access)?;
        let size = self.size(id, &doing)?;
        let machine = self.machine_on(id, &doing)?;
        let (path, open) = match machine {
            Some((name, _)) if access == Access::Write => {
                let holder = Holder::Machine(name);
                return Err(VolumeError::Busy { id, holder });
            }
            Some((name, _)) => (self.nodes.path(&device(&name)), None),
            None => {
                let open = self.opens.open(id, size);
                let open = open.map_err(|error| failed(&doing, error))?;
                let open = open.ok_or(VolumeError::NotFound { id })?;
                (open.path.clone(), Some(open))
            }
        };
        let file = File::options()
            .read(true)
            .write(access == Access::Write)
            .open(&path);
        Ok(Box::new(ThinDisk {
            file: file.map_err(|source| VolumeError::io(doing, source))?,
            _open: open,
            hold,
            size,
            path,
            block: self.pool.block(),
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
        self.require_inactive(origin, &doing)?;
        let size = snapshot_size(origin, self.size(origin, &doing)?, size)?;
        // Its readers write nothing, so that its device need not be suspended.
        self.make(id, size, doing, Change::Snapshot { origin, id, size })
    }

    fn remove(&self, id: VolumeId) -> Result<Removed, VolumeError> {
        let doing = Doing::Removing(id);
        let hold = self.holders.hold_even_broken(id, Access::Write)?;
        self.require_inactive(id, &doing)?;
        self.opens
            .sweep(id)
            .map_err(|error| failed(&doing, error))?;
        self.discard_all(id, &doing)?;
        self.opens
            .sweep(id)
            .map_err(|error| failed(&doing, error))?;
        let was_there = self.pool.change(Change::Delete { id }, &*self.ledger);
        let was_there = was_there.map_err(|error| failed(&doing, error))?;
        self.ledger
            .is_gone(id)
            .map_err(|source| VolumeError::io(doing, source))?;
        hold.gone();
        Ok(match was_there {
            true => Removed::Removed,
            false => Removed::NotThere,
        })
    }

    fn list(&self) -> Result<Listing, VolumeError> {
        let devices = self.pool.devices();
        let devices = devices.map_err(|error| failed(&Doing::Listing, error))?;
        let mut listing = Listing::default();
        for device in devices {
            // The kernel has no others.
            let Ok(id) = VolumeId::new(device.id) else {
                continue;
            };
            let known = self.ledger.size(id);
            match known.map_err(|source| VolumeError::io(Doing::Listing, source))? {
                Some(_) => listing.volumes.push(id),
                None if self.is_shared => listing.foreign.push(format!("thin id {id}")),
                None => listing.unknown.push(id),
            }
        }
        listing.volumes.sort_unstable();
        listing.foreign.sort();
        Ok(listing)
    }

    fn activate(&self, id: VolumeId, name: &Name) -> Result<Activated, VolumeError> {
        self.give_device(id, name)
    }

    fn deactivate(&self, name: &Name) -> Result<Deactivated, VolumeError> {
        self.take_device(name)
    }

    fn active(&self) -> Result<Vec<(Name, VolumeId)>, VolumeError> {
        self.devices_given()
    }

    /// A volume has a device only while somebody uses it.
    fn path(&self, _: VolumeId) -> Option<PathBuf> {
        None
    }

    fn usage(&self, id: VolumeId) -> Result<Usage, VolumeError> {
        let doing = Doing::Opening(id);
        let virtual_bytes = self.size(id, &doing)?;
        let machine = self.machine_on(id, &doing)?;
        let open = match machine {
            Some(_) => None,
            None => {
                let open = self.opens.open(id, virtual_bytes);
                let open = open.map_err(|error| failed(&doing, error))?;
                Some(open.ok_or(VolumeError::NotFound { id })?)
            }
        };
        let name = machine.map_or_else(|| self.opens.name(id), |(name, _)| device(&name));
        let lines = self.pool.control().status(&name);
        drop(open);
        let lines = lines.map_err(|error| failed(&doing, error.into()))?;
        let status = lines
            .first()
            .and_then(|line| ThinStatus::parse(&line.words));
        match status {
            Some(ThinStatus::Mapped(sectors)) => Ok(Usage {
                virtual_bytes,
                allocated_bytes: sectors * SECTOR,
            }),
            _ => {
                let failed = io::Error::other("its pool has failed");
                Err(VolumeError::io(doing, failed))
            }
        }
    }

    fn shown(&self, id: VolumeId) -> Result<Option<u64>, VolumeError> {
        let doing = Doing::Opening(id);
        let Some((name, _)) = self.machine_on(id, &doing)? else {
            return Ok(None);
        };
        let table = self.pool.control().table(&device(&name));
        let table = table.map_err(|error| failed(&doing, error.into()))?;
        Ok(table.first().map(|line| line.length * SECTOR))
    }

    fn strays(&self) -> Result<Vec<Stray>, VolumeError> {
        self.find_strays()
            .map_err(|error| failed(&Doing::Listing, error))
    }

    fn sweep_stray(&self, stray: &Stray) -> Result<(), VolumeError> {
        self.sweep_one(stray)
            .map_err(|error| failed(&Doing::Listing, error))
    }

    fn shares(&self, groups: &[Vec<VolumeId>]) -> Result<Option<Vec<Share>>, VolumeError> {
        let shares = self.pool.shares(groups);
        Ok(Some(
            shares.map_err(|error| failed(&Doing::Listing, error))?,
        ))
    }

    fn snapshot_kind(&self) -> SnapshotKind {
        SnapshotKind::Thin
    }

    fn capacity(&self) -> Result<Option<Capacity>, VolumeError> {
        let block = self.pool.block();
        let state = self.pool.state();
        let state = state.map_err(|error| failed(&Doing::Listing, error))?;
        let nothing = Capacity {
            data: 0,
            data_free: 0,
            metadata_free: 0,
            block,
        };
        let PoolState::Working(status) = state else {
            return Ok(Some(nothing));
        };
        let works = status.mode == PoolMode::ReadWrite && !status.needs_check;
        let free = |used: u64, total: u64, unit: u64| match works {
            true => total.saturating_sub(used) * unit,
            false => 0,
        };
        Ok(Some(Capacity {
            data: status.data_total * block,
            data_free: free(status.data_used, status.data_total, block),
            metadata_free: free(
                status.metadata_used,
                usable_metadata(status.metadata_total),
                METADATA_BLOCK,
            ),
            block,
        }))
    }

    fn available(&self) -> Result<Option<u64>, VolumeError> {
        Ok(self.capacity()?.map(|capacity| capacity.data_free))
    }
}

pub(super) fn failed(doing: &Doing, error: PoolError) -> VolumeError {
    let doing = doing.clone();
    match error {
        PoolError::Full { .. } => VolumeError::PoolFull { doing },
        PoolError::Dm(error) => VolumeError::io(doing, error.into()),
        PoolError::Unwritten { source, .. } => VolumeError::io(doing, source),
        error => VolumeError::io(doing, io::Error::other(error)),
    }
}
