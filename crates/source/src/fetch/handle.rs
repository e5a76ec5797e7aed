//! The handle of a fetch, and what keeps the fetch running.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use longshore_image::Digest;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Follower,
    driver::Driver,
    error::FetchError,
    shared::{Progress, Shared},
};
use crate::{
    address::Locator,
    blob::{Blob, BlobStore, PartialId, PartialLocator},
    client::Source,
};

/// One caller's part in a fetch. Clones are the same part: they are cancelled together.
///
/// The fetch runs by itself, and ends early when everybody's part in it is dropped or cancelled.
#[derive(Debug, Clone)]
pub struct Fetch {
    interest: Arc<Interest>,
}

#[derive(Debug)]
pub(super) struct Interest {
    shared: Arc<Shared>,
    expected: Option<Digest>,
    cancelled: CancellationToken,
    left: AtomicBool,
}

impl BlobStore {
    /// Brings an object into the store, or joins the fetch of the same version of it that is under
    /// way. What an earlier fetch left is gone on with.
    ///
    /// `expected` is a digest that is known from elsewhere: bytes with another are refused, and if
    /// that blob is here already the source is not asked. `cancel` ends this caller's part.
    ///
    /// # Panics
    /// Outside of a tokio runtime (with its time and IO drivers on).
    pub fn fetch(
        &self,
        source: &Arc<Source>,
        locator: &Locator,
        expected: Option<Digest>,
        cancel: &CancellationToken,
    ) -> Fetch {
        let id = PartialId::of(&PartialLocator::from(locator));
        let (shared, turn) = self.single_flight(
            id,
            |shared| shared.join(),
            || Arc::new(Shared::new(locator.clone())),
        );
        if let Some(turn) = turn {
            let driver = Driver::new(Arc::clone(source), turn, Arc::clone(&shared), expected);
            tokio::spawn(driver.run());
        }
        let cancelled = cancel.child_token();
        let left = AtomicBool::new(false);
        let interest = Arc::new(Interest {
            shared,
            expected,
            cancelled,
            left,
        });
        tokio::spawn(heed(Arc::downgrade(&interest)));
        Fetch { interest }
    }
}

/// Passes a cancellation on to threads that wait, for they cannot wait for a token.
async fn heed(interest: Weak<Interest>) {
    let Some(tokens) = interest.upgrade().map(|interest| {
        (
            interest.cancelled.clone(),
            interest.shared.finished().clone(),
        )
    }) else {
        return;
    };
    tokio::select! {
        () = tokens.0.cancelled() => {
            if let Some(interest) = interest.upgrade() {
                interest.leave();
            }
        }
        () = tokens.1.cancelled() => {}
    }
}

impl Fetch {
    /// The object.
    pub fn locator(&self) -> &Locator {
        self.interest.shared.locator()
    }

    /// A reader from the first byte on, over what is there and what will arrive. Several may be
    /// taken, before the end or after it.
    pub fn follow(&self) -> Follower {
        Follower::new(Arc::clone(&self.interest))
    }

    /// Waits until the blob is in the store under the digest of its bytes, durably.
    ///
    /// # Errors
    /// What the fetch failed with; [`FetchError::Cancelled`] once this part is cancelled;
    /// [`FetchError::DigestMismatch`] where the blob is not the one expected here.
    pub async fn proven(&self) -> Result<Blob, FetchError> {
        let Interest {
            shared,
            expected,
            cancelled,
            ..
        } = &*self.interest;
        tokio::select! {
            biased;
            () = shared.finished().cancelled() => {}
            () = cancelled.cancelled() => return Err(FetchError::Cancelled),
        }
        let blob = shared.outcome().unwrap_or(Err(FetchError::Abandoned))?;
        match expected {
            // One who joined may expect other bytes than the one who began.
            Some(expected) if *expected != blob.digest => {
                Err(mismatch(shared.locator(), *expected, blob.digest))
            }
            _ => Ok(blob),
        }
    }

    /// Ends this caller's part: its waiters and followers get [`FetchError::Cancelled`] at once.
    pub fn cancel(&self) {
        self.interest.cancelled.cancel();
        self.interest.leave();
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        *self.interest.shared.progress().borrow()
    }

    /// How far it is, whenever that changes.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.interest.shared.progress().subscribe()
    }
}

pub(super) fn mismatch(locator: &Locator, expected: Digest, found: Digest) -> FetchError {
    let (origin, key) = (locator.origin.clone(), locator.key.clone());
    FetchError::DigestMismatch {
        origin,
        key,
        expected,
        found,
    }
}

impl Interest {
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Gives up the interest, once.
    fn leave(&self) {
        if !self.left.swap(true, Ordering::AcqRel) {
            self.shared.leave();
        }
        self.shared.wake();
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.leave();
        // Ends the task that heeds the caller's token.
        self.cancelled.cancel();
    }
}
