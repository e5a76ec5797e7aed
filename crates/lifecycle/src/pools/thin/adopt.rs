//! Making a pool ours that somebody else has brought up.

use longshore_catalog::{PoolPhase, VolumeId, Writer};
use longshore_volume::thin::{PoolSpec, available};

use super::{
    row::{another, begin, device_name, known},
    status::report_of,
};
use crate::{Failure, MachineName, PoolReport, Settings, site::Site, trouble::Trouble};

/// Takes over a pool that is up and that nobody manages: it gets our uuid and our table, in which what is new in a
/// volume is zeroed. Its volumes stay whose they are; their ids are never given out here.
///
/// # Errors
/// [`Class::NotFound`](crate::Class::NotFound) where there is none of that name;
/// [`Class::Refused`](crate::Class::Refused) where a volume manager has it.
pub async fn adopt_pool(settings: Settings, name: MachineName) -> Result<PoolReport, Failure> {
    let site = Site::open(&settings).await?;
    let adopted = tokio::task::spawn_blocking(move || adopt(&site, &name));
    adopted
        .await
        .map_err(|error| Failure::broken("adopting a pool stopped").caused_by(&error))??;
    report_of(&settings.state_dir)
}

fn adopt(site: &Site, name: &MachineName) -> Result<(), Failure> {
    available().map_err(Trouble::failure)?;
    let name = device_name(name)?;
    let known = known(|look| site.read(look))?;
    let spec = match known {
        // It was cut off; what it was made of has been written down.
        Some(known) if known.phase == PoolPhase::Making && known.name == name => known.spec,
        Some(known) => return Err(another(&known)),
        None => {
            let spec = PoolSpec::of(&name).map_err(Trouble::failure)?;
            begin(site, &name, &spec)?;
            spec
        }
    };
    let pool = spec.adopt(&name).map_err(Trouble::failure)?;
    let transaction = pool.working().map_err(Trouble::failure)?.transaction;
    let devices = pool.devices().map_err(Trouble::failure)?;
    let last = devices.last().map(|device| VolumeId(device.id));
    let row = name.to_string();
    site.record(Box::new(move |connection| {
        let write = Writer::new(connection);
        if let Some(last) = last {
            write.skip_volumes(last)?;
        }
        write.pool_will(&row, transaction, None)?;
        Ok(write.pool_phase(&row, PoolPhase::Ready)?)
    }))
}
