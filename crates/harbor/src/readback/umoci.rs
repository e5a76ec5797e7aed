//! Layers unpacked by umoci, an independent reader of the OCI image format.
//!
//! umoci writes to the host's filesystem as root, so it runs on layers of our own making only.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use super::tool::{self, Unreadable};
use super::walk;
use crate::manifest::Manifest;

/// Unpacks these layers (plain or gzipped) with `umoci unpack` and walks the result. Needs root and
/// the Debian package `umoci`.
///
/// What is umoci's own and has to be looked past when comparing: a directory that no entry
/// describes gets the time of unpacking, and so does the one in which it is made.
pub fn umoci<P: AsRef<Path>>(layers: &[P]) -> Result<Manifest, Unreadable> {
    let folder = tempfile::Builder::new()
        .prefix("harbor-umoci-")
        .tempdir()
        .map_err(Unreadable::io("make a folder for", Path::new("umoci")))?;
    let image = folder.path().join("image");
    layout(&image, layers)?;
    let bundle = folder.path().join("bundle");
    let mut name = image.into_os_string();
    name.push(":latest");
    tool::run(
        Command::new("umoci")
            .args(["unpack", "--image"])
            .arg(name)
            .arg(&bundle),
    )?;
    walk::directory(&bundle.join("rootfs"))
}

/// Writes an OCI image layout (image-spec, "Image Layout Specification").
fn layout<P: AsRef<Path>>(image: &Path, layers: &[P]) -> Result<(), Unreadable> {
    let blobs = image.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(Unreadable::io("make", &blobs))?;
    let mut descriptors = Vec::new();
    let mut diff_ids = Vec::new();
    for layer in layers {
        let layer = layer.as_ref();
        let (descriptor, diff_id) = blob(&blobs, layer).map_err(Unreadable::io("copy", layer))?;
        descriptors.push(descriptor);
        diff_ids.push(diff_id);
    }
    let config = json!({
        "architecture": "arm64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = document(&blobs, "application/vnd.oci.image.config.v1+json", &config)?;
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": descriptors,
    });
    let mut manifest = document(&blobs, manifest_type, &manifest)?;
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    write(
        &image.join("index.json"),
        &json!({ "schemaVersion": 2, "manifests": [manifest] }),
    )?;
    write(
        &image.join("oci-layout"),
        &json!({ "imageLayoutVersion": "1.0.0" }),
    )
}

/// Stores a layer; its descriptor and its diff id.
fn blob(blobs: &Path, layer: &Path) -> io::Result<(Value, String)> {
    let (size, digest) = walk::hash(&mut File::open(layer)?)?;
    let mut magic = [0; 2];
    let gzipped = File::open(layer)?.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let (kind, diff_id) = if gzipped {
        (
            "tar+gzip",
            walk::hash(&mut MultiGzDecoder::new(File::open(layer)?))?.1,
        )
    } else {
        ("tar", digest)
    };
    let stored = blobs.join(hex(&digest));
    if !stored.exists() {
        fs::copy(layer, stored)?;
    }
    let media_type = format!("application/vnd.oci.image.layer.v1.{kind}");
    let descriptor = json!({
        "mediaType": media_type, "digest": format!("sha256:{}", hex(&digest)), "size": size,
    });
    Ok((descriptor, format!("sha256:{}", hex(&diff_id))))
}

fn document(blobs: &Path, media_type: &str, value: &Value) -> Result<Value, Unreadable> {
    let bytes = value.to_string();
    let (size, digest) =
        walk::hash(&mut bytes.as_bytes()).map_err(Unreadable::io("hash", blobs))?;
    write(&blobs.join(hex(&digest)), value)?;
    let digest = format!("sha256:{}", hex(&digest));
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": size }))
}

fn write(path: &Path, value: &Value) -> Result<(), Unreadable> {
    fs::write(path, value.to_string()).map_err(Unreadable::io("write", path))
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
