//! The task behind a fetch: finds out what there is, brings the rest, proves it and gives it its
//! name.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use longshore_image::Digest;

use super::{
    digest::digest, download::Download, error::FetchError, handle::mismatch, plan::Window,
    shared::Shared, transfer::transfer,
};
use crate::{
    blob::{Blob, DiskError, PartialLocator, RangeSet, Turn, Workspace},
    client::Source,
    error::SourceError,
};

/// One fetch, from its beginning to its outcome.
#[derive(Debug)]
pub(super) struct Driver {
    source: Arc<Source>,
    turn: Turn,
    shared: Arc<Shared>,
    expected: Option<Digest>,
}

/// Settles a fetch whose driver was dropped or panicked, so that nobody waits for it for ever.
struct Unsettled(Arc<Shared>);

impl Drop for Unsettled {
    fn drop(&mut self) {
        self.0.finish(Err(FetchError::Abandoned));
    }
}

impl Driver {
    pub(super) fn new(
        source: Arc<Source>,
        turn: Turn,
        shared: Arc<Shared>,
        expected: Option<Digest>,
    ) -> Self {
        Self {
            source,
            turn,
            shared,
            expected,
        }
    }

    pub(super) async fn run(self) {
        let unsettled = Unsettled(Arc::clone(&self.shared));
        let locator = self.shared.locator().clone();
        tracing::debug!(%locator, size = locator.size, "fetch begins");
        let outcome = self.fetch().await;
        match &outcome {
            Ok(blob) => tracing::debug!(%locator, ?blob, "fetched"),
            Err(error) => tracing::debug!(%locator, %error, "fetch failed"),
        }
        unsettled.0.finish(outcome);
    }

    async fn fetch(self) -> Result<Blob, FetchError> {
        let locator = self.shared.locator();
        if locator.origin != *self.source.origin() {
            let (key, found) = (locator.key.clone(), locator.origin.clone());
            let asked = self.source.origin().clone();
            return Err(SourceError::WrongOrigin { key, found, asked }.into());
        }
        let _mine = tokio::select! {
            mine = self.turn.take() => mine,
            () = self.shared.stop().cancelled() => return Err(FetchError::Cancelled),
        };
        if let Some(blob) = self.at_hand().await? {
            return Ok(blob);
        }
        let (store, locator) = (self.turn.store().clone(), PartialLocator::from(locator));
        let workspace = blocking(move || store.workspace(locator)).await??;
        self.bring(workspace).await
    }

    /// The blob that is expected, where the store has it.
    async fn at_hand(&self) -> Result<Option<Blob>, FetchError> {
        let Some(digest) = self.expected else {
            return Ok(None);
        };
        let (store, size) = (self.turn.store().clone(), self.shared.locator().size);
        let found = blocking(move || {
            let Some(file) = store.blob(&digest)? else {
                return Ok::<_, DiskError>(None);
            };
            // Another length cannot be this object, and its bytes will be told by their digest.
            Ok(file
                .len()
                .is_ok_and(|length| length == size)
                .then_some(file))
        });
        let Some(file) = found.await?? else {
            return Ok(None);
        };
        self.shared.begin(file, RangeSet::whole(size));
        Ok(Some(Blob {
            digest,
            size,
            fetched_bytes: 0,
            resumed_bytes: 0,
        }))
    }

    /// Brings and proves what is missing in the workspace.
    async fn bring(&self, workspace: Workspace) -> Result<Blob, FetchError> {
        let size = self.shared.locator().size;
        let resumed_bytes = workspace.durable().len();
        self.shared
            .begin(Arc::clone(workspace.file()), workspace.durable().clone());
        let (shared, name) = (Arc::clone(&self.shared), workspace.name().to_owned());
        let hasher = tokio::task::spawn_blocking(move || digest(&shared, &name));
        let download = Arc::new(Download {
            source: Arc::clone(&self.source),
            shared: Arc::clone(&self.shared),
            file: Arc::clone(workspace.file()),
            name: workspace.name().to_owned(),
            stop: self.shared.stop().child_token(),
            window: Mutex::new(Window::new(self.source.transfer().concurrency)),
            received: AtomicU64::new(0),
        });
        let (workspace, brought) = transfer(Arc::clone(&download), workspace).await;
        if brought.is_err() {
            self.shared.halt();
        }
        let hashed = hasher.await.map_err(|_| FetchError::Abandoned);
        let workspace = workspace.ok_or(FetchError::Abandoned)?;
        let proven = match brought {
            Ok(()) => self.judge(hashed).await,
            Err(error) => Err(error),
        };
        let digest = match proven {
            Ok(digest) => digest,
            Err(error) => return Err(self.put_away(workspace, error).await),
        };
        self.publish(workspace, digest).await?;
        let fetched_bytes = download.received.load(Ordering::Relaxed);
        Ok(Blob {
            digest,
            size,
            fetched_bytes,
            resumed_bytes,
        })
    }

    /// Whether the bytes that are all there are the right ones.
    async fn judge(
        &self,
        hashed: Result<Result<Option<Digest>, DiskError>, FetchError>,
    ) -> Result<Digest, FetchError> {
        let found = hashed??.ok_or(FetchError::Cancelled)?;
        self.source.confirm(self.shared.locator()).await?;
        match self.expected {
            Some(expected) if expected != found => {
                Err(mismatch(self.shared.locator(), expected, found))
            }
            _ => Ok(found),
        }
    }

    /// Makes all of it durable, and only then gives it its name.
    async fn publish(&self, workspace: Workspace, digest: Digest) -> Result<(), FetchError> {
        let whole = RangeSet::whole(self.shared.locator().size);
        let (workspace, saved) = checkpoint(workspace, whole).await?;
        if let Err(error) = saved {
            return Err(self.put_away(workspace, error.into()).await);
        }
        let store = self.turn.store().clone();
        Ok(blocking(move || store.publish(workspace, digest)).await??)
    }

    /// Keeps of a fetch that failed what a later one can go on with, and gives the error back.
    async fn put_away(&self, workspace: Workspace, error: FetchError) -> FetchError {
        let written = self.shared.written();
        let (spoilt, is_full) = (error.spoils_partial(), error.is_disk_full());
        let put_away = blocking(move || {
            let (mut workspace, mut spoilt) = (workspace, spoilt);
            let saved = match (spoilt, is_full) {
                (true, _) => Ok(()),
                (false, false) => workspace.checkpoint(written),
                (false, true) => workspace
                    .trim(&written)
                    .and_then(|()| workspace.checkpoint(written)),
            };
            spoilt |= saved.as_ref().is_err_and(DiskError::is_sync);
            let discarded = if spoilt { workspace.discard() } else { Ok(()) };
            saved.and(discarded)
        });
        match put_away.await {
            Ok(Ok(())) => {}
            // The fetch has failed already, and that is what is told; less is kept than could be.
            Ok(Err(disk)) => {
                tracing::warn!(locator = %self.shared.locator(), error = %disk, cause = %disk.io(),
                    "what had arrived could not be put away");
            }
            Err(_) => return FetchError::Abandoned,
        }
        error
    }
}

async fn checkpoint(
    mut workspace: Workspace,
    written: RangeSet,
) -> Result<(Workspace, Result<(), DiskError>), FetchError> {
    blocking(move || {
        let saved = workspace.checkpoint(written);
        (workspace, saved)
    })
    .await
}

/// Runs what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FetchError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| FetchError::Abandoned)
}
