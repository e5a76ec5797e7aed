//! [`PoolSpec`]: what a pool is made of, as it is written down to be brought up again after a reboot.

use std::{fs::File, io::Read, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    sizes::{BadBlock, checked_block, metadata_bytes},
    table::{PoolTable, WhenFull},
};
use crate::dm::DeviceNumber;

/// One free block of data in so many, below which there is an event.
const LOW_WATER_SHARE: u64 = 10;

/// Bytes at the end of the data device that no pool of ours uses: a guest that wrote there could put a label of a
/// RAID or a partition table where others look for one.
pub(super) const TAIL: u64 = 1 << 20;

/// What a pool is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSpec {
    /// Where its metadata is.
    pub metadata: Part,
    /// Where its data is.
    pub data: Part,
    /// Bytes of a block.
    pub block: u64,
    /// Free blocks of data below which there is an event.
    pub low_water: u64,
    /// Whether what is discarded in it is discarded below it too.
    pub pass_discard_down: bool,
    /// What becomes of a write that has no room.
    pub when_full: WhenFull,
    /// Whether somebody else has made it: what is in it may be theirs.
    pub adopted: bool,
    /// What its uuid has behind its name: two state directories may call their pools the same.
    pub token: String,
    /// Whether it is given more room by itself. One that is lets writes wait for it.
    #[serde(default)]
    pub growth: Option<Growth>,
    /// Parts that it had before it was repaired or moved: nobody's but whoever wants to look at them.
    #[serde(default)]
    pub kept: Vec<Part>,
    /// Parts that it is about to have instead: what is on them was written by whoever was cut off.
    #[serde(default)]
    pub begun: Vec<Part>,
}

/// When and how a pool is given more room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// Percent that are used when it is.
    pub at: u8,
    /// Percent of what it has that it gets.
    pub by: u8,
    /// Bytes of data that it has at most.
    pub most: Option<u64>,
}

/// One of its two parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A block device of the host.
    Device {
        /// Its node.
        path: PathBuf,
        /// Its bytes, when it was looked at first.
        bytes: u64,
        /// What its driver calls it, where that says so: the same node may be another device after a reboot.
        identity: Option<String>,
    },
    /// A file, on a loop device.
    File {
        /// It.
        path: PathBuf,
        /// Its bytes.
        bytes: u64,
        /// Whether it has all of them from the beginning.
        allocated: bool,
    },
}

impl Part {
    /// Its device's node, or the file.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        match self {
            Self::Device { path, .. } | Self::File { path, .. } => path,
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Device { bytes, .. } | Self::File { bytes, .. } => *bytes,
        }
    }
}

impl PoolSpec {
    /// A pool on two devices. What its machines discard is discarded below it.
    ///
    /// # Errors
    /// [`BadBlock`].
    pub fn on_devices(metadata: Part, data: Part, block: u64) -> Result<Self, BadBlock> {
        Ok(Self {
            low_water: low_water(data.bytes(), checked_block(block)?),
            metadata,
            data,
            block,
            pass_discard_down: true,
            when_full: WhenFull::Fail,
            adopted: false,
            token: token(),
            growth: None,
            kept: Vec::new(),
            begun: Vec::new(),
        })
    }

    /// A pool on two files of a directory that are called after it. One that is *thick* has its room from the
    /// beginning and keeps it; a *sparse* one takes it as it is used, and gives it back.
    ///
    /// # Errors
    /// [`BadBlock`].
    pub fn on_files(
        dir: PathBuf,
        name: &str,
        bytes: u64,
        thick: bool,
        block: u64,
    ) -> Result<Self, BadBlock> {
        let file = |kind: &str, bytes| Part::File {
            path: dir.join(format!("{name}.{kind}")),
            bytes,
            allocated: thick,
        };
        let bytes = bytes / checked_block(block)? * block;
        Ok(Self {
            low_water: low_water(bytes, block),
            metadata: file("meta", metadata_bytes(bytes, block)),
            data: file("data", bytes.saturating_add(TAIL)),
            block,
            pass_discard_down: !thick,
            when_full: WhenFull::Fail,
            adopted: false,
            token: token(),
            growth: None,
            kept: Vec::new(),
            begun: Vec::new(),
        })
    }

    /// Whether it is the same pool but for what was drawn when it was begun.
    #[must_use]
    pub fn is_made_as(&self, other: &Self) -> bool {
        let token = self.token.clone();
        *self
            == Self {
                token,
                ..other.clone()
            }
    }

