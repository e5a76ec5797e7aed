//! What is in a volume: as the catalogue has it, or read now.

use std::{fs::File, os::fd::AsFd};

use longshore_catalog::{InventoryRow, VolumeId};
use longshore_scan::{INVENTORY_FORMAT, Inventory};
use longshore_volume::Access;

use crate::{
    Class, Event, Failure,
    caged::{Seen, look},
    deps::{Deps, volume_id},
    failure::causes,
    join::DiskRead,
    trouble::Trouble,
};

/// What is in a volume, and the row that it has to be recorded in, if it was not and is worth keeping.
pub(crate) type ReadInventory = (Inventory, Option<InventoryRow>);

/// What is in a volume, as it is recorded or read now.
pub(crate) fn inventory_of(deps: &Deps, volume: VolumeId) -> Result<ReadInventory, Failure> {
    match recorded(deps, volume)? {
        Some(inventory) => Ok((inventory, None)),
        None => read_inventory(deps, volume),
    }
}

/// What is in a volume, read now.
pub(crate) fn read_inventory(deps: &Deps, volume: VolumeId) -> Result<ReadInventory, Failure> {
    let inventory = match read(deps, volume)? {
        Seen::Whole(inventory) => inventory,
        Seen::BrokenOff(inventory) => return Ok((inventory, None)),
        Seen::Unreadable(causes) => return Err(unreadable(volume, causes)),
    };
    let record = serde_json::to_string(&inventory)
        .map_err(|error| Failure::broken("an inventory cannot be written").caused_by(&error))?;
    let row = InventoryRow {
        format: INVENTORY_FORMAT,
        record,
        read_at: deps.now(),
    };
    Ok((inventory, Some(row)))
}

/// What the catalogue has; nothing where that is of another version.
pub(crate) fn recorded(deps: &Deps, volume: VolumeId) -> Result<Option<Inventory>, Failure> {
    let row = deps.read(|read| read.inventory(volume))?;
    let row = row.filter(|row| row.format == INVENTORY_FORMAT);
    Ok(row.and_then(|row| serde_json::from_str(&row.record).ok()))
}

/// In a cage, where there is one and the volume is a file or a device that can be handed to it.
fn read(deps: &Deps, volume: VolumeId) -> Result<Seen, Failure> {
    let id = volume_id(volume)?;
    // Held also while a child reads it.
    let disk = deps.backend.open(id, Access::Read);
    let disk = disk.map_err(Trouble::failure)?;
    let path = disk.path().filter(|_| deps.cages.are_used());
    let disk = DiskRead(disk);
    let Some(path) = path else {
        return Ok(look(disk).map_or_else(Seen::Unreadable, Seen::Whole));
    };
    let file = File::open(path).map_err(|error| unreadable(volume, causes(&error)))?;
    let name = format!("volume {volume}");
    let say = |text| deps.say(Event::Notice { text });
    deps.cages.inventory(&name, file.as_fd(), say)
}

fn unreadable(volume: VolumeId, causes: Vec<String>) -> Failure {
    let mut failure = Failure::new(
        Class::Failed,
        "volume-unreadable",
        format!("volume {volume} cannot be looked into"),
    );
    failure.causes = causes;
    failure
}
