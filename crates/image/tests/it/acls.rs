//! POSIX ACLs: kept in one form whatever they are spelled as.

use longshore_image::Metadata;

use crate::builder::{Head, Image, Tar};

pub(crate) const TEXT: &[u8] = b"user::rwx,user:lisa:r-x:502,group::r-x,mask::r-x,other::r--";
pub(crate) const ACCESS: &str = "SCHILY.acl.access";
pub(crate) const DEFAULT: &str = "SCHILY.acl.default";
pub(crate) const BINARY: &str = "SCHILY.xattr.system.posix_acl_access";

/// [`TEXT`] in the form of `setxattr(2)`.
pub(crate) fn binary() -> Vec<u8> {
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 7, u32::MAX),
        (0x02, 5, 502),
        (0x04, 5, u32::MAX),
        (0x10, 5, u32::MAX),
        (0x20, 4, u32::MAX),
    ];
    let mut value = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        value.extend(tag.to_le_bytes());
        value.extend(permissions.to_le_bytes());
        value.extend(id.to_le_bytes());
    }
    value
}

/// An entry with this record before it.
pub(crate) fn with(kind: u8, key: &str, value: &[u8]) -> Vec<u8> {
    let head = match kind {
        b'2' => Head::new(kind, b"a").link(b"target"),
        _ => Head::new(kind, b"a").mode(0o600),
    };
    Tar::new().pax(&[(key, value)]).put(&head, b"").end()
}

fn stored(layer: &[u8]) -> (Metadata, u64) {
    let mut image = Image::new();
    let report = image.layer(layer).unwrap();
    let row = &image.listing()[&b"/a"[..]];
    let xattrs = row.xattrs.iter();
    let metadata = Metadata {
        mode: row.mode,
        xattrs: xattrs
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect(),
        ..Metadata::default()
    };
    (metadata, report.counters.acls_dropped)
}

#[test]
fn an_acl_is_one_attribute_whatever_it_is_spelled_as() {
    let spellings = [(ACCESS, TEXT.to_vec()), (BINARY, binary())];
    for (key, value) in spellings {
        for kind in [b'0', b'5', b'6'] {
            let (metadata, dropped) = stored(&with(kind, key, &value));
            assert_eq!(metadata.xattrs[&b"system.posix_acl_access"[..]], binary());
            // Where the two differ the ACL has the say, as with a kernel.
            assert_eq!((metadata.mode, dropped), (0o754, 0), "{key}");
        }
    }
    let (metadata, _) = stored(&with(b'5', DEFAULT, TEXT));
    assert_eq!(metadata.xattrs[&b"system.posix_acl_default"[..]], binary());
    assert_eq!(metadata.mode, 0o600);
}

#[test]
fn an_acl_that_says_what_a_mode_does_is_the_mode() {
    let (metadata, dropped) = stored(&with(b'0', ACCESS, b"u::r--,g::rw-,o::--x"));
    assert_eq!((metadata.mode, dropped), (0o461, 0));
    assert!(metadata.xattrs.is_empty());
}

#[test]
fn what_cannot_be_kept_is_counted() {
    for (key, value) in [
        (ACCESS, &b"u::rwx,u:lisa:rwx,g::---,m::rwx,o::---"[..]),
        ("SCHILY.acl.ace", b"owner@:rwx::allow"),
    ] {
        let (metadata, dropped) = stored(&with(b'0', key, value));
        assert_eq!((metadata.mode, dropped), (0o600, 1), "{key}");
        assert!(metadata.xattrs.is_empty());
    }
}
