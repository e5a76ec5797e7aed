//! The blob store and what is in it.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use longshore_durable::{Dir, File, Mode};
use longshore_image::Digest;
use tokio::sync::Notify;

use super::{
    DiskError, Doing, PartialId, PartialLocator, Receipt, Workspace, failed, receipt,
    workspace::{Names, data, known, remove},
};
use crate::fetch::Shared;

/// Blobs by digest, and what has arrived of others. Clones are the same store.
///
/// One process writes to a store at a time; the state directory's lock sees to that. All calls
/// but [`fetch`](Self::fetch) block on the local disk.
#[derive(Debug, Clone)]
pub struct BlobStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    blobs: Arc<dyn Dir>,
    partials: Arc<dyn Dir>,
    receipts: Arc<dyn Dir>,
    running: Mutex<HashMap<PartialId, Running>>,
    /// Told whenever a fetch is taken off the list.
    ended: Notify,
}

/// The fetch that fills a partial blob, and whoever waits to fill it after that one.
#[derive(Debug)]
struct Running {
    turn: Arc<tokio::sync::Mutex<()>>,
    shared: Weak<Shared>,
}

/// The right to write to one partial blob, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    store: BlobStore,
    id: PartialId,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A blob that is there, whole and proven, and what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// Bytes that came from the source in this fetch.
    pub fetched_bytes: u64,
    /// Bytes that an earlier, interrupted fetch had left.
    pub resumed_bytes: u64,
}

/// A blob as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobEntry {
    /// The SHA-256 of its bytes, believed from its name.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
}

/// What lies among the blobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlobList {
    /// The blobs, in the order of their digests.
    pub blobs: Vec<BlobEntry>,
    /// Names that are no digest, in either folder: nothing of ours.
    pub foreign: Vec<String>,
}

/// What an interrupted fetch left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// Its identity in [`BlobStore::remove_partial`].
    pub id: PartialId,
    /// Which object it is of; `None` where nothing readable says so: it will not be resumed.
    pub locator: Option<PartialLocator>,
    /// Bytes that a resumed fetch need not get again.
    pub durable: u64,
    /// Bytes that it takes on the filesystem.
    pub allocated: u64,
}

