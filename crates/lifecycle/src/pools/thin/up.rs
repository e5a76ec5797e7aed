//! Bringing a pool up as it was.

use longshore_catalog::PoolPhase;
use longshore_volume::thin::{Expected, Pool};

use super::{
    row::{Known, phase, whole_pool_of},
    status::report_of,
};
use crate::{Events, Failure, Host, PoolReport, Settings, View, site::Site, trouble::Trouble};

/// A pool that is up, at the transaction that was written down last, or one that nothing can be written to.
pub(super) fn bring_up(known: &Known) -> Result<Pool, Failure> {
    let expected = Expected::At(known.transaction);
    let pool = known.spec.up(&known.name, expected);
    let pool = pool.map_err(Trouble::failure)?;
    let followed = pool.agree(known.transaction).map_err(Trouble::failure)?;
    if followed {
        let change = known.change.as_deref().unwrap_or("a change");
        tracing::info!(pool = %known.name, change, "a change that was cut off is gone on with by whoever began it");
    }
    Ok(pool)
}

/// Brings the pool up after a reboot or after it was taken down: the same loop devices, the same table, and the
/// machines that were active.
///
/// # Errors
/// [`Class::NotFound`](crate::Class::NotFound) where there is none;
/// [`Class::Refused`](crate::Class::Refused) where what is there is not this pool.
pub async fn bring_pool_up(settings: Settings, events: Events) -> Result<PoolReport, Failure> {
    let site = Site::open(&settings).await?;
    let state = settings.state_dir.clone();
    let site = tokio::task::spawn_blocking(move || {
        let pool = whole_pool_of(&site)?;
        bring_up(&pool)?;
        phase(&site, &pool.name, PoolPhase::Ready)?;
        Ok(site)
    })
    .await
    .map_err(|error| Failure::broken("bringing a pool up stopped").caused_by(&error))??;
    drop(site);
    give_devices_back(&settings, &events).await?;
    report_of(&state)
}

/// Gives machines that are active their devices, in a pool that is up: opening a host does.
pub(super) async fn give_devices_back(settings: &Settings, events: &Events) -> Result<(), Failure> {
    let machines = match View::open(&settings.state_dir)? {
        Some(view) => view.read(|read| read.machines())?,
        None => return Ok(()),
    };
    if !machines.is_empty() {
        let host = Host::open(settings.clone(), events.clone()).await?;
        host.close().await;
    }
    Ok(())
}
