//! How large the parts of a pool are.

use std::ops::RangeInclusive;

use thiserror::Error;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Bytes that a block of a pool may have, in steps of 64 KiB; it never changes. Small ones make snapshots that
/// are written to cheap, large ones make less metadata.
pub const BLOCK_BYTES: RangeInclusive<u64> = 64 * KIB..=GIB;

/// No block of a pool has this size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a pool cannot have blocks of {0} bytes: they are multiples of 64 KiB up to 1 GiB")]
pub struct BadBlock(pub u64);

/// `bytes`, if a pool can have blocks of that size.
///
/// # Errors
/// [`BadBlock`].
pub fn checked_block(bytes: u64) -> Result<u64, BadBlock> {
    match BLOCK_BYTES.contains(&bytes) && bytes.is_multiple_of(64 * KIB) {
        true => Ok(bytes),
        false => Err(BadBlock(bytes)),
    }
}

/// Bytes of metadata that a pool should have for so much data: 48 for each block, at least 2 MiB, at most the
/// 16 GiB that the kernel uses (thin-provisioning.rst), in whole blocks of 4 KiB. Many snapshots take more.
#[must_use]
pub fn metadata_bytes(data: u64, block: u64) -> u64 {
    let blocks = data.div_ceil(block.max(1));
    let bytes = blocks.saturating_mul(48).clamp(2 * MIB, 16 * GIB);
    bytes.next_multiple_of(4 * KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_follows_the_formula_within_its_bounds() {
        assert_eq!(metadata_bytes(GIB, 64 * KIB), 2 * MIB);
        assert_eq!(metadata_bytes(1 << 40, 64 * KIB), 768 * MIB);
        assert_eq!(metadata_bytes((1 << 40) + 1, 64 * KIB), 768 * MIB + 4 * KIB);
        assert_eq!(metadata_bytes(u64::MAX, 64 * KIB), 16 * GIB);
        assert_eq!(metadata_bytes(0, 64 * KIB), 2 * MIB);
    }

    #[test]
    fn blocks_are_multiples_of_64_kib() {
        for good in [64 * KIB, 128 * KIB, GIB] {
            assert_eq!(checked_block(good), Ok(good));
        }
        for bad in [0, 4096, 96 * KIB, GIB + 64 * KIB] {
            assert_eq!(checked_block(bad), Err(BadBlock(bad)));
        }
    }
}
