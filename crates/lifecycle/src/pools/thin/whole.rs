//! What takes a pool that is down: it is taken down for as long as it takes, and brought up again.

use longshore_catalog::PoolPhase;

use super::{
    down::let_go_of_machines,
    row::{Known, half, known, none},
    up::{bring_up, has_machines},
};
use crate::{Event, Events, Failure, Host, Settings, site::Site, trouble::Trouble};

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
        let up = match is_wanted {
            true => known(|look| site.read(look))?
                .ok_or_else(none)
                .and_then(|now| bring_up(&now).map(drop)),
            false => Ok(()),
        };
        Ok((done, is_wanted.then_some(up)))
    });
    let (done, up) = done
        .await
        .map_err(|error| Failure::broken("work on a pool stopped").caused_by(&error))??;
    let opened = match up {
        None => Ok(()),
        Some(Ok(())) if has_machines(&settings.state_dir)? => {
            match Host::open(settings.clone(), events.clone()).await {
                Ok(host) => {
                    host.close().await;
                    Ok(())
                }
                Err(failure) => Err(failure),
            }
        }
        Some(up) => up,
    };
    // The work is what was asked for: what it came to is told first.
    if let Err(failure) = opened {
        let text = format!("the pool, or a machine in it, did not come up again: {failure}");
        // With nobody listening there is nobody to tell.
        let _ = events.send(Event::Notice { text });
    }
    done
}
