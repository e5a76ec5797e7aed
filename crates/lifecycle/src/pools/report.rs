//! [`PoolReport`]: a pool, as it is told of.

use std::path::PathBuf;

use longshore_catalog::PoolPhase;
use longshore_volume::{
    dm::DeviceName,
    thin::{Part, PoolMode, PoolSpec, PoolState, PoolStatus, WhenFull},
};
use serde::Serialize;

use super::row::Known;

/// Bytes of a block of metadata.
const METADATA_BLOCK: u64 = 4096;

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

impl PoolReport {
    /// One that is not made yet.
    pub(super) fn planned(name: &DeviceName, spec: &PoolSpec) -> Self {
        Self::new(name, spec, "planned", None, 0)
    }

    /// One that the catalogue has, and what its device says.
    pub(super) fn of(pool: &Known, device: Option<&PoolState>) -> Self {
        let state = match (pool.phase, device) {
            (PoolPhase::Making, _) => "making",
            (PoolPhase::Destroying, _) => "destroying",
            (_, None) => "down",
            (_, Some(PoolState::Failed)) => "failed",
            (_, Some(PoolState::Error)) => "unreadable",
            (_, Some(PoolState::Working(status))) => state_of(status),
        };
        let status = match device {
            Some(PoolState::Working(status)) => Some(status),
            _ => None,
        };
        Self::new(&pool.name, &pool.spec, state, status, pool.transaction)
    }

    fn new(
        name: &DeviceName,
        spec: &PoolSpec,
        state: &'static str,
        status: Option<&PoolStatus>,
        recorded_transaction: u64,
    ) -> Self {
        let space = |blocks: Option<(u64, u64)>, block: u64, part: &Part| PoolSpace {
            total_bytes: blocks.map_or(part.bytes(), |(_, total)| total * block),
            used_bytes: blocks.map(|(used, _)| used * block),
        };
        let data = status.map(|status| (status.data_used, status.data_total));
        let metadata = status.map(|status| (status.metadata_used, status.metadata_total));
        Self {
            name: name.to_string(),
            state,
            device: longshore_volume::dm::Nodes::default().path(name),
            block_bytes: spec.block,
            data: part(&spec.data, space(data, spec.block, &spec.data)),
            metadata: part(
                &spec.metadata,
                space(metadata, METADATA_BLOCK, &spec.metadata),
            ),
            discards_below: spec.pass_discard_down,
            when_full: match spec.when_full {
                WhenFull::Queue => "queue",
                WhenFull::Fail => "fail",
            },
            transaction: status.map(|status| status.transaction),
            recorded_transaction,
        }
    }
}

fn part(part: &Part, space: PoolSpace) -> PoolPart {
    PoolPart {
        kind: match part {
            Part::Device { .. } => "device",
            Part::File {
                allocated: true, ..
            } => "thick-file",
            Part::File { .. } => "sparse-file",
        },
        path: part.path().clone(),
        space,
    }
}

fn state_of(status: &PoolStatus) -> &'static str {
    match status.mode {
        _ if status.needs_check => "needs-check",
        PoolMode::ReadWrite => "working",
        PoolMode::ReadOnly => "read-only",
        PoolMode::OutOfDataSpace => "out-of-data-space",
    }
}
