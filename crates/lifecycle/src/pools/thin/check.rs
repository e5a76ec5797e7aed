//! The pool's metadata checked, and held against the catalogue.

use longshore_volume::thin::{Checked, PoolError, ThinDevice};

use super::{
    row::{Known, known, none, pool_of},
    rows::Rows,
    while_down::while_down,
};
use crate::{Events, Failure, PoolCheck, Settings, View, site::Site, trouble::Trouble};

/// Checks the pool: while it is at work by a snapshot of its metadata; `whole`, or while it is down, by thin_check,
/// for which it is taken down.
///
/// # Errors
/// [`Class::NotFound`](crate::Class::NotFound) where there is none; [`Class::Busy`](crate::Class::Busy) where it would
/// have to be taken down and a disk is open. Damage is no error.
pub async fn check_pool(
    settings: Settings,
    whole: bool,
    events: Events,
) -> Result<PoolCheck, Failure> {
    let is_up = {
        let view = View::open(&settings.state_dir)?.ok_or_else(none)?;
        let pool = known(|look| view.read(look))?.ok_or_else(none)?;
        match pool.spec.find(&pool.name) {
            Ok(_) => true,
            Err(PoolError::NotUp { .. }) => false,
            Err(error) => return Err(error.failure()),
        }
    };
    if whole || !is_up {
        return while_down(&settings, events, whole_check).await;
    }
    // Others make and remove volumes, and hold a snapshot of the metadata as they look at it: nobody else may.
    let site = Site::open(&settings).await?;
    let checked = tokio::task::spawn_blocking(move || {
        let pool = pool_of(&site)?;
        let up = pool.spec.find(&pool.name).map_err(Trouble::failure)?;
        let looked = up.devices().and_then(|devices| {
            // Every node, and that no block of data is mapped twice by others than snapshots.
            up.shares(&[])?;
            Ok(devices)
        });
        let (devices, damage) = match looked {
            Ok(devices) => (devices, None),
            Err(PoolError::Metadata(error)) => (Vec::new(), Some(error.to_string())),
            Err(error) => return Err(error.failure()),
        };
        report(&site, &pool, "snapshot", &devices, damage)
    });
    checked
        .await
        .map_err(|error| Failure::broken("checking a pool stopped").caused_by(&error))?
}

fn whole_check(site: &Site, pool: &Known) -> Result<PoolCheck, Failure> {
    let damage = match pool.spec.check(&pool.name).map_err(Trouble::failure)? {
        Checked::Clean => None,
        Checked::Damaged(said) => Some(said),
    };
    // What is damaged may be read as far as that goes.
    let contents = pool.spec.contents(&pool.name);
    let devices = match contents {
        Ok(contents) => contents.devices,
        Err(_) if damage.is_some() => Vec::new(),
        Err(error) => return Err(error.failure()),
    };
    report(site, pool, "whole", &devices, damage)
}

fn report(
    site: &Site,
    pool: &Known,
    extent: &'static str,
    devices: &[ThinDevice],
    damage: Option<String>,
) -> Result<PoolCheck, Failure> {
    let rows = site.read(Rows::look)?;
    let difference = rows.difference(devices);
    // Of one that somebody else has made, what is unknown is theirs.
    let is_whole = damage.is_none()
        && difference.missing.is_empty()
        && (difference.unknown.is_empty() || pool.spec.adopted);
    Ok(PoolCheck {
        name: pool.name.to_string(),
        extent,
        clean: is_whole,
        volumes: devices.len(),
        damage,
        missing: difference.missing,
        unknown: difference.unknown,
    })
}
