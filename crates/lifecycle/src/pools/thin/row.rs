//! The catalogue's row of a pool, parsed.

use longshore_catalog::{PoolPhase, PoolRow, Reader, Writer};
use longshore_volume::{dm::DeviceName, thin::PoolSpec};

use crate::{Class, Failure, MachineName, deps::now, site::Site};

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

/// It was being made or destroyed when somebody was cut off.
pub(super) fn half() -> Failure {
    Failure::new(Class::Busy, "pool-half", "the pool is not whole")
        .hint("go on with `longshore pool create`, or with `longshore pool destroy`")
}

/// There is one, and a state directory has no other.
pub(super) fn another(known: &Known) -> Failure {
    let text = format!("there is a pool here: {}", known.name);
    Failure::new(Class::Refused, "pool-exists", text)
        .hint("see it with `longshore pool status`; a state directory has one")
}

/// The name of a pool's device.
pub(super) fn device_name(name: &MachineName) -> Result<DeviceName, Failure> {
    let name = DeviceName::new(name.as_str());
    name.ok_or_else(|| Failure::new(Class::Usage, "pool", "that is no pool's name"))
}

/// Writes down that a pool is being made, before anything is.
pub(super) fn begin(site: &Site, name: &DeviceName, spec: &PoolSpec) -> Result<(), Failure> {
    let spec = serde_json::to_string(spec)
        .map_err(|error| Failure::broken("a pool cannot be described").caused_by(&error))?;
    let (name, at) = (name.to_string(), now());
    site.record(Box::new(move |connection| {
        Ok(Writer::new(connection).add_pool(&name, &spec, at)?)
    }))
}

/// Writes down how far it has come.
pub(super) fn phase(site: &Site, name: &DeviceName, phase: PoolPhase) -> Result<(), Failure> {
    let name = name.to_string();
    site.record(Box::new(move |connection| {
        Ok(Writer::new(connection).pool_phase(&name, phase)?)
    }))
}
