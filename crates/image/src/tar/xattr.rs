//! Extended attributes as PAX records spell them, and which of them an image keeps.

use super::acl::{self, Acl, Text};
use crate::reject::reject;
use crate::{Code, Counters, Limits, Rejected, Xattrs};

/// Bytes of the name of an extended attribute: Linux's `XATTR_NAME_MAX`.
const NAME_MAX: usize = 255;

/// What becomes of an attribute.
enum Fate {
    Keep,
    Drop,
    /// Keep it where it is an ACL.
    Acl,
}

fn fate(name: &[u8]) -> Fate {
    match name {
        b"security.capability" => Fate::Keep,
        acl::ACCESS | acl::DEFAULT => Fate::Acl,
        _ if name.starts_with(b"user.") => Fate::Keep,
        _ => Fate::Drop,
    }
}

/// Takes an attribute into `xattrs`, or drops and counts it. A later one of the same name wins.
pub(crate) fn add(
    xattrs: &mut Xattrs,
    name: &[u8],
    value: &[u8],
    counters: &mut Counters,
) -> Result<(), Rejected> {
    if name.is_empty() || name == b"user." || name.len() > NAME_MAX || name.contains(&0) {
        return reject(
            Code::XattrName,
            "the name of an extended attribute is empty, has a NUL, or is over 255 bytes",
        );
    }
    match fate(name) {
        Fate::Drop => counters.xattrs_dropped += 1,
        Fate::Acl => match Acl::from_xattr(value) {
            Some(acl) => drop(xattrs.insert(name.to_vec(), acl.to_xattr())),
            None => return malformed_acl(),
        },
        Fate::Keep => {
            if name == b"security.capability" {
                check_capability(value)?;
            }
            xattrs.insert(name.to_vec(), value.to_vec());
        }
    }
    Ok(())
}

/// The spelling of ACLs as text, `which` one without its prefix.
pub(crate) fn add_acl(
    xattrs: &mut Xattrs,
    which: &[u8],
    text: &[u8],
    counters: &mut Counters,
) -> Result<(), Rejected> {
    let name = match which {
        b"access" => acl::ACCESS,
        b"default" => acl::DEFAULT,
        // NFSv4's, which ext4 does not have.
        _ => {
            counters.acls_dropped += 1;
            return Ok(());
        }
    };
    match Acl::from_text(text) {
        Text::Acl(acl) => drop(xattrs.insert(name.to_vec(), acl.to_xattr())),
        Text::Nameless => counters.acls_dropped += 1,
        Text::Malformed => return malformed_acl(),
    }
    Ok(())
}

fn malformed_acl() -> Result<(), Rejected> {
    reject(Code::Acl, "a POSIX ACL is none that a kernel would take")
}

/// Libarchive's spelling: the name percent-encoded, the value in base64 without padding.
pub(crate) fn add_encoded(
    xattrs: &mut Xattrs,
    name: &[u8],
    value: &[u8],
    counters: &mut Counters,
) -> Result<(), Rejected> {
    let decoded = percent(name).zip(base64(value));
    match decoded {
        Some((name, value)) => add(xattrs, &name, &value, counters),
        None => reject(
            Code::PaxValue,
            "a LIBARCHIVE.xattr record is not percent-encoded base64",
        ),
    }
}

/// Holds the attributes of one entry to their limits. Each takes what ext4 needs for it: a header of
/// 16 bytes, name and value, each rounded up to 4 (`struct ext4_xattr_entry`).
pub(crate) fn check(xattrs: &Xattrs, limits: &Limits) -> Result<(), Rejected> {
    if xattrs.len() > limits.xattrs {
        return reject(
            Code::XattrTooMany,
            format!(
                "{} extended attributes, {} are allowed",
                xattrs.len(),
                limits.xattrs
            ),
        );
    }
    let rounded = |bytes: &[u8]| bytes.len().next_multiple_of(4);
    let bytes: usize = xattrs
        .iter()
        .map(|(name, value)| 16 + rounded(name) + rounded(value))
        .sum();
    if bytes > limits.xattr_bytes {
        return reject(
            Code::XattrTooLarge,
            format!(
                "extended attributes of {bytes} bytes, {} are allowed",
                limits.xattr_bytes
            ),
        );
    }
    Ok(())
}

/// `struct vfs_cap_data` and `vfs_ns_cap_data` (`include/uapi/linux/capability.h`): the revision in
/// the highest byte and a flag in the lowest bit of a little-endian word, and a length that fits.
fn check_capability(value: &[u8]) -> Result<(), Rejected> {
    const EFFECTIVE: u32 = 1;
    let word = value
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes) & !EFFECTIVE);
    match (word, value.len()) {
        (Some(0x0100_0000), 12) | (Some(0x0200_0000), 20) | (Some(0x0300_0000), 24) => Ok(()),
        _ => reject(
            Code::Capability,
            "a security.capability is none of the three revisions",
        ),
    }
}

fn percent(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        out.push(digit(digits[0])? << 4 | digit(digits[1])?);
        rest = after;
    }
    Some(out)
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text
        .strip_suffix(b"==")
        .or(text.strip_suffix(b"="))
        .unwrap_or(text);
    if text.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            let [_, _, _, byte] = (bits >> count).to_be_bytes();
            out.push(byte);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &[u8], value: &[u8]) -> Option<Code> {
        add(&mut Xattrs::new(), name, value, &mut Counters::default())
            .err()
            .map(|it| it.code)
    }

    #[test]
    fn only_what_a_guest_needs_is_kept() {
        let (mut xattrs, mut counters) = (Xattrs::new(), Counters::default());
        let capability = [&[1, 0, 0, 2][..], &[0; 16]].concat();
        add(&mut xattrs, b"user.a", b"1", &mut counters).unwrap();
        add(
            &mut xattrs,
            b"security.capability",
            &capability,
            &mut counters,
        )
        .unwrap();
        add(&mut xattrs, b"trusted.overlay.opaque", b"y", &mut counters).unwrap();
        assert_eq!(
            xattrs.keys().collect::<Vec<_>>(),
            [&b"security.capability"[..], b"user.a"]
        );
        assert_eq!(counters.xattrs_dropped, 1);
    }

    #[test]
    fn names_and_capabilities_are_checked() {
        for name in [&b""[..], b"user.", b"user.a\0b", &[b'u'; 256]] {
            assert_eq!(code(name, b""), Some(Code::XattrName));
        }
        for value in [&b""[..], b"\0\0\0\x02", &[0; 20], &[2; 20]] {
            assert_eq!(code(b"security.capability", value), Some(Code::Capability));
        }
    }

    #[test]
    fn libarchives_spelling_is_decoded() {
        let (mut xattrs, mut counters) = (Xattrs::new(), Counters::default());
        let mut add = |name, value| add_encoded(&mut xattrs, name, value, &mut counters);
        add(b"user.a%3Db", b"//79AA").unwrap();
        add(b"user.padded", b"YQ==").unwrap();
        for (name, value) in [
            (&b"user.%3"[..], &b"YQ"[..]),
            (b"user.%zz", b"YQ"),
            (b"a", b"A"),
            (b"a", b"A!"),
        ] {
            assert_eq!(add(name, value).unwrap_err().code, Code::PaxValue);
        }
        let expected = [
            (&b"user.a=b"[..], &b"\xff\xfe\xfd\x00"[..]),
            (b"user.padded", b"a"),
        ];
        let found: Vec<_> = xattrs
            .iter()
            .map(|(name, value)| (&name[..], &value[..]))
            .collect();
        assert_eq!(found, expected);
    }
}
