//! How far the chain of an image's layers is sealed already.

use longshore_catalog::{ImageId, LayerRow, Reader, VolumeRow};

use crate::{
    deps::Deps,
    plan::{chains, start},
};

/// The longest chain of an image's layers that is sealed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sealed {
    /// Layers in it.
    pub(crate) layers: usize,
    /// Their volume; `None` without layers.
    pub(crate) volume: Option<VolumeRow>,
}

/// The longest chain of an image's layers that is sealed.
pub(crate) fn sealed(
    read: &Reader<'_>,
    image: ImageId,
    deps: &Deps,
) -> Result<Sealed, longshore_catalog::Error> {
    let layers: Vec<LayerRow> = read.layers(image)?;
    let volumes = chains(layers.iter().map(|layer| layer.diff_id))
        .into_iter()
        .map(|chain| read.sealed_volume(&deps.seal_key(chain)))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = volumes
        .iter()
        .map(|row| row.as_ref().map(|row| row.id))
        .collect();
    let (layers, _) = start(&ids);
    let volume = layers
        .checked_sub(1)
        .and_then(|top| volumes.into_iter().nth(top).flatten());
    Ok(Sealed { layers, volume })
}
