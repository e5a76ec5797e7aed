//! What a run of the image workflow is asked for, and what it has come to: stored with the run, so
//! that another process can go on with it.

use longshore_catalog::ImageId;
use longshore_image::{ChainId, DiffId, Digest};
use longshore_source::Locator;
use serde::{Deserialize, Serialize};

/// The request. Equal requests share a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageRequest {
    /// The origin, as the catalogue has it.
    pub(crate) origin: String,
    /// The image's name within the origin.
    pub(crate) name: String,
    /// Whether objects that changed since they were pinned are taken as a new generation.
    pub(crate) accept_changed: bool,
}

/// What has come of it, step by step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ImageResponse {
    /// After `resolve`: the generation.
    pub(crate) image: Option<ImageId>,
    /// After `resolve`: its layers, in order.
    pub(crate) locators: Vec<Locator>,
    /// After `load`: what each layer turned out to be.
    pub(crate) layers: Vec<LoadedLayer>,
    /// After `load`: the sealed volume.
    pub(crate) volume: Option<LoadedVolume>,
    /// How long each step took.
    pub(crate) resolve_ms: u64,
    /// As above.
    pub(crate) load_ms: u64,
    /// As above, with `admit`.
    pub(crate) scan_ms: u64,
}

/// One layer after `load`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadedLayer {
    pub(crate) key: String,
    pub(crate) digest: Digest,
    pub(crate) diff_id: DiffId,
    pub(crate) size: u64,
    /// Bytes that this run took from the origin.
    pub(crate) fetched_bytes: u64,
}

/// The volume after `load`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadedVolume {
    pub(crate) id: u64,
    pub(crate) chain: ChainId,
    pub(crate) size: u64,
    pub(crate) used: u64,
}
