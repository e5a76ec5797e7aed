//! More room for the pool: its parts first, then the catalogue, then its table. Whoever is cut off between any two of
//! them leaves a pool that works, and gets the rest when it is brought up.

use longshore_volume::thin::{Growth, PoolError, PoolMode, PoolSpec, PoolState};

use super::{
    super::{Growing, PoolExtension},
    row::{Known, save, whole_pool_of},
    status::report_of,
};
use crate::{Class, Failure, PoolReport, Settings, deps::Record, site::Site, trouble::Trouble};

/// Gives the pool more room: to files and logical volumes so many bytes, to other devices what they have by now; says
/// whether it is to be given more by itself from now on. Machines at work in it wait for a moment.
///
/// # Errors
/// [`Class::Usage`] where it would have less; [`Class::Full`] where there is no room for it;
/// [`Class::Refused`] where it has to be repaired first.
pub async fn extend_pool(settings: Settings, asked: PoolExtension) -> Result<PoolReport, Failure> {
    let site = Site::open(&settings).await?;
    let extended = tokio::task::spawn_blocking(move || {
        let pool = whole_pool_of(&site)?;
        give_room(&pool, asked, &|write| site.record(write))
    });
    extended
        .await
        .map_err(|error| Failure::broken("extending a pool stopped").caused_by(&error))??;
    report_of(&settings.state_dir)
}

/// Gives a pool that is whole more room. Whoever calls has the state directory.
pub(super) fn give_room(
    pool: &Known,
    asked: PoolExtension,
    record: Record<'_>,
) -> Result<(), Failure> {
    let up = match pool.spec.find(&pool.name) {
        Ok(up) => Some(up),
        Err(PoolError::NotUp { .. }) => None,
        Err(error) => return Err(error.failure()),
    };
    if let Some(up) = &up {
        must_take_room(&up.state().map_err(Trouble::failure)?)?;
    }
    // More room for another file than the one that it is on would be none.
    if let Some(gone) = pool.spec.parts_gone(up.as_ref()).into_iter().next() {
        return Err(Failure::new(Class::Refused, "other-device", gone)
            .hint("put back what the pool is on: see `longshore pool status`"));
    }
    let larger = pool.spec.larger(asked.data, asked.metadata);
    let mut spec = larger.map_err(Trouble::failure)?;
    spec.growth = growth(&spec, asked.growth)?;
    spec.make_room().map_err(Trouble::failure)?;
    save(&pool.name, &spec, record)?;
    if up.is_some() {
        spec.take_room(&pool.name).map_err(Trouble::failure)?;
    }
    Ok(())
}

/// The kernel gives no room to a pool that has to be checked, and says nothing.
fn must_take_room(state: &PoolState) -> Result<(), Failure> {
    match state {
        PoolState::Working(status) if !status.needs_check && status.mode != PoolMode::ReadOnly => {
            Ok(())
        }
        _ => Err(Failure::new(
            Class::Refused,
            "pool-broken",
            "the pool has to be repaired before it can be given room",
        )
        .hint("stop the machines, then `longshore pool repair`")),
    }
}

fn growth(spec: &PoolSpec, asked: Growing) -> Result<Option<Growth>, Failure> {
    let usage = |text: &str| Err(Failure::new(Class::Usage, "pool", text));
    let growth = match asked {
        Growing::AsBefore => return Ok(spec.growth),
        Growing::No => return Ok(None),
        Growing::By(growth) => growth,
    };
    let volumes = spec.logical_volumes().map_err(Trouble::failure)?;
    let data = spec.data_is_file() || volumes.data.is_some();
    let metadata = spec.metadata_is_file() || volumes.metadata.is_some();
    if !data || !metadata {
        return usage(
            "only a pool on files and logical volumes is given room by itself: another device has to be enlarged",
        );
    }
    if !(1..=99).contains(&growth.at_percent) || growth.by_percent == 0 {
        return usage("a pool grows at 1 to 99 percent, by 1 percent or more");
    }
    if growth
        .most_bytes
        .is_some_and(|most| most < spec.data_bytes())
    {
        return usage("it has more already than it is to have at most");
    }
    Ok(Some(Growth {
        at: growth.at_percent,
        by: growth.by_percent,
        most: growth.most_bytes,
    }))
}
