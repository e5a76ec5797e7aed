//! What takes a pool that is down: it is taken down for as long as it takes, and brought up again.

use longshore_catalog::PoolPhase;

use super::{
    down::let_go_of_machines,
    row::{Known, half, known, none},
    up::{bring_up, has_machines},
};
use crate::{Events, Failure, Host, Settings, site::Site, trouble::Trouble};

/// Takes the pool down, does the work, and brings up what was to be up, with the disks of the machines that were
/// active. Cut off, it is brought up by whoever needs it next.
pub(super) async fn while_down<T: Send + 'static>(
    settings: &Settings,
    events: Events,
    work: impl FnOnce(&Site, &Known) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let site = Site::open(settings).await?;
    let done = tokio::task::spawn_blocking(move || {
        let pool = known(|look| site.read(look))?.ok_or_else(none)?;
        if !matches!(pool.phase, PoolPhase::Ready | PoolPhase::Down) {
            return Err(half());
        }
        let_go_of_machines(&pool)?;
        pool.spec.down(&pool.name).map_err(Trouble::failure)?;
        let done = work(&site, &pool);
        let is_wanted = pool.phase == PoolPhase::Ready;
        if is_wanted {
            let now = known(|look| site.read(look))?.ok_or_else(none)?;
            let up = bring_up(&now).map(drop);
            // What keeps it from coming up is told by what has failed first.
            if done.is_ok() {
                up?;
            }
        }
        Ok((done?, is_wanted))
    });
    let (done, is_wanted) = done
        .await
        .map_err(|error| Failure::broken("work on a pool stopped").caused_by(&error))??;
    if is_wanted && has_machines(&settings.state_dir)? {
        Host::open(settings.clone(), events).await?.close().await;
    }
    Ok(done)
}
