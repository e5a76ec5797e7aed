//! Blocks, and little-endian numbers in them.

/// Bytes in a block, as a length.
pub(crate) const BLOCK_SIZE: usize = 4096;

/// Bytes in a block, as a unit of offsets.
pub(crate) const BLOCK: u64 = 4096;

/// The content of a block.
pub(crate) type Block = [u8; BLOCK_SIZE];

/// A block of zeros.
pub(crate) const fn zeroed() -> Block {
    [0; BLOCK_SIZE]
}

pub(crate) fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(crate) fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(super) fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub(super) fn put32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// A number stored as its low and high 32 bits, apart.
pub(crate) fn get_split(bytes: &[u8], low: usize, high: usize) -> u64 {
    u64::from(get32(bytes, low)) | u64::from(get32(bytes, high)) << 32
}

/// Stores a number as its low and high 32 bits, apart.
pub(super) fn put_split(bytes: &mut [u8], low: usize, high: usize, value: u64) {
    put32(bytes, low, low32(value));
    put32(bytes, high, low32(value >> 32));
}

/// The low 32 bits.
pub(crate) const fn low32(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The low 16 bits.
pub(crate) const fn low16(value: u32) -> u16 {
    let [a, b, ..] = value.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// A number that is known to be at most that of a block's bytes or a list's items, as an index.
pub(crate) fn to_index(value: impl TryInto<usize>) -> usize {
    value
        .try_into()
        .unwrap_or_else(|_| unreachable!("an index is bounded by what is in memory"))
}
