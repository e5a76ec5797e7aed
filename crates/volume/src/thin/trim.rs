//! What no volume of a pool has, given back to whatever its data is on.
//!
//! Deleting a volume frees its blocks for others and tells nobody below. It is done while the pool is down: in one
//! that is at work a block that nobody has may be somebody's before it is discarded.

use std::{fs::File, os::unix::fs::FileTypeExt};

use rustix::fs::FallocateFlags;

use super::{
    error::PoolError,
    offline::Used,
    spec::{Part, PoolSpec},
};
use crate::dm::{self, DeviceName};

impl PoolSpec {
    /// Gives back what no volume has; says how many bytes that are.
    ///
    /// # Errors
    /// [`PoolError::IsUp`]; [`PoolError::Metadata`] where nobody can tell; [`PoolError::Part`].
    pub fn trim(&self, name: &DeviceName) -> Result<u64, PoolError> {
        self.must_be_down(name)?;
        let total = self.data_bytes() / self.block;
        let used = Used::read(self.metadata.path(), total)?;
        let path = self.data.path();
        let failed = |source| PoolError::Part {
            doing: "give back room of",
            path: path.clone(),
            source,
        };
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(failed)?;
        let kind = file.metadata().map_err(failed)?.file_type();
        let mut given = 0;
        for run in used.runs(total, false) {
            let (at, len) = (run.start * self.block, (run.end - run.start) * self.block);
            match kind.is_block_device() {
                true => dm::discard(&file, at, len).map_err(failed)?,
                false => {
                    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                    let punched = rustix::fs::fallocate(&file, hole, at, len);
                    punched.map_err(|error| failed(error.into()))?;
                }
            }
            given += len;
        }
        file.sync_all().map_err(failed)?;
        Ok(given)
    }

    /// Whether it would help: a file that has all its room keeps it.
    #[must_use]
    pub fn can_be_trimmed(&self) -> bool {
        let keeps = matches!(self.data, Part::File { allocated, .. } if allocated);
        self.pass_discard_down && !keeps
    }

    pub(super) fn must_be_down(&self, name: &DeviceName) -> Result<(), PoolError> {
        match self.is_up(name)? {
            true => Err(PoolError::IsUp { name: name.clone() }),
            false => Ok(()),
        }
    }
}
