//! A volume of a pool that is only read, without a host: by who has the state directory's lock meanwhile.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use longshore_catalog::VolumeId as CatalogId;
use longshore_fsm::store::Readers;
use longshore_volume::{
    Access, Backend, VolumeId,
    thin::{Change, Ledger, ThinBackend},
};

use super::{
    ledger::size,
    row::{known, none},
};
use crate::{Class, Failure, View, contents::Held, deps::volume_id, trouble::Trouble};

/// How long another command may have the state directory.
const WAIT: Duration = Duration::from_secs(60);

/// A device of a volume, which is there as long as what is answered with it. Nobody can begin anything in the
/// state directory meanwhile: a device that appears beside its own would be in an engine's way.
pub(crate) fn held_volume(view: &View, id: CatalogId) -> Result<(PathBuf, Box<dyn Held>), Failure> {
    let lock = view.state.lock("read a volume", WAIT)?;
    let pool = known(|look| view.read(look))?.ok_or_else(none)?;
    let up = pool.spec.find(&pool.name).map_err(Trouble::failure)?;
    let sizes = Arc::new(Sizes(view.readers.clone()));
    let disk = ThinBackend::new(up, sizes).open(volume_id(id)?, Access::Read);
    let disk = disk.map_err(Trouble::failure)?;
    let path = disk
        .path()
        .ok_or_else(|| Failure::new(Class::Failed, "no-disk", "the volume has no device"))?;
    Ok((path, Box::new((disk, lock))))
}

/// Refuses a path under a machine's name that does not lead to its disk: another state directory, or anybody, may have
/// a device of that name.
pub(crate) fn must_show(view: &View, path: &Path, disk: CatalogId) -> Result<(), Failure> {
    let pool = known(|look| view.read(look))?.ok_or_else(none)?;
    let up = pool.spec.find(&pool.name).map_err(Trouble::failure)?;
    let shows = up.shows(path, volume_id(disk)?).map_err(Trouble::failure)?;
    match shows {
        true => Ok(()),
        false => Err(Failure::new(
            Class::Refused,
            "other-device",
            format!("{} is not the disk of that machine", path.display()),
        )
        .hint("see `longshore doctor`; any command that works here gives the machine its device again")),
    }
}

/// The sizes that a catalogue has, for who changes nothing.
pub(super) struct Sizes(pub(super) Readers);

impl std::fmt::Debug for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sizes")
    }
}

impl Ledger for Sizes {
    fn size(&self, id: VolumeId) -> io::Result<Option<u64>> {
        size(&self.0, id)
    }

    fn will(&self, _: u64, change: Change) -> io::Result<()> {
        Err(io::Error::other(format!("a reader was asked to {change}")))
    }

    fn is_gone(&self, _: VolumeId) -> io::Result<()> {
        Ok(())
    }
}
