//! Extended attributes in the room after an inode's fields.
//!
//! Source: Documentation/filesystems/ext4/attributes.rst. Entries grow from the front, values
//! from the back; offsets of values count from the first entry.

use super::{
    acl,
    bytes::{get16, get32, put16, put32},
};
use crate::{
    error::{Error, Result},
    metadata::Xattrs,
};

/// Bytes that an inode of 256 with 32 of extra fields has for them.
pub(crate) const XATTR_ROOM: usize = 256 - 128 - 32;

const MAGIC: u32 = 0xea02_0000;
const HEADER: usize = 4;
/// Bytes of an entry before its name; four zeros end the list.
const ENTRY: usize = 16;
const END: usize = 4;

const E_NAME_INDEX: usize = 1;
const E_VALUE_OFFS: usize = 2;
const E_VALUE_INUM: usize = 4;
const E_VALUE_SIZE: usize = 8;

/// `e_name_index` of the ACLs, which have no name beyond it.
const ACL_ACCESS: u8 = 2;
const ACL_DEFAULT: u8 = 3;

/// Name prefixes and the number that stands for each.
const PREFIXES: [(&[u8], u8); 5] = [
    (b"user.", 1),
    (b"system.posix_acl_access", ACL_ACCESS),
    (b"system.posix_acl_default", ACL_DEFAULT),
    (b"trusted.", 4),
    (b"security.", 6),
];

/// An attribute as it is stored; the order is that of blocks of attributes: by index, length
/// of name, name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Stored<'a> {
    index: u8,
    name_len: u8,
    name: &'a [u8],
    value: Vec<u8>,
}

/// The bytes that these attributes take in an inode: all zeros for none.
pub(super) fn encode(xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<[u8; XATTR_ROOM]> {
    let mut room = [0; XATTR_ROOM];
    if xattrs.is_empty() {
        return Ok(room);
    }
    let mut stored = xattrs
        .iter()
        .map(|(name, value)| parse(name, value))
        .collect::<Result<Vec<_>>>()?;
    stored.sort();
    if let Some(pair) = stored
        .windows(2)
        .find(|pair| pair[0].index == pair[1].index && pair[0].name == pair[1].name)
    {
        return Err(invalid(
            &full_name(pair[0].index, pair[0].name),
            "it is there twice",
        ));
    }
    let needed = stored
        .iter()
        .map(|xattr| ENTRY + padded(xattr.name.len()) + padded(xattr.value.len()))
        .fold(HEADER + END, usize::saturating_add);
    if needed > XATTR_ROOM {
        return Err(Error::XattrsDoNotFit {
            needed,
            available: XATTR_ROOM,
        });
    }
    put32(&mut room, 0, MAGIC);
    let entries = &mut room[HEADER..];
    let mut at = 0;
    let mut end = entries.len();
    for xattr in &stored {
        entries[at] = xattr.name_len;
        entries[at + E_NAME_INDEX] = xattr.index;
        if !xattr.value.is_empty() {
            end -= padded(xattr.value.len());
            entries[end..end + xattr.value.len()].copy_from_slice(&xattr.value);
            put16(entries, at + E_VALUE_OFFS, small(end));
        }
        put32(entries, at + E_VALUE_SIZE, small(xattr.value.len()).into());
        let name = at + ENTRY;
        entries[name..name + xattr.name.len()].copy_from_slice(xattr.name);
        at = name + padded(xattr.name.len());
    }
    Ok(room)
}

/// The attributes in the room of an inode, sorted by name.
pub(super) fn decode(room: &[u8]) -> std::result::Result<Xattrs, &'static str> {
    let mut found = Vec::new();
    if get32(room, 0) != MAGIC {
        return Ok(found);
    }
    let entries = &room[HEADER..];
    let mut at = 0;
    loop {
        let Some(head) = entries.get(at..at + ENTRY) else {
            // The list ends with four zeros, and they may stand at the very end.
            return match entries.get(at..at + END) {
                Some([0, 0, 0, 0]) => Ok(sorted(found)),
                _ => Err("its extended attributes have no end"),
            };
        };
        if head[..END] == [0; END] {
            return Ok(sorted(found));
        }
        let name_len = usize::from(head[0]);
        let name = entries
            .get(at + ENTRY..at + ENTRY + name_len)
            .ok_or("an extended attribute's name is cut off")?;
        if get32(head, E_VALUE_INUM) != 0 {
            return Err("an extended attribute's value is in another inode");
        }
        let value = usize::try_from(get32(head, E_VALUE_SIZE))
            .ok()
            .and_then(|len| {
                let start = usize::from(get16(head, E_VALUE_OFFS));
                entries.get(start..start.checked_add(len)?)
            })
            .ok_or("an extended attribute's value is cut off")?;
        let index = head[E_NAME_INDEX];
        let value = match index {
            ACL_ACCESS | ACL_DEFAULT => acl::to_xattr(value).ok_or("its ACL is malformed")?,
            _ => value.to_vec(),
        };
        if !PREFIXES.iter().any(|(_, known)| *known == index) {
            return Err("an extended attribute has an unknown prefix");
        }
        found.push((full_name(index, name), value));
        at += ENTRY + padded(name_len);
    }
}

