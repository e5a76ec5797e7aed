//! The pool moved to other devices or files.

use longshore_volume::thin::{Expected, Part, PoolSpec};

use super::{
    super::PoolPlace,
    row::{Known, save, with_claim},
    status::report_of,
    while_down::while_down,
};
use crate::{Class, Event, Events, Failure, PoolReport, Settings, site::Site, trouble::Trouble};

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
    let (name, spec) = (&pool.name, &pool.spec);
    if spec.adopted {
        let text = "the pool was adopted: whoever made it would look for it where it was";
        return Err(Failure::new(Class::Refused, "pool-adopted", text));
    }
    spec.must_be_it(name, Expected::At(pool.transaction))
        .map_err(Trouble::failure)?;
    let other = elsewhere(pool, place).map_err(Trouble::failure)?;
    let parts = [other.metadata.clone(), other.data.clone()];
    with_claim(site, pool, &parts, || copy(pool, &other, events))?;
    save(name, &other, &|write| site.record(write))
}

fn copy(pool: &Known, other: &PoolSpec, events: &Events) -> Result<(), Failure> {
    let mut tenths = 0;
    let copied = pool.spec.copy_to(other, &pool.name, |done, of| {
        let now = done.saturating_mul(10) / of.max(1);
        if now > tenths {
            tenths = now;
            let text = format!("{done} of {of} bytes of pool {} are copied", pool.name);
            // With nobody listening there is nobody to tell.
            let _ = events.send(Event::Notice { text });
        }
    });
    copied.map(drop).map_err(Trouble::failure)
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
