//! What a host is told before it works: values only, already parsed; where they came from is the
//! command line's business.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use longshore_image::Limits;
use longshore_source::SourceConfig;

use crate::Scanning;

/// Everything a [`Host`](crate::Host) needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything that is kept is kept.
    pub state_dir: PathBuf,
    /// Where images come from.
    pub source: SourceConfig,
    /// What volumes are made of.
    pub backend: BackendChoice,
    /// How many bytes the disks of all machines may have for each that the pool has; without it, any number.
    pub pool_overcommit: Option<u64>,
    /// What a hostile image is held to.
    pub limits: Limits,
    /// Bytes that layers may take in memory that are inflated before their turn, of all images together.
    pub inflate_ahead: u64,
    /// Virtual size of a volume in bytes, a multiple of 4096. Part of a volume's identity.
    pub volume_size: u64,
    /// How often a step is tried again after a failure that may pass.
    pub max_retries: u32,
    /// So many images are brought here at a time; further ones wait their turn.
    pub images_at_once: NonZeroUsize,
    /// How images are looked into, and what is let through.
    pub scanning: Scanning,
    /// Never ask the origin for anything.
    pub offline: bool,
    /// How long to wait for another engine on the same state directory; 0 is not at all.
    pub wait: Duration,
    /// What to tell others who wait for this engine that it is doing.
    pub purpose: String,
}

/// 32 GiB: big enough that a machine rarely needs a longer device, and sparse, so that it costs
/// what is in it.
pub const DEFAULT_VOLUME_SIZE: u64 = 32 << 30;

/// 8 MiB: a layer is inflated while the one below it is written, and a pause of either is bridged. More
/// was no faster.
pub const DEFAULT_INFLATE_AHEAD: u64 = 8 << 20;

/// 4: each unpacks on a thread and fetches over several connections, and more of them would only
/// share the disk and the line.
pub const DEFAULT_IMAGES_AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).expect("4 is not 0");

/// What volumes are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackendChoice {
    /// The best that this host has.
    #[default]
    Auto,
    /// Disk image files in the state directory.
    File,
    /// Thin devices of the pool of the state directory.
    Thin,
    /// Nothing but memory: for trying things out, gone when the process ends.
    Simulated,
}
