//! A pool that no catalogue knows made known, with nothing but its parts: its volumes are whoever's they are until somebody
//! says more.

use std::path::Path;

use longshore_catalog::{PoolPhase, StoredBackend, VolumeId, Writer};
use longshore_volume::thin::{Expected, Part, PoolError, PoolSpec};

use super::{
    super::{PoolParts, PoolRecovery},
    down::let_go_of_machines,
    row::{Known, another, described, device_name, known},
    stranger::{images, told},
};
use crate::{Class, Failure, deps::now, site::Site, trouble::Trouble};

/// Makes a pool known by its parts. Nothing is written down, and it is down, unless all of it could be looked at.
pub(super) fn find(site: &Site, parts: &PoolParts, dry_run: bool) -> Result<PoolRecovery, Failure> {
    if let Some(known) = known(|look| site.read(look))? {
        return Err(another(&known));
    }
    let (backend, has_volumes) = site.read(|read| Ok((read.backend()?, read.has_volumes()?)))?;
    if backend == Some(StoredBackend::File) && has_volumes {
        return Err(Failure::new(
            Class::Refused,
            "backend",
            "the volumes of this state directory are files",
        )
        .hint("name another with --state-dir, or remove its machines and images first"));
    }
    let name = device_name(&parts.name)?;
    let part = |path| Part::at(path).map_err(Trouble::failure);
    let (metadata, data) = (part(&parts.metadata)?, part(&parts.data)?);
    let repair = |error| by_hand(error, &parts.metadata);
    let spec = PoolSpec::found(&name, metadata, data).map_err(repair)?;
    let pool = Known {
        name,
        phase: PoolPhase::Down,
        spec,
        transaction: 0,
        change: None,
    };
    let down = || pool.spec.down(&pool.name).map_err(Trouble::failure);
    // Those of the state directory that is gone: nobody can say any more whose they are.
    let_go_of_machines(&pool)?;
    down()?;
    let looked = look(site, &pool, &parts.metadata, dry_run);
    if dry_run || looked.is_err() {
        down()?;
    }
    looked
}

/// What cannot be repaired here, for no catalogue knows it, is repaired by hand.
fn by_hand(error: PoolError, metadata: &Path) -> Failure {
    let is_damage = matches!(
        &error,
        PoolError::Metadata(_) | PoolError::Broken { .. } | PoolError::NoPool { .. }
    );
    let failure = error.failure();
    if !is_damage {
        return failure;
    }
    let metadata = metadata.display();
    failure.hint(format!(
        "no catalogue knows it, so that `pool repair` cannot: see `thin_check {metadata}`; where that is clean, `thin_check \
         --clear-needs-check-flag {metadata}`, else `thin_repair -i {metadata} -o OTHER`, and then --meta OTHER"
    ))
}

fn look(
    site: &Site,
    pool: &Known,
    metadata: &Path,
    dry_run: bool,
) -> Result<PoolRecovery, Failure> {
    let repair = |error| by_hand(error, metadata);
    let up = pool.spec.up(&pool.name, Expected::Any).map_err(repair)?;
    let transaction = up.working().map_err(repair)?.transaction;
    let devices = up.devices().map_err(repair)?;
    if !up.has_guard().map_err(repair)? {
        let text = format!(
            "the pool on {} was not made by longshore",
            metadata.display()
        );
        return Err(Failure::new(Class::Refused, "other-pool", text)
            .hint("bring it up as whoever made it does, then `longshore pool adopt NAME`"));
    }
    let unknown = told(up, &devices, &site.read(images)?)?;
    if !dry_run {
        let (name, spec, at) = (pool.name.to_string(), described(&pool.spec)?, now());
        let last = devices.last().map(|device| VolumeId(device.id));
        // One write: a pool that is half known could be taken for one that is half made.
        site.record(Box::new(move |connection| {
            let write = Writer::new(connection);
            write.add_pool(&name, &spec, at)?;
            write.pool_phase(&name, PoolPhase::Ready)?;
            write.pool_will(&name, transaction, None)?;
            if let Some(last) = last {
                write.skip_volumes(last)?;
            }
            Ok(write.use_backend(StoredBackend::Thin)?)
        }))?;
    }
    Ok(PoolRecovery {
        name: pool.name.to_string(),
        done: !dry_run,
        transaction,
        recorded_transaction: None,
        proven: 0,
        lost: Vec::new(),
        unknown,
    })
}
