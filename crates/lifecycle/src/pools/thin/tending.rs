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
use longshore_volume::{
    dm::Control,
    thin::{Pool, PoolError},
};
use tokio_util::sync::CancellationToken;

use super::{
    extend::give_room,
    groups::bounded,
    row::{Known, known},
    status::report_of,
    wish::{Wish, wish},
};
use crate::{
    AlarmLevel, Class, Event, Events, Failure, PoolReport, Settings, View,
    deps::Record,
    site::{self, Site},
    trouble::Trouble,
};

/// How long nobody looks where nothing happens.
const PAUSE: Duration = Duration::from_secs(1);
/// The same for one that wants more than its volume group has: LVM reads the host's devices each time that it is asked.
const STARVED: Duration = Duration::from_secs(10);
/// How soon it is seen that there is nothing more to tend.
const STEP: Duration = Duration::from_millis(100);

/// Tends the pool until it is told to end; dropped, it waits for that.
#[derive(Debug)]
pub(crate) struct Tender {
    thread: Option<JoinHandle<()>>,
    ending: CancellationToken,
}

impl Drop for Tender {
    fn drop(&mut self) {
        self.ending.cancel();
        if let Some(thread) = self.thread.take() {
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
        while !closing.is_cancelled() {
            // Nothing can be tended where there is no device-mapper.
            let Ok(control) = armed() else { return };
            let tended = known(|look| site::read(&readers, look)).and_then(|pool| {
                let record = |write| site::record(&store, write);
                pool.map_or(Ok(Fed::Nothing), |pool| feed(&pool, &record))
            });
            let pause = match tended {
                Ok(Fed::TooMuch) | Err(_) => STARVED,
                Ok(_) => PAUSE,
            };
            if let Err(failure) = tended
                && said.as_ref() != Some(&failure.message)
            {
                let text = format!("the pool was given no room: {failure}");
                said = Some(failure.message.clone());
                // With nobody listening there is nobody to tell.
                let _ = events.send(Event::Notice { text });
            }
            wait(&control, pause, &closing);
        }
    });
    let thread = Some(thread);
    Some(Tender { thread, ending })
}

/// What a pool that is up wants.
enum Want {
    /// Nothing.
    Nothing,
    /// More room, of which its volume group has none.
    TooMuch,
    /// This, which it can be given.
    This(Pool, Wish),
}

/// What was done for a pool.
#[derive(Debug, PartialEq, Eq)]
enum Fed {
    /// Nothing: it wanted nothing.
    Nothing,
    /// Nothing: it wanted more room, of which its volume group has none.
    TooMuch,
    /// What it wanted.
    Done,
}

/// What a pool wants, and whether it can be given that.
fn want_of(pool: &Known) -> Result<Want, Failure> {
    let up = match pool.spec.find(&pool.name) {
        Ok(up) => up,
        Err(PoolError::NotUp { .. }) => return Ok(Want::Nothing),
        Err(error) => return Err(error.failure()),
    };
    let state = up.state().map_err(Trouble::failure)?;
    Ok(match wish(&pool.spec, &state, up.is_suspended()) {
        None => Want::Nothing,
        Some(Wish::Grow(more)) => {
            let volumes = pool.spec.logical_volumes().map_err(Trouble::failure)?;
            match bounded(&pool.spec, more, &volumes) {
                Some(more) => Want::This(up, Wish::Grow(more)),
                None => Want::TooMuch,
            }
        }
        Some(wish) => Want::This(up, wish),
    })
}

/// Does what a pool wants.
fn feed(pool: &Known, record: Record<'_>) -> Result<Fed, Failure> {
    let (up, wish) = match want_of(pool)? {
        Want::Nothing => return Ok(Fed::Nothing),
        Want::TooMuch => return Ok(Fed::TooMuch),
        Want::This(up, wish) => (up, wish),
    };
    match wish {
        // Whoever has the state directory has not suspended it: somebody was ended as they gave it room.
        Wish::Resume => up.resume().map_err(Trouble::failure)?,
        Wish::TakeRoom => pool.spec.take_room(&pool.name).map_err(Trouble::failure)?,
        Wish::Grow(more) => give_room(pool, more, record)?,
    }
    Ok(Fed::Done)
}

/// Device-mapper, that says from here on when something happens to any device: what happens while somebody looks is
/// not missed.
fn armed() -> Result<Control, Failure> {
    let control = Control::open().map_err(Trouble::failure)?;
    control.arm().map_err(Trouble::failure)?;
    Ok(control)
}

/// Waits until something has happened, at most so long.
fn wait(control: &Control, most: Duration, closing: &CancellationToken) {
    let until = Instant::now() + most;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || closing.is_cancelled() || control.has_happened(left.min(STEP)) {
            return;
        }
    }
}

/// What is told of again when it changes. Numbers within an alarm change all the time.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    state: &'static str,
    bytes: u64,
    alarms: Vec<(&'static str, AlarmLevel)>,
}

impl Told {
    fn of(report: &PoolReport) -> Self {
        let alarms = report.alarms.iter();
        Self {
            state: report.state,
            bytes: report.data.space.total_bytes,
            alarms: alarms.map(|alarm| (alarm.name, alarm.level)).collect(),
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
        let armed = armed();
        // Without a pool that is what is said.
        let state_dir = settings.state_dir.clone();
        let report = aside(move || report_of(&state_dir)).await?;
        let control = armed?;
        let now = Told::of(&report);
        if last.as_ref() != Some(&now) && !told(report)? {
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
        let closing = cancel.clone();
        let pause = if has_grown {
            Duration::ZERO
        } else {
            every.max(STEP)
        };
        let waited = tokio::task::spawn_blocking(move || wait(&control, pause, &closing));
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
    let state_dir = settings.state_dir.clone();
    if !aside(move || wants_room(&state_dir)).await? {
        return Ok(false);
    }
    let settings = Settings {
        wait: Duration::ZERO,
        ..settings.clone()
    };
    let site = Site::open(&settings).await?;
    let fed = tokio::task::spawn_blocking(move || {
        let pool = known(|look| site.read(look))?;
        pool.map_or(Ok(Fed::Nothing), |pool| {
            feed(&pool, &|write| site.record(write))
        })
    });
    let fed = fed
        .await
        .map_err(|error| Failure::broken("extending a pool stopped").caused_by(&error))??;
    Ok(fed == Fed::Done)
}

/// Does what may wait for LVM where nobody waits for it.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::broken("looking at a pool stopped").caused_by(&error))?
}

fn wants_room(state_dir: &Path) -> Result<bool, Failure> {
    let Some(view) = View::open(state_dir)? else {
        return Ok(false);
    };
    match known(|look| view.read(look))? {
        Some(pool) => Ok(matches!(want_of(&pool)?, Want::This(..))),
        None => Ok(false),
    }
}
