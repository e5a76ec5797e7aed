//! Whether the parts of a pool are still there, and the ones that it uses.

use std::{fs, os::unix::fs::MetadataExt};

use super::{
    error::PoolError,
    pool::Pool,
    spec::{Part, PoolSpec},
};
use crate::dm::{DeviceNumber, Loop};

impl PoolSpec {
    /// What is wrong with its parts, in words: a file that was removed under the loop device that has it, or
    /// another in its place; a device that is not there any more. `up` is the pool where it is up.
    #[must_use]
    pub fn parts_gone(&self, up: Option<&Pool>) -> Vec<String> {
        let metadata = up.and_then(|pool| pool.metadata_number().ok());
        let data = up.and_then(|pool| pool.data_number().ok());
        let parts = [(&self.metadata, metadata), (&self.data, data)];
        let gone = parts.into_iter().filter_map(|(part, used)| part.gone(used));
        gone.collect()
    }

    /// Refuses a pool that is up on a file that was removed, unless there is one of its length in its place: what is in it
    /// is gone when its loop device is.
    pub(super) fn must_outlive(&self, up: &Pool) -> Result<(), PoolError> {
        for (part, device) in self.in_use(up)? {
            let Part::File { path, bytes, .. } = part else {
                continue;
            };
            let is_copied = fs::metadata(path).is_ok_and(|found| found.len() >= *bytes);
            if Loop::has_removed(device) && !is_copied {
                return Err(PoolError::Removed {
                    path: path.clone(),
                    number: device.minor,
                });
            }
        }
        Ok(())
    }

    /// Has the loop devices of a pool that is up stay: somebody may have said that they are to go with their last user.
    pub(super) fn keep_loops(&self, up: &Pool) -> Result<(), PoolError> {
        for (part, device) in self.in_use(up)? {
            if let Part::File { path, .. } = part
                && part.is_there()
                && let Some(attached) = Loop::of(device, path)?
            {
                attached.keep()?;
            }
        }
        Ok(())
    }

    fn in_use(&self, up: &Pool) -> Result<[(&Part, DeviceNumber); 2], PoolError> {
        let (metadata, data) = (up.metadata_number()?, up.data_number()?);
        Ok([(&self.metadata, metadata), (&self.data, data)])
    }
}

impl Part {
    fn gone(&self, used: Option<DeviceNumber>) -> Option<String> {
        let path = self.path();
        let Ok(found) = fs::metadata(path) else {
            return Some(format!("{} is not there", path.display()));
        };
        let used = used?;
        let now = match self {
            Self::File { .. } => Loop::of(used, path)
                .ok()
                .flatten()
                .map(|attached| attached.device()),
            Self::Device { .. } => Some(DeviceNumber {
                major: rustix::fs::major(found.rdev()),
                minor: rustix::fs::minor(found.rdev()),
            }),
        };
        (now != Some(used)).then(|| format!("{} is not what the pool is on", path.display()))
    }
}
