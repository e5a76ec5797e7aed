//! How a pool is, without taking any lock.

use std::path::Path;

use longshore_catalog::PoolPhase;
use longshore_volume::{
    dm::DmError,
    thin::{Pool, PoolError, PoolSpec},
};

use super::{
    marks::{Seen, alarms},
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
    let alarms = alarms(&Seen {
        spec: &pool.spec,
        state: state.as_ref(),
        suspended: up.as_ref().is_some_and(Pool::is_suspended),
        recorded: pool.transaction,
        gone,
        host_free: host_free(&pool.spec),
    });
    Ok(PoolReport::of(&pool, state.as_ref(), alarms))
}

/// Bytes that are free where the data takes room as it is used.
fn host_free(spec: &PoolSpec) -> Option<u64> {
    if !spec.gives_back() {
        return None;
    }
    let dir = spec.data.path().parent()?;
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}
