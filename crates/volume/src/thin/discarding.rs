//! What a volume alone has, discarded before it is removed.

use std::{fs::File, io};

use super::backend::{ThinBackend, failed};
use crate::{
    dm,
    error::{Doing, VolumeError},
    id::VolumeId,
};

impl ThinBackend {
    /// Gives what only this volume has back to whatever the pool is on. Deleting it frees its blocks for other
    /// volumes and tells nobody below.
    pub(super) fn discard_all(&self, id: VolumeId, doing: &Doing) -> Result<(), VolumeError> {
        let io = |source| VolumeError::io(doing.clone(), source);
        let size = self.ledger.size(id).map_err(io)?;
        let Some(size) = size.filter(|_| self.gives_back) else {
            return Ok(());
        };
        let open = self.opens.open(id, size);
        let Some(open) = open.map_err(|error| failed(doing, error))? else {
            return Ok(());
        };
        let file = File::options().write(true).open(&open.path).map_err(io)?;
        let discarded = dm::discard(&file, 0, size);
        drop(file);
        match discarded {
            // Whatever is below takes none: the blocks are freed for others all the same.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            discarded => discarded.map_err(io),
        }
    }
}
