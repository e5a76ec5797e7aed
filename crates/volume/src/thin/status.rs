//! What a pool and a thin device say of themselves, read by position: words occur in each other
//! (`error_if_no_space` is no error).

/// What a pool says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolState {
    /// It works, as far as its status says.
    Working(PoolStatus),
    /// `Fail`: its metadata cannot be used. It can only be taken down and repaired.
    Failed,
    /// `Error`: its status cannot be had.
    Error,
}

/// The status of a pool that works. Blocks of metadata have 4096 bytes, those of data the pool's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolStatus {
    /// The user's number of what was done to it.
    pub transaction: u64,
    /// Blocks of metadata that are used.
    pub metadata_used: u64,
    /// Blocks of metadata that there are.
    pub metadata_total: u64,
    /// Blocks of data that are used.
    pub data_used: u64,
    /// Blocks of data that there are.
    pub data_total: u64,
    /// Where the metadata snapshot is that is held, if one is.
    pub held_root: Option<u64>,
    /// What can be done with it.
    pub mode: PoolMode,
    /// Whether what machines discard is discarded below the pool too.
    pub passes_discard_down: bool,
    /// Whether a write that has no room waits for some, or fails at once.
    pub queues_if_no_space: bool,
    /// Whether a metadata operation has failed: it must be checked before it is written again.
    pub needs_check: bool,
    /// Free blocks of metadata below which there is an event; unknown to older kernels.
    pub metadata_low_water: Option<u64>,
}

/// Blocks of metadata, of so many, that changes may use: the kernel keeps the tenth part for itself, at most 16 MiB, so
/// that it can free something in a pool that is full (`__set_metadata_reserve` of dm-thin-metadata.c).
#[must_use]
pub fn usable_metadata(total: u64) -> u64 {
    total.saturating_sub((total / 10).min(4096))
}

/// What can be done with a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// `rw`.
    ReadWrite,
    /// `ro`: nothing can be changed.
    ReadOnly,
    /// `out_of_data_space`: what is written to new places waits or fails.
    OutOfDataSpace,
}

/// What a thin device says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinStatus {
    /// It works: so many sectors of it have blocks.
    Mapped(u64),
    /// `Fail` or `Error`: its pool failed.
    Failed,
}

impl PoolState {
    /// Reads the words of a `thin-pool`; `None` where they are none.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        match words.trim() {
            "Fail" => return Some(Self::Failed),
            "Error" => return Some(Self::Error),
            _ => {}
        }
        let mut words = words.split_whitespace();
        let mut next = || words.next();
        let transaction = next()?.parse().ok()?;
        let (metadata_used, metadata_total) = fraction(next()?)?;
        let (data_used, data_total) = fraction(next()?)?;
        let held_root = match next()? {
            "-" => None,
            root => Some(root.parse().ok()?),
        };
        let mode = match next()? {
            "rw" => PoolMode::ReadWrite,
            "ro" => PoolMode::ReadOnly,
            "out_of_data_space" => PoolMode::OutOfDataSpace,
            _ => return None,
        };
        let passes_discard_down = match next()? {
            "discard_passdown" => true,
            "no_discard_passdown" | "ignore_discard" => false,
            _ => return None,
        };
        let queues_if_no_space = match next()? {
            "queue_if_no_space" => true,
            "error_if_no_space" => false,
            _ => return None,
        };
        let needs_check = match next()? {
            "needs_check" => true,
            "-" => false,
            _ => return None,
        };
        let metadata_low_water = match next() {
            None => None,
            Some(blocks) => Some(blocks.parse().ok()?),
        };
        Some(Self::Working(PoolStatus {
            transaction,
            metadata_used,
            metadata_total,
            data_used,
            data_total,
            held_root,
            mode,
            passes_discard_down,
            queues_if_no_space,
            needs_check,
            metadata_low_water,
        }))
    }
}

impl ThinStatus {
    /// Reads the words of a `thin`; `None` where they are none.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        match words.split_whitespace().next()? {
            "Fail" | "Error" => Some(Self::Failed),
            mapped => Some(Self::Mapped(mapped.parse().ok()?)),
        }
    }
}

fn fraction(word: &str) -> Option<(u64, u64)> {
    let (used, total) = word.split_once('/')?;
    Some((used.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn working(words: &str) -> PoolStatus {
        match PoolState::parse(words) {
            Some(PoolState::Working(status)) => status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_word_has_its_place() {
        let status =
            working("7 141/4096 1024/16384 - rw discard_passdown queue_if_no_space - 1024 ");
        let expected = PoolStatus {
            transaction: 7,
            metadata_used: 141,
            metadata_total: 4096,
            data_used: 1024,
            data_total: 16384,
            held_root: None,
            mode: PoolMode::ReadWrite,
            passes_discard_down: true,
            queues_if_no_space: true,
            needs_check: false,
            metadata_low_water: Some(1024),
        };
        assert_eq!(status, expected);
        let status =
            working("0 1/2 3/3 99 out_of_data_space ignore_discard error_if_no_space needs_check");
        assert_eq!(status.held_root, Some(99));
        assert_eq!(status.mode, PoolMode::OutOfDataSpace);
        assert!(status.needs_check && !status.queues_if_no_space && !status.passes_discard_down);
        assert_eq!(status.metadata_low_water, None);
        assert_eq!(
            working("0 1/2 0/3 - ro no_discard_passdown error_if_no_space - 1").mode,
            PoolMode::ReadOnly
        );
    }

    #[test]
    fn a_tenth_of_metadata_is_the_kernels() {
        // Of 512 blocks the kernel refuses the next once 461 are used, as seen in the virtual machine.
        assert_eq!(usable_metadata(512), 461);
        assert_eq!(usable_metadata(100_000), 95_904);
        assert_eq!(usable_metadata(0), 0);
    }

    #[test]
    fn a_failed_pool_says_one_word() {
        assert_eq!(PoolState::parse("Fail"), Some(PoolState::Failed));
        assert_eq!(PoolState::parse("Error"), Some(PoolState::Error));
        // One that works and fails writes is none of them.
        assert!(working("0 1/2 3/4 - rw discard_passdown error_if_no_space - 1").transaction == 0);
    }

    #[test]
    fn what_is_cut_or_unknown_is_none() {
        for words in [
            "",
            "7",
            "7 141/4096 1024/16384 - rw discard_passdown queue_if_no_space",
            "7 141/4096 1024/16384 - rx discard_passdown queue_if_no_space - 1",
            "7 141 1024/16384 - rw discard_passdown queue_if_no_space - 1",
            "7 141/4096 1024/16384 - rw passdown queue_if_no_space - 1",
        ] {
            assert_eq!(PoolState::parse(words), None, "{words}");
        }
    }

    #[test]
    fn a_thin_device_says_how_much_it_has() {
        assert_eq!(
            ThinStatus::parse("2048 4095"),
            Some(ThinStatus::Mapped(2048))
        );
        assert_eq!(ThinStatus::parse("0 -"), Some(ThinStatus::Mapped(0)));
        assert_eq!(ThinStatus::parse("Fail"), Some(ThinStatus::Failed));
        assert_eq!(ThinStatus::parse(""), None);
    }
}
