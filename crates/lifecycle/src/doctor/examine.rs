//! [`examine`]: all checks of the host, in the order in which one rests on another.

use std::{ffi::OsString, time::Duration};

use longshore_catalog::{PoolRow, StoredBackend};

use super::{Check, advisories, cage, clock, database, kernel, space, state, tools};
use crate::{BackendChoice, Failure, Settings, View, pools::is_on_lvm};

/// How long the database is checked: seconds are what somebody waits for an answer, and a database of some
/// hundred megabytes is read through in that time.
pub(super) const DATABASE_TIME: Duration = Duration::from_secs(10);

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The settings that count.
    pub settings: Settings,
    /// The time now, in milliseconds since 1970.
    pub now: i64,
    /// Where programs are looked for: the variable `PATH`.
    pub search_path: Option<OsString>,
}

/// Looks at all of it. Blocks: for seconds where the database is large or a program hangs.
#[must_use]
pub fn examine(examination: &Examination) -> Vec<Check> {
    let Examination {
        settings,
        now,
        search_path,
    } = examination;
    let directory = state::look(&settings.state_dir);
    let mut checks = state::judge(&directory);
    let stored = if directory.is_ours() {
        Stored::look(settings)
    } else {
        Stored::default()
    };
    let wanted = thin_wanted(settings.backend, &stored);
    checks.extend(space::checks(&directory));
    let database = database::look(&directory, DATABASE_TIME);
    checks.extend(database::judge(&database, directory.has_disks()));
    checks.extend(clock::checks(*now, &database, stored.newest));
    checks.extend(kernel::checks(wanted.as_deref()));
    checks.push(tools::thin(wanted.as_deref(), search_path.as_deref()));
    if let Some(pool) = stored.pool.as_ref().filter(|pool| is_on_lvm(&pool.spec)) {
        let wanted = format!("pool {} is on logical volumes", pool.name);
        checks.push(tools::lvm(&wanted, search_path.as_deref()));
    }
    checks.push(tools::trivy(&settings.scanning));
    checks.push(cage::check(&settings.scanning));
    checks.extend(advisories::checks(settings, &directory, *now));
    checks
}

/// What the catalogue says, as far as it can be read. That it cannot is another check's business.
#[derive(Debug, Default)]
struct Stored {
    pool: Option<PoolRow>,
    backend: Option<StoredBackend>,
    newest: Option<i64>,
}

impl Stored {
    fn look(settings: &Settings) -> Self {
        let look = || -> Result<Option<Self>, Failure> {
            let Some(view) = View::open(&settings.state_dir)? else {
                return Ok(None);
            };
            view.read(|read| {
                Ok(Some(Self {
                    pool: read.pool()?,
                    backend: read.backend()?,
                    newest: read.newest()?,
                }))
            })
        };
        look().ok().flatten().unwrap_or_default()
    }
}

/// Why thin devices are wanted here, if they are.
fn thin_wanted(asked: BackendChoice, stored: &Stored) -> Option<String> {
    if let Some(pool) = &stored.pool {
        return Some(format!("pool {} is recorded", pool.name));
    }
    if stored.backend == Some(StoredBackend::Thin) {
        return Some("the volumes here are thin devices".to_owned());
    }
    (asked == BackendChoice::Thin).then(|| "the backend is set to thin".to_owned())
}

#[cfg(test)]
mod tests {
    use longshore_catalog::PoolPhase;

    use super::*;

    #[test]
    fn thin_devices_are_wanted_by_a_pool_by_volumes_or_by_a_setting() {
        let nothing = Stored::default();
        assert_eq!(thin_wanted(BackendChoice::Auto, &nothing), None);
        assert_eq!(thin_wanted(BackendChoice::File, &nothing), None);
        assert!(thin_wanted(BackendChoice::Thin, &nothing).is_some());
        let volumes = |backend| Stored {
            backend: Some(backend),
            ..Stored::default()
        };
        assert_eq!(
            thin_wanted(BackendChoice::Auto, &volumes(StoredBackend::File)),
            None
        );
        assert!(thin_wanted(BackendChoice::Auto, &volumes(StoredBackend::Thin)).is_some());
        let pool = Stored {
            pool: Some(PoolRow {
                name: "tank".to_owned(),
                phase: PoolPhase::Down,
                spec: String::new(),
                transaction: 0,
                change: None,
                created_at: 0,
            }),
            ..Stored::default()
        };
        let why = thin_wanted(BackendChoice::File, &pool).unwrap();
        assert!(why.contains("tank"), "{why}");
    }
}
