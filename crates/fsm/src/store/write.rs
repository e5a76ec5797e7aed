//! The domain's writes: closures over the store's own handle.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::BoxError;
use crate::store::{Batch, CommitError, Store, Target};

/// What a domain write fails with: any error. The store takes one that comes from the disk or from
/// SQLite itself for its own ([`StoreError`](crate::store::StoreError)); any other refuses the batch.
pub type WriteError = BoxError;

type Closure<H> = Box<dyn FnOnce(&H) -> Result<(), WriteError> + Send>;

/// A write of the domain's, made inside the store's transaction, in a savepoint.
///
/// It must not begin, commit or roll back a transaction, nor block on anything but the handle: every
/// other write waits for it.
pub struct Write<H>(Closure<H>);

impl<H> Write<H> {
    /// A write that does this.
    pub fn new(write: impl FnOnce(&H) -> Result<(), WriteError> + Send + 'static) -> Self {
        Self(Box::new(write))
    }

    /// Does it.
    ///
    /// # Errors
    /// What the closure returns.
    pub fn apply(self, handle: &H) -> Result<(), WriteError> {
        (self.0)(handle)
    }
}

impl<H> fmt::Debug for Write<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Write")
    }
}

/// Where a write leaves what it returned, for the one who waits for its commit.
#[derive(Debug)]
pub(crate) struct Slot<T>(Arc<Mutex<Option<T>>>);

impl<T> Slot<T> {
    /// What the write returned; the write must have been committed.
    pub(crate) fn take(self) -> T {
        let mut value = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        value.take().expect("a committed write has left its value")
    }
}

/// A write that returns something, as one that leaves it in a slot.
pub(crate) fn into_write<H, T: Send + 'static>(
    write: impl FnOnce(&H) -> Result<T, WriteError> + Send + 'static,
) -> (Write<H>, Slot<T>) {
    let slot = Arc::new(Mutex::new(None));
    let left = Arc::clone(&slot);
    let write = Write::new(move |handle: &H| {
        let value = write(handle)?;
        *left.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(())
    });
    (write, Slot(slot))
}

/// Makes a domain write outside of any run; it is durable when this returns.
///
/// # Errors
/// [`CommitError::Refused`] with what the write failed with, [`CommitError::Store`] if the store
/// failed. Nothing was written then.
pub async fn write<S: Store, T: Send + 'static>(
    store: &S,
    write: impl FnOnce(&S::Handle) -> Result<T, WriteError> + Send + 'static,
) -> Result<T, CommitError> {
    let (batch, slot) = domain_batch(write);
    store.commit(batch).await?;
    Ok(slot.take())
}

pub(crate) fn domain_batch<H, T: Send + 'static>(
    write: impl FnOnce(&H) -> Result<T, WriteError> + Send + 'static,
) -> (Batch<H>, Slot<T>) {
    let (write, slot) = into_write(write);
    let batch = Batch {
        target: Target::Domain,
        events: Vec::new(),
        writes: vec![write],
    };
    (batch, slot)
}
