//! A stored image as an OCI image layout, for a program that reads images: its stored layers as they are,
//! under documents that say what they are.
//!
//! Sources: the OCI image specification, `image-layout.md`, `manifest.md`, `config.md`. The layers are hard
//! links to the stored blobs where the filesystem can, so that a layout costs no room; else copies.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use longshore_catalog::{LayerRow, VolumeId};
use longshore_image::{DiffId, Digest, Platform};
use serde_json::{Value, json};

use crate::{
    Class, Failure,
    deps::Deps,
    trouble::{Trouble, storage},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A layer as it is stored.
struct Stored {
    digest: Digest,
    diff_id: DiffId,
    size: u64,
    path: PathBuf,
}

/// Makes the layout of an image that has this volume, as a new directory.
///
/// # Errors
/// [`Class::NotFound`] if the bytes of a layer are not here any more, [`Class::Full`], [`Class::Failed`].
pub(crate) fn lay_out(deps: &Deps, volume: VolumeId, dir: &Path) -> Result<(), Failure> {
    let layers = stored_layers(deps, volume)?;
    write(dir, &layers).map_err(|error| {
        storage(
            "layout",
            "the image could not be laid out for a scan",
            &error,
        )
    })
}

/// The layers of one of the images with this volume, all of which unpack to the same: of the first whose bytes
/// are all here.
fn stored_layers(deps: &Deps, volume: VolumeId) -> Result<Vec<Stored>, Failure> {
    let images = deps.read(|read| {
        let images = read.images()?.into_iter();
        let mine = images.filter(|image| image.volume == Some(volume));
        mine.map(|image| read.layers(image.id))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let mut missing = None;
    for rows in images {
        let stored: Result<Vec<_>, String> = rows.iter().map(|row| stored(deps, row)).collect();
        match stored {
            Ok(layers) if !layers.is_empty() => return Ok(layers),
            Ok(_) => {}
            Err(key) => missing = missing.or(Some(key)),
        }
    }
    let what = missing.map_or_else(
        || format!("no image has volume {volume}"),
        |key| format!("the stored bytes of {key} are not here any more"),
    );
    Err(Failure::new(
        Class::NotFound,
        "layer-gone",
        format!("{what}, and trivy-image reads layers"),
    )
    .hint("use `--scanner trivy-sbom`, which reads the inventory"))
}

fn stored(deps: &Deps, row: &LayerRow) -> Result<Stored, String> {
    let path = row.digest.and_then(|digest| {
        // What cannot be asked for is as good as not here.
        let path = deps.blobs.path(&digest).map_err(Trouble::failure);
        path.ok().flatten()
    });
    match (row.digest, row.diff_id, path) {
        (Some(digest), Some(diff_id), Some(path)) => Ok(Stored {
            digest,
            diff_id,
            size: row.size,
            path,
        }),
        _ => Err(row.key.clone()),
    }
}

fn write(dir: &Path, layers: &[Stored]) -> io::Result<()> {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let mut described = Vec::new();
    for layer in layers {
        let to = blobs.join(layer.digest.to_hex());
        // One layer may be there twice.
        if !to.exists() {
            link_or_copy(&layer.path, &to)?;
        }
        described.push(described_as(&media_type(&to)?, &layer.digest, layer.size));
    }
    let platform = Platform::linux(std::env::consts::ARCH);
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|layer| layer.diff_id.to_string())
        .collect();
    let config = json!({
        "architecture": platform.architecture,
        "os": platform.os,
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": document(&blobs, CONFIG, &config)?,
        "layers": described,
    });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [document(&blobs, MANIFEST, &manifest)?],
    });
    fs::write(dir.join("index.json"), index.to_string())?;
    fs::write(
        dir.join("oci-layout"),
        json!({ "imageLayoutVersion": "1.0.0" }).to_string(),
    )
}

/// Writes a document under its digest, and answers its descriptor.
fn document(blobs: &Path, media_type: &str, document: &Value) -> io::Result<Value> {
    let bytes = document.to_string().into_bytes();
    let digest = Digest::of(&bytes);
    fs::write(blobs.join(digest.to_hex()), &bytes)?;
    let size = u64::try_from(bytes.len()).map_err(io::Error::other)?;
    Ok(described_as(media_type, &digest, size))
}

fn described_as(media_type: &str, digest: &Digest, size: u64) -> Value {
    json!({ "mediaType": media_type, "digest": digest.to_string(), "size": size })
}

/// What a layer is stored as: its first bytes say it, as they do where it is unpacked.
fn media_type(path: &Path) -> io::Result<String> {
    let mut first = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut first)?;
    let suffix = match *first {
        [0x1f, 0x8b, ..] => "+gzip",
        _ if longshore_image::is_compressed(&first) => "+zstd",
        _ => "",
    };
    Ok(format!("{LAYER}{suffix}"))
}

fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        // Another filesystem, one without links, or a file that has as many as it may.
        Err(_) => fs::copy(from, to).map(drop),
    }
}
