//! The catalogue's row of a pool, parsed.

use longshore_catalog::{PoolPhase, PoolRow, Reader};
use longshore_volume::{dm::DeviceName, thin::PoolSpec};

use crate::{Class, Failure};

/// A pool, as the catalogue has it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) name: DeviceName,
    pub(super) phase: PoolPhase,
    pub(super) spec: PoolSpec,
    pub(super) transaction: u64,
    pub(super) change: Option<String>,
}

/// The pool of a catalogue.
pub(super) fn known(
    read: impl FnOnce(
        fn(&Reader<'_>) -> Result<Option<PoolRow>, longshore_catalog::Error>,
    ) -> Result<Option<PoolRow>, Failure>,
) -> Result<Option<Known>, Failure> {
    let Some(row) = read(|reader| reader.pool())? else {
        return Ok(None);
    };
    let unreadable = |what: &str| Failure::broken(&format!("the {what} of a pool cannot be read"));
    let spec = serde_json::from_str(&row.spec)
        .map_err(|error| unreadable("description").caused_by(&error))?;
    let name = DeviceName::new(row.name).ok_or_else(|| unreadable("name"))?;
    Ok(Some(Known {
        name,
        phase: row.phase,
        spec,
        transaction: row.transaction,
        change: row.change,
    }))
}

/// There is none.
pub(super) fn none() -> Failure {
    Failure::new(Class::NotFound, "no-pool", "there is no pool here")
        .hint("make one with `longshore pool create`")
}
