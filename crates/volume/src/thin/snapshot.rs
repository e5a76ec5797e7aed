//! A snapshot of a pool's metadata, held while it is read: which volumes there are, and what they take.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::PathBuf,
};

use rustix::fs::OFlags;

use super::{
    damage::MetadataError,
    error::PoolError,
    guard::GUARD,
    metadata::{ThinDevice, devices},
    node::{BLOCK, Block},
    pool::Pool,
    shares::{DataBlocks, shares},
    status::PoolState,
};
use crate::{
    backend::Share,
    dm::{DeviceNumber, Errno},
    id::VolumeId,
};

impl Pool {
    /// Every volume that the pool has, whoever made it, by id, but for the one that guards its first block; while it
    /// is at work.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn devices(&self) -> Result<Vec<ThinDevice>, PoolError> {
        let mut found = self.holding(|held| devices(held.root, |block| held.read(block)))?;
        found.retain(|device| device.id != GUARD.get());
        Ok(found)
    }

    /// Whether its first block is kept from machines, as in every pool that we have made.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn has_guard(&self) -> Result<bool, PoolError> {
        let found = self.holding(|held| devices(held.root, |block| held.read(block)))?;
        Ok(found.iter().any(|device| device.id == GUARD.get()))
    }

    /// What each of the groups of volumes takes, as of one moment; while the pool is at work. A volume may be in
    /// several groups, and one that the pool has not takes nothing.
    ///
    /// The mappings of the pool are read once, however many snapshots share them, and those in which volumes of one
    /// group differ once more for that group. Memory is taken by the nodes of them that are no leaves, and by eight
    /// bytes for each block of data up to the last that is mapped.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn shares(&self, groups: &[Vec<VolumeId>]) -> Result<Vec<Share>, PoolError> {
        self.holding(|held| {
            let data = DataBlocks {
                total: held.data_total,
                bytes: self.block(),
            };
            shares(held.root, groups, data, |block| held.read(block))
        })
    }

    /// Holds a snapshot of the metadata while `look` looks at it, and releases it whatever comes of that.
    fn holding<T>(
        &self,
        look: impl FnOnce(&mut Held) -> Result<T, MetadataError>,
    ) -> Result<T, PoolError> {
        // A pool has one.
        let _holding = self.holds();
        let (control, name) = (self.control(), self.name());
        // One that is held was left by a program that ended; of an older time it would say what was then.
        let release = || control.message(name, "release_metadata_snap");
        match control.message(name, "reserve_metadata_snap") {
            Err(error) if error.errno() == Some(Errno::Busy) => {
                release()?;
                control.message(name, "reserve_metadata_snap")?;
            }
            reserved => drop(reserved?),
        }
        let held = self.held();
        let looked = held.and_then(|mut held| look(&mut held).map_err(PoolError::from));
        let released = release();
        let looked = looked?;
        released?;
        Ok(looked)
    }

    fn held(&self) -> Result<Held, PoolError> {
        let PoolState::Working(status) = self.state()? else {
            return Err(self.broken("it failed"));
        };
        let root = status.held_root;
        let root = root.ok_or_else(|| self.broken("it holds no snapshot of its metadata"))?;
        let path = self.metadata_device()?;
        // Past the page cache: the kernel writes its metadata past it too, and what is in it is older.
        let direct = i32::try_from(OFlags::DIRECT.bits()).unwrap_or_default();
        let file = File::options().read(true).custom_flags(direct).open(&path);
        Ok(Held {
            root,
            data_total: status.data_total,
            file: file.map_err(|source| PoolError::Unreadable { path, source })?,
            room: vec![0; 2 * BLOCK],
        })
    }

    fn metadata_device(&self) -> Result<PathBuf, PoolError> {
        let number = self.metadata_number()?;
        device_node(number).map_err(|source| PoolError::Unreadable {
            path: PathBuf::from(number.to_string()),
            source,
        })
    }
}

/// A snapshot that is held.
#[derive(Debug)]
struct Held {
    /// The block with its superblock.
    root: u64,
    /// Blocks of data that the pool has.
    data_total: u64,
    file: File,
    /// Where a block can be aligned as direct I/O wants it.
    room: Vec<u8>,
}

impl Held {
    fn read(&mut self, block: u64) -> io::Result<Block> {
        let start = self.room.as_ptr().align_offset(BLOCK);
        let aligned = self.room.get_mut(start..start + BLOCK);
        let aligned = aligned.ok_or_else(|| io::Error::other("memory that cannot be aligned"))?;
        let offset = block.checked_mul(4096).ok_or(io::ErrorKind::InvalidData)?;
        self.file.read_exact_at(aligned, offset)?;
        let mut bytes = [0; BLOCK];
        bytes.copy_from_slice(aligned);
        Ok(bytes)
    }
}

/// The node of a block device that the kernel has named.
pub(super) fn device_node(number: DeviceNumber) -> io::Result<PathBuf> {
    let event = fs::read_to_string(format!("/sys/dev/block/{number}/uevent"))?;
    let mut lines = event.lines();
    let name = lines.find_map(|line| line.strip_prefix("DEVNAME="));
    let name = name.ok_or(io::ErrorKind::NotFound)?;
    Ok(PathBuf::from("/dev").join(name))
}
