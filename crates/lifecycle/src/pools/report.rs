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
    /// When it is given more room by itself, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<PoolGrowth>,
    /// Parts that it had before it was repaired or moved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<PathBuf>,
    /// What is wrong with it, or soon will be, the worst first.
    pub alarms: Vec<PoolAlarm>,
}

/// Something that is wrong with a pool, or soon will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolAlarm {
    /// `data-low`, `data-full`, `metadata-low`, `metadata-full`, `needs-check`, `read-only`, `failed`, `unreadable`,
    /// `suspended`, `part-gone`, `host-low`, `group-low`, `group-unknown` or `differs`.
    pub name: &'static str,
    /// How bad it is.
    pub level: AlarmLevel,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub hint: String,
}

/// How bad an alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmLevel {
    /// It works, and will not for ever.
    Warning,
    /// It does not, or is about not to.
    Critical,
}

impl AlarmLevel {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// When and how a pool is given more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PoolGrowth {
    /// Percent that are used when it is.
    pub at_percent: u8,
    /// Percent of what it has that it gets.
    pub by_percent: u8,
    /// Bytes of data that it has at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_bytes: Option<u64>,
}

/// What a check of a pool has found.
#[derive(Debug, Clone, Serialize)]
pub struct PoolCheck {
    /// The name of its device.
    pub name: String,
    /// `whole`: thin_check has read all of its metadata, while it was down; `snapshot`: longshore has read a snapshot
    /// of it, while it was at work.
    pub extent: &'static str,
    /// Whether nothing is wrong.
    pub clean: bool,
    /// Volumes that it has.
    pub volumes: usize,
    /// What is wrong with its metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// What the catalogue has and the pool has not.
    pub missing: Vec<String>,
    /// Ids of volumes that the catalogue does not know; of an adopted pool they are whoever's it was.
    pub unknown: Vec<u64>,
}

/// What came of a repair.
#[derive(Debug, Clone, Serialize)]
pub struct PoolRepair {
    /// The name of its device.
    pub name: String,
    /// `nothing` where its metadata was clean, `mark` where only the mark of a failed operation was taken away, `room`
    /// where it was full and was given room, `metadata` where it was written anew.
    pub done: &'static str,
    /// What was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// Its metadata from now on.
    pub metadata: PathBuf,
    /// The metadata that was damaged, as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<PathBuf>,
    /// What could not be found again.
    pub lost: Vec<String>,
}

/// What was given back.
#[derive(Debug, Clone, Serialize)]
pub struct PoolTrim {
    /// The name of its device.
    pub name: String,
    /// Bytes of data that no volume has.
    pub free_bytes: u64,
    /// Bytes that whatever the data is on has free more than before, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_back_bytes: Option<u64>,
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
    /// Its volume group, where it is a logical volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<PoolGroup>,
}

/// A volume group of LVM.
#[derive(Debug, Clone, Serialize)]
pub struct PoolGroup {
    /// It.
    pub name: String,
    /// Bytes that it has free.
    pub free_bytes: u64,
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

/// What came of taking a pool as it is for the truth.
#[derive(Debug, Clone, Serialize)]
pub struct PoolRecovery {
    /// The name of its device.
    pub name: String,
    /// Whether it was done, and not only asked what would be.
    pub done: bool,
    /// The transaction that the pool is at.
    pub transaction: u64,
    /// The one that the catalogue had, where it knew the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded_transaction: Option<u64>,
    /// Volumes of the catalogue that are there and are what they were.
    pub proven: usize,
    /// Those that are not there, or are another: forgotten, with the machines whose disks they were.
    pub lost: Vec<String>,
    /// Volumes that the catalogue does not know.
    pub unknown: Vec<PoolVolume>,
}

/// A volume in a pool that the catalogue does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolVolume {
    /// Its thin id.
    pub id: u64,
    /// Bytes that it has, those that it shares included.
    pub bytes: u64,
    /// The UUID of the ext4 filesystem on it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<String>,
    /// Bytes of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filesystem_bytes: Option<u64>,
    /// The image that is here and comes to a filesystem of that UUID: it is one of its layers, or a machine's disk, unless a
    /// guest has written that UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether it cannot be read: what is on it is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
}

/// What came of copying a volume.
#[derive(Debug, Clone, Serialize)]
pub struct PoolSaved {
    /// Its thin id.
    pub id: u64,
    /// The file.
    pub file: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of it that are not zeros, in steps of 64 KiB.
    pub written_bytes: u64,
}

/// What is on a volume of which nothing is written down, as that says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// The UUID of the ext4 filesystem on it.
    pub(crate) uuid: [u8; 16],
    /// Bytes of that.
    pub(crate) bytes: u64,
}
