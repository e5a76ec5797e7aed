//! What takes a pool that is down: it is taken down for as long as it takes, and brought up again.

use longshore_catalog::PoolPhase;

use super::{
    down::let_go_of_machines,
    row::{Known, pool_of, whole_pool_of},
    up::{bring_up, give_devices_back},
};
use crate::{Event, Events, Failure, Settings, site::Site, trouble::Trouble};

/// Takes the pool down, does the work, and brings up what was to be up, with the disks of the machines that were
/// active. Cut off, it is brought up by whoever needs it next.
pub(super) async fn while_down<T: Send + 'static>(
    settings: &Settings,
    events: Events,
    work: impl FnOnce(&Site, &Known) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let site = Site::open(settings).await?;
    let done = tokio::task::spawn_blocking(move || {
        let pool = whole_pool_of(&site)?;
        let_go_of_machines(&pool)?;
        pool.spec.down(&pool.name).map_err(Trouble::failure)?;
        let done = work(&site, &pool);
        let up = match pool.phase {
            PoolPhase::Ready => Some(pool_of(&site).and_then(|now| bring_up(&now).map(drop))),
            _ => None,
        };
        Ok((done, up))
    });
    let (done, up) = done
        .await
        .map_err(|error| Failure::broken("work on a pool stopped").caused_by(&error))??;
    let back = match up {
        None => Ok(()),
        Some(Ok(())) => give_devices_back(settings, &events).await,
        Some(failed) => failed,
    };
    // The work is what was asked for: what it came to is told first.
    if let Err(failure) = back {
        let text = format!("the pool, or a machine in it, did not come up again: {failure}");
        // With nobody listening there is nobody to tell.
        let _ = events.send(Event::Notice { text });
    }
    done
}
