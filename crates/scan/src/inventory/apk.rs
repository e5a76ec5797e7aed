//! apk's database: `lib/apk/db/installed`, or `usr/lib/apk/db/installed` of newer releases. Entries of
//! lines with a letter each (apk-package(5), "INDEX AND INSTALLED DATABASE").

use super::{
    Package, PackageKind, Source,
    database::{self, Kept},
    gathered::{Faults, Gathered},
    problem::shown,
    stanza::{Form, Stanza, each_stanza},
    value::{prose, word},
};
use crate::{Rootfs, RootfsError, RootfsFile};

const INSTALLED: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

/// What is asked of an entry, and what it is called where it is not there; the places of the values below.
const FIELDS: [&str; 5] = ["P", "V", "A", "o", "L"];
const NAME: usize = 0;
const VERSION: usize = 1;
const ARCHITECTURE: usize = 2;
const ORIGIN: usize = 3;
const LICENCE: usize = 4;

/// Reads what there is of the database.
///
/// # Errors
/// Where the host failed.
pub(super) fn read(rootfs: &dyn Rootfs, gathered: &mut Gathered<'_>) -> Result<Kept, RootfsError> {
    let (packages, gaps) = (gathered.packages.len(), gathered.gaps.len());
    for found in database::databases(rootfs, &INSTALLED, gathered.text_left) {
        match found {
            Ok(database) => read_installed(&*database.file, &database.path, gathered)?,
            Err((path, problem)) => gathered.gaps.push(problem.into_reason(path.as_bytes())?),
        }
    }
    Ok(Kept {
        any_installed: gathered.packages.len() > packages,
        unread: gathered.gaps.len() > gaps,
        removed: None,
    })
}

fn read_installed(
    file: &dyn RootfsFile,
    path: &str,
    gathered: &mut Gathered<'_>,
) -> Result<(), RootfsError> {
    gathered.text_left = gathered.text_left.saturating_sub(file.size());
    let mut faults = Faults::default();
    let value_bytes = gathered.limits.value_bytes;
    let read = each_stanza(file, Form::Apk, &FIELDS, value_bytes, &mut |stanza| {
        gathered.entry()?;
        match package(&stanza, path, value_bytes) {
            Ok(package) => gathered.packages.push(package),
            Err(what) => faults.add(|| format!("line {}", stanza.line), &what),
        }
        Ok(())
    });
    gathered.note(path.as_bytes(), read)?;
    gathered.left_out(path.as_bytes(), &faults);
    Ok(())
}

fn package(stanza: &Stanza<'_>, path: &str, value_bytes: usize) -> Result<Package, String> {
    if let Some(fault) = stanza.fault {
        return Err(fault.to_owned());
    }
    let read = |field: usize, bytes: &[u8]| {
        let read = word(bytes, value_bytes);
        read.map_err(|what| format!("{}: {what}", FIELDS[field]))
    };
    let value = |field: usize| match stanza.value(field) {
        Some(bytes) => read(field, bytes),
        None => Err(format!("{}: is missing", FIELDS[field])),
    };
    let (name, version) = (value(NAME)?, value(VERSION)?);
    // What is made of one origin has one version.
    let source = match stanza.value(ORIGIN) {
        Some(origin) if !origin.is_empty() => Some(Source {
            name: read(ORIGIN, origin)?,
            version: version.clone(),
        }),
        _ => None,
    };
    let shown_only = |field| {
        stanza
            .value(field)
            .and_then(|value| prose(value, value_bytes))
    };
    Ok(Package {
        kind: PackageKind::Apk,
        name,
        version,
        arch: shown_only(ARCHITECTURE),
        source,
        module: None,
        vendor: None,
        licence: shown_only(LICENCE),
        found_in: shown(path.as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InventoryLimits, MemoryRootfs, Reason};

    const TWO: &str = "C:Q1x=\nP:libcrypto3\nV:3.1.4-r5\nA:x86_64\nL:Apache-2.0\no:openssl\nF:lib\n\
                       R:libcrypto.so.3\na:0:0:755\nZ:Q1y=\n\nP:.build-deps\nV:0\n\n";

    fn read_all(rootfs: &MemoryRootfs) -> (Kept, Vec<Package>, Vec<Reason>) {
        let limits = InventoryLimits::default();
        let mut gathered = Gathered::new(&limits);
        let kept = read(rootfs, &mut gathered).expect("memory does not fail");
        (kept, gathered.packages, gathered.gaps)
    }

    #[test]
    fn a_package_has_its_origin_with_its_own_version() {
        let (kept, packages, gaps) = read_all(&MemoryRootfs::new().file(INSTALLED[0], TWO));
        assert!(kept.any_installed && gaps.is_empty());
        let [crypto, virtual_one] = &packages[..] else {
            panic!("{packages:?}");
        };
        assert_eq!(
            (crypto.source_name(), crypto.source_version()),
            ("openssl", "3.1.4-r5")
        );
        assert_eq!(crypto.arch.as_deref(), Some("x86_64"));
        assert_eq!(crypto.licence.as_deref(), Some("Apache-2.0"));
        assert_eq!(crypto.found_in, "/lib/apk/db/installed");
        assert_eq!(
            (virtual_one.name.as_str(), &virtual_one.source),
            (".build-deps", &None)
        );
    }

    #[test]
    fn a_database_that_has_moved_is_read_once() {
        let moved = MemoryRootfs::new()
            .file(INSTALLED[1], TWO)
            .symlink("lib", "usr/lib");
        assert_eq!(read_all(&moved).1.len(), 2);
        let new = MemoryRootfs::new().file(INSTALLED[1], TWO);
        assert_eq!(read_all(&new).1[0].found_in, "/usr/lib/apk/db/installed");
    }

    #[test]
    fn entries_that_are_not_understood_are_a_gap() {
        for (text, what) in [
            ("P:a\n", "line 1: V: is missing"),
            ("V:1\n", "line 1: P: is missing"),
            ("P:a\nV:1\nV:2\n", "line 1: a field is there twice"),
            (
                "P:a\nV:1\no:b\0\n",
                "line 1: o: has blanks or control characters",
            ),
            ("P:a\nV:1\nx\n", "line 1: a line is no field"),
        ] {
            let text = format!("{text}\nP:z\nV:1\n");
            let (kept, packages, gaps) = read_all(&MemoryRootfs::new().file(INSTALLED[0], text));
            assert_eq!(packages.len(), 1);
            let said =
                matches!(&gaps[..], [Reason::Unreadable { problem, .. }] if problem.contains(what));
            assert!(said && kept.unread, "{what}: {gaps:?}");
        }
    }
}
