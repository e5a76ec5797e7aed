//! Do the catalogue, the kernel, the disk and the files agree, and is the pool well? With leave to, what does not agree
//! is put right.
//!
//! It takes the state directory for as long as it looks, and waits for nobody: whoever has it has made them agree as
//! they began.

use std::time::Duration;

use longshore_catalog::PoolPhase;

use super::{Check, state};
use crate::{
    AlarmLevel, Class, Events, Failure, Host, PoolReport, Settings, View,
    deps::{Deps, Record, Storage, root},
    pools,
    reconcile::{Difference, differences, fix},
    site::{self, Site},
};

const NAME: &str = "agreement";
const POOL: &str = "pool";

/// Looks, and with `fixing` puts right what can be.
pub async fn agreement(settings: &Settings, fixing: bool, events: &Events) -> Vec<Check> {
    if !state::look(&settings.state_dir).is_ours() {
        return vec![Check::skip(NAME, "there is no state directory yet")];
    }
    // To open it for work would make one, or bring it to this program's version.
    match View::open(&settings.state_dir) {
        Ok(Some(_)) => {}
        Ok(None) => return vec![Check::skip(NAME, "there is no database")],
        Err(_) => {
            let why = "the database cannot be read, or is of another version";
            return vec![Check::skip(NAME, why)];
        }
    }
    let mut checks = Vec::new();
    if fixing {
        match put_right(settings, events).await {
            Ok(fixed) => checks.extend(fixed),
            Err(failure) => return vec![told(&failure)],
        }
    }
    let (pool, is_away) = pool(settings);
    checks.extend(pool);
    match is_away {
        Some(why) => checks.push(Check::skip(NAME, why)),
        None => checks.extend(match compared(settings, events).await {
            Ok(found) if found.is_empty() => {
                let found = "catalogue, volumes, paths and blobs agree";
                vec![Check::ok(NAME, found)]
            }
            Ok(found) => found.iter().map(judge).collect(),
            Err(failure) => vec![told(&failure)],
        }),
    }
    checks
}

/// How the pool is, and why what is in it cannot be looked at, if it cannot.
fn pool(settings: &Settings) -> (Vec<Check>, Option<&'static str>) {
    let report = match pools::pool_status(&settings.state_dir) {
        Ok(report) => report,
        Err(failure) if failure.class == Class::NotFound => {
            return (vec![Check::skip(POOL, "there is none here")], None);
        }
        Err(failure) => {
            let check = Check::fail(POOL, failure.to_string(), hint(&failure));
            return (vec![check], Some("the pool cannot be looked at"));
        }
    };
    let is_up = !["down", "making", "destroying"].contains(&report.state);
    let why = (!is_up).then_some("the pool is not up: `longshore pool up` first");
    (alarms(&report), why)
}

fn alarms(report: &PoolReport) -> Vec<Check> {
    if report.alarms.is_empty() {
        let found = format!("{} is {}", report.name, report.state);
        return vec![match report.state {
            "making" | "destroying" => Check::warn(
                POOL,
                found,
                "go on with `longshore pool create`, or with `longshore pool destroy`",
            ),
            _ => Check::ok(POOL, found),
        }];
    }
    let alarms = report.alarms.iter().map(|alarm| {
        let found = format!("{}: {}", alarm.name, alarm.text);
        match alarm.level {
            AlarmLevel::Critical => Check::fail(POOL, found, alarm.hint.clone()),
            AlarmLevel::Warning => Check::warn(POOL, found, alarm.hint.clone()),
        }
    });
    alarms.collect()
}

fn judge(difference: &Difference) -> Check {
    let (name, found, hint) = (difference.name(), difference.text(), difference.hint());
    match difference {
        Difference::Newer(_) | Difference::DiskGone { .. } | Difference::DiskLength { .. } => {
            Check::fail(name, found, hint)
        }
        _ => Check::warn(name, found, hint),
    }
}

/// What keeps everybody from working here: it is looked at, and nothing is written.
fn told(failure: &Failure) -> Check {
    match (failure.class, failure.code.as_str()) {
        (Class::Busy, "busy") => Check::skip(
            NAME,
            format!("{failure}: it has made them agree as it began"),
        ),
        _ => Check::fail(NAME, failure.to_string(), hint(failure)),
    }
}

fn hint(failure: &Failure) -> String {
    let hint = failure.hint.clone();
    hint.unwrap_or_else(|| {
        "`list`, `show` and `export` still work; see docs/operations.md".to_owned()
    })
}

/// What differs, with nothing repaired.
async fn compared(settings: &Settings, events: &Events) -> Result<Vec<Difference>, Failure> {
    with_parts(settings, events, |deps, _| differences(deps)).await
}

/// Makes them agree, also where that is done only when somebody says so. What was done is told.
async fn put_right(settings: &Settings, events: &Events) -> Result<Vec<Check>, Failure> {
    if is_down(settings)? {
        return Ok(Vec::new());
    }
    let fixed = with_parts(settings, events, fix).await?;
    // What else a start does.
    Host::open(at_once(settings), events.clone())
        .await?
        .close()
        .await;
    Ok(fixed.iter().map(done).collect())
}

/// Looks with the parts of a host that is not opened: nothing is put right by that alone.
async fn with_parts<T: Send + 'static>(
    settings: &Settings,
    events: &Events,
    work: impl FnOnce(&Deps, Record<'_>) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (settings, events) = (at_once(settings), events.clone());
    let site = Site::open(&settings).await?;
    let root = root(site.state.path())?;
    let looked = tokio::task::spawn_blocking(move || {
        let backend = pools::backend(&settings, &site, &root, &events)?;
        let storage = Storage::new(&root, backend)?;
        let deps = Deps::new(&settings, site.readers.clone(), storage, events);
        work(&deps, &|write| site::record(&site.store, write))
    });
    looked
        .await
        .map_err(|error| Failure::broken("a comparison was cut off").caused_by(&error))?
}

fn done(difference: &Difference) -> Check {
    Check::ok(
        difference.name(),
        format!("put right: {}", difference.text()),
    )
}

/// Whether there is a pool that was taken down, to stay so.
fn is_down(settings: &Settings) -> Result<bool, Failure> {
    let Some(view) = View::open(&settings.state_dir)? else {
        return Ok(false);
    };
    let pool = view.read(|read| read.pool())?;
    Ok(pool.is_some_and(|pool| pool.phase != PoolPhase::Ready))
}

fn at_once(settings: &Settings) -> Settings {
    Settings {
        wait: Duration::ZERO,
        ..settings.clone()
    }
}
