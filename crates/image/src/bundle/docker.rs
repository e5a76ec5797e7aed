//! `manifest.json`: images by the names of their parts in the archive.

use serde::Deserialize;

use super::document::{malformed, parse, shown};
use super::list::List;
use super::{BundleError, BundleLayer, PartName, Parts, config, document};
use crate::Name;

/// Images that are named in an error.
const NAMED: usize = 10;

/// An image in `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    config: String,
    #[serde(default)]
    repo_tags: Option<List<String>>,
    layers: List<String>,
}

/// The images in a `manifest.json`; `None` where it is not Docker's.
pub(super) fn images(json: &[u8]) -> Result<Option<Vec<Image>>, BundleError> {
    match parse::<List<Image>>(&PartName::DockerManifest, json) {
        Ok(List(images)) => Ok(Some(images)),
        // It means to be one: to take its archive for a layer would be to look past the image.
        Err(error) if is_docker_manifest(json) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether the bytes of a `manifest.json` mean to be Docker's: many things have a file of that name.
pub fn is_docker_manifest(json: &[u8]) -> bool {
    const LAYERS: &[u8] = b"\"Layers\"";
    json.trim_ascii_start().starts_with(b"[") && json.windows(LAYERS.len()).any(|at| at == LAYERS)
}

/// The layers of the one image that there is.
pub(super) fn layers(
    parts: &dyn Parts,
    mut images: Vec<Image>,
) -> Result<Vec<BundleLayer>, BundleError> {
    images.dedup_by(|one, other| one.config == other.config && one.layers.0 == other.layers.0);
    let manifest = PartName::DockerManifest;
    let image = match images.len() {
        0 => return Err(malformed(&manifest, "it names no image")),
        1 => images.remove(0),
        _ => {
            return Err(BundleError::Several {
                images: images.iter().take(NAMED).map(name).collect(),
            });
        }
    };
    let part = part_name(&image.config);
    let Some(json) = document::named(parts, &part)? else {
        return Err(BundleError::Missing { part });
    };
    let List(layers) = image.layers;
    let diff_ids = config::diff_ids(&part, &json, layers.len())?;
    let layer = |(name, diff_id): (String, _)| {
        let part = part_name(&name);
        let digest = match part {
            PartName::Blob(digest) => Some(digest),
            _ => None,
        };
        BundleLayer {
            part,
            digest,
            size: None,
            diff_id,
            media_type: None,
        }
    };
    Ok(layers.into_iter().zip(diff_ids).map(layer).collect())
}

/// Whether images and the layers that an OCI layout gives are different ones.
pub(super) fn contradicts(images: &[Image], layers: &[BundleLayer]) -> bool {
    let is_it = |image: &Image| {
        let List(names) = &image.layers;
        names.len() == layers.len()
            && names
                .iter()
                .zip(layers)
                .all(|(name, layer)| part_name(name) == layer.part)
    };
    !images.is_empty() && !images.iter().any(is_it)
}

fn part_name(name: &str) -> PartName {
    let digest = name
        .strip_prefix("blobs/sha256/")
        .and_then(|hex| format!("sha256:{hex}").parse().ok());
    match digest {
        Some(digest) => PartName::Blob(digest),
        None => PartName::Free(Name::from(name.as_bytes())),
    }
}

fn name(image: &Image) -> String {
    let tags = image.repo_tags.as_ref();
    shown(
        tags.and_then(|tags| tags.0.first())
            .unwrap_or(&image.config),
    )
}
