//! How a pool is, without taking any lock.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use longshore_catalog::PoolPhase;
use longshore_volume::{
    dm::DmError,
    thin::{LogicalVolumes, Part, Pool, PoolError, PoolSpec},
};

use super::{
    marks::{HostRoom, Seen, alarms},
    row::{known, none},
};
use crate::{Failure, PoolReport, View, trouble::Trouble};

/// How the pool is: what it is made of, what is used of it, and what is wrong with it. Takes no lock.
///
/// # Errors
/// [`Class::NotFound`](crate::Class::NotFound) where there is none.
pub fn pool_status(state_dir: &Path) -> Result<PoolReport, Failure> {
    report_of(state_dir)
}

/// Whether the kernel says of a part of this pool, as the catalogue describes it, that it is LVM's. What cannot be read is
/// another check's business.
pub(crate) fn is_on_lvm(spec: &str) -> bool {
    serde_json::from_str(spec).is_ok_and(|spec: PoolSpec| spec.is_on_lvm())
}

pub(super) fn report_of(state_dir: &Path) -> Result<PoolReport, Failure> {
    let view = View::open(state_dir)?.ok_or_else(none)?;
    let pool = known(|look| view.read(look))?.ok_or_else(none)?;
    let up = match pool.spec.find(&pool.name) {
        Ok(up) => Some(up),
        Err(PoolError::NotUp { .. } | PoolError::Dm(DmError::Absent(_))) => None,
        Err(error) => return Err(error.failure()),
    };
    let state = up.as_ref().map(Pool::state).transpose();
    let state = state.map_err(Trouble::failure)?;
    let is_whole = matches!(pool.phase, PoolPhase::Ready | PoolPhase::Down);
    let gone = match is_whole {
        true => pool.spec.parts_gone(up.as_ref()),
        false => Vec::new(),
    };
    let suspended = up.as_ref().is_some_and(Pool::is_suspended);
    let groups = match is_whole && gone.is_empty() && !suspended {
        true => pool.spec.logical_volumes(),
        // LVM reads every device that there is, and would wait for one of a pool that waits.
        false => Ok(LogicalVolumes::default()),
    };
    let seen = Seen {
        spec: &pool.spec,
        state: state.as_ref(),
        suspended,
        recorded: pool.transaction,
        gone,
        host: host_room(&pool.spec),
        groups: groups.map_err(|error| error.to_string()),
    };
    let alarms = alarms(&seen);
    let volumes = seen.groups.unwrap_or_default();
    Ok(PoolReport::of(&pool, state.as_ref(), alarms).on(&volumes))
}

/// The filesystem below files that take room as they are used. Whether they are there is another alarm's.
fn host_room(spec: &PoolSpec) -> Option<HostRoom> {
    /// What `st_blocks` counts in (stat(2)).
    const BLOCK: u64 = 512;
    let mut room = None;
    for part in [&spec.metadata, &spec.data] {
        let Part::File {
            path,
            bytes,
            allocated: false,
        } = part
        else {
            continue;
        };
        let has = fs::metadata(path).ok()?.blocks().saturating_mul(BLOCK);
        let found = rustix::fs::statvfs(path).ok()?;
        let room = room.get_or_insert(HostRoom {
            free: u64::MAX,
            may_take: 0,
        });
        room.free = room.free.min(found.f_bavail.saturating_mul(found.f_frsize));
        room.may_take = room.may_take.saturating_add(bytes.saturating_sub(has));
    }
    room
}
