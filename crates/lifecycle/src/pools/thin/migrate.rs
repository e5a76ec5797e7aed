//! The pool moved to other devices or files.

use longshore_volume::thin::{Part, PoolSpec};

use super::{
    super::PoolPlace,
    row::{Known, claim, save},
    status::report_of,
    whole::while_down,
};
use crate::{Event, Events, Failure, PoolReport, Settings, site::Site, trouble::Trouble};

/// Moves the pool, for which it is taken down: what its volumes have is copied and read again, and only then is it the
/// pool. What it was on stays as it is. Cut off, the same command begins again.
///
/// # Errors
/// [`Class::Usage`](crate::Class::Usage) where there would be less room;
/// [`Class::Refused`](crate::Class::Refused) where something is there;
/// [`Class::Busy`](crate::Class::Busy) while a disk is open.
pub async fn migrate_pool(
    settings: Settings,
    place: PoolPlace,
    events: Events,
) -> Result<PoolReport, Failure> {
    let state = settings.state_dir.clone();
    let heard = events.clone();
    let work = move |site: &Site, pool: &Known| migrate(site, pool, &place, &heard);
    while_down(&settings, events, work).await?;
    report_of(&state)
}

fn migrate(site: &Site, pool: &Known, place: &PoolPlace, events: &Events) -> Result<(), Failure> {
    let other = elsewhere(pool, place).map_err(Trouble::failure)?;
    claim(site, pool, &[other.metadata.clone(), other.data.clone()])?;
    let mut tenths = 0;
    let copied = pool.spec.copy_to(&other, &pool.name, |done, of| {
        let now = done.saturating_mul(10) / of.max(1);
        if now > tenths {
            tenths = now;
            let text = format!("{done} of {of} bytes of pool {} are copied", pool.name);
            // With nobody listening there is nobody to tell.
            let _ = events.send(Event::Notice { text });
        }
    });
    copied.map_err(Trouble::failure)?;
    save(&pool.name, &other, &|write| site.record(write))
}

fn elsewhere(
    pool: &Known,
    place: &PoolPlace,
) -> Result<PoolSpec, longshore_volume::thin::PoolError> {
    match place {
        PoolPlace::Devices { data, metadata } => {
            let (data, metadata) = (Part::device(data)?, Part::device(metadata)?);
            pool.spec.on_other_devices(metadata, data)
        }
        PoolPlace::Files { dir, bytes, thick } => {
            let bytes = Some(*bytes).filter(|bytes| *bytes > 0);
            pool.spec.in_other_files(dir, &pool.name, bytes, *thick)
        }
    }
}
