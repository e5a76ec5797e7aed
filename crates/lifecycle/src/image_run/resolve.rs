//! The step `resolve`: lists the family, orders it, holds it against the pins, and finds what is
//! already here. It only reads the source.

use std::{sync::Arc, time::Instant};

use longshore_catalog::{ImageId, LayerRow, NewLayer, Pin, Reader, Writer};
use longshore_fsm::{Ctx, StepError};
use longshore_source::{ImageName, Locator};
use rusqlite::Connection;

use super::{ImageRequest, ImageResponse};
use crate::{
    Class, Failure,
    deps::Deps,
    plan::{Difference, Resolution, resolve as compare},
    trouble::{Trouble, millis},
};

pub(crate) async fn resolve(
    deps: Arc<Deps>,
    ctx: &mut Ctx<ImageRequest, ImageResponse, Connection>,
) -> Result<(), StepError> {
    let begun = Instant::now();
    let request = ctx.request().clone();
    deps.step_begins(&request.name, ctx.step(), ctx.attempt());
    let name: ImageName = request.name.parse().map_err(|error| {
        Failure::new(
            Class::Usage,
            "image-name",
            format!("{:?} is no image", request.name),
        )
        .caused_by(&error)
        .step()
    })?;
    let source = deps.source().map_err(Trouble::step)?;
    let listing = tokio::select! {
        listing = source.list(&name) => listing.map_err(Trouble::step)?,
        () = ctx.token().cancelled() => return Err(Failure::interrupted().step()),
    };
    let locators = listing.layers;
    let listed: Vec<NewLayer> = locators.iter().map(as_listed).collect();

    let known = deps
        .read(|read| Known::look(read, &request, &listed))
        .map_err(Trouble::step)?;
    let recorded = known
        .image
        .as_ref()
        .map(|image| (&image.layers[..], image.sealed));
    let resolution = compare(&listed, &known.pins, recorded, request.accept_changed);
    if let Resolution::Refused(differences) = resolution {
        return Err(changed(&request, &differences).step());
    }
    let (run, now) = (ctx.run_id().get(), deps.now());
    let previous = known
        .image
        .as_ref()
        .map(|image| (image.id, image.generation));
    let attempt = ctx.attempt_handle();
    let image = attempt
        .record(move |connection| {
            let write = Writer::new(connection);
            let image = match (resolution, previous) {
                (Resolution::Same, Some((id, _))) => id,
                (Resolution::Replace, Some((id, _))) => {
                    write.replace_layers(id, &listed)?;
                    id
                }
                (_, previous) => {
                    let generation = previous.map_or(1, |(_, generation)| generation + 1);
                    write.add_image(
                        &request.origin,
                        &request.name,
                        generation,
                        &listed,
                        run,
                        now,
                    )?
                }
            };
            write.image_run(image, run)?;
            adopt_known(&write, image, &request.origin, now)?;
            Ok(image)
        })
        .await
        .map_err(Trouble::step)?;
    let response = ctx.response_mut();
    response.image = Some(image);
    response.locators = locators;
    response.resolve_ms = millis(begun);
    Ok(())
}

fn as_listed(locator: &Locator) -> NewLayer {
    NewLayer {
        key: locator.key.as_str().to_owned(),
        etag: locator.etag.as_ref().map(|etag| etag.as_str().to_owned()),
        size: locator.size,
    }
}

/// Gives layers the digest that a key of the same origin with the same entity tag and size was
/// proven to have; if that was unpacked before, also what it turned out to be, and a pin.
pub(crate) fn adopt_known(
    write: &Writer<'_>,
    image: ImageId,
    origin: &str,
    now: i64,
) -> Result<(), longshore_catalog::Error> {
    for layer in write.layers(image)? {
        let digest = match (layer.digest, &layer.etag) {
            (Some(digest), _) => Some(digest),
            (None, Some(etag)) => write.digest_of_etag(origin, etag, layer.size)?,
            (None, None) => None,
        };
        let Some(digest) = digest else { continue };
        write.layer_digest(image, layer.position, &digest)?;
        let Some(diff_id) = write.diff_id(&digest)? else {
            continue;
        };
        if layer.diff_id.is_none() {
            write.layer_unpacked(image, layer.position, &diff_id, None)?;
            write.record_pin(
                origin,
                &layer.key,
                layer.etag.as_deref(),
                layer.size,
                &digest,
                now,
            )?;
        }
    }
    Ok(())
}

/// What the catalogue knows of what was listed.
struct Known {
    pins: Vec<Option<Pin>>,
    image: Option<KnownImage>,
}

struct KnownImage {
    id: ImageId,
    generation: u64,
    sealed: bool,
    layers: Vec<LayerRow>,
}

impl Known {
    fn look(
        read: &Reader<'_>,
        request: &ImageRequest,
        listed: &[NewLayer],
    ) -> Result<Self, longshore_catalog::Error> {
        let pins = listed
            .iter()
            .map(|layer| read.pin(&request.origin, &layer.key))
            .collect::<Result<_, _>>()?;
        let image = match read.image(&request.origin, &request.name)? {
            None => None,
            Some(row) => Some(KnownImage {
                id: row.id,
                generation: row.generation,
                sealed: row.volume.is_some(),
                layers: read.layers(row.id)?,
            }),
        };
        Ok(Self { pins, image })
    }
}

fn changed(request: &ImageRequest, differences: &[Difference]) -> Failure {
    let mut failure = Failure::new(
        Class::Refused,
        "changed-object",
        format!(
            "{} is not what it was when it was first fetched",
            request.name
        ),
    )
    .image(&request.name)
    .hint("if the change is meant, accept it as a new generation with --accept-changed");
    failure.causes = differences.iter().map(Difference::to_string).collect();
    if let Some(Difference::Changed { key, .. }) = differences.first() {
        failure.layer = Some(key.clone());
    }
    failure
}