    /// Bytes of data that it has: what somebody else has made is as they made it.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        match self.adopted {
            true => self.data.bytes(),
            false => self.without_tail(self.data.bytes()),
        }
    }

    /// Bytes of data that it has of a device of so many, unless somebody else has made it.
    #[must_use]
    pub fn without_tail(&self, device: u64) -> u64 {
        device.saturating_sub(TAIL) / self.block * self.block
    }

    /// Bytes that a device has at least for so many of data, in whole blocks.
    #[must_use]
    pub fn with_tail(&self, data: u64) -> u64 {
        (data / self.block * self.block).saturating_add(TAIL)
    }

    /// Whether its data is a file.
    #[must_use]
    pub fn data_is_file(&self) -> bool {
        matches!(self.data, Part::File { .. })
    }

    /// Whether its metadata is a file.
    #[must_use]
    pub fn metadata_is_file(&self) -> bool {
        matches!(self.metadata, Part::File { .. })
    }

    /// Whether what nobody uses any more is to go back to where the data is: to a file that takes room as it is used.
    #[must_use]
    pub fn gives_back(&self) -> bool {
        matches!(
            self.data,
            Part::File {
                allocated: false,
                ..
            }
        ) && self.pass_discard_down
    }

    /// What becomes of a write that has no room: it waits as long as there may be more.
    #[must_use]
    pub fn when_full(&self) -> WhenFull {
        let next = self.data_bytes().saturating_add(self.block);
        let may_grow = |growth: &Growth| growth.most.is_none_or(|most| most >= next);
        match self.growth.as_ref().is_some_and(may_grow) {
            true => WhenFull::Queue,
            false => self.when_full,
        }
    }

    /// Its table, with its parts on these devices.
    #[must_use]
    pub fn table(&self, metadata: DeviceNumber, data: DeviceNumber) -> PoolTable {
        PoolTable {
            metadata,
            data,
            data_bytes: self.data_bytes(),
            block: self.block,
            low_water: self.low_water,
            pass_discard_down: self.pass_discard_down,
            when_full: self.when_full(),
        }
    }
}

/// Sixteen letters that no other pool has; nothing where the system draws none, which is only less telling.
fn token() -> String {
    let mut bytes = [0; 8];
    let drawn = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    match drawn {
        Ok(()) => format!("{:016x}", u64::from_ne_bytes(bytes)),
        Err(_) => "0".to_owned(),
    }
}

/// Free blocks below which there is an event.
pub(super) fn low_water(bytes: u64, block: u64) -> u64 {
    bytes / block.max(1) / LOW_WATER_SHARE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_on_files_has_whole_blocks_and_metadata_by_the_formula() {
        let spec = |bytes, thick| {
            PoolSpec::on_files("/pools".into(), "web", bytes, thick, 64 << 10).unwrap()
        };
        let thick = spec((10 << 30) + 4096, true);
        assert_eq!(thick.data.bytes(), (10 << 30) + TAIL);
        assert_eq!(thick.data_bytes(), 10 << 30);
        assert_eq!(thick.data.path(), &PathBuf::from("/pools/web.data"));
        assert_eq!(thick.metadata.bytes(), 48 * 163_840);
        assert_eq!(thick.low_water, 16_384);
        assert!(!thick.pass_discard_down);
        assert!(spec(1 << 30, false).pass_discard_down);
        let bad = PoolSpec::on_files("/pools".into(), "web", 1 << 30, true, 4096);
        assert_eq!(bad.unwrap_err(), BadBlock(4096));
    }

    #[test]
    fn writes_wait_as_long_as_there_may_be_more_room() {
        let spec = PoolSpec::on_files("/pools".into(), "web", 1 << 20, true, 64 << 10).unwrap();
        let growing = |most| PoolSpec {
            growth: Some(Growth {
                at: 80,
                by: 20,
                most,
            }),
            ..spec.clone()
        };
        assert_eq!(spec.when_full(), WhenFull::Fail);
        assert_eq!(growing(None).when_full(), WhenFull::Queue);
        let next = (1 << 20) + (64 << 10);
        assert_eq!(growing(Some(next)).when_full(), WhenFull::Queue);
        assert_eq!(growing(Some(next - 1)).when_full(), WhenFull::Fail);
    }
}
