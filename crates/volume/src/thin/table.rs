//! [`PoolTable`]: what a pool is made of.

use serde::{Deserialize, Serialize};

use crate::dm::{DeviceNumber, Line, SECTOR};

/// What a pool is made of: the line of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolTable {
    /// The device with its metadata.
    pub metadata: DeviceNumber,
    /// The device with its data.
    pub data: DeviceNumber,
    /// Bytes of that, of which whole blocks are used.
    pub data_bytes: u64,
    /// Bytes of a block.
    pub block: u64,
    /// Free blocks of data below which there is an event.
    pub low_water: u64,
    /// Whether what is discarded in it is discarded below it too.
    pub pass_discard_down: bool,
    /// What becomes of a write that has no room.
    pub when_full: WhenFull,
}

/// What becomes of a write that has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// It waits for the pool to be extended, a minute if nobody has set another time.
    Queue,
    /// It fails at once.
    Fail,
}

impl PoolTable {
    /// Whether a pool with that table may have this one from now on: it is on the same devices with the same blocks,
    /// and has no less room.
    pub(super) fn follows(&self, has: &Line) -> bool {
        let line = self.line();
        let place = |line: &Line| -> Vec<String> {
            let words = line.words.split_whitespace().take(3);
            words.map(str::to_owned).collect()
        };
        has.target == line.target
            && has.start == line.start
            && has.length <= line.length
            && place(has) == place(&line)
    }

    pub(super) fn line(&self) -> Line {
        let sectors = self.data_bytes / self.block * self.block / SECTOR;
        let mut features = Vec::new();
        if !self.pass_discard_down {
            features.push("no_discard_passdown");
        }
        if self.when_full == WhenFull::Fail {
            features.push("error_if_no_space");
        }
        let Self {
            metadata,
            data,
            low_water,
            ..
        } = self;
        let block = self.block / SECTOR;
        let words = format!(
            "{metadata} {data} {block} {low_water} {} {}",
            features.len(),
            features.join(" ")
        );
        Line {
            start: 0,
            length: sectors,
            target: "thin-pool".to_owned(),
            words: words.trim_end().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_follows_a_shorter_one_of_the_same_parts() {
        let line = |length, words: &str| Line {
            start: 0,
            length,
            target: "thin-pool".to_owned(),
            words: words.to_owned(),
        };
        let table = PoolTable {
            metadata: DeviceNumber { major: 7, minor: 0 },
            data: DeviceNumber { major: 7, minor: 1 },
            data_bytes: 1 << 30,
            block: 65_536,
            low_water: 1024,
            pass_discard_down: true,
            when_full: WhenFull::Queue,
        };
        assert!(table.follows(&line(2_097_152, "7:0 7:1 128 7 1 error_if_no_space")));
        assert!(table.follows(&line(1024, "7:0 7:1 128 1024 0")));
        for other in ["7:2 7:1 128 0", "7:0 7:2 128 0", "7:0 7:1 256 0"] {
            assert!(!table.follows(&line(1024, other)), "{other}");
        }
        assert!(!table.follows(&line(2_097_153, "7:0 7:1 128 1024 0")));
    }

    #[test]
    fn a_table_is_as_the_kernel_shows_it() {
        let number = |minor| DeviceNumber { major: 7, minor };
        let mut table = PoolTable {
            metadata: number(0),
            data: number(1),
            data_bytes: (1 << 30) + 4096,
            block: 65_536,
            low_water: 1024,
            pass_discard_down: true,
            when_full: WhenFull::Queue,
        };
        let line = table.line();
        assert_eq!(line.words, "7:0 7:1 128 1024 0");
        assert_eq!(line.length, 2_097_152, "whole blocks");
        table.when_full = WhenFull::Fail;
        table.pass_discard_down = false;
        assert_eq!(
            table.line().words,
            "7:0 7:1 128 1024 2 no_discard_passdown error_if_no_space"
        );
    }
}
