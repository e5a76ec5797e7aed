//! The step `load`: fetches blobs side by side and builds the volume from them as they come.

use std::{sync::Arc, time::Instant};

use longshore_catalog::{LayerRow, VolumeState};
use longshore_fsm::{Attempt, Ctx, StepError};
use rusqlite::Connection;

use super::{
    ImageRequest, ImageResponse, LoadedLayer,
    build::Build,
    obtain::{Obtained, Supply},
    refused::forget_refused,
    sealed::sealed,
    state::LoadedVolume,
};
use crate::{
    Class, Event, Failure, Phase,
    deps::Deps,
    room::Need,
    trouble::{Trouble, millis},
};

pub(crate) async fn load(
    deps: Arc<Deps>,
    ctx: &mut Ctx<ImageRequest, ImageResponse, Connection>,
) -> Result<(), StepError> {
    let begun = Instant::now();
    deps.step_begins(&ctx.request().name, ctx.step(), ctx.attempt());
    let Some(image) = ctx.response().image else {
        return Err(Failure::broken("load began before resolve was done").step());
    };
    let (attempt, run) = (ctx.attempt_handle(), ctx.run_id().get());
    drop_leftovers(&deps, &attempt, run)
        .await
        .map_err(Trouble::step)?;
    let (name, locators) = (ctx.request().name.clone(), ctx.response().locators.clone());
    let build = Build {
        deps: Arc::clone(&deps),
        attempt: attempt.clone(),
        run,
        image,
        image_name: name.clone(),
        locators,
        runtime: tokio::runtime::Handle::current(),
    };
    let loaded = fetch_and_build(build).await;
    let (volume, obtained) = match loaded {
        Ok(loaded) => loaded,
        Err(failure) => {
            // An unsealed volume is nobody's: what was fetched stays, what was half built goes.
            if let Err(also) = drop_leftovers(&deps, &attempt, run).await {
                tracing::warn!(%also, "an unfinished volume is left for the next start");
            }
            // An object that changed may be accepted, and the others are as good as they were.
            if failure.class == Class::Refused && failure.code != "changed-object" {
                forget_refused(&deps, &attempt, image).await;
            }
            return Err(failure.image(name).step());
        }
    };
    let rows = deps
        .read(|read| read.layers(image))
        .map_err(Trouble::step)?;
    let layers = rows
        .iter()
        .enumerate()
        .map(|(position, row)| loaded_layer(row, position, &obtained))
        .collect::<Result<_, _>>()
        .map_err(Failure::step)?;
    let response = ctx.response_mut();
    response.layers = layers;
    response.volume = Some(volume);
    response.load_ms = millis(begun);
    Ok(())
}

async fn fetch_and_build(build: Build) -> Result<(LoadedVolume, Vec<Obtained>), Failure> {
    let Build {
        deps,
        attempt,
        image,
        image_name,
        locators,
        ..
    } = &build;
    let first = deps.read(|read| sealed(read, *image, deps))?.layers;
    for locator in &locators[..first] {
        deps.say(Event::Layer {
            image: image_name.clone(),
            key: locator.key.to_string(),
            phase: Phase::Reused,
            done: locator.size,
            total: locator.size,
        });
    }
    let needs = locators[first..]
        .iter()
        .map(|locator| Need::of_layer(locator.key.as_str(), locator.size));
    let promised = deps.promises.make(deps, needs.collect())?;
    let (supply, deliveries) = Supply::order(deps, attempt, *image, image_name, locators, first);
    let stop = supply.stopper();
    let builder = async {
        let built =
            tokio::task::spawn_blocking(move || build.run(first, deliveries, &promised)).await;
        let built = built.unwrap_or_else(|error| {
            Err(Failure::broken("building a volume stopped unexpectedly").caused_by(&error))
        });
        if built.is_err() {
            stop.cancel();
        }
        built
    };
    match futures::join!(builder, supply.all()) {
        (Ok(volume), Ok(obtained)) => Ok((volume, obtained)),
        // Whoever was only stopped leaves the word to whoever knows why.
        (Err(failure), Err(other)) if failure.is_interrupted() => Err(other),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

/// Drops volumes that an earlier attempt of this run began and did not seal.
async fn drop_leftovers(
    deps: &Arc<Deps>,
    attempt: &Attempt<Connection>,
    run: u64,
) -> Result<(), Failure> {
    let volumes = deps.read(|read| read.volumes())?;
    let leftovers: Vec<_> = volumes
        .into_iter()
        .filter(|volume| volume.run == Some(run) && volume.state != VolumeState::Sealed)
        .collect();
    if leftovers.is_empty() {
        return Ok(());
    }
    let (deps, attempt) = (Arc::clone(deps), attempt.clone());
    let work = move || {
        // Newest first: a snapshot before what it was taken of.
        for volume in leftovers.iter().rev() {
            deps.drop_unsealed(volume.id, |write| {
                attempt.record_blocking(write).map_err(Trouble::failure)
            })?;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(Failure::broken("dropping a volume stopped unexpectedly").caused_by(&error))
        })
}

fn loaded_layer(
    row: &LayerRow,
    position: usize,
    obtained: &[Obtained],
) -> Result<LoadedLayer, Failure> {
    let (Some(digest), Some(diff_id)) = (row.digest, row.diff_id) else {
        return Err(Failure::broken("a loaded layer has no digest").layer(&row.key));
    };
    let fetched = obtained.iter().find(|layer| layer.position == position);
    Ok(LoadedLayer {
        key: row.key.clone(),
        digest,
        diff_id,
        size: row.size,
        fetched_bytes: fetched.map_or(0, |layer| layer.fetched_bytes),
    })
}
