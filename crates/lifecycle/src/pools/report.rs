//! [`PoolReport`]: a pool, as it is told of.

use std::path::PathBuf;

use serde::Serialize;

/// A pool, as it is told of.
#[derive(Debug, Clone, Serialize)]
pub struct PoolReport {
    /// The name of its device.
    pub name: String,
    /// `planned`, `making`, `destroying`, `down`, `working`, `read-only`, `out-of-data-space`, `needs-check`,
    /// `failed` or `unreadable`.
    pub state: &'static str,
    /// Its device.
    pub device: PathBuf,
    /// Bytes of a block.
    pub block_bytes: u64,
    /// Where its data is.
    pub data: PoolPart,
    /// Where its metadata is.
    pub metadata: PoolPart,
    /// Whether what is discarded in it is discarded below it too.
    pub discards_below: bool,
    /// What becomes of a write that has no room: `queue` or `fail`.
    pub when_full: &'static str,
    /// The transaction id that it is at, while it is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<u64>,
    /// The one that the last change leads to that was written down.
    pub recorded_transaction: u64,
}

/// One of its two parts.
#[derive(Debug, Clone, Serialize)]
pub struct PoolPart {
    /// `device`, `thick-file` or `sparse-file`.
    pub kind: &'static str,
    /// It.
    pub path: PathBuf,
    /// Its bytes, and how many are used, while the pool is up.
    #[serde(flatten)]
    pub space: PoolSpace,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PoolSpace {
    /// Bytes there are.
    pub total_bytes: u64,
    /// Bytes that are used, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
}
