//! POSIX ACLs as archives spell them, checked as a kernel would, in the form of `setxattr(2)`.
//!
//! Sources: POSIX 1003.1e draft 17, 23.1; `acl(5)`; the kernel's `posix_acl_valid` and
//! `include/uapi/linux/posix_acl_xattr.h`; star(5) and GNU tar for `SCHILY.acl.*`.

use super::entry::What;
use crate::reject::reject;
use crate::{Code, Metadata, Rejected};

/// The version at the beginning of the binary form (`POSIX_ACL_XATTR_VERSION`).
const VERSION: u32 = 2;
/// The id of an entry that names nobody (`ACL_UNDEFINED_ID`).
const NOBODY: u32 = u32::MAX;

pub(crate) const ACCESS: &[u8] = b"system.posix_acl_access";
pub(crate) const DEFAULT: &[u8] = b"system.posix_acl_default";

/// Whose permissions an entry gives, in the order in which a kernel wants the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Owner,
    User(u32),
    OwningGroup,
    Group(u32),
    Mask,
    Other,
}

impl Who {
    fn of(tag: u16, id: u32) -> Option<Self> {
        // The id of an entry that names nobody means nothing.
        let named = (id != NOBODY).then_some(id);
        Some(match tag {
            0x01 => Self::Owner,
            0x02 => Self::User(named?),
            0x04 => Self::OwningGroup,
            0x08 => Self::Group(named?),
            0x10 => Self::Mask,
            0x20 => Self::Other,
            _ => return None,
        })
    }

    fn tag_and_id(self) -> (u16, u32) {
        match self {
            Self::Owner => (0x01, NOBODY),
            Self::User(id) => (0x02, id),
            Self::OwningGroup => (0x04, NOBODY),
            Self::Group(id) => (0x08, id),
            Self::Mask => (0x10, NOBODY),
            Self::Other => (0x20, NOBODY),
        }
    }
}

/// An ACL that a kernel would take: sorted, nothing twice, with a mask where somebody is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acl(Vec<(Who, u16)>);

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// An ACL.
    Acl(Acl),
    /// One that names somebody without a number. The names of this host say nothing of the image's.
    Nameless,
    /// Nothing that a kernel would take.
    Malformed,
}

impl Acl {
    /// Out of the form of `setxattr(2)`.
    pub(crate) fn from_xattr(value: &[u8]) -> Option<Self> {
        let (version, entries) = value.split_first_chunk()?;
        if u32::from_le_bytes(*version) != VERSION || !entries.len().is_multiple_of(8) {
            return None;
        }
        let entries = entries.chunks_exact(8).map(|entry| {
            let [t0, t1, p0, p1, i0, i1, i2, i3] = *entry.first_chunk()?;
            let who = Who::of(
                u16::from_le_bytes([t0, t1]),
                u32::from_le_bytes([i0, i1, i2, i3]),
            )?;
            Some((who, u16::from_le_bytes([p0, p1])))
        });
        Self::checked(entries.collect::<Option<_>>()?)
    }

    /// Out of the text of a `SCHILY.acl` record: entries that commas or newlines part.
    pub(crate) fn from_text(text: &[u8]) -> Text {
        let mut entries = Vec::new();
        let mut is_nameless = false;
        for entry in text.split(|byte| matches!(byte, b',' | b'\n')) {
            // GNU tar notes beside some entries what the mask leaves of them.
            let entry = entry.split(|byte| *byte == b'#').next().unwrap_or_default();
            let entry = entry.trim_ascii();
            if entry.is_empty() {
                continue;
            }
            match parse_entry(entry) {
                Some((Some(who), permissions)) => entries.push((who, permissions)),
                Some((None, _)) => is_nameless = true,
                None => return Text::Malformed,
            }
        }
        entries.extend(missing_mask(&entries));
        match Self::checked(entries) {
            _ if is_nameless => Text::Nameless,
            Some(acl) => Text::Acl(acl),
            None => Text::Malformed,
        }
    }

    fn checked(mut entries: Vec<(Who, u16)>) -> Option<Self> {
        entries.sort_unstable();
        let has = |wanted| entries.iter().any(|(who, _)| *who == wanted);
        let is_named = |(who, _): &(Who, u16)| matches!(who, Who::User(_) | Who::Group(_));
        let sound = entries.iter().all(|(_, permissions)| *permissions <= 7)
            && entries.windows(2).all(|pair| pair[0].0 != pair[1].0)
            && has(Who::Owner)
            && has(Who::OwningGroup)
            && has(Who::Other)
            && (has(Who::Mask) || !entries.iter().any(is_named));
        sound.then_some(Self(entries))
    }

