//! A pool of the catalogue, and what its device says, as a report.

use longshore_catalog::PoolPhase;
use longshore_volume::{
    dm::{DeviceName, Nodes},
    thin::{
        LogicalVolume, LogicalVolumes, Part, PoolMode, PoolSpec, PoolState, PoolStatus, WhenFull,
    },
};

use super::row::Known;
use crate::{PoolAlarm, PoolGroup, PoolGrowth, PoolPart, PoolReport, PoolSpace};

/// Bytes of a block of metadata.
const METADATA_BLOCK: u64 = 4096;

impl PoolReport {
    /// One that is not made yet.
    pub(super) fn planned(name: &DeviceName, spec: &PoolSpec) -> Self {
        Self::new(name, spec, "planned", None, 0, Vec::new())
    }

    /// One that the catalogue has, what its device says, and what is wrong with it.
    pub(super) fn of(pool: &Known, device: Option<&PoolState>, alarms: Vec<PoolAlarm>) -> Self {
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
        let recorded = pool.transaction;
        Self::new(&pool.name, &pool.spec, state, status, recorded, alarms)
    }

    /// With what LVM says of its parts.
    pub(super) fn on(mut self, volumes: &LogicalVolumes) -> Self {
        self.data.group = volumes.data.as_ref().map(group);
        self.metadata.group = volumes.metadata.as_ref().map(group);
        self
    }

    fn new(
        name: &DeviceName,
        spec: &PoolSpec,
        state: &'static str,
        status: Option<&PoolStatus>,
        recorded_transaction: u64,
        alarms: Vec<PoolAlarm>,
    ) -> Self {
        let space = |blocks: Option<(u64, u64)>, block: u64, bytes: u64| PoolSpace {
            total_bytes: blocks.map_or(bytes, |(_, total)| total * block),
            used_bytes: blocks.map(|(used, _)| used * block),
        };
        let data = status.map(|status| (status.data_used, status.data_total));
        let metadata = status.map(|status| (status.metadata_used, status.metadata_total));
        Self {
            name: name.to_string(),
            state,
            device: Nodes::default().path(name),
            block_bytes: spec.block,
            data: part(&spec.data, space(data, spec.block, spec.data_bytes())),
            metadata: part(
                &spec.metadata,
                space(metadata, METADATA_BLOCK, spec.metadata.bytes()),
            ),
            discards_below: spec.pass_discard_down,
            when_full: match spec.when_full() {
                WhenFull::Queue => "queue",
                WhenFull::Fail => "fail",
            },
            growth: spec.growth.map(|growth| PoolGrowth {
                at_percent: growth.at,
                by_percent: growth.by,
                most_bytes: growth.most,
            }),
            kept: kept(spec),
            alarms,
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
        group: None,
    }
}

fn group(volume: &LogicalVolume) -> PoolGroup {
    PoolGroup {
        name: volume.group.clone(),
        free_bytes: volume.free,
    }
}

/// What it had before, as far as that is there.
fn kept(spec: &PoolSpec) -> Vec<std::path::PathBuf> {
    let paths = spec.kept.iter().map(|part| part.path().clone());
    paths.filter(|path| path.exists()).collect()
}

fn state_of(status: &PoolStatus) -> &'static str {
    match status.mode {
        _ if status.needs_check => "needs-check",
        PoolMode::ReadWrite => "working",
        PoolMode::ReadOnly => "read-only",
        PoolMode::OutOfDataSpace => "out-of-data-space",
    }
}
