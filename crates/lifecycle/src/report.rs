//! What the facade answers: plain rows that serialise as the command line's JSON contract.

use serde::Serialize;

use crate::{Failure, HistoryRow, ScanOutcome, ScanSummary, Status};

/// The result of `fetch-and-create` for one image.
#[derive(Debug, Clone, Serialize)]
pub struct ImageReport {
    /// The image's name.
    pub image: String,
    /// Where it stands now.
    pub status: Status,
    /// The chain of its layers, as the OCI image specification has it.
    pub chain_id: String,
    /// Its layers, in their order.
    pub layers: Vec<LayerReport>,
    /// The sealed volume of its top layer.
    pub volume: VolumeReport,
    /// What was found in it, and what of it stands against it; nothing where nothing has looked.
    pub scan: Option<ScanOutcome>,
    /// Whether a machine may be made of it: nothing stands against it, or somebody takes that upon
    /// themselves.
    pub admitted: bool,
    /// The machine that was made of it, or was there already.
    pub machine: Option<MachineReport>,
    /// The run that brought it here.
    pub run: u64,
    /// How long each part took.
    pub timings: Timings,
}

/// One layer of an image.
#[derive(Debug, Clone, Serialize)]
pub struct LayerReport {
    /// The object's key.
    pub key: String,
    /// SHA-256 of the stored bytes.
    pub digest: String,
    /// SHA-256 of the uncompressed archive.
    pub diff_id: String,
    /// Length of the stored bytes.
    pub size: u64,
    /// Bytes of it that this run took from the origin.
    pub fetched_bytes: u64,
    /// Whether this run needed nothing of it from the origin.
    pub reused: bool,
}

/// A volume.
#[derive(Debug, Clone, Serialize)]
pub struct VolumeReport {
    /// Its id.
    pub id: u64,
    /// Where its bytes are, where that is a path.
    pub path: Option<String>,
    /// Virtual size in bytes.
    pub size: u64,
    /// Bytes of it that hold something, those that it shares with others included.
    pub used: u64,
}

/// A machine.
#[derive(Debug, Clone, Serialize)]
pub struct MachineReport {
    /// Its name.
    pub name: String,
    /// Where a virtual machine monitor opens its disk; nowhere while it is not active.
    pub path: Option<String>,
}

/// How long each part took, in milliseconds; a part that had nothing to do took 0.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Timings {
    /// Listing the family and finding what is here.
    pub resolve_ms: u64,
    /// Fetching and unpacking.
    pub load_ms: u64,
    /// Looking into it.
    pub scan_ms: u64,
    /// Making the machine's disk.
    pub activate_ms: u64,
    /// All of it, as the user waited.
    pub total_ms: u64,
}

/// One row of `list`.
#[derive(Debug, Clone, Serialize)]
pub struct ImageSummary {
    /// The image's name.
    pub image: String,
    /// Where it came from.
    pub origin: String,
    /// 1 for what was seen first; one more for every change that was accepted.
    pub generation: u64,
    /// Where it stands.
    pub status: Status,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// How many layers it has.
    pub layers: u64,
    /// Length of its layers as they are stored.
    pub size: u64,
    /// The chain of its layers, once unpacked.
    pub chain_id: Option<String>,
    /// The sealed volume of its top layer, once unpacked.
    pub volume: Option<VolumeReport>,
    /// What was found in it, in short.
    pub scan: Option<ScanSummary>,
    /// The machines made of it, by name.
    pub machines: Vec<MachineSummary>,
    /// When this generation was first seen, in milliseconds since 1970.
    pub created_at: i64,
}

