//! What the programs of the benchmark tell each other: what an input is, and what was measured.

use serde::{Deserialize, Serialize};

/// An input: layers that are stored plain and gzipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Its name, which is its folder's too.
    pub input: String,
    /// What it was made of: another one is made where this is not the same.
    pub made_of: String,
    /// How many layers.
    pub layers: usize,
    /// How many entries all layers have together.
    pub entries: u64,
    /// Bytes of the layers inflated.
    pub tar_bytes: u64,
    /// Bytes of the layers gzipped.
    pub gz_bytes: u64,
    /// Bytes of the files, each rounded up to blocks of 4096.
    pub rounded_bytes: u64,
}

/// One contestant on one input in one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The input's name.
    pub input: String,
    /// `plain` or `gz`.
    pub packing: String,
    /// Whose it is.
    pub contestant: String,
    /// In which round, from 1.
    pub round: u32,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The figures.
    Measured(Figures),
    /// There are none, for this reason.
    Skipped(String),
}

/// The figures of one process and all its descendants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// From the start to the end, the sync within.
    pub seconds: f64,
    /// Of processors, in user and kernel mode; kernel threads are in nobody's account.
    pub processor_seconds: f64,
    /// The most that one of the processes had resident, in bytes.
    pub peak_bytes: u64,
    /// What went to the disk, once all of it was there, in bytes.
    pub written_bytes: u64,
    /// The machine's load of the last minute when it began.
    pub load: f64,
}
