//! How far the chain of an image's layers is sealed already.

use longshore_catalog::{ImageId, LayerRow, Reader, VolumeRow};

use crate::{
    deps::Deps,
    plan::{ChainOrigin, chains, start},
};

/// The longest chain of an image's layers that is sealed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sealed {
    /// Layers in it.
    pub(crate) layers: usize,
    /// Their volume; `None` without layers.
    pub(crate) volume: Option<VolumeRow>,
    /// What they were unpacked from.
    pub(crate) origin: ChainOrigin,
}

/// The longest chain of an image's layers that is sealed.
pub(crate) fn sealed(
    read: &Reader<'_>,
    image: ImageId,
    deps: &Deps,
) -> Result<Sealed, longshore_catalog::Error> {
    let layers: Vec<LayerRow> = read.layers(image)?;
    let known = chains(layers.iter().map(|layer| (layer.digest, layer.diff_id)));
    let volumes = known
        .iter()
        .map(|(chain, origin)| read.sealed_volume(&deps.seal_key(*chain, origin)))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = volumes
        .iter()
        .map(|row| row.as_ref().map(|row| row.id))
        .collect();
    let (layers, _) = start(&ids);
    let top = layers.checked_sub(1);
    let volume = top.and_then(|top| volumes.into_iter().nth(top).flatten());
    let origin = top.and_then(|top| known.into_iter().nth(top));
    Ok(Sealed {
        layers,
        volume,
        origin: origin.map(|(_, origin)| origin).unwrap_or_default(),
    })
}
