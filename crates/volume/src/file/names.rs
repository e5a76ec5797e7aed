//! [`Names`]: a directory in which names change only as long as all earlier changes are durable.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use longshore_durable::Dir;

use crate::error::{Doing, VolumeError};

#[derive(Debug)]
pub(super) struct Names {
    dir: Arc<dyn Dir>,
    unsettled: AtomicBool,
}

impl Names {
    pub(super) fn new(dir: Arc<dyn Dir>) -> Names {
        Names {
            dir,
            unsettled: AtomicBool::new(false),
        }
    }

    /// For looking.
    pub(super) fn look(&self) -> &dyn Dir {
        &*self.dir
    }

    /// For changing, or for saying that something is there: what is seen is durable.
    pub(super) fn change(&self) -> Result<&dyn Dir, VolumeError> {
        match self.unsettled.load(Ordering::Acquire) {
            true => Err(VolumeError::Unsettled),
            false => Ok(&*self.dir),
        }
    }

    /// Makes every change up to now durable.
    pub(super) fn settle(&self, doing: Doing) -> Result<(), VolumeError> {
        self.change()?.sync().map_err(|source| {
            self.unsettled.store(true, Ordering::Release);
            VolumeError::io(doing, source)
        })
    }
}
