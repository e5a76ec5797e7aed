//! The steps `scan` and `admit`: what is in the image is looked into, and what was found is judged.

use std::{sync::Arc, time::Instant};

use longshore_catalog::{VolumeId, Writer};
use longshore_fsm::{Ctx, StepError};
use rusqlite::Connection;

use super::{ImageRequest, ImageResponse};
use crate::{
    Failure,
    deps::Deps,
    scanning::{Judged, Looking, decision, look},
    trouble::millis,
};

/// The step `scan`: its inventory and the report on it are recorded with its completion.
pub(crate) async fn scan(
    deps: Arc<Deps>,
    ctx: &mut Ctx<ImageRequest, ImageResponse, Connection>,
) -> Result<(), StepError> {
    let begun = Instant::now();
    let name = ctx.request().name.clone();
    deps.step_begins(&name, ctx.step(), ctx.attempt());
    let Some(volume) = ctx.response().volume else {
        return Err(Failure::broken("scan began before load was done").step());
    };
    let looking = Looking {
        scanners: deps.scanning.scanners.clone(),
        cancel: ctx.token().clone(),
    };
    let looked = look(&deps, VolumeId(volume.id), looking).await;
    let looked = looked.map_err(|failure| failure.image(name).step())?;
    ctx.response_mut().scan_ms = millis(begun);
    ctx.on_completion(looked.record());
    Ok(())
}

/// The step `admit`: the decision, recorded with what it rests on.
pub(crate) async fn admit(
    deps: Arc<Deps>,
    ctx: &mut Ctx<ImageRequest, ImageResponse, Connection>,
) -> Result<(), StepError> {
    deps.step_begins(&ctx.request().name, ctx.step(), ctx.attempt());
    let Some(image) = ctx.response().image else {
        return Err(Failure::broken("admit began before resolve was done").step());
    };
    let row = deps
        .read(|read| read.image_by_id(image))
        .map_err(Failure::step)?;
    let row = row.ok_or_else(|| Failure::broken("a run's image is not in the catalogue").step())?;
    let judged = Judged::of(&deps, &row).map_err(Failure::step)?;
    let decision = decision(judged.as_ref(), deps.now()).map_err(Failure::step)?;
    ctx.on_completion(move |connection| {
        Writer::new(connection).decide(image, &decision)?;
        Ok(())
    });
    Ok(())
}