/// Why a partial blob was not removed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PartialError {
    /// A fetch is writing to it.
    #[error("the partial blob {id} is being fetched")]
    InUse {
        /// Which.
        id: PartialId,
    },
    /// The local disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl BlobStore {
    /// The store in `dir`, which is made if it is empty.
    pub fn open(dir: &dyn Dir) -> Result<Self, DiskError> {
        let folder = |name| dir.dir(name).map_err(failed(Doing::Creating, name));
        let (blobs, partials) = (folder("sha256")?, folder("partial")?);
        let receipts = folder("receipts")?;
        let running = Mutex::default();
        Ok(Self {
            inner: Arc::new(Inner {
                blobs,
                partials,
                receipts,
                running,
                ended: Notify::new(),
            }),
        })
    }

    /// Whether the blob is there.
    pub fn contains(&self, digest: &Digest) -> Result<bool, DiskError> {
        Ok(self.blob(digest)?.is_some())
    }

    /// A blob to read; `None` where there is none.
    pub fn blob(&self, digest: &Digest) -> Result<Option<Arc<dyn File>>, DiskError> {
        let name = digest.to_hex();
        match self.inner.blobs.open(&name, Mode::Read) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(Doing::Opening, &name)(error)),
        }
    }

    /// Where the blob is on this host; `None` where there is none, or the store is nowhere on it. For who
    /// has to hand it to a program: nobody may write there.
    pub fn path(&self, digest: &Digest) -> Result<Option<PathBuf>, DiskError> {
        let is_here = self.contains(digest)?;
        let place = self.inner.blobs.host_path().filter(|_| is_here);
        Ok(place.map(|place| place.join(digest.to_hex())))
    }

    /// Every blob.
    pub fn list(&self) -> Result<BlobList, DiskError> {
        let mut list = BlobList::default();
        for entry in self
            .inner
            .blobs
            .list()
            .map_err(failed(Doing::Listing, "sha256"))?
        {
            match format!("sha256:{}", entry.name).parse() {
                Ok(digest) if !entry.is_dir => {
                    list.blobs.push(BlobEntry {
                        digest,
                        size: entry.len,
                    });
                }
                _ => list.foreign.push(format!("sha256/{}", entry.name)),
            }
        }
        for entry in self
            .inner
            .partials
            .list()
            .map_err(failed(Doing::Listing, "partial"))?
        {
            if entry.is_dir || Names::owner(&entry.name).is_none() {
                list.foreign.push(format!("partial/{}", entry.name));
            }
        }
        Ok(list)
    }

    /// Removes a blob; says whether it was there.
    pub fn remove(&self, digest: &Digest) -> Result<bool, DiskError> {
        let name = digest.to_hex();
        let removed = self
            .inner
            .blobs
            .remove(&name)
            .map_err(failed(Doing::Removing, &name))?;
        if removed {
            self.inner
                .blobs
                .sync()
                .map_err(failed(Doing::Syncing, &name))?;
        }
        Ok(removed)
    }

    /// What interrupted fetches left, and what running ones have made durable so far.
    pub fn partials(&self) -> Result<Vec<Partial>, DiskError> {
        let mut found = BTreeMap::new();
        for entry in self
            .inner
            .partials
            .list()
            .map_err(failed(Doing::Listing, "partial"))?
        {
            let Some(id) = Names::owner(&entry.name).filter(|_| !entry.is_dir) else {
                continue;
            };
            if let Entry::Vacant(place) = found.entry(id) {
                place.insert(self.partial(id)?);
            }
        }
        Ok(found.into_values().collect())
    }

    fn partial(&self, id: PartialId) -> Result<Partial, DiskError> {
        let names = Names::of(id);
        let file = data(&*self.inner.partials, &names, Mode::Read)?;
        let allocated = file.as_ref().map_or(Ok(0), |file| file.allocated());
        let sidecar = known(&*self.inner.partials, &names)?
            .filter(|sidecar| PartialId::of(&sidecar.locator) == id);
        Ok(Partial {
            id,
            durable: match (&file, &sidecar) {
                (Some(_), Some(sidecar)) => sidecar.durable.len(),
                _ => 0,
            },
            locator: sidecar.map(|sidecar| sidecar.locator),
            allocated: allocated.map_err(failed(Doing::Reading, &names.data))?,
        })
    }

    /// Removes what is left of an interrupted fetch; says whether there was anything.
    pub fn remove_partial(&self, id: PartialId) -> Result<bool, PartialError> {
        // Held until it is gone, so that no fetch of the same object begins meanwhile.
        let running = self.running();
        if running.contains_key(&id) {
            return Err(PartialError::InUse { id });
        }
        Ok(remove(&*self.inner.partials, &Names::of(id))?)
    }

    /// Waits until no fetch is at work any more: one that was cancelled still makes durable what
    /// had arrived. Whoever gives the store to somebody else waits for this first.
    pub async fn idle(&self) {
        loop {
            let ended = self.inner.ended.notified();
            // Waiting begins before the look, so that an end between the two is not missed.
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.running().is_empty() {
                return;
            }
            ended.await;
        }
    }

    pub(crate) fn workspace(&self, locator: PartialLocator) -> Result<Workspace, DiskError> {
        Workspace::open(Arc::clone(&self.inner.partials), locator)
    }

    /// What blobs were proven to be that nobody has [settled](Self::settle) yet.
    ///
    /// # Errors
    /// If the directory of the receipts cannot be read.
    pub fn receipts(&self) -> Result<Vec<Receipt>, DiskError> {
        receipt::all(&*self.inner.receipts)
    }

    /// Says that the digest of an object is recorded elsewhere, durably, and that its receipt is
    /// not needed any more; says whether there was one.
    ///
    /// # Errors
    /// If the receipt cannot be removed.
    pub fn settle(&self, locator: &PartialLocator) -> Result<bool, DiskError> {
        receipt::remove(&*self.inner.receipts, locator)
    }

    pub(crate) fn publish(&self, workspace: Workspace, digest: Digest) -> Result<(), DiskError> {
        let locator = workspace.locator().clone();
        receipt::put(&*self.inner.receipts, &Receipt { locator, digest })?;
        workspace.publish(&*self.inner.blobs, digest)
    }

    /// The fetch of `id` that is under way, if `join` takes it; else what `begin` makes, and the
    /// turn to run it.
    pub(crate) fn single_flight(
        &self,
        id: PartialId,
        join: impl FnOnce(&Arc<Shared>) -> bool,
        begin: impl FnOnce() -> Arc<Shared>,
    ) -> (Arc<Shared>, Option<Turn>) {
        let mut running = self.running();
        let known = running.get(&id).and_then(|known| known.shared.upgrade());
        if let Some(shared) = known.filter(join) {
            return (shared, None);
        }
        let shared = begin();
        // One that is winding down still has the turn: the new one waits for it.
        let turn = running
            .get(&id)
            .map(|known| Arc::clone(&known.turn))
            .unwrap_or_default();
        let entry = Running {
            turn: Arc::clone(&turn),
            shared: Arc::downgrade(&shared),
        };
        running.insert(id, entry);
        drop(running);
        (
            shared,
            Some(Turn {
                store: self.clone(),
                id,
                turn,
            }),
        )
    }

    fn running(&self) -> MutexGuard<'_, HashMap<PartialId, Running>> {
        self.inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits until nobody else writes to the partial blob.
    pub(crate) async fn take(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    pub(crate) fn store(&self) -> &BlobStore {
        &self.store
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.store.running();
        // The map's and this one: nobody else has or waits for the turn.
        if Arc::strong_count(&self.turn) <= 2 {
            running.remove(&self.id);
            self.store.inner.ended.notify_waiters();
        }
    }
}
