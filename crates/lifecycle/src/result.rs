//! What became of a `fetch-and-create`, put together from a run's response or from the rows of an
//! image that was here already.

use longshore_catalog::{ImageRow, LayerRow};
use longshore_fsm::RunId;

use crate::{
    Failure, ImageReport, LayerReport, MachineReport, Timings,
    deps::Deps,
    image_run::{ImageResponse, LoadedLayer},
    scanning::Judged,
    summary::{ImageRows, volume_report},
};

/// An image whose volume is sealed, and what this command did for it.
pub(crate) struct Loaded {
    pub(crate) image: ImageRow,
    run: u64,
    layers: Vec<LoadedLayer>,
    timings: Timings,
}

impl Loaded {
    /// One that was here: nothing was done.
    pub(crate) fn present(image: ImageRow) -> Self {
        Self {
            run: image.run,
            image,
            layers: Vec::new(),
            timings: Timings::default(),
        }
    }

    /// One that a run has brought here.
    pub(crate) fn by_run(
        deps: &Deps,
        run: RunId,
        response: ImageResponse,
    ) -> Result<Self, Failure> {
        let id = response
            .image
            .ok_or_else(|| Failure::broken("a run without an image"))?;
        let image = deps.read(|read| read.image_by_id(id))?;
        let image =
            image.ok_or_else(|| Failure::broken("a run's image is not in the catalogue"))?;
        Ok(Self {
            image,
            run: run.get(),
            layers: response.layers,
            timings: Timings {
                resolve_ms: response.resolve_ms,
                load_ms: response.load_ms,
                scan_ms: response.scan_ms,
                ..Timings::default()
            },
        })
    }

    fn fetched(&self, key: &str) -> u64 {
        self.layers
            .iter()
            .find(|layer| layer.key == key)
            .map_or(0, |layer| layer.fetched_bytes)
    }
}

/// The result, as it is printed.
pub(crate) fn image_report(
    deps: &Deps,
    loaded: Loaded,
    admitted: bool,
    machine: Option<(MachineReport, u64)>,
    total_ms: u64,
) -> Result<ImageReport, Failure> {
    let image = loaded.image.clone();
    let rows = deps.read(|read| ImageRows::look(read, image))?;
    let layers = rows
        .layers
        .iter()
        .map(|row| layer_report(row, loaded.fetched(&row.key)));
    let layers = layers.collect::<Result<_, _>>()?;
    let (Some(volume), Some(chain)) = (&rows.volume, &rows.image.chain) else {
        return Err(Failure::broken("a loaded image has no volume"));
    };
    let (machine, activate_ms) = machine.unzip();
    Ok(ImageReport {
        image: rows.image.name.clone(),
        status: rows.status(None, deps.now()),
        chain_id: chain.to_string(),
        layers,
        volume: volume_report(volume),
        scan: Judged::of(deps, &rows.image)?.map(|judged| judged.outcome()),
        admitted,
        machine,
        run: loaded.run,
        timings: Timings {
            activate_ms: activate_ms.unwrap_or_default(),
            total_ms,
            ..loaded.timings
        },
    })
}

fn layer_report(row: &LayerRow, fetched_bytes: u64) -> Result<LayerReport, Failure> {
    let (Some(digest), Some(diff_id)) = (row.digest, row.diff_id) else {
        return Err(Failure::broken("a loaded layer has no digest").layer(&row.key));
    };
    Ok(LayerReport {
        key: row.key.clone(),
        digest: digest.to_string(),
        diff_id: diff_id.to_string(),
        size: row.size,
        fetched_bytes,
        reused: fetched_bytes == 0,
    })
}
