//! Bringing a pool up as it was.

use longshore_catalog::{PoolPhase, Writer};
use longshore_volume::thin::{Expected, Pool};

use super::{
    report::PoolReport,
    row::{Known, known, none},
    status::report_of,
};
use crate::{Class, Events, Failure, Host, Settings, site::Site, trouble::Trouble};

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
/// [`Class::NotFound`] where there is none; [`Class::Refused`] where what is there is not this pool.
pub async fn bring_pool_up(settings: Settings, events: Events) -> Result<PoolReport, Failure> {
    let site = Site::open(&settings).await?;
    let state = settings.state_dir.clone();
    let (site, pool) = tokio::task::spawn_blocking(move || {
        let pool = known(|look| site.read(look))?.ok_or_else(none)?;
        match pool.phase {
            PoolPhase::Ready | PoolPhase::Down => {}
            PoolPhase::Making | PoolPhase::Destroying => {
                return Err(
                    Failure::new(Class::Busy, "pool-half", "the pool is not whole").hint(
                        "go on with `longshore pool create`, or with `longshore pool destroy`",
                    ),
                );
            }
        }
        bring_up(&pool)?;
        let name = pool.name.to_string();
        site.record(Box::new(move |connection| {
            Ok(Writer::new(connection).pool_phase(&name, PoolPhase::Ready)?)
        }))?;
        Ok((site, pool))
    })
    .await
    .map_err(|error| Failure::broken("bringing a pool up stopped").caused_by(&error))??;
    // Opening a host gives machines that are active their devices.
    drop(site);
    if pool.phase == PoolPhase::Down || has_machines(&state)? {
        Host::open(settings, events).await?.close().await;
    }
    report_of(&state)
}

fn has_machines(state: &std::path::Path) -> Result<bool, Failure> {
    let Some(view) = crate::View::open(state)? else {
        return Ok(false);
    };
    Ok(!view.read(|read| read.machines())?.is_empty())
}
