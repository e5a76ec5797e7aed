//! The pool's metadata repaired: written anew, elsewhere, held against the catalogue before it takes the place of what
//! was damaged, and that is kept.

use std::path::PathBuf;

use longshore_catalog::{VolumeId, Writer};
use longshore_volume::thin::{Checked, Contents, Part, PoolError, PoolSpec, Superblock};

use super::{
    marks::is_full,
    row::{Known, described, save, with_claim},
    rows::Rows,
    while_down::while_down,
};
use crate::{Class, Events, Failure, PoolRepair, Settings, site::Site, trouble::Trouble};

/// Repairs the pool, for which it is taken down: metadata that is clean loses the mark of a failed operation, and is given
/// room where it is full; what is damaged is written anew to `spare`, or for files beside them. What cannot be found again
/// of volumes of the catalogue is refused unless `accept_loss`.
///
/// # Errors
/// [`Class::Refused`] where something would be lost; [`Class::Busy`] while a disk is open;
/// [`Class::Failed`] where thin_repair finds nothing, or is not here. Then everything is as it was.
pub async fn repair_pool(
    settings: Settings,
    spare: Option<PathBuf>,
    accept_loss: bool,
    events: Events,
) -> Result<PoolRepair, Failure> {
    let work = move |site: &Site, pool: &Known| repair(site, pool, spare, accept_loss);
    while_down(&settings, events, work).await
}

/// What is clean loses its mark; what is full is given room, for whatever is asked of it next would only mark it again.
fn of_a_clean_one(site: &Site, pool: &Known) -> Result<&'static str, Failure> {
    let (name, spec) = (&pool.name, &pool.spec);
    let found = spec.contents(name).map_err(Trouble::failure)?.superblock;
    if found.needs_check {
        spec.clear_needs_check(name).map_err(Trouble::failure)?;
    }
    if !is_full(found.metadata_used, found.metadata_total) {
        return Ok(if found.needs_check { "mark" } else { "nothing" });
    }
    let mut larger = spec.larger(None, None).map_err(Trouble::failure)?;
    let has_grown = larger.metadata.bytes() > spec.metadata.bytes();
    let volumes = spec.logical_volumes().map_err(Trouble::failure)?;
    if spec.metadata_is_file() || (volumes.metadata.is_some() && !has_grown) {
        let more = Some(spec.more_metadata(&volumes));
        larger = spec.larger(None, more).map_err(Trouble::failure)?;
    }
    if larger.metadata.bytes() == spec.metadata.bytes() {
        let text = format!("the metadata of pool {name} is full");
        return Err(Failure::new(Class::Full, "metadata-full", text).hint(
            "enlarge the metadata device, and repair it again: it takes what the device has then",
        ));
    }
    larger.make_room().map_err(Trouble::failure)?;
    save(name, &larger, &|write| site.record(write))?;
    Ok("room")
}

fn repair(
    site: &Site,
    pool: &Known,
    spare: Option<PathBuf>,
    accept_loss: bool,
) -> Result<PoolRepair, Failure> {
    let (name, spec) = (&pool.name, &pool.spec);
    let report = PoolRepair {
        name: name.to_string(),
        done: "nothing",
        damage: None,
        metadata: spec.metadata.path().clone(),
        kept: None,
        lost: Vec::new(),
    };
    let damage = match spec.check(name).map_err(Trouble::failure)? {
        Checked::Clean => {
            return Ok(PoolRepair {
                done: of_a_clean_one(site, pool)?,
                ..report
            });
        }
        Checked::Damaged(said) => said,
    };
    if spec.adopted {
        let text =
            "the pool was adopted, and its metadata is damaged: whoever made it has to repair it";
        return Err(Failure::new(Class::Refused, "pool-adopted", text).hint(damage));
    }
    let first = First::of(pool)?;
    let spare = spare.map(|path| Part::device(&path)).transpose();
    let other = spec
        .with_spare(spare.map_err(Trouble::failure)?)
        .map_err(Trouble::failure)?;
    let (contents, lost) = with_claim(site, pool, std::slice::from_ref(&other.metadata), || {
        let found = rescued(site, pool, &other, first, accept_loss)?;
        if !found.0.guarded {
            other.guard_again(name).map_err(Trouble::failure)?;
        }
        Ok(found)
    })?;
    // From here on the pool has the other metadata, and is at the transaction that this is at; one that did not agree
    // with the catalogue before is for `pool recover`.
    let (row, text) = (name.to_string(), described(&other)?);
    let transaction = contents.superblock.transaction;
    let last = contents.devices.last().map(|device| VolumeId(device.id));
    site.record(Box::new(move |connection| {
        let write = Writer::new(connection);
        write.pool_spec(&row, &text)?;
        if let Some(last) = last {
            write.skip_volumes(last)?;
        }
        match first {
            First::Agrees => Ok(write.pool_will(&row, transaction, None)?),
            First::Differs | First::Gone => Ok(()),
        }
    }))?;
    Ok(PoolRepair {
        done: "metadata",
        damage: Some(damage),
        metadata: other.metadata.path().clone(),
        kept: Some(spec.metadata.path().clone()),
        lost,
        ..report
    })
}

/// What the first block of damaged metadata says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// That it is of the catalogue's day.
    Agrees,
    /// That it is of another: nothing can be said of what would be lost.
    Differs,
    /// Nothing: it is no such block, or not as it was written.
    Gone,
}

impl First {
    fn of(pool: &Known) -> Result<Self, Failure> {
        match Superblock::read(pool.spec.metadata.path()) {
            Ok(Some(before)) => Ok(match pool.transaction.checked_sub(before.transaction) {
                Some(0 | 1) => Self::Agrees,
                _ => Self::Differs,
            }),
            Ok(None) | Err(PoolError::Metadata(_)) => Ok(Self::Gone),
            Err(error) => Err(error.failure()),
        }
    }
}

/// What can be found again, and what of the catalogue cannot.
fn rescued(
    site: &Site,
    pool: &Known,
    other: &PoolSpec,
    first: First,
    accept_loss: bool,
) -> Result<(Contents, Vec<String>), Failure> {
    let contents = pool.spec.repair_into(other, &pool.name, pool.transaction);
    let contents = contents.map_err(Trouble::failure)?;
    let rows = site.read(Rows::look)?;
    let mut lost = rows.difference(&contents.devices).missing;
    lost.extend(rows.shrunk(&contents.devices, pool.spec.block));
    if first == First::Gone {
        // Old trees are still there until their blocks are used again, and only the first block says which is in use.
        let text = "perhaps what machines have written last: the first block is gone, and nothing else says which of \
                    the trees in the metadata is the newest";
        lost.push(text.to_owned());
    }
    if !lost.is_empty() && !accept_loss {
        let text = format!("the repair would lose {}", lost.join("; "));
        return Err(Failure::new(Class::Refused, "repair-loses", text).hint(
            "nothing was changed. If there is no copy of the metadata of another day, go on with --accept-loss: images \
             are built again, machines are lost",
        ));
    }
    Ok((contents, lost))
}
