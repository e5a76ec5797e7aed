//! Names of entries: split into components, and told apart from whiteouts.
//!
//! A name is parsed once, here. What comes out has no `..`, no empty component and no NUL, and is
//! within the limits.

use crate::rules::refuse;
use crate::{Code, Limits, Rejected};

/// What whiteouts begin with (OCI image specification, `layer.md`, "Whiteouts").
const WHITEOUT: &[u8] = b".wh.";
/// The one that hides all of its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// What the names of AUFS's own files begin with.
const AUFS: &[u8] = b".wh..wh.";
/// AUFS's directory of files with several names, in the root.
pub(super) const PLINK: &[u8] = b".wh..wh.plnk";

/// A name as a path from the root of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path<'a> {
    /// Components from the root; none for the root itself.
    pub(super) components: Vec<&'a [u8]>,
    /// Whether it was written in another way than components joined by `/`, with a `/` at its end
    /// for a directory only.
    pub(super) normalised: bool,
}

/// What an entry's name says that the entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role<'p, 'a> {
    /// The root of the image.
    Root,
    /// An entry of this name in this directory.
    Entry {
        parent: &'p [&'a [u8]],
        name: &'a [u8],
    },
    /// A whiteout of this name in this directory.
    Whiteout {
        parent: &'p [&'a [u8]],
        name: &'a [u8],
    },
    /// A whiteout of all that is in this directory.
    Opaque { dir: &'p [&'a [u8]] },
    /// A file that AUFS keeps for hard links to it: in the tree until the layer's end.
    Plink {
        parent: &'p [&'a [u8]],
        name: &'a [u8],
    },
    /// Another of AUFS's own.
    Aufs,
}

impl<'a> Path<'a> {
    /// Splits a name. `directory` says whether a `/` at its end belongs there.
    pub(super) fn parse(
        mut name: &'a [u8],
        directory: bool,
        limits: &Limits,
    ) -> Result<Self, Rejected> {
        if name.is_empty() {
            refuse(Code::NameEmpty, "the name is empty")?;
        }
        if name.len() > limits.path_bytes {
            refuse(
                Code::NameTooLong,
                format!(
                    "a name of {} bytes, {} are allowed",
                    name.len(),
                    limits.path_bytes
                ),
            )?;
        }
        if let Some(nul) = name.iter().position(|byte| *byte == 0) {
            refuse(Code::NameNul, "the name contains a NUL")?;
            name = &name[..nul];
        }
        let (mut components, mut plain) = (Vec::new(), true);
        let written = name
            .strip_suffix(b"/")
            .filter(|_| directory)
            .unwrap_or(name);
        for component in written.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => plain = false,
                b".." => refuse(Code::NameParent, "the name has a '..' component")?,
                _ => components.push(component),
            }
        }
        for component in &mut components {
            if component.len() > limits.component_bytes {
                too_long(component, limits)?;
                *component = &component[..limits.component_bytes];
            }
        }
        if components.len() > limits.depth {
            refuse(
                Code::NameTooDeep,
                format!(
                    "{} components, {} are allowed",
                    components.len(),
                    limits.depth
                ),
            )?;
        }
        // The root has no other name than these.
        let normalised = !plain && !matches!(name, b"." | b"./" | b"/");
        Ok(Self {
            components,
            normalised,
        })
    }

    pub(super) fn role(&self) -> Result<Role<'_, 'a>, Rejected> {
        let Some((name, parent)) = self.components.split_last() else {
            return Ok(Role::Root);
        };
        if let Some(aufs) = parent
            .iter()
            .position(|component| component.starts_with(AUFS))
        {
            let plink = aufs == 0 && parent[0] == PLINK && !name.starts_with(WHITEOUT);
            return Ok(if plink {
                Role::Plink { parent, name }
            } else {
                Role::Aufs
            });
        }
        if *name == OPAQUE {
            return Ok(Role::Opaque { dir: parent });
        }
        if name.starts_with(AUFS) {
            return Ok(Role::Aufs);
        }
        match name.strip_prefix(WHITEOUT) {
            Some(b"" | b"." | b"..") => {
                refuse(
                    Code::WhiteoutName,
                    "a whiteout of nothing, of '.' or of '..'",
                )?;
                Ok(Role::Aufs)
            }
            Some(name) => Ok(Role::Whiteout { parent, name }),
            None => Ok(Role::Entry { parent, name }),
        }
    }
}

