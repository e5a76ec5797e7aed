//! Times as an inode has them: 34 bits of seconds and 30 of nanoseconds, in two words.
//!
//! Source: Documentation/filesystems/ext4/inodes.rst, "Inode Timestamps".

use super::bytes::low32;
use crate::metadata::Timestamp;

/// The low 32 bits of the seconds; two more above the 30 of the nanoseconds.
/// The low bits are signed, so the two count from -2^31 on.
pub(super) fn encode(time: Timestamp) -> (u32, u32) {
    let secs = time.secs().cast_unsigned();
    let low = low32(secs);
    let epoch = (time.secs() - i64::from(low.cast_signed())) >> 32;
    let extra = low32(epoch.cast_unsigned()) & 3 | time.nanos() << 2;
    (low, extra)
}

/// The time in these words, if it is one.
pub(crate) fn decode(low: u32, extra: u32) -> Option<Timestamp> {
    let secs = i64::from(low.cast_signed()) + (i64::from(extra & 3) << 32);
    Timestamp::new(secs, extra >> 2).ok()
}