    /// In the form of `setxattr(2)`.
    pub(crate) fn to_xattr(&self) -> Vec<u8> {
        let mut value = VERSION.to_le_bytes().to_vec();
        for (who, permissions) in &self.0 {
            let (tag, id) = who.tag_and_id();
            value.extend(tag.to_le_bytes());
            value.extend(permissions.to_le_bytes());
            value.extend(id.to_le_bytes());
        }
        value
    }

    /// The nine bits of a mode that it comes to: those of the group are the mask's where there is one.
    fn mode(&self) -> u16 {
        let of = |wanted| self.0.iter().find(|(who, _)| *who == wanted);
        let bits = |entry: Option<&(Who, u16)>| entry.map_or(0, |(_, permissions)| *permissions);
        let group = of(Who::Mask).or_else(|| of(Who::OwningGroup));
        bits(of(Who::Owner)) << 6 | bits(group) << 3 | bits(of(Who::Other))
    }

    /// Whether it says no more than a mode does.
    fn is_minimal(&self) -> bool {
        self.0.len() == 3
    }
}

/// The mask of a text that names somebody and has none, as writers leave it out whose systems have no
/// masks: all that the named and the owning group may, as `acl_calc_mask(3)` has it.
fn missing_mask(entries: &[(Who, u16)]) -> Option<(Who, u16)> {
    let is_named = |who: &Who| matches!(who, Who::User(_) | Who::Group(_));
    let has_mask = entries.iter().any(|(who, _)| *who == Who::Mask);
    if has_mask || !entries.iter().any(|(who, _)| is_named(who)) {
        return None;
    }
    let held = entries
        .iter()
        .filter(|(who, _)| is_named(who) || *who == Who::OwningGroup);
    Some((
        Who::Mask,
        held.fold(0, |mask, (_, permissions)| mask | permissions),
    ))
}

/// Makes mode and access ACL agree, as a kernel does where both are set: the ACL has the say, and one
/// that says no more than a mode is none.
pub(crate) fn settle(metadata: &mut Metadata) {
    let Some(acl) = (metadata.xattrs.get(ACCESS)).and_then(|value| Acl::from_xattr(value)) else {
        return;
    };
    metadata.mode = metadata.mode & !0o777 | acl.mode();
    if acl.is_minimal() {
        metadata.xattrs.remove(ACCESS);
    }
}

/// Refuses ACLs where a kernel refuses to set them: on symlinks, and one for what is made in a
/// directory on anything else.
pub(crate) fn check(what: &What, metadata: &Metadata) -> Result<(), Rejected> {
    let has = |name: &[u8]| metadata.xattrs.contains_key(name);
    let is_misplaced = match what {
        What::Directory | What::HardLink(_) => false,
        What::Symlink(_) => has(ACCESS) || has(DEFAULT),
        _ => has(DEFAULT),
    };
    if !is_misplaced {
        return Ok(());
    }
    reject(
        Code::Acl,
        "a POSIX ACL stands on something that cannot have it",
    )
}

/// `tag:name:permissions` with an id after it or as the name. No `Who` where there is a name alone.
fn parse_entry(entry: &[u8]) -> Option<(Option<Who>, u16)> {
    let fields: Vec<&[u8]> = entry
        .split(|byte| *byte == b':')
        .map(<[u8]>::trim_ascii)
        .collect();
    let (tag, name, permissions, id) = match *fields {
        // Solaris and FreeBSD leave the empty name out.
        [tag @ (b"mask" | b"m" | b"other" | b"o"), permissions] => {
            (tag, &b""[..], permissions, None)
        }
        [tag, name, permissions] => (tag, name, permissions, None),
        [tag, name, permissions, id] => (tag, name, permissions, Some(id)),
        _ => return None,
    };
    let permissions = parse_permissions(permissions)?;
    let named = |make: fn(u32) -> Who| match id.or(Some(name)).map(parse_id)? {
        Some(NOBODY) => None,
        Some(id) => Some(Some(make(id))),
        // An id that is there and no number is not a name.
        None if id.is_some() => None,
        None => Some(None),
    };
    let nobody = |who| (name.is_empty() && id.is_none()).then_some(Some(who));
    let who = match tag {
        b"user" | b"u" if name.is_empty() => nobody(Who::Owner),
        b"user" | b"u" => named(Who::User),
        b"group" | b"g" if name.is_empty() => nobody(Who::OwningGroup),
        b"group" | b"g" => named(Who::Group),
        b"mask" | b"m" => nobody(Who::Mask),
        b"other" | b"o" => nobody(Who::Other),
        _ => None,
    }?;
    Some((who, permissions))
}