/// A component that no filesystem could hold.
pub(super) fn too_long(component: &[u8], limits: &Limits) -> Result<(), Rejected> {
    refuse(
        Code::NameComponentTooLong,
        format!(
            "a component of {} bytes, {} are allowed",
            component.len(),
            limits.component_bytes
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &[u8]) -> Result<Path<'_>, Code> {
        Path::parse(name, false, &Limits::default()).map_err(|rejected| rejected.code)
    }

    #[test]
    fn every_spelling_of_a_path_is_one_path() {
        for name in [
            &b"/usr/bin"[..],
            b"./usr/bin",
            b"usr//bin",
            b"usr/./bin",
            b"usr/bin/",
            b"//usr/bin/.",
        ] {
            let path = parse(name).unwrap();
            assert_eq!(path.components, [&b"usr"[..], b"bin"]);
            assert!(path.normalised);
        }
        assert!(!parse(b"usr/bin").unwrap().normalised);
        assert!(
            !Path::parse(b"usr/bin/", true, &Limits::default())
                .unwrap()
                .normalised
        );
        for root in [&b"."[..], b"/", b"./", b"//", b"./."] {
            assert_eq!(parse(root).unwrap().role(), Ok(Role::Root));
        }
    }

    #[test]
    fn what_leads_out_or_does_not_fit_is_rejected() {
        for name in [&b".."[..], b"a/..", b"../a", b"a/../b", b"/.."] {
            assert_eq!(parse(name), Err(Code::NameParent));
        }
        assert_eq!(parse(b""), Err(Code::NameEmpty));
        assert_eq!(parse(b"a\0b"), Err(Code::NameNul));
        assert_eq!(parse(&[b'a'; 256]), Err(Code::NameComponentTooLong));
        assert!(parse(&[b'a'; 255]).is_ok());
        assert_eq!(parse(&b"a/".repeat(2_049)), Err(Code::NameTooLong));
        assert_eq!(parse(&b"a/".repeat(257)), Err(Code::NameTooDeep));
        assert!(parse(&b"a/".repeat(256)).is_ok());
        // These are names like any other.
        for name in [&b"..."[..], b"..a", b"a..", b" ", b"\\..\\", b"\xff"] {
            assert_eq!(parse(name).unwrap().components, [name]);
        }
    }

    #[test]
    fn a_whiteout_is_told_by_its_last_component() {
        let (a, d): (&[u8], &[u8]) = (b"a", b"d");
        let cases: [(&[u8], Role<'_, '_>); 11] = [
            (
                b".wh.a",
                Role::Whiteout {
                    parent: &[],
                    name: a,
                },
            ),
            (
                b"d/.wh.a/",
                Role::Whiteout {
                    parent: &[d],
                    name: a,
                },
            ),
            (
                b".wh.....",
                Role::Whiteout {
                    parent: &[],
                    name: b"....",
                },
            ),
            (
                b".wh..hidden",
                Role::Whiteout {
                    parent: &[],
                    name: b".hidden",
                },
            ),
            (b"d/.wh..wh..opq", Role::Opaque { dir: &[d] }),
            (
                b".wh.d/a",
                Role::Entry {
                    parent: &[b".wh.d"],
                    name: a,
                },
            ),
            (
                b".wh",
                Role::Entry {
                    parent: &[],
                    name: b".wh",
                },
            ),
            (b".wh..wh.aufs", Role::Aufs),
            (b".wh..wh.orph/a", Role::Aufs),
            (b".wh..wh.plnk", Role::Aufs),
            (
                b".wh..wh.plnk/a",
                Role::Plink {
                    parent: &[PLINK],
                    name: a,
                },
            ),
        ];
        for (name, role) in cases {
            assert_eq!(
                parse(name).unwrap().role(),
                Ok(role),
                "{}",
                name.escape_ascii()
            );
        }
        for name in [&b".wh."[..], b"d/.wh..", b".wh..."] {
            let rejected = parse(name).unwrap().role().unwrap_err();
            assert_eq!(rejected.code, Code::WhiteoutName);
        }
    }
}
