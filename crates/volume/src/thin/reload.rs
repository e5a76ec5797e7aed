//! A pool that is up given another table, while its volumes stay in use.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::{error::PoolError, pool::Pool, table::PoolTable};
use crate::dm::{Control, DeviceName, Suspend};

/// Held while a pool of this program is suspended: the kernel gives no volume of it a device meanwhile (EINVAL).
static RELOADING: RwLock<()> = RwLock::new(());

/// Waits until no pool of this program is suspended by it, and keeps it so.
pub(super) fn not_reloading() -> RwLockReadGuard<'static, ()> {
    RELOADING.read().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// Whether it waits, and whoever writes to it: somebody is giving it another table, or was ended as they did.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        let info = self.control().info(self.name());
        info.is_ok_and(|info| info.is_some_and(|info| info.suspended))
    }

    /// Lets it work again.
    ///
    /// # Errors
    /// [`PoolError::Dm`].
    pub fn resume(&self) -> Result<(), PoolError> {
        Ok(self.control().resume(self.name()).map(drop)?)
    }

    /// Gives it another table. What is being written waits and is not
    /// waited for: in a pool without room it would never be done.
    pub(super) fn reload(name: &DeviceName, table: &PoolTable) -> Result<(), PoolError> {
        let control = Control::open()?;
        let _reloading = RELOADING.write().unwrap_or_else(PoisonError::into_inner);
        control.load(name, &[table.line()])?;
        let suspended = control.suspend(name, Suspend::AtOnce);
        // Whatever came of that, nobody is left waiting.
        let resumed = control.resume(name);
        suspended?;
        resumed?;
        Ok(())
    }
}
