//! What a run of the machine workflow is asked for, and what it has come to.

use longshore_catalog::{ImageId, MachineRow};
use serde::{Deserialize, Serialize};

use crate::scanning::Allowed;

/// The request. Equal requests share a run; the machine's name is the run's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MachineRequest {
    /// The machine.
    pub(crate) name: String,
    /// The generation of the image it is made of.
    pub(crate) image: ImageId,
    /// The image's sealed volume.
    pub(crate) base: u64,
    /// Bytes of its disk, where that is to be larger than the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Seconds after which it is not needed any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<u64>,
    /// What somebody takes upon themselves, where something stands against the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allowed: Option<Allowed>,
}

impl MachineRequest {
    /// Of a machine that is there, as it is there.
    pub(crate) fn again(machine: &MachineRow, allowed: Option<Allowed>) -> Self {
        Self {
            name: machine.name.clone(),
            image: machine.image,
            base: machine.base.0,
            size: None,
            owner: None,
            ttl: None,
            allowed,
        }
    }
}

/// What has come of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MachineResponse {
    /// Where the machine's disk is opened.
    pub(crate) path: Option<String>,
    /// How long it took.
    pub(crate) activate_ms: u64,
}
