//! A pool that is looked at while something is at work, or while somebody watches: given room when it wants some.
//!
//! Device-mapper says when something has happened to any pool; its event at the low-water mark comes once, and others
//! may come for other pools, so that the status is read again each time, and once in a while without.

use std::{
    path::Path,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use longshore_fsm::store::{Readers, SqliteStore};
use longshore_volume::{dm::Control, thin::PoolState};
use tokio_util::sync::CancellationToken;

use super::{
    extend::give_room,
    marks::wanted,
    row::{Known, known},
    status::report_of,
};
use crate::{
    Class, Event, Events, Failure, PoolReport, Settings,
    site::{self, Site},
    trouble::Trouble,
};

/// How long nobody looks where nothing happens.
const PAUSE: Duration = Duration::from_secs(1);
/// How soon it is seen that there is nothing more to tend.
const STEP: Duration = Duration::from_millis(100);

/// Tends the pool until it is told to end; dropped, it waits for that.
#[derive(Debug)]
pub(crate) struct Tender(Option<JoinHandle<()>>, CancellationToken);

impl Drop for Tender {
    fn drop(&mut self) {
        self.1.cancel();
        if let Some(thread) = self.0.take() {
            // What a thread that panicked was to say is in the log.
            let _ = thread.join();
        }
    }
}

/// Gives the pool of a state directory, which the caller has, room when it wants some, until `closing`.
pub(crate) fn tend(
    store: &SqliteStore,
    readers: &Readers,
    events: &Events,
    closing: &CancellationToken,
) -> Option<Tender> {
    let pool = known(|look| site::read(readers, look)).ok()??;
    pool.spec.growth?;
    let (store, readers) = (store.clone(), readers.clone());
    let (events, closing) = (events.clone(), closing.child_token());
    let ending = closing.clone();
    let thread = thread::spawn(move || {
        let mut said = None;
        let Ok(control) = Control::open() else { return };
        while !closing.is_cancelled() {
            let tended = known(|look| site::read(&readers, look)).and_then(|pool| {
                let record = |write| site::record(&store, write);
                pool.map_or(Ok(false), |pool| feed(&pool, &record))
            });
            if let Err(failure) = tended
                && said.as_ref() != Some(&failure.message)
            {
                let text = format!("the pool was given no room: {failure}");
                said = Some(failure.message.clone());
                // With nobody listening there is nobody to tell.
                let _ = events.send(Event::Notice { text });
            }
            wait(&control, PAUSE, &closing);
        }
    });
    Some(Tender(Some(thread), ending))
}

/// Gives a pool room if it wants some. Whether it did.
fn feed(pool: &Known, record: crate::reconcile::Record<'_>) -> Result<bool, Failure> {
    let Ok(up) = pool.spec.find(&pool.name) else {
        return Ok(false);
    };
    if up.is_suspended() {
        // Whoever has the state directory has not done that: somebody was ended as they gave it room.
        up.resume().map_err(Trouble::failure)?;
    }
    let PoolState::Working(status) = up.state().map_err(Trouble::failure)? else {
        return Ok(false);
    };
    if status.data_total.saturating_mul(pool.spec.block) < pool.spec.data_bytes() {
        pool.spec.take_room(&pool.name).map_err(Trouble::failure)?;
        return Ok(true);
    }
    match wanted(&pool.spec, &status) {
        None => Ok(false),
        Some(more) => give_room(pool, more, record).map(|()| true),
    }
}

/// Waits until something happens to any device, at most so long.
fn wait(control: &Control, most: Duration, closing: &CancellationToken) {
    let until = Instant::now() + most;
    let armed = control.arm().is_ok();
    while !closing.is_cancelled() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || armed && control.has_happened(left.min(STEP)) {
            return;
        }
        if !armed {
            thread::sleep(left.min(STEP));
        }
    }
}

/// Looks at the pool whenever something happens to it, and at least every `every`; says how it is at first and when
/// that changes, until `cancel` or until `told` says that this is enough. A pool that grows is given room, where nobody
/// else has the state directory: whoever has it sees to that.
///
/// # Errors
/// [`Class::NotFound`] where there is no pool; what `told` says.
pub async fn watch_pool(
    settings: Settings,
    every: Duration,
    cancel: CancellationToken,
    mut told: impl FnMut(PoolReport) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut last = None;
    loop {
        let report = report_of(&settings.state_dir)?;
        let now = (
            report.state,
            report.data.space.total_bytes,
            report.alarms.clone(),
        );
        // Numbers within an alarm change all the time.
        let is_new = |last: &(_, u64, Vec<crate::PoolAlarm>)| {
            let names = |alarms: &[crate::PoolAlarm]| -> Vec<_> {
                alarms
                    .iter()
                    .map(|alarm| (alarm.name, alarm.level))
                    .collect()
            };
            last.0 != now.0 || last.1 != now.1 || names(&last.2) != names(&now.2)
        };
        if last.as_ref().is_none_or(is_new) && !told(report)? {
            return Ok(());
        }
        last = Some(now);
        let has_grown = grow(&settings).await.unwrap_or_else(|failure| {
            // Whoever has the state directory sees to it; anything else is an alarm soon, and may pass.
            if failure.class != Class::Busy {
                tracing::warn!(%failure, "the pool was given no room");
            }
            false
        });
        let (closing, pause) = (
            cancel.clone(),
            if has_grown {
                Duration::ZERO
            } else {
                every.max(STEP)
            },
        );
        let waited = tokio::task::spawn_blocking(move || match Control::open() {
            Ok(control) => wait(&control, pause, &closing),
            Err(_) => thread::sleep(pause.min(PAUSE)),
        });
        waited
            .await
            .map_err(|error| Failure::broken("watching a pool stopped").caused_by(&error))?;
        if cancel.is_cancelled() {
            return Ok(());
        }
    }
}

/// Gives the pool room where it wants some and the state directory is free.
async fn grow(settings: &Settings) -> Result<bool, Failure> {
    if !wants_room(&settings.state_dir)? {
        return Ok(false);
    }
    let settings = Settings {
        wait: Duration::ZERO,
        ..settings.clone()
    };
    let site = Site::open(&settings).await?;
    let fed = tokio::task::spawn_blocking(move || {
        let pool = known(|look| site.read(look))?;
        pool.map_or(Ok(false), |pool| feed(&pool, &|write| site.record(write)))
    });
    fed.await
        .map_err(|error| Failure::broken("extending a pool stopped").caused_by(&error))?
}

fn wants_room(state_dir: &Path) -> Result<bool, Failure> {
    let Some(view) = crate::View::open(state_dir)? else {
        return Ok(false);
    };
    let Some(pool) = known(|look| view.read(look))? else {
        return Ok(false);
    };
    let Ok(up) = pool.spec.find(&pool.name) else {
        return Ok(false);
    };
    Ok(match up.state().map_err(Trouble::failure)? {
        _ if up.is_suspended() => true,
        PoolState::Working(status) => {
            let has = status.data_total.saturating_mul(pool.spec.block);
            has < pool.spec.data_bytes() || wanted(&pool.spec, &status).is_some()
        }
        _ => false,
    })
}
