//! A kind of store, as a suite sees it: how to open one, and how to write to it.

use std::fmt;
use std::future::Future;

use crate::store::{Ledger, MemoryStore, Store, StoreError, WriteError};

/// A store that tests are run on, and a domain of numbers by name in it.
pub trait Subject: fmt::Debug + Send + Sync + 'static {
    /// The kind of store.
    type Store: Store;

    /// Opens it; called again, the same content as a new process would.
    fn open(&self) -> Self::Store;

    /// Sets a number. A negative one is refused.
    ///
    /// # Errors
    /// The refusal.
    fn put(
        handle: &<Self::Store as Store>::Handle,
        name: &str,
        number: i64,
    ) -> Result<(), WriteError>;

    /// The number of this name.
    ///
    /// # Errors
    /// If the store fails.
    fn get(handle: &<Self::Store as Store>::Handle, name: &str) -> Result<Option<i64>, WriteError>;

    /// The number of this name, as it is in the store.
    fn look(
        &self,
        store: &Self::Store,
        name: &str,
    ) -> impl Future<Output = Result<Option<i64>, StoreError>> + Send;
}

/// The memory store.
#[derive(Debug, Clone, Default)]
pub struct MemorySubject(MemoryStore);

impl Subject for MemorySubject {
    type Store = MemoryStore;

    fn open(&self) -> MemoryStore {
        self.0.reopen()
    }

    fn put(ledger: &Ledger, name: &str, number: i64) -> Result<(), WriteError> {
        ledger.put(name, number);
        if number < 0 {
            return Err("a negative number".into());
        }
        Ok(())
    }

    fn get(ledger: &Ledger, name: &str) -> Result<Option<i64>, WriteError> {
        Ok(ledger.get(name).and_then(|value| value.as_i64()))
    }

    async fn look(&self, store: &MemoryStore, name: &str) -> Result<Option<i64>, StoreError> {
        Ok(store
            .read(|ledger| ledger.get(name))
            .and_then(|value| value.as_i64()))
    }
}
