//! What both kinds of document have in common: what they are about, when they were made, and an identity
//! that follows from what they say.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use crate::{Inventory, Package, package_url};

/// What an SBOM is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SbomSubject {
    /// What its operator calls it: a family, a path.
    pub name: String,
    /// The SHA-256 that it is known by, in hexadecimal; anything else is left out.
    pub digest: Option<String>,
}

impl SbomSubject {
    /// The digest, where it is one that both formats allow.
    pub(crate) fn sha256(&self) -> Option<&str> {
        let hexadecimal = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        let digest = self.digest.as_deref()?;
        let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
        Some(digest).filter(|digest| digest.len() == 64 && digest.bytes().all(hexadecimal))
    }
}

/// What wrote a document.
pub(super) const TOOL: &str = "longshore";

/// The version of what wrote it.
pub(super) const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A time as both formats take it: SPDX 2.3 (section 6.9.3) has no fractions of a second.
pub(super) fn time(at_ms: i64) -> String {
    Timestamp::from_second(at_ms.div_euclid(1000))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

/// An identity for a document that has this content: a UUID of version 8 (RFC 9562, section 5.8), whose
/// bits are those of a SHA-256.
pub(super) fn identity(content: &[u8]) -> String {
    let hash = digest(&SHA256, content);
    let mut text = String::with_capacity(36);
    for (at, byte) in hash.as_ref().iter().take(16).enumerate() {
        let byte = match at {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A package with its package URL and what it is referred to by.
pub(super) struct Entry<'a> {
    pub(super) package: &'a Package,
    pub(super) purl: Option<String>,
    /// The package URL, with a number where several packages have the same.
    pub(super) reference: String,
}

/// The packages of an inventory, each with a reference of its own.
pub(super) fn entries(inventory: &Inventory) -> Vec<Entry<'_>> {
    let mut used: BTreeMap<String, u64> = BTreeMap::new();
    let mut entries = Vec::with_capacity(inventory.packages.len());
    for package in &inventory.packages {
        let purl = package_url(package, inventory.os.as_ref());
        let plain = purl.clone().unwrap_or_else(|| "package".to_owned());
        let count = used.entry(plain.clone()).or_insert(0);
        *count += 1;
        // A package URL has no second `#`, so this is no other one's reference.
        let reference = match *count {
            1 => plain,
            count => format!("{plain}##{count}"),
        };
        entries.push(Entry {
            package,
            purl,
            reference,
        });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_uuid_that_its_content_decides() {
        let one = identity(b"one");
        assert_eq!(one, identity(b"one"));
        assert_ne!(one, identity(b"two"));
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'8', "the version");
        assert!(b"89ab".contains(&one.as_bytes()[19]), "the variant");
    }

    #[test]
    fn a_time_has_no_fraction_and_any_number_is_one() {
        assert_eq!(time(1_700_000_000_999), "2023-11-14T22:13:20Z");
        assert_eq!(time(-1), "1969-12-31T23:59:59Z");
        assert_eq!(time(i64::MAX), "1970-01-01T00:00:00Z");
    }
}
