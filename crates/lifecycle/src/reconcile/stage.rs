//! [`Stage`]: what is compared at a time.

/// What is compared at a time: each rests on what those before it have put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    // Before anything is removed by a catalogue that may not be that of these volumes.
    Ids,
    Machines,
    // A volume that a path leads to belongs to a machine, and would not be removed.
    Paths,
    Unfinished,
    Volumes,
    Strays,
    Given,
    Blobs,
    Receipts,
    Partials,
}

impl Stage {
    pub(super) const ALL: [Self; 10] = [
        Self::Ids,
        Self::Machines,
        Self::Paths,
        Self::Unfinished,
        Self::Volumes,
        Self::Strays,
        Self::Given,
        Self::Blobs,
        Self::Receipts,
        Self::Partials,
    ];
}
