//! Making a pool: in the catalogue first, then its files and devices.

use longshore_catalog::PoolPhase;
use longshore_volume::{
    dm::DeviceName,
    thin::{Pool, PoolError, PoolSpec, available},
};

use super::{
    row::{Known, another, begin, device_name, known, phase},
    status::report_of,
};
use crate::{
    Class, Failure, PoolReport, PoolRequest, Settings, View, site::Site, trouble::Trouble,
};

/// What would be made, after all that can be looked at beforehand was.
///
/// # Errors
/// As [`create_pool`].
pub fn plan_pool(settings: &Settings, request: &PoolRequest) -> Result<PoolReport, Failure> {
    let known = match View::open(&settings.state_dir)? {
        Some(view) => known(|look| view.read(look))?,
        None => None,
    };
    let (name, spec) = plan(request, known.as_ref())?;
    Ok(PoolReport::planned(&name, &spec))
}

/// Makes a pool and brings it up. What was cut off is gone on with by the same request.
///
/// # Errors
/// [`Class::Refused`] where something is on its devices, or there is a pool; [`Class::Usage`],
/// [`Class::Full`], [`Class::Failed`].
pub async fn create_pool(settings: Settings, request: PoolRequest) -> Result<PoolReport, Failure> {
    let site = Site::open(&settings).await?;
    let made = tokio::task::spawn_blocking(move || create(&site, &request));
    made.await
        .map_err(|error| Failure::broken("making a pool stopped").caused_by(&error))??;
    report_of(&settings.state_dir)
}

fn create(site: &Site, request: &PoolRequest) -> Result<(), Failure> {
    let known = known(|look| site.read(look))?;
    let (name, spec) = plan(request, known.as_ref())?;
    if known.is_none() {
        begin(site, &name, &spec)?;
    }
    spec.create(&name).map_err(Trouble::failure)?;
    phase(site, &name, PoolPhase::Ready)
}

/// What is to be made of a request, where the catalogue has this pool.
fn plan(request: &PoolRequest, known: Option<&Known>) -> Result<(DeviceName, PoolSpec), Failure> {
    available().map_err(Trouble::failure)?;
    let name = device_name(&request.name)?;
    let spec = request.spec()?;
    match known {
        // It was cut off.
        Some(known)
            if known.phase == PoolPhase::Making
                && known.name == name
                && known.spec.is_made_as(&spec) =>
        {
            return Ok((name, known.spec.clone()));
        }
        Some(known) if known.phase == PoolPhase::Making => {
            let text = format!("pool {} is half made, of something else", known.name);
            return Err(Failure::new(Class::Refused, "pool-half", text)
                .hint("make it as it was begun, or give it up with `longshore pool destroy`"));
        }
        Some(known) => return Err(another(known)),
        None => {}
    }
    match Pool::find(&name) {
        Err(PoolError::NotUp { .. }) => {}
        Ok(_) => {
            let text =
                format!("there is a pool {name} already, which is not this state directory's");
            return Err(Failure::new(Class::Refused, "other-pool", text)
                .hint("choose another name with --name; one that nobody manages can be adopted with `longshore pool adopt`"));
        }
        Err(error) => return Err(error.failure()),
    }
    for part in [&spec.metadata, &spec.data] {
        part.must_be_blank().map_err(Trouble::failure)?;
    }
    Ok((name, spec))
}