fn sorted(mut xattrs: Xattrs) -> Xattrs {
    xattrs.sort();
    xattrs
}

fn parse<'a>(name: &'a [u8], value: &[u8]) -> Result<Stored<'a>> {
    let (prefix, index) = PREFIXES
        .into_iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .ok_or_else(|| invalid(name, "its prefix is none that ext4 knows"))?;
    let rest = &name[prefix.len()..];
    let is_acl = matches!(index, ACL_ACCESS | ACL_DEFAULT);
    if rest.is_empty() != is_acl {
        return Err(invalid(name, "its name does not go with its prefix"));
    }
    if rest.contains(&0) {
        return Err(invalid(name, "its name has a NUL in it"));
    }
    let name_len =
        u8::try_from(rest.len()).map_err(|_| invalid(name, "its name is over 255 bytes"))?;
    let value = if is_acl {
        acl::from_xattr(value).ok_or_else(|| invalid(name, "it is not a POSIX ACL"))?
    } else {
        value.to_vec()
    };
    Ok(Stored {
        index,
        name_len,
        name: rest,
        value,
    })
}

fn full_name(index: u8, rest: &[u8]) -> Vec<u8> {
    let prefix = PREFIXES
        .iter()
        .find(|(_, known)| *known == index)
        .map_or(&b""[..], |(prefix, _)| prefix);
    [prefix, rest].concat()
}

/// Names and values begin at multiples of four.
const fn padded(len: usize) -> usize {
    len.next_multiple_of(4)
}

fn small(offset: usize) -> u16 {
    u16::try_from(offset).expect("an offset within an inode")
}

fn invalid(name: &[u8], why: &'static str) -> Error {
    Error::InvalidXattr {
        name: name.to_vec(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &[u8]) -> (Vec<u8>, Vec<u8>) {
        (name.as_bytes().to_vec(), value.to_vec())
    }

    #[test]
    fn attributes_come_back_sorted_and_do_not_depend_on_order() {
        let mut xattrs = vec![
            pair("user.b", b"12345"),
            pair("security.cap", &[7; 5]),
            pair("user.em", b""),
        ];
        let room = encode(&xattrs).unwrap();
        xattrs.reverse();
        assert_eq!(encode(&xattrs).unwrap(), room);
        xattrs.sort();
        assert_eq!(decode(&room).unwrap(), xattrs);
        assert_eq!(decode(&[0; XATTR_ROOM]).unwrap(), []);
    }

    #[test]
    fn what_does_not_fit_by_a_byte_is_refused() {
        let room = XATTR_ROOM - HEADER - END - ENTRY - 4;
        let full = [pair("user.abcd", &vec![1; room])];
        assert_eq!(decode(&encode(&full).unwrap()).unwrap(), full);
        assert!(matches!(
            encode(&[pair("user.abcd", &vec![1; room + 1])]),
            Err(Error::XattrsDoNotFit {
                needed: 100,
                available: 96
            })
        ));
    }

    #[test]
    fn names_that_cannot_be_stored_are_refused() {
        for name in ["user.", "plain", "system.other", "system.posix_acl_accessx"] {
            assert!(matches!(
                encode(&[pair(name, b"x")]),
                Err(Error::InvalidXattr { .. })
            ));
        }
        let twice = [pair("user.a", b"1"), pair("user.a", b"2")];
        assert!(encode(&twice).is_err());
    }

    #[test]
    fn damage_is_told() {
        let room = encode(&[pair("user.a", b"value")]).unwrap();
        for at in HEADER..HEADER + ENTRY {
            for byte in [1, 0x7f, 0xff] {
                let mut damaged = room;
                damaged[at] = byte;
                let _ = decode(&damaged);
            }
        }
        let mut damaged = room;
        damaged[HEADER] = 200;
        assert!(decode(&damaged).is_err());
        let mut endless = room;
        endless[HEADER + ENTRY + 4..].fill(1);
        assert!(decode(&endless).is_err());
    }
}
