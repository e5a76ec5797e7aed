//! The backend that a host is opened with.

use std::sync::Arc;

use longshore_catalog::{StoredBackend, VolumeId, Writer};
use longshore_durable::Dir;
use longshore_volume::{
    Backend, FileBackend, SimulatedBackend,
    thin::{Pool, ThinBackend},
};

use super::{
    choice::{Chosen, Here, Refusal, choose},
    ledger::CatalogLedger,
    row::{half, known},
    up::bring_up,
};
use crate::{
    BackendChoice, Class, Event, Events, Failure, Settings, failure::causes, site::Site,
    trouble::Trouble,
};

/// What the settings say, or what is here already; what it is, is recorded, and said when it is new. From a thread
/// that may wait.
pub(crate) fn backend(
    settings: &Settings,
    site: &Site,
    root: &dyn Dir,
    events: &Events,
) -> Result<Arc<dyn Backend>, Failure> {
    if settings.backend == BackendChoice::Simulated {
        return Ok(Arc::new(SimulatedBackend::new()));
    }
    let pool = known(|look| site.read(look))?;
    let (recorded, has_volumes) = site.read(|read| Ok((read.backend()?, read.has_volumes()?)))?;
    let volumes = recorded.filter(|_| has_volumes);
    let wants_thin =
        settings.backend != BackendChoice::File && volumes != Some(StoredBackend::File);
    // Device-mapper is asked only where it may be needed.
    let lacking = wants_thin
        .then(|| longshore_volume::thin::available().err())
        .flatten();
    let lacking = lacking.map(|error| causes(&error).join(": "));
    let here = Here {
        volumes,
        pool: pool.as_ref().map(|pool| pool.phase),
        lacking: lacking.as_deref(),
    };
    let chosen = choose(settings.backend, &here);
    let (stored, said) = match &chosen {
        Chosen::File(why) => (StoredBackend::File, why.clone()),
        Chosen::Thin => (StoredBackend::Thin, None),
        Chosen::Refused(refusal) => return Err(refused(*refusal, lacking.as_deref())),
    };
    if recorded != Some(stored) {
        site.record(Box::new(move |connection| {
            Ok(Writer::new(connection).use_backend(stored)?)
        }))?;
        let name = || pool.as_ref().map_or("", |pool| pool.name.as_str());
        let text = match (stored, said) {
            (StoredBackend::Thin, _) => {
                Some(format!("volumes are thin devices of pool {}", name()))
            }
            (StoredBackend::File, why) => why.map(|why| format!("volumes are files, for {why}")),
        };
        if let Some(text) = text {
            // With nobody listening there is nobody to tell.
            let _ = events.send(Event::Notice { text });
        }
    }
    let (Chosen::Thin, Some(pool)) = (chosen, pool) else {
        return Ok(Arc::new(FileBackend::open(root).map_err(Trouble::failure)?));
    };
    let up = bring_up(&pool)?;
    // Nothing is begun in one that takes no changes: not even what would only be put right.
    up.changeable().map_err(Trouble::failure)?;
    if pool.spec.adopted {
        skip_foreign(site, &up)?;
    }
    let is_shared = pool.spec.adopted;
    let ledger = CatalogLedger {
        readers: site.readers.clone(),
        store: site.store.clone(),
        pool: pool.name.to_string(),
    };
    let mut backend = ThinBackend::new(up, Arc::new(ledger));
    if is_shared {
        backend = backend.shared();
    }
    Ok(Arc::new(match pool.spec.gives_back() {
        true => backend.giving_back(),
        false => backend,
    }))
}

/// Whoever had a pool before may go on making volumes in it: their ids are never given out here.
fn skip_foreign(site: &Site, pool: &Pool) -> Result<(), Failure> {
    let devices = pool.devices().map_err(Trouble::failure)?;
    let foreign = site.read(|read| {
        let ids = devices.iter().map(|device| VolumeId(device.id)).rev();
        let mut unknown = ids.filter(|id| !matches!(read.volume(*id), Ok(Some(_))));
        Ok(unknown.next())
    })?;
    match foreign {
        None => Ok(()),
        Some(id) => site.record(Box::new(move |connection| {
            Ok(Writer::new(connection).skip_volumes(id)?)
        })),
    }
}

fn refused(refusal: Refusal, lacking: Option<&str>) -> Failure {
    let failure = |class, code: &str, text: &str| Failure::new(class, code, text);
    match refusal {
        Refusal::NoPool => failure(
            Class::Usage,
            "no-pool",
            "there is no pool for thin devices here",
        )
        .hint("make one with `longshore pool create`"),
        Refusal::Down => failure(Class::Busy, "pool-down", "the pool was taken down")
            .hint("bring it up with `longshore pool up`"),
        Refusal::Half => half(),
        Refusal::Lacking => {
            let mut failure = failure(
                Class::Failed,
                "no-device-mapper",
                "the volumes are thin devices, and there can be none here",
            )
            .hint("thin pools take root and the kernel's modules dm-mod and dm-thin-pool");
            failure.causes = lacking.map(str::to_owned).into_iter().collect();
            failure
        }
        Refusal::Files => failure(
            Class::Refused,
            "backend",
            "the volumes that are here are files, and stay so",
        )
        .hint("use another --state-dir, or remove the images and machines that are here first"),
        Refusal::Thin => failure(
            Class::Refused,
            "backend",
            "the volumes that are here are thin devices, and stay so",
        )
        .hint("use another --state-dir, or remove the images and machines that are here first"),
    }
}
