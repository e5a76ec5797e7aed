//! How a pool is, without taking any lock.

use std::path::Path;

use longshore_volume::{dm::DmError, thin::PoolError};

use super::row::{known, none};
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
    let state = match pool.spec.find(&pool.name) {
        Ok(up) => Some(up.state().map_err(Trouble::failure)?),
        Err(PoolError::NotUp { .. } | PoolError::Dm(DmError::Absent(_))) => None,
        Err(error) => return Err(error.failure()),
    };
    Ok(PoolReport::of(&pool, state.as_ref()))
}
