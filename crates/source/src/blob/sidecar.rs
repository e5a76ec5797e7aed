//! What is remembered of a partial blob: whose bytes they are, and which of them are durable.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{RangeSet, record};
use crate::address::{ETag, Key, Locator, Origin};

/// Which object, in which version, a partial blob is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialLocator {
    /// Where the key means something.
    pub origin: Origin,
    /// The object.
    pub key: Key,
    /// Its version. Without one nothing is ever resumed.
    pub etag: Option<ETag>,
    /// Its length in bytes.
    pub size: u64,
}

impl From<&Locator> for PartialLocator {
    fn from(locator: &Locator) -> Self {
        let Locator {
            origin,
            key,
            etag,
            size,
            number: _,
        } = locator.clone();
        Self {
            origin,
            key,
            etag,
            size,
        }
    }
}

/// The content of a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sidecar {
    pub(crate) locator: PartialLocator,
    pub(crate) durable: RangeSet,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    locator: PartialLocator,
    durable: Vec<Range<u64>>,
}

const VERSION: u32 = 1;
/// No sidecar is larger, in bytes: a range takes at most 60, and a few hundred make a busy fetch.
pub(crate) const LARGEST: u64 = 4 << 20;

impl Sidecar {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let record = Record {
            version: VERSION,
            locator: self.locator.clone(),
            durable: self.durable.iter().collect(),
        };
        record::encode(&record)
    }

    /// `None` for anything but a whole, unchanged record of this version that makes sense: then
    /// nothing is known of the bytes beside it.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let Record {
            version,
            locator,
            durable,
        } = record::decode(bytes)?;
        let sound = durable.iter().all(|range| range.start < range.end);
        let durable: RangeSet = durable.into_iter().collect();
        (version == VERSION && sound && durable.end() <= locator.size)
            .then_some(Self { locator, durable })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sidecar() -> Sidecar {
        let locator = PartialLocator {
            origin: "http://127.0.0.1:9000/b".parse().unwrap(),
            key: "images/go/\"1\".tar".parse().unwrap(),
            etag: ETag::strong("abc-2"),
            size: 100,
        };
        Sidecar {
            locator,
            durable: [0..10, 20..100].into_iter().collect(),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let written = sidecar();
        assert_eq!(Sidecar::decode(&written.encode()), Some(written));
    }

    #[test]
    fn a_torn_or_flipped_sidecar_says_nothing() {
        let whole = sidecar().encode();
        for length in 0..whole.len() {
            assert_eq!(Sidecar::decode(&whole[..length]), None, "cut at {length}");
        }
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(Sidecar::decode(&flipped), None, "flipped at {at}");
            let mut zeroed = whole.clone();
            zeroed[at..].fill(0);
            assert_eq!(Sidecar::decode(&zeroed), None, "zeroed from {at}");
        }
    }

    #[test]
    fn ranges_beyond_the_object_are_not_believed() {
        let mut beyond = sidecar();
        beyond.durable.insert(99..101);
        assert_eq!(Sidecar::decode(&beyond.encode()), None);
    }
}
