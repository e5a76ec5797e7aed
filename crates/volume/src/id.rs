//! [`VolumeId`]: the number of a volume, good for every backend.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The number of a volume: 0 to 2^24 - 1, the range of a thin id in the kernel's
/// `Documentation/admin-guide/device-mapper/thin-provisioning.rst`.
///
/// Given out by the caller's catalogue before a backend hears of it; a backend never makes one up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VolumeId(u64);

impl VolumeId {
    /// The largest id.
    pub const MAX: VolumeId = VolumeId((1 << 24) - 1);

    /// The id with this number.
    ///
    /// # Errors
    /// [`BadId`] above [`VolumeId::MAX`].
    pub fn new(number: u64) -> Result<VolumeId, BadId> {
        match number <= Self::MAX.0 {
            true => Ok(VolumeId(number)),
            false => Err(BadId(number.to_string())),
        }
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for VolumeId {
    type Err = BadId;

    /// Reads what `Display` writes and nothing else, so that no two texts are one id.
    fn from_str(text: &str) -> Result<VolumeId, BadId> {
        let bad = || BadId(text.to_owned());
        let id = text.parse().map_err(|_| bad())?;
        let id = VolumeId::new(id)?;
        match id.to_string() == text {
            true => Ok(id),
            false => Err(bad()),
        }
    }
}

/// A text or number that is no [`VolumeId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0} is not the id of a volume: ids are whole numbers from 0 to 16777215")]
pub struct BadId(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_24_bits() {
        assert_eq!(VolumeId::new(16_777_215), Ok(VolumeId::MAX));
        let error = VolumeId::new(16_777_216).unwrap_err();
        assert!(error.to_string().starts_with("16777216 is not"));
    }

    #[test]
    fn an_id_has_one_text() {
        for id in [0, 7, 16_777_215] {
            assert_eq!(id.to_string().parse(), VolumeId::new(id));
        }
        for bad in ["", "07", "+7", "-7", "7 ", "16777216", "x"] {
            assert!(bad.parse::<VolumeId>().is_err(), "{bad:?}");
        }
    }
}
