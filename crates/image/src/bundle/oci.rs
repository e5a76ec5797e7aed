//! An OCI image layout: from `index.json`, over nested indexes, to one manifest and its layers.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::{Stated, malformed, parse, shown, stated};
use super::list::{List, MOST};
use super::platform::{Candidate, choose};
use super::{BundleError, BundleLayer, PartName, Parts, Platform, config};

/// Indexes within indexes, and how many are read of them: tools nest one in `index.json`.
const DEEPEST: usize = 4;
const MOST_INDEXES: usize = 32;

const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFESTS: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
const CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];
/// What layers are called, each with or without a suffix for its compression.
const LAYERS: [&str; 4] = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
];
const COMPRESSIONS: [&str; 5] = ["", "+gzip", ".gzip", "+zstd", ".zstd"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layout {
    image_layout_version: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    manifests: List<Descriptor>,
    /// Of a manifest: what is both means one thing to some and another to others (CVE-2021-41190).
    #[serde(default)]
    layers: Option<IgnoredAny>,
    #[serde(default)]
    config: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    config: Descriptor,
    layers: List<Descriptor>,
    /// Of an index.
    #[serde(default)]
    manifests: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    platform: Option<Platform>,
    #[serde(default)]
    annotations: Option<Annotations>,
}

#[derive(Debug, Deserialize)]
struct Annotations {
    /// BuildKit marks with it what stands beside an image and is none.
    #[serde(rename = "vnd.docker.reference.type", default)]
    reference_type: Option<String>,
}

impl Descriptor {
    fn stated(&self, of: &PartName) -> Result<Stated, BundleError> {
        let digest = self.digest.parse().map_err(|error| {
            let digest = shown(&self.digest);
            malformed(of, format!("it names {digest}, and {error}"))
        })?;
        let size = self.size;
        Ok(Stated { digest, size })
    }

    fn is_attestation(&self) -> bool {
        let annotations = self.annotations.as_ref();
        annotations.is_some_and(|it| it.reference_type.as_deref() == Some("attestation-manifest"))
    }
}

/// The layers of the image for a platform.
pub(super) fn layers(
    parts: &dyn Parts,
    layout: &[u8],
    index: &[u8],
    wanted: &Platform,
) -> Result<Vec<BundleLayer>, BundleError> {
    let version = parse::<Layout>(&PartName::Layout, layout)?.image_layout_version;
    if !version.starts_with("1.") {
        let why = format!("its version is {}, and 1.0.0 is known", shown(&version));
        return Err(malformed(&PartName::Layout, why));
    }
    let chosen = choose(candidates(parts, index)?, wanted)?;
    manifest_layers(parts, chosen.manifest)
}

/// The manifests that the index and those in it name.
fn candidates(parts: &dyn Parts, index: &[u8]) -> Result<Vec<Candidate>, BundleError> {
    let mut candidates = Vec::new();
    let mut seen = HashSet::new();
    // What is still to be looked into, and how deep it stands: read in its turn, one in memory at a time.
    let mut left: Vec<(Option<Stated>, usize)> = vec![(None, 0)];
    while let Some((nested, depth)) = left.pop() {
        let (part, index): (_, Index) = match nested {
            None => (PartName::Index, parse(&PartName::Index, index)?),
            Some(nested) => {
                let part = PartName::Blob(nested.digest);
                let index = parse(&part, &stated(parts, nested)?)?;
                (part, index)
            }
        };
        let is_both = index.layers.is_some() || index.config.is_some();
        expect_version(&part, index.schema_version, is_both)?;
        expect_type(&part, index.media_type.as_deref(), &INDEXES)?;
        for descriptor in index.manifests.0 {
            let kind = descriptor.media_type.as_str();
            if INDEXES.contains(&kind) {
                let nested = descriptor.stated(&part)?;
                if !seen.insert(nested.digest) {
                    continue;
                }
                let too_many = |what, limit| Err(BundleError::TooMany { what, limit });
                if depth == DEEPEST {
                    return too_many("indexes within each other", DEEPEST);
                }
                if seen.len() > MOST_INDEXES {
                    return too_many("indexes", MOST_INDEXES);
                }
                left.push((Some(nested), depth + 1));
            } else if MANIFESTS.contains(&kind) && !descriptor.is_attestation() {
                if candidates.len() == MOST {
                    let (what, limit) = ("manifests", MOST);
                    return Err(BundleError::TooMany { what, limit });
                }
                candidates.push(Candidate {
                    manifest: descriptor.stated(&part)?,
                    platform: descriptor.platform,
                });
            }
        }
    }
    Ok(candidates)
}

fn manifest_layers(parts: &dyn Parts, of: Stated) -> Result<Vec<BundleLayer>, BundleError> {
    let part = PartName::Blob(of.digest);
    let manifest: Manifest = parse(&part, &stated(parts, of)?)?;
    expect_version(&part, manifest.schema_version, manifest.manifests.is_some())?;
    expect_type(&part, manifest.media_type.as_deref(), &MANIFESTS)?;
    if !CONFIGS.contains(&manifest.config.media_type.as_str()) {
        let what = shown(&manifest.config.media_type);
        return Err(malformed(&part, format!("it is no image but {what}")));
    }
    let List(layers) = manifest.layers;
    let config = manifest.config.stated(&part)?;
    let json = stated(parts, config)?;
    let diff_ids = config::diff_ids(&PartName::Blob(config.digest), &json, layers.len())?;
    let layer = |(layer, diff_id): (Descriptor, _)| {
        if !is_layer(&layer.media_type) {
            let what = shown(&layer.media_type);
            return Err(malformed(&part, format!("a layer of it is {what}")));
        }
        let Stated { digest, size } = layer.stated(&part)?;
        Ok(BundleLayer {
            part: PartName::Blob(digest),
            digest: Some(digest),
            size: Some(size),
            diff_id,
            media_type: Some(layer.media_type),
        })
    };
    layers.into_iter().zip(diff_ids).map(layer).collect()
}

fn is_layer(media_type: &str) -> bool {
    LAYERS
        .iter()
        .filter_map(|layer| media_type.strip_prefix(layer))
        .any(|compression| COMPRESSIONS.contains(&compression))
}

fn expect_version(part: &PartName, version: u64, is_both: bool) -> Result<(), BundleError> {
    if version != 2 {
        let why = format!("its schema version is {version}, and 2 is known");
        return Err(malformed(part, why));
    }
    if is_both {
        return Err(malformed(part, "it is an index and a manifest at once"));
    }
    Ok(())
}

/// What a document says that it is, where it does.
fn expect_type(part: &PartName, found: Option<&str>, known: &[&str]) -> Result<(), BundleError> {
    match found {
        Some(found) if !known.contains(&found) => {
            let why = format!("it says that it is {}", shown(found));
            Err(malformed(part, why))
        }
        _ => Ok(()),
    }
}
