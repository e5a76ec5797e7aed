//! What is on a disk, read where this is called: in a cage, or in this process where there is none.

use longshore_ext4::{Open, ReadAt, Reader};
use longshore_scan::{Inventory, InventoryLimits, read_inventory};

use crate::{failure::causes, join::DiskRootfs};

/// What is installed in the filesystem on a disk.
///
/// # Errors
/// Why it cannot be looked into at all, outermost first. What cannot be read of one that can be is a gap
/// of the inventory.
pub(crate) fn look(disk: impl ReadAt) -> Result<Inventory, Vec<String>> {
    let reader = Reader::open(disk, Open::default()).map_err(|error| causes(&error))?;
    read_inventory(&DiskRootfs(reader), &InventoryLimits::default()).map_err(|error| causes(&error))
}
