//! Taking a pool down, and destroying it.

use std::sync::Arc;

use longshore_catalog::{PoolPhase, StoredBackend, Writer};
use longshore_volume::{
    Backend,
    thin::{MemoryLedger, PoolError, ThinBackend},
};

use super::{
    row::{Known, phase, pool_of},
    status::report_of,
    up::bring_up,
};
use crate::{Class, Failure, PoolReport, Settings, site::Site, trouble::Trouble};

/// Takes the pool down, with the devices of its machines; what is in it stays. It stays down until it is brought up.
///
/// # Errors
/// [`Class::Busy`] while one of its devices is open: then the pool is up as before.
pub async fn take_pool_down(settings: Settings) -> Result<PoolReport, Failure> {
    let site = Site::open(&settings).await?;
    let down = tokio::task::spawn_blocking(move || {
        let pool = pool_of(&site)?;
        if pool.phase == PoolPhase::Ready {
            // What nobody has open is let go first; who is told no keeps what they have.
            let_go_of_machines(&pool)?;
        }
        pool.spec.down(&pool.name).map_err(Trouble::failure)?;
        match pool.phase {
            PoolPhase::Ready => phase(&site, &pool.name, PoolPhase::Down),
            _ => Ok(()),
        }
    });
    down.await
        .map_err(|error| Failure::broken("taking a pool down stopped").caused_by(&error))??;
    report_of(&settings.state_dir)
}

/// Destroys the pool: its files are gone then, its devices blank at both ends. Answers what it was.
///
/// # Errors
/// [`Class::Busy`] while there are volumes in it.
pub async fn destroy_pool(settings: Settings, dry_run: bool) -> Result<PoolReport, Failure> {
    let site = Site::open(&settings).await?;
    let gone = tokio::task::spawn_blocking(move || destroy(&site, dry_run));
    gone.await
        .map_err(|error| Failure::broken("destroying a pool stopped").caused_by(&error))?
}

fn destroy(site: &Site, dry_run: bool) -> Result<PoolReport, Failure> {
    let pool = pool_of(site)?;
    let (backend, has_volumes) = site.read(|read| Ok((read.backend()?, read.has_volumes()?)))?;
    if backend == Some(StoredBackend::Thin) && has_volumes {
        return Err(Failure::new(
            Class::Busy,
            "in-use",
            format!("there are volumes in pool {}", pool.name),
        )
        .hint("remove the machines and images first with `longshore remove`"));
    }
    let mut report = PoolReport::of(&pool, None, Vec::new());
    // One that was somebody else's until now is given back as it is, and was never taken over.
    let is_half_adopted = pool.spec.adopted && pool.phase == PoolPhase::Making;
    if !is_half_adopted {
        must_be_empty(&pool)?;
    }
    if dry_run {
        return Ok(report);
    }
    if !is_half_adopted {
        phase(site, &pool.name, PoolPhase::Destroying)?;
        let down = pool.spec.down_for_good(&pool.name);
        down.map_err(Trouble::failure)?;
        pool.spec.destroy().map_err(Trouble::failure)?;
    }
    let name = pool.name.to_string();
    site.record(Box::new(move |connection| {
        Ok(Writer::new(connection).forget_pool(&name)?)
    }))?;
    report.state = "destroyed";
    Ok(report)
}

/// Refuses a pool in which somebody else has volumes, and what is not this pool. One of ours that is not whole has
/// none if nothing but a pool like it is on its parts.
fn must_be_empty(pool: &Known) -> Result<(), Failure> {
    let is_whole = matches!(pool.phase, PoolPhase::Ready | PoolPhase::Down);
    if !is_whole && !pool.spec.adopted {
        return pool.spec.may_be_destroyed().map_err(Trouble::failure);
    }
    let was_up = pool.spec.find(&pool.name).is_ok();
    let devices = bring_up(pool).and_then(|up| up.devices().map_err(Trouble::failure));
    if !was_up {
        pool.spec.down(&pool.name).map_err(Trouble::failure)?;
    }
    match devices?.len() {
        0 => Ok(()),
        count => {
            let name = &pool.name;
            let text = format!("there are {count} volumes in pool {name} that are not longshore's");
            Err(Failure::new(Class::Busy, "in-use", text)
                .hint("whoever made them has to delete them first"))
        }
    }
}

/// The devices of machines go, all of them or none: one that is open is found before any is removed.
pub(super) fn let_go_of_machines(pool: &Known) -> Result<(), Failure> {
    let up = match pool.spec.find(&pool.name) {
        Err(PoolError::NotUp { .. }) => return Ok(()),
        found => found.map_err(Trouble::failure)?,
    };
    let backend = ThinBackend::new(up, Arc::new(MemoryLedger::default()));
    if let Some(name) = backend.in_use().map_err(Trouble::failure)?.first() {
        return Err(Failure::new(
            Class::Busy,
            "pool-busy",
            format!("the disk of machine {name} is open"),
        )
        .hint("stop the machine first; nothing was taken down"));
    }
    let foreign = backend.foreign_devices().map_err(Trouble::failure)?;
    if !foreign.is_empty() {
        let text = format!("the pool is in use by the devices {}", foreign.join(", "));
        return Err(Failure::new(Class::Busy, "pool-busy", text)
            .hint("whoever made them has to remove them first; nothing was taken down"));
    }
    for (name, ..) in backend.devices_of_machines().map_err(Trouble::failure)? {
        let _ = backend.deactivate(&name).map_err(Trouble::failure)?;
    }
    backend.sweep().map_err(Trouble::failure)
}
