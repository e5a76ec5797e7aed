//! Rows as tests make them up.

use longshore_catalog::{VolumeId, VolumeKind, VolumeRow, VolumeState};

/// A volume of 4 KiB.
pub(crate) fn volume(id: u64, kind: VolumeKind, state: VolumeState) -> VolumeRow {
    VolumeRow {
        id: VolumeId(id),
        kind,
        state,
        parent: None,
        size: 4096,
        chain: None,
        used: None,
        totals: None,
        path: None,
        run: None,
    }
}