fn parse_id(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Digits that are no id are nobody's.
    Some(std::str::from_utf8(text).ok()?.parse().unwrap_or(NOBODY))
}

fn parse_permissions(text: &[u8]) -> Option<u16> {
    let [r, w, x] = *text else { return None };
    let bit = |found, letter, bit| match found {
        b'-' => Some(0),
        found if found == letter => Some(bit),
        _ => None,
    };
    Some(bit(r, b'r', 4)? | bit(w, b'w', 2)? | bit(x, b'x', 1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(text: &str) -> Acl {
        match Acl::from_text(text.as_bytes()) {
            Text::Acl(acl) => acl,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_text_and_its_binary_form_are_the_same() {
        let star = acl("user::rwx,user:lisa:r-x:502,group::r-x,group:1:---,mask::r-x,other::r--");
        let gnu =
            "u::rwx\nmask:r-x\nuser:502:r-x\t#effective:r-x\nother::r--\ngroup::r-x\ng:1:---\n";
        assert_eq!(acl(gnu), star);
        assert_eq!(Acl::from_xattr(&star.to_xattr()), Some(star.clone()));
        let expected: Vec<u8> = [
            [1u16, 7, 0xffff, 0xffff],
            [2, 5, 502, 0],
            [4, 5, 0xffff, 0xffff],
            [8, 0, 1, 0],
            [16, 5, 0xffff, 0xffff],
            [32, 4, 0xffff, 0xffff],
        ]
        .iter()
        .flatten()
        .flat_map(|word| word.to_le_bytes())
        .collect();
        assert_eq!(star.to_xattr()[4..], expected);
        assert_eq!(star.mode(), 0o754);
        let without_mask = acl("u::rwx,u:1:r--,g::-w-,o::---");
        assert_eq!(without_mask, acl("u::rwx,u:1:r--,g::-w-,m::rw-,o::---"));
    }

    #[test]
    fn names_of_other_hosts_are_told_apart_from_nonsense() {
        let base = "user::rwx,group::r-x,other::r--";
        let with = |more: &str| Acl::from_text(format!("{base},{more}").as_bytes());
        assert_eq!(with("user:lisa:rwx,mask::rwx"), Text::Nameless);
        for bad in [
            "user::rwx",
            "mask::rwxx,user:1:rwx",
            "mask::wrx",
            "other:1:rwx",
            "thing::rwx",
            "user:lisa:rwx:x,mask::rwx",
            "user:4294967295:rwx,mask::rwx",
            "user:99999999999:rwx,mask::rwx",
            "user:1:rwx,user:1:r--,mask::rwx",
            "user:1:rwx:2:3,mask::rwx",
        ] {
            assert_eq!(with(bad), Text::Malformed, "{bad}");
        }
        assert_eq!(Acl::from_text(b"user::rwx,group::r-x"), Text::Malformed);
        assert_eq!(Acl::from_text(b""), Text::Malformed);
    }

    #[test]
    fn what_a_kernel_refuses_is_no_acl() {
        let good = acl("user::rwx,user:7:r--,group::r-x,mask::r-x,other::---").to_xattr();
        assert!(Acl::from_xattr(&good).is_some());
        let changed = |at: usize, byte: u8| {
            let mut value = good.clone();
            value[at] = byte;
            Acl::from_xattr(&value)
        };
        // Its version, a tag, permissions, and the only owner.
        assert_eq!(changed(0, 1), None);
        assert_eq!(changed(4 + 8, 3), None);
        assert_eq!(changed(4 + 2, 8), None);
        assert_eq!(changed(4, 0x20), None);
        assert_eq!(Acl::from_xattr(&good[..good.len() - 1]), None);
        assert_eq!(Acl::from_xattr(&good[..3]), None);
        let unsorted = [&good[..4], &good[12..], &good[4..12]].concat();
        assert_eq!(Acl::from_xattr(&unsorted).unwrap().to_xattr(), good);
    }

    #[test]
    fn mode_and_acl_agree() {
        let of = |text: &str| {
            let mut metadata = Metadata {
                mode: 0o4640,
                ..Metadata::default()
            };
            metadata
                .xattrs
                .insert(ACCESS.to_vec(), acl(text).to_xattr());
            settle(&mut metadata);
            (metadata.mode, metadata.xattrs.len())
        };
        assert_eq!(of("user::rwx,group::r-x,other::--x"), (0o4751, 0));
        assert_eq!(
            of("user::rw-,user:1:r--,group::r--,mask::rwx,other::---"),
            (0o4670, 1)
        );
    }
}
