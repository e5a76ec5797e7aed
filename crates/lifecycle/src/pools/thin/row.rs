//! The catalogue's row of a pool, parsed.

use longshore_catalog::{PoolPhase, PoolRow, Reader, Writer};
use longshore_volume::{
    dm::DeviceName,
    thin::{Part, PoolSpec},
};

use crate::{
    Class, Failure, MachineName,
    deps::{Record, now},
    site::Site,
    trouble::Trouble,
};

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

/// The pool of a state directory that is this process's.
pub(super) fn pool_of(site: &Site) -> Result<Known, Failure> {
    known(|look| site.read(look))?.ok_or_else(none)
}

/// The same, made to its end and not about to go.
pub(super) fn whole_pool_of(site: &Site) -> Result<Known, Failure> {
    pool_of(site)?.whole()
}

impl Known {
    /// It, if it is neither half made nor half destroyed.
    pub(super) fn whole(self) -> Result<Self, Failure> {
        match self.phase {
            PoolPhase::Ready | PoolPhase::Down => Ok(self),
            PoolPhase::Making | PoolPhase::Destroying => Err(half()),
        }
    }
}

/// There is none.
pub(super) fn none() -> Failure {
    Failure::new(Class::NotFound, "no-pool", "there is no pool here")
        .hint(
            "make one with `longshore pool create`; one whose database is lost is found with `longshore pool recover --data \
             PATH --meta PATH`",
        )
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
    let (name, spec, at) = (name.to_string(), described(spec)?, now());
    site.record(Box::new(move |connection| {
        Ok(Writer::new(connection).add_pool(&name, &spec, at)?)
    }))
}

/// A description as the catalogue keeps it.
pub(super) fn described(spec: &PoolSpec) -> Result<String, Failure> {
    serde_json::to_string(spec)
        .map_err(|error| Failure::broken("a pool cannot be described").caused_by(&error))
}

/// Writes down what a pool is made of from now on.
pub(super) fn save(name: &DeviceName, spec: &PoolSpec, record: Record<'_>) -> Result<(), Failure> {
    let (name, spec) = (name.to_string(), described(spec)?);
    record(Box::new(move |connection| {
        Ok(Writer::new(connection).pool_spec(&name, &spec)?)
    }))
}

/// Makes sure that these parts are nobody's, writes down that they are about to be the pool's, and does the work on them:
/// what is on them at another attempt was written by whoever was cut off. What failed leaves them blank, and nobody's.
pub(super) fn with_claim<T>(
    site: &Site,
    pool: &Known,
    parts: &[Part],
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let spec = &pool.spec;
    let own = [&spec.metadata, &spec.data].map(Part::path);
    for part in parts {
        if own.contains(&part.path()) {
            let text = format!("{} is the pool's already", part.path().display());
            return Err(Failure::new(Class::Usage, "pool", text));
        }
        part.must_be_free().map_err(Trouble::failure)?;
        if !spec.begun.contains(part) {
            part.must_be_blank().map_err(Trouble::failure)?;
        }
    }
    let begun = |begun: &[Part]| PoolSpec {
        begun: begun.to_vec(),
        ..spec.clone()
    };
    save(&pool.name, &begun(parts), &|write| site.record(write))?;
    work().inspect_err(|_| {
        let abandoned = parts.iter().try_for_each(Part::abandon);
        // What could not be made blank is still known as begun.
        if abandoned.is_ok()
            && let Err(failure) = save(&pool.name, &begun(&[]), &|write| site.record(write))
        {
            tracing::warn!(%failure, "parts that were begun are still written down");
        }
    })
}

/// Writes down how far it has come.
pub(super) fn phase(site: &Site, name: &DeviceName, phase: PoolPhase) -> Result<(), Failure> {
    let name = name.to_string();
    site.record(Box::new(move |connection| {
        Ok(Writer::new(connection).pool_phase(&name, phase)?)
    }))
}
