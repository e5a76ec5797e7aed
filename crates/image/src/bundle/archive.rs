//! The parts of a bundle that is one archive: an index of its members, made once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Read};
use std::sync::Arc;

use super::{ArchiveBytes, BundleError, Part, PartError, PartName, Parts};
use crate::Limits;
use crate::tar::{Fault, MemberKind, Members};

/// Members that are remembered: an image has three or four for a layer. An archive with more may still be
/// a layer, which is not read through here.
const MOST: usize = 100_000;

/// Bytes of a name that is remembered: the longest that tools write have about 150.
const LONGEST: usize = 512;

/// What tells a bundle from a layer, and is remembered always.
const FIXED: [&[u8]; 3] = [b"oci-layout", b"index.json", b"manifest.json"];

/// The members of an archive as parts.
#[derive(Debug)]
pub struct ArchiveParts<B> {
    bytes: Arc<B>,
    places: HashMap<Vec<u8>, Place>,
    /// There are more than those.
    overflows: bool,
}

/// What stands at a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File {
        offset: u64,
        size: u64,
    },
    /// A link, and the name that it leads to.
    Link(Vec<u8>),
    Other,
    /// Several things: readers choose differently.
    Several,
}

impl<B: ArchiveBytes + 'static> ArchiveParts<B> {
    /// Reads the headers of an archive that is not compressed.
    ///
    /// # Errors
    /// [`BundleError::Rejected`] for what is no archive or breaks a rule, [`BundleError::Archive`].
    pub fn index(bytes: Arc<B>, limits: &Limits) -> Result<Self, BundleError> {
        let mut places = HashMap::new();
        let mut overflows = false;
        let mut members = Members::new(&*bytes, limits);
        while let Some(member) = members.next()? {
            if member.what == MemberKind::Directory {
                continue;
            }
            let Some(name) = plain(&[], &member.name) else {
                continue;
            };
            let is_fixed = FIXED.contains(&name.as_slice());
            if !is_fixed && (places.len() >= MOST || name.len() > LONGEST) {
                overflows = true;
                continue;
            }
            let place = match member.what {
                MemberKind::File { offset, size } => Place::File { offset, size },
                MemberKind::Symlink(target) => {
                    let dir = name.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                    link(&name[..dir], &target)
                }
                MemberKind::HardLink(target) => link(&[], &target),
                MemberKind::Directory | MemberKind::Other => Place::Other,
            };
            match places.entry(name) {
                Entry::Vacant(free) => _ = free.insert(place),
                Entry::Occupied(mut there) => _ = there.insert(Place::Several),
            }
        }
        Ok(Self {
            bytes,
            places,
            overflows,
        })
    }

    fn find(&self, name: &[u8]) -> Result<Option<&Place>, PartError> {
        match self.places.get(name) {
            None if self.overflows && !FIXED.contains(&name) => Err(PartError::Refused(
                "the archive has more members than are looked at",
            )),
            found => Ok(found),
        }
    }
}

impl<B: ArchiveBytes + 'static> Parts for ArchiveParts<B> {
    fn open(&self, name: &PartName) -> Result<Option<Part>, PartError> {
        let Some(name) = plain(&[], &name.to_bytes()) else {
            return Err(PartError::Refused("its name leads out of the archive"));
        };
        let mut found = self.find(&name)?;
        // Docker writes a layer that is there already as a link to it: one step, so there is no loop.
        if let Some(Place::Link(target)) = found {
            found = self.find(target)?;
        }
        match found {
            None => Ok(None),
            Some(Place::File { offset, size }) => Ok(Some(Part {
                size: *size,
                bytes: Box::new(Body {
                    bytes: Arc::clone(&self.bytes),
                    at: *offset,
                    left: *size,
                }),
            })),
            Some(Place::Several) => Err(PartError::Refused(
                "there are several of that name in the archive",
            )),
            Some(Place::Link(_)) => Err(PartError::Refused("it is a link to a link")),
            Some(Place::Other) => Err(PartError::Refused("it is not a regular file")),
        }
    }
}

fn link(dir: &[u8], target: &[u8]) -> Place {
    match plain(dir, target) {
        Some(name) if name.len() <= LONGEST => Place::Link(name),
        _ => Place::Other,
    }
}

/// A name from a directory of the archive, as one name from its root; `None` for one that leads out of it.
fn plain(dir: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let dir = if name.starts_with(b"/") { &[] } else { dir };
    let mut parts: Vec<&[u8]> = Vec::new();
    let all = dir.split(|byte| *byte == b'/');
    for part in all.chain(name.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

/// The bytes of one member.
#[derive(Debug)]
struct Body<B> {
    bytes: Arc<B>,
    at: u64,
    left: u64,
}

impl<B: ArchiveBytes> Read for Body<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        self.bytes.read_at(self.at, &mut buffer[..count])?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

impl From<Fault> for BundleError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Rejected(rejected) => Self::Rejected(rejected),
            Fault::Read(error) => Self::Archive(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_the_archive() {
        for (dir, name, expected) in [
            ("", "./a//b/./c", Some("a/b/c")),
            ("", "/a", Some("a")),
            ("a/b", "../c/layer.tar", Some("a/c/layer.tar")),
            ("a", "/c", Some("c")),
            ("a", "../../c", None),
            ("", "../../etc/passwd", None),
            ("", "a/../..", None),
            ("", "", Some("")),
        ] {
            let found = plain(dir.as_bytes(), name.as_bytes());
            assert_eq!(
                found.as_deref(),
                expected.map(str::as_bytes),
                "{dir} {name}"
            );
        }
    }
}
