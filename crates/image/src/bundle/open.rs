//! Telling what a bundle is, and opening it.

use super::{
    BundleError, BundleLayer, LayerBytes, PartName, Parts, Platform, docker, document, oci,
};

/// An image in a bundle.
#[derive(Debug)]
pub struct Bundle<P> {
    parts: P,
    form: BundleForm,
    layers: Vec<BundleLayer>,
}

/// What a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleForm {
    /// An OCI image layout.
    OciLayout,
    /// A docker-archive.
    DockerArchive,
}

impl<P: Parts> Bundle<P> {
    /// The image for `wanted` in a bundle, or the only one; `None` where the parts are no bundle.
    ///
    /// A bundle is what has `oci-layout` and `index.json`, or a `manifest.json` that is Docker's: a layer
    /// may have a file of that name at its root.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn open(parts: P, wanted: &Platform) -> Result<Option<Self>, BundleError> {
        let named = |part| document::named(&parts, &part);
        let docker = match named(PartName::DockerManifest)? {
            Some(json) => docker::images(&json)?,
            None => None,
        };
        let layout = match (named(PartName::Layout)?, named(PartName::Index)?) {
            (Some(layout), Some(index)) => Some((layout, index)),
            _ => None,
        };
        let (form, layers) = match (layout, docker) {
            (Some((layout, index)), docker) => {
                let layers = oci::layers(&parts, &layout, &index, wanted)?;
                if docker.is_some_and(|images| docker::contradicts(&images, &layers)) {
                    return Err(BundleError::Contradiction);
                }
                (BundleForm::OciLayout, layers)
            }
            (None, Some(images)) => (BundleForm::DockerArchive, docker::layers(&parts, images)?),
            (None, None) => return Ok(None),
        };
        Ok(Some(Self {
            parts,
            form,
            layers,
        }))
    }

    /// What it is.
    pub fn form(&self) -> BundleForm {
        self.form
    }

    /// Its layers, the lowest first.
    pub fn layers(&self) -> &[BundleLayer] {
        &self.layers
    }

    /// The stored bytes of a layer.
    ///
    /// # Errors
    /// [`BundleError::Missing`], [`BundleError::Refused`], [`BundleError::WrongBytes`] for a wrong length,
    /// [`BundleError::Read`].
    pub fn read(&self, layer: &BundleLayer) -> Result<LayerBytes, BundleError> {
        let opened = self.parts.open(&layer.part);
        let opened = opened.map_err(|error| document::refused(&layer.part, error))?;
        let Some(part) = opened else {
            return Err(BundleError::Missing {
                part: layer.part.clone(),
            });
        };
        layer.bytes(part).map_err(|_| BundleError::WrongBytes {
            part: layer.part.clone(),
        })
    }
}
