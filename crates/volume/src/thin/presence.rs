//! Whether the parts of a pool are still there, and the ones that it uses.

use std::{fs, os::unix::fs::MetadataExt};

use super::{
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
}

impl Part {
    fn gone(&self, used: Option<DeviceNumber>) -> Option<String> {
        let path = self.path();
        let Ok(found) = fs::metadata(path) else {
            return Some(format!("{} is not there", path.display()));
        };
        let used = used?;
        let now = match self {
            Self::File { .. } => Loop::find(path)
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
