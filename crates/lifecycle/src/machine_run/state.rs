//! What a run of the machine workflow is asked for, and what it has come to.

use longshore_catalog::ImageId;
use serde::{Deserialize, Serialize};

/// The request. Equal requests share a run; the machine's name is the run's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MachineRequest {
    /// The machine.
    pub(crate) name: String,
    /// The generation of the image it is made of.
    pub(crate) image: ImageId,
    /// The image's sealed volume.
    pub(crate) base: u64,
}

/// What has come of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MachineResponse {
    /// Where the machine's disk is opened.
    pub(crate) path: Option<String>,
    /// How long it took.
    pub(crate) activate_ms: u64,
}
