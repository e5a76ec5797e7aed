//! Under which name a partial blob lies.

use std::{fmt, str::FromStr};

use longshore_image::{Digest, Hasher, ParseDigestError};

use super::PartialLocator;

/// The SHA-256 of where a blob comes from and in which version. Names on disk are made of it, and
/// so never of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialId(Digest);

impl PartialId {
    pub(crate) fn of(locator: &PartialLocator) -> Self {
        let mut hasher = Hasher::new();
        // Each field with its length before it: no two locators are the same bytes.
        let mut field = |bytes: &[u8]| {
            hasher.update(&bytes.len().to_le_bytes());
            hasher.update(bytes);
        };
        field(locator.origin.as_str().as_bytes());
        field(locator.key.as_str().as_bytes());
        field(
            locator
                .etag
                .as_ref()
                .map_or("", |etag| etag.as_str())
                .as_bytes(),
        );
        field(&locator.size.to_le_bytes());
        Self(hasher.finish())
    }

    /// The name of its file: 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        self.0.to_hex()
    }
}

impl fmt::Display for PartialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl FromStr for PartialId {
    type Err = ParseDigestError;

    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        format!("sha256:{hex}").parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locator(origin: &str, key: &str, etag: Option<&str>, size: u64) -> PartialLocator {
        PartialLocator {
            origin: origin.parse().unwrap(),
            key: key.parse().unwrap(),
            etag: etag.and_then(crate::ETag::strong),
            size,
        }
    }

    #[test]
    fn every_part_of_a_locator_counts() {
        let base = PartialId::of(&locator("s3://a", "b/c", Some("e"), 1));
        assert_eq!(base, PartialId::of(&locator("s3://a", "b/c", Some("e"), 1)));
        for other in [
            locator("s3://a/b", "c", Some("e"), 1),
            locator("s3://a", "b/d", Some("e"), 1),
            locator("s3://a", "b/c", Some("f"), 1),
            locator("s3://a", "b/c", None, 1),
            locator("s3://a", "b/c", Some("e"), 2),
        ] {
            assert_ne!(base, PartialId::of(&other), "{other:?}");
        }
    }

    #[test]
    fn a_name_is_read_back_and_nothing_else_is_a_name() {
        let id = PartialId::of(&locator("s3://a", "b", None, 0));
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "abc",
            "../../etc/passwd",
            &"A".repeat(64),
            &"g".repeat(64),
        ] {
            assert!(bad.parse::<PartialId>().is_err(), "{bad}");
        }
    }
}
