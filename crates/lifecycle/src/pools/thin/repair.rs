//! The pool's metadata repaired: written anew, elsewhere, held against the catalogue before it takes the place of what
//! was damaged, and that is kept.

use std::path::PathBuf;

use longshore_catalog::Writer;
use longshore_volume::thin::{Checked, Part};

use super::{
    check::Rows,
    row::{Known, claim, described},
    whole::while_down,
};
use crate::{Class, Events, Failure, PoolRepair, Settings, site::Site, trouble::Trouble};

/// Repairs the pool, for which it is taken down: metadata that is clean loses the mark of a failed operation; what is
/// damaged is written anew to `spare`, or for files beside them. What cannot be found again of volumes of the catalogue
/// is refused unless `accept_loss`.
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
            let had_mark = spec.needs_check(name).map_err(Trouble::failure)?;
            if had_mark {
                spec.clear_needs_check(name).map_err(Trouble::failure)?;
            }
            return Ok(PoolRepair {
                done: if had_mark { "mark" } else { "nothing" },
                ..report
            });
        }
        Checked::Damaged(said) => said,
    };
    let spare = spare.map(|path| Part::device(&path)).transpose();
    let other = spec
        .with_spare(spare.map_err(Trouble::failure)?)
        .map_err(Trouble::failure)?;
    claim(site, pool, std::slice::from_ref(&other.metadata))?;
    let contents = spec.repair_into(&other, name).map_err(Trouble::failure)?;
    let lost = site.read(Rows::look)?.difference(&contents.devices).missing;
    if !lost.is_empty() && !accept_loss {
        let text = format!("the repair would lose {}", lost.join("; "));
        return Err(Failure::new(Class::Refused, "repair-loses", text).hint(
            "nothing was changed. If there is no copy of the metadata of another day, go on with --accept-loss: images \
             are built again, machines are lost",
        ));
    }
    // From here on the pool has the other metadata, and is at the transaction that this is at.
    let (row, text) = (name.to_string(), described(&other)?);
    let transaction = contents.superblock.transaction;
    site.record(Box::new(move |connection| {
        let write = Writer::new(connection);
        write.pool_spec(&row, &text)?;
        Ok(write.pool_will(&row, transaction, None)?)
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
