//! The first block of a pool's data, kept from machines.
//!
//! What a machine writes to the first block of data is the beginning of the data device itself. A label written
//! there is found by whoever looks what is on that device (udev's blkid, a volume manager), who takes the device
//! for what its guest says that it is: on a real kernel a UUID that a guest had chosen led, below
//! `/dev/disk/by-uuid`, to the pool's disk. So the first block belongs to a volume of ours with nothing in it, for
//! the kernel hands blocks out from the first on. What is at the end of a device is kept out by making the pool
//! shorter ([`TAIL`](super::spec::TAIL)).

use std::{fs::File, os::unix::fs::FileExt};

use super::{
    error::PoolError,
    opens::{own_name, own_uuid},
    pool::Pool,
};
use crate::{
    dm::{DeviceName, Errno, Nodes, Uuid},
    id::VolumeId,
};

/// The volume that has the first block: the last id there is, which no catalogue gives out.
pub(super) const GUARD: VolumeId = VolumeId::MAX;

impl Pool {
    /// Removes the device of that volume, which a program has left that was ended as it wrote there.
    pub(super) fn unguard(&self) -> Result<(), PoolError> {
        let name = self.guard_name();
        self.control().remove(&name)?;
        Ok(Nodes::default().forget(&name)?)
    }

    /// Gives the first block of a new pool to a volume of ours. May be repeated until it has said so.
    ///
    /// # Errors
    /// [`PoolError`].
    pub(super) fn guard(&self) -> Result<(), PoolError> {
        // No change that is counted: it is made before anybody can have made any.
        match self
            .control()
            .message(self.name(), &format!("create_thin {GUARD}"))
        {
            Err(error) if error.errno() != Some(Errno::Exists) => return Err(error.into()),
            _ => {}
        }
        let name = self.guard_name();
        let uuid = Uuid::ours(&own_uuid(self.name(), GUARD))
            .expect("a pool's name and a number are letters of a uuid");
        let control = self.control();
        if control.info(&name)?.is_none() {
            control.create(&name, &uuid)?;
        }
        control.load(&name, &[self.thin(GUARD, self.block())])?;
        let info = control.resume(&name)?;
        let path = Nodes::default().ensure(&name, info.number)?;
        let written = File::options().write(true).open(&path).and_then(|file| {
            // A block is allocated by being written to, also with zeros.
            file.write_all_at(&[0; 4096], 0)?;
            file.sync_data()
        });
        let removed = control.remove(&name);
        Nodes::default().forget(&name)?;
        written.map_err(|source| PoolError::Part {
            doing: "write to",
            path,
            source,
        })?;
        removed?;
        Ok(())
    }

    fn guard_name(&self) -> DeviceName {
        DeviceName::new(own_name(self.name(), GUARD))
            .expect("a pool's name and a number are letters of a name")
    }
}
