//! A list of extended attributes, as it stands in an inode or in a block.
//!
//! Source: Documentation/filesystems/ext4/attributes.rst.

use crate::layout::{fields::xattr::*, get16, get32, to_index};

/// `e_name_index` of what is the kernel's own.
const SYSTEM: u8 = 7;
const ENCRYPTION: u8 = 9;

/// Name prefixes and the number that stands for each.
const PREFIXES: [(u8, &[u8]); 8] = [
    (1, b"user."),
    (ACL_ACCESS, b"system.posix_acl_access"),
    (ACL_DEFAULT, b"system.posix_acl_default"),
    (4, b"trusted."),
    (6, b"security."),
    (SYSTEM, b"system."),
    (8, b"system.richacl"),
    (10, b"gnu."),
];

/// An attribute as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored<'a> {
    pub(super) index: u8,
    /// The name after the prefix.
    pub(super) name: &'a [u8],
    pub(super) value: Value<'a>,
}

/// Where a value is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Here(&'a [u8]),
    /// All the content of another inode, of that many bytes.
    Inode {
        number: u32,
        len: u32,
    },
}

impl Stored<'_> {
    /// The whole name; `None` for what is the kernel's own and no attribute to anybody else: content
    /// of an inode, and how it is encrypted.
    pub(super) fn full_name(&self) -> Result<Option<Vec<u8>>, &'static str> {
        if self.is_content() || self.index == ENCRYPTION {
            return Ok(None);
        }
        let (_, prefix) = PREFIXES
            .iter()
            .find(|(index, _)| *index == self.index)
            .ok_or("an extended attribute has an unknown prefix")?;
        Ok(Some([prefix, self.name].concat()))
    }

    /// Whether it is what an inode with `inline_data` has no room for in its map.
    pub(super) fn is_content(&self) -> bool {
        self.index == SYSTEM && self.name == b"data"
    }
}

/// The attributes of a list that begins `start` bytes into `room`; offsets of values count from
/// `room`'s first byte. All values together are no longer than that.
pub(super) fn parse(room: &[u8], start: usize) -> Result<Vec<Stored<'_>>, &'static str> {
    let mut found = Vec::new();
    let mut at = start;
    let mut left = room.len();
    loop {
        match room.get(at..at + END) {
            Some([0, 0, 0, 0]) => return Ok(found),
            Some(_) => {}
            None => return Err("the list has no end"),
        }
        let head = room.get(at..at + ENTRY).ok_or("the list has no end")?;
        let name_len = usize::from(head[0]);
        let name = room
            .get(at + ENTRY..at + ENTRY + name_len)
            .ok_or("a name is cut off")?;
        if name.contains(&0) {
            return Err("a name has a NUL in it");
        }
        let len = get32(head, E_VALUE_SIZE);
        let number = get32(head, E_VALUE_INUM);
        let value = if number == 0 {
            let len = to_index(len);
            let offset = usize::from(get16(head, E_VALUE_OFFS));
            left = left.checked_sub(len).ok_or("its values overlap")?;
            let value = if len == 0 {
                Some(&[][..])
            } else {
                room.get(offset..offset + len)
            };
            Value::Here(value.ok_or("a value is cut off")?)
        } else {
            Value::Inode { number, len }
        };
        found.push(Stored {
            index: head[E_NAME_INDEX],
            name,
            value,
        });
        at += ENTRY + name_len.next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &[u8], index: u8, offset: u8, len: u8) -> Vec<u8> {
        let mut bytes = vec![0; ENTRY];
        bytes[0] = u8::try_from(name.len()).unwrap();
        bytes[E_NAME_INDEX] = index;
        bytes[E_VALUE_OFFS] = offset;
        bytes[E_VALUE_SIZE] = len;
        bytes.extend_from_slice(name);
        bytes.resize(ENTRY + name.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_list_is_read_to_its_end() {
        let room = [
            entry(b"ab", 1, 20, 3),
            entry(b"", ACL_ACCESS, 0, 0),
            vec![0; 4],
        ]
        .concat();
        let found = parse(&room, 0).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].full_name(), Ok(Some(b"user.ab".to_vec())));
        assert_eq!(found[0].value, Value::Here(&room[20..23]));
        let acl = found[1].full_name().unwrap().unwrap();
        assert_eq!(acl, b"system.posix_acl_access");
    }

    #[test]
    fn what_is_the_kernels_own_has_no_name() {
        let room = [
            entry(b"data", SYSTEM, 0, 0),
            entry(b"c", ENCRYPTION, 0, 0),
            vec![0; 4],
        ]
        .concat();
        let found = parse(&room, 0).unwrap();
        assert!(found[0].is_content());
        assert_eq!(found[0].full_name(), Ok(None));
        assert_eq!(found[1].full_name(), Ok(None));
    }

    #[test]
    fn damage_is_told() {
        let endless = entry(b"ab", 1, 0, 0);
        assert_eq!(parse(&endless, 0), Err("the list has no end"));
        let long = [entry(b"ab", 1, 0, 200), vec![0; 4]].concat();
        assert_eq!(parse(&long, 0), Err("its values overlap"));
        let behind = [entry(b"ab", 1, 23, 3), vec![0; 4]].concat();
        assert_eq!(parse(&behind, 0), Err("a value is cut off"));
        let twice = [entry(b"a", 1, 0, 25), entry(b"b", 1, 0, 25), vec![0; 4]].concat();
        assert_eq!(parse(&twice, 0), Err("its values overlap"));
        let unknown = [entry(b"a", 77, 0, 0), vec![0; 4]].concat();
        assert!(parse(&unknown, 0).unwrap()[0].full_name().is_err());
    }
}
