//! Metadata checksums: CRC-32C, seeded per filesystem and per inode.
//!
//! Source: Documentation/filesystems/ext4/checksums.rst. Where that page says UUID, a filesystem
//! with `metadata_csum_seed` begins from `s_checksum_seed` instead.

/// A checksum to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed(u32);

impl Seed {
    /// What a checksum that has no seed begins with.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// The seed of that value.
    pub(crate) const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The seed for what belongs to an inode.
    pub(crate) fn inode(self, number: u32, generation: u32) -> Self {
        self.then(&number.to_le_bytes())
            .then(&generation.to_le_bytes())
    }

    /// The checksum over these bytes too.
    pub(crate) fn then(self, bytes: &[u8]) -> Self {
        // The crate inverts before and after, as CRC-32C is usually used; ext4 does neither.
        Self(!crc32c::crc32c_append(!self.0, bytes))
    }

    /// The checksum.
    pub(crate) const fn value(self) -> u32 {
        self.0
    }

    /// The checksum over these bytes.
    pub(crate) fn of(self, bytes: &[u8]) -> u32 {
        self.then(bytes).value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_crc32c_without_the_inversions() {
        // The check value of CRC-32C over "123456789" is e3069283 (with both inversions).
        assert_eq!(!Seed::NONE.of(b"123456789"), 0xe306_9283);
        assert_eq!(
            Seed::NONE.then(b"1234").of(b"56789"),
            Seed::NONE.of(b"123456789")
        );
    }
}