/// A machine, as `list` and `show` have it.
#[derive(Debug, Clone, Serialize)]
pub struct MachineSummary {
    /// Its name.
    pub name: String,
    /// `reserved`, `created`, `active` or `deleting`.
    pub state: String,
    /// Where a virtual machine monitor opens its disk; nowhere while it is not active.
    pub path: Option<String>,
    /// The volume that is its disk.
    pub volume: u64,
    /// Whose it is, where somebody said so.
    pub owner: Option<String>,
    /// From when on it is not needed any more, in milliseconds since 1970.
    pub expires_at: Option<i64>,
}

/// What `show` knows of an image.
#[derive(Debug, Clone, Serialize)]
pub struct ImageDetail {
    /// What `list` says of it.
    #[serde(flatten)]
    pub summary: ImageSummary,
    /// Its layers in their order, with the pin of each key and what unpacking counted.
    pub layer_details: Vec<LayerDetail>,
    /// The volumes of its chain, base first.
    pub volumes: Vec<VolumeDetail>,
    /// What the decision to admit rests on.
    pub decision: Option<serde_json::Value>,
    /// What is waived in it, also what has ended.
    pub waivers: Vec<WaiverReport>,
    /// The machines that were made although something stood against it.
    pub allowances: Vec<AllowanceReport>,
    /// The last run's events, oldest first.
    pub history: Vec<HistoryRow>,
}

/// A waiver, as `show` has it.
#[derive(Debug, Clone, Serialize)]
pub struct WaiverReport {
    /// What the vulnerability is called.
    pub id: String,
    /// From when on it is worth nothing, in milliseconds since 1970.
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// A machine that was let through, as `show` has it.
#[derive(Debug, Clone, Serialize)]
pub struct AllowanceReport {
    /// The machine.
    pub machine: String,
    /// `vulnerable` or `unproven`.
    pub verdict: String,
    /// Who let it through.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

/// A layer, as `show` has it.
#[derive(Debug, Clone, Serialize)]
pub struct LayerDetail {
    /// The object's key.
    pub key: String,
    /// Length of the stored bytes.
    pub size: u64,
    /// The entity tag it was listed with.
    pub etag: Option<String>,
    /// SHA-256 of the stored bytes, once proven.
    pub digest: Option<String>,
    /// SHA-256 of the uncompressed archive, once unpacked.
    pub diff_id: Option<String>,
    /// What the key is pinned to.
    pub pin: Option<PinReport>,
    /// What unpacking counted and normalised.
    pub counters: Option<serde_json::Value>,
}

/// What a key is held to.
#[derive(Debug, Clone, Serialize)]
pub struct PinReport {
    /// The first digest seen for it.
    pub digest: String,
    /// The entity tag it had then.
    pub etag: Option<String>,
    /// When that was, in milliseconds since 1970.
    pub pinned_at: i64,
}

/// A volume, as `show` has it.
#[derive(Debug, Clone, Serialize)]
pub struct VolumeDetail {
    /// Id, path, size and use.
    #[serde(flatten)]
    pub volume: VolumeReport,
    /// `reserved`, `created`, `sealed` or `deleting`.
    pub state: String,
    /// The volume it was extended from.
    pub parent: Option<u64>,
    /// The chain it holds, once sealed.
    pub chain_id: Option<String>,
}

/// One image that an origin offers, as `list --remote` has it.
#[derive(Debug, Clone, Serialize)]
pub struct RemoteImage {
    /// The family's name.
    pub image: String,
    /// How many layers it has.
    pub layers: u64,
    /// Length of its layers as they are stored.
    pub size: u64,
    /// Where it stands here, if it is known here.
    pub status: Option<Status>,
    /// Why it cannot be fetched (a gap, two objects for one number).
    pub problem: Option<String>,
}

/// What `remove` took away.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Removed {
    /// Machines, by name.
    pub machines: Vec<String>,
    /// Images, by name.
    pub images: Vec<String>,
    /// Volumes, by id.
    pub volumes: Vec<u64>,
    /// Blobs, by digest.
    pub blobs: Vec<String>,
    /// Bytes that the host has back, as far as it tells.
    pub freed_bytes: u64,
}
