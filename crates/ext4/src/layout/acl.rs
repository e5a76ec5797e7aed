//! POSIX ACLs: the form that system calls take, and the shorter one that ext4 stores.
//!
//! Source: Documentation/filesystems/ext4/attributes.rst, "POSIX ACLs", and for the form of
//! system calls include/uapi/linux/posix_acl_xattr.h. Both are a version and entries of a tag
//! and permissions; ext4 keeps the id of named users and groups only.

use super::bytes::{get16, get32, put32};

const XATTR_VERSION: u32 = 2;
const STORED_VERSION: u32 = 1;
const VERSION_LEN: usize = 4;
const XATTR_ENTRY: usize = 8;
const SHORT_ENTRY: usize = 4;
/// The id of an entry that names nobody (`ACL_UNDEFINED_ID`).
const NOBODY: u32 = u32::MAX;

/// Whether an entry of that tag names someone; `None` for a tag that does not exist.
const fn is_named(tag: u16) -> Option<bool> {
    match tag {
        // ACL_USER, ACL_GROUP
        0x02 | 0x08 => Some(true),
        // ACL_USER_OBJ, ACL_GROUP_OBJ, ACL_MASK, ACL_OTHER
        0x01 | 0x04 | 0x10 | 0x20 => Some(false),
        _ => None,
    }
}

/// The stored form of an ACL; `None` if it is malformed.
pub(super) fn from_xattr(value: &[u8]) -> Option<Vec<u8>> {
    let entries = value.get(VERSION_LEN..)?;
    if get32(value, 0) != XATTR_VERSION || !entries.len().is_multiple_of(XATTR_ENTRY) {
        return None;
    }
    let mut stored = STORED_VERSION.to_le_bytes().to_vec();
    for entry in entries.chunks_exact(XATTR_ENTRY) {
        let len = if is_named(get16(entry, 0))? {
            XATTR_ENTRY
        } else {
            SHORT_ENTRY
        };
        stored.extend_from_slice(&entry[..len]);
    }
    Some(stored)
}

/// The form of system calls; `None` if the stored one is malformed.
pub(crate) fn to_xattr(stored: &[u8]) -> Option<Vec<u8>> {
    let mut entries = stored.get(VERSION_LEN..)?;
    if get32(stored, 0) != STORED_VERSION {
        return None;
    }
    let mut value = XATTR_VERSION.to_le_bytes().to_vec();
    while !entries.is_empty() {
        let short = entries.get(..SHORT_ENTRY)?;
        if is_named(get16(short, 0))? {
            value.extend_from_slice(entries.get(..XATTR_ENTRY)?);
            entries = &entries[XATTR_ENTRY..];
        } else {
            let mut entry = [0; XATTR_ENTRY];
            entry[..SHORT_ENTRY].copy_from_slice(short);
            put32(&mut entry, SHORT_ENTRY, NOBODY);
            value.extend_from_slice(&entry);
            entries = &entries[SHORT_ENTRY..];
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(tag: u16, perm: u16, id: u32) -> Vec<u8> {
        [
            &tag.to_le_bytes()[..],
            &perm.to_le_bytes(),
            &id.to_le_bytes(),
        ]
        .concat()
    }

    #[test]
    fn an_acl_comes_back() {
        let value = [
            2u32.to_le_bytes().to_vec(),
            entry(1, 7, NOBODY),
            entry(2, 6, 1000),
            entry(4, 5, NOBODY),
            entry(8, 4, 50),
            entry(0x10, 7, NOBODY),
            entry(0x20, 0, NOBODY),
        ]
        .concat();
        let stored = from_xattr(&value).unwrap();
        assert_eq!(stored.len(), 4 + 4 * 4 + 2 * 8);
        assert_eq!(to_xattr(&stored).unwrap(), value);
    }

    #[test]
    fn malformed_acls_are_refused() {
        for value in [&b""[..], b"\x02\0\0", b"\x01\0\0\0", b"\x02\0\0\0\x01\0"] {
            assert_eq!(from_xattr(value), None);
        }
        let unknown = [2u32.to_le_bytes().to_vec(), entry(3, 7, 0)].concat();
        assert_eq!(from_xattr(&unknown), None);
        assert_eq!(to_xattr(b"\x01\0\0\0\x02\0\x07\0"), None);
    }
}
