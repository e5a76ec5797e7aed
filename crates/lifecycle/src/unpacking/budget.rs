//! How much of the host a child may use that unpacks: all that its image may ask for, and not much more.

use std::time::Duration;

use longshore_cage::Limits as CageLimits;
use longshore_image::Limits;

const MIB: u64 = 1 << 20;

/// Bytes of an answer (64 MiB): three lists of a thousand names of 4 KiB, each byte of which may be written
/// as five.
pub(super) const ANSWER_BYTES: u32 = 64 << 20;

/// What unpacking may use of layers with `stored` bytes together, into a volume of `size` bytes.
///
/// Time by the clock is not limited: bytes come as fast as an origin gives them. A child that does nothing
/// with those that are there is ended by [`Stall`](super::stall::Stall).
pub(crate) fn budget(limits: &Limits, stored: u64, size: u64, ahead: u64) -> CageLimits {
    CageLimits {
        memory_bytes: memory(limits, ahead),
        cpu_seconds: seconds(limits, stored),
        wall: Duration::MAX,
        // The volume, and a pipe for each layer that is inflated ahead.
        descriptors: 16,
        file_bytes: size,
        answer_bytes: ANSWER_BYTES,
    }
}

/// Bytes of address space: 512 an entry, of which the goal is 350; the window of each zstd
/// stream that is open; what is inflated ahead; and 1 GiB for the program (with debug information 200 MB)
/// and for what the C library sets aside for its threads and does not touch (64 MiB each).
fn memory(limits: &Limits, ahead: u64) -> u64 {
    const STREAMS: u64 = 5;
    let window = 1_u64
        .checked_shl(limits.zstd_window_log)
        .unwrap_or(u64::MAX);
    (1024 * MIB)
        .saturating_add(ahead)
        .saturating_add(limits.entries.saturating_mul(512))
        .saturating_add(window.saturating_mul(STREAMS))
}

/// Seconds on a processor: five minutes, and one for every 4 MiB that the layers may inflate to. A gigabyte
/// takes 7 s where it was measured, and many times that without optimisation.
fn seconds(limits: &Limits, stored: u64) -> u64 {
    let most = stored
        .saturating_mul(limits.ratio.get())
        .max(limits.ratio_from_bytes)
        .min(limits.stream_bytes);
    300 + most / (4 * MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_image_may_use_more_and_none_without_end() {
        let limits = Limits::default();
        let small = budget(&limits, 1 << 20, 1 << 30, 8 << 20);
        let large = budget(&limits, 1 << 30, 1 << 30, 8 << 20);
        assert!(small.cpu_seconds < large.cpu_seconds);
        assert_eq!(large, budget(&limits, u64::MAX, 1 << 30, 8 << 20));
        assert_eq!(small.file_bytes, 1 << 30);
    }

    #[test]
    fn limits_that_cannot_be_had_are_the_most_there_is() {
        let limits = Limits {
            entries: u64::MAX,
            stream_bytes: u64::MAX,
            zstd_window_log: 64,
            ..Limits::default()
        };
        let most = budget(&limits, u64::MAX, u64::MAX, u64::MAX);
        assert_eq!(most.memory_bytes, u64::MAX);
    }
}
