//! dpkg's database: `var/lib/dpkg/status`, and a file for each package in `status.d` where an image was
//! made without dpkg (distroless). deb-control(5), deb822(5), dpkg-query(1).
//!
//! Left out are packages that are `not-installed`, or of which only `config-files` are left. Those in
//! every other state, also in one that nobody knows or in none, have files on the disk, whole or in part.

use std::collections::HashSet;

use super::{
    Package, PackageKind, Source,
    database::{self, Kept},
    gathered::{Faults, Gathered},
    problem::{Problem, shown},
    stanza::{Form, Stanza, each_stanza},
    value::{prose, word},
};
use crate::{Reason, Rootfs, RootfsError, RootfsFile};

const STATUS: &str = "var/lib/dpkg/status";
const STATUS_FILES: &str = "var/lib/dpkg/status.d";
/// dpkg(1) keeps lists of files here, `NAME.list` or `NAME:ARCH.list`, and takes one away with the last
/// of a package's entry.
const INFO: &str = "var/lib/dpkg/info";
/// What dpkg has yet to write into `status`, in files whose names are numbers.
const UPDATES: &str = "var/lib/dpkg/updates";

/// What is asked of an entry; the places of the values below.
const FIELDS: [&str; 5] = ["Package", "Status", "Version", "Source", "Architecture"];
const PACKAGE: usize = 0;
const STATE: usize = 1;
const VERSION: usize = 2;
const SOURCE: usize = 3;
const ARCHITECTURE: usize = 4;

/// Reads what there is of the database.
///
/// # Errors
/// Where the host failed.
pub(super) fn read(rootfs: &dyn Rootfs, gathered: &mut Gathered<'_>) -> Result<Kept, RootfsError> {
    let installed_before = gathered.packages.len();
    let gaps_before = gathered.gaps.len();
    let mut names = HashSet::new();
    let status = database::open(rootfs, STATUS, gathered.text_left);
    if let Some(Some(file)) = gathered.note(STATUS.as_bytes(), status)? {
        read_status(&*file, STATUS, gathered, &mut names)?;
    }
    let orphan_sums = read_status_files(rootfs, gathered, &mut names)?;
    let unread = gathered.gaps.len() > gaps_before;
    // Names are missing from an unread database without anybody having removed them.
    let orphans = if unread {
        orphan_sums
    } else {
        orphan_sums.or(orphan_list(rootfs, gathered, &names)?)
    };
    note_updates(rootfs, gathered)?;
    Ok(Kept {
        any_installed: gathered.packages.len() > installed_before,
        unread,
        removed: orphans,
    })
}

fn read_status(
    file: &dyn RootfsFile,
    path: &str,
    gathered: &mut Gathered<'_>,
    names: &mut HashSet<String>,
) -> Result<(), RootfsError> {
    gathered.text_left = gathered.text_left.saturating_sub(file.size());
    let mut faults = Faults::default();
    let value_bytes = gathered.limits.value_bytes;
    let read = each_stanza(file, Form::Deb822, &FIELDS, value_bytes, &mut |stanza| {
        gathered.entry()?;
        match package(&stanza, path, value_bytes) {
            Ok((name, package)) => {
                names.insert(name);
                gathered.packages.extend(package);
            }
            Err(what) => faults.add(|| format!("line {}", stanza.line), &what),
        }
        Ok(())
    });
    let read = match read {
        // What builds an image without dpkg does not always end its files with a newline.
        Err(Problem::Wrong(_)) if path != STATUS => Ok(()),
        read => read,
    };
    gathered.note(path.as_bytes(), read)?;
    gathered.left_out(path.as_bytes(), &faults);
    Ok(())
}

/// Reads `status.d`. Tells of sums of files that no entry goes with.
fn read_status_files(
    rootfs: &dyn Rootfs,
    gathered: &mut Gathered<'_>,
    names: &mut HashSet<String>,
) -> Result<Option<String>, RootfsError> {
    const SUMS: &[u8] = b".md5sums";
    let listed = database::list(rootfs, STATUS_FILES, gathered.limits.status_files);
    let Some(entries) = gathered.note(STATUS_FILES.as_bytes(), listed)? else {
        return Ok(None);
    };
    let mut orphan = None;
    for entry in &entries {
        if let Some(of) = entry.name.strip_suffix(SUMS) {
            let has_entry = |of: &[u8]| entries.binary_search_by(|it| it.name[..].cmp(of)).is_ok();
            if orphan.is_none() && !has_entry(of) {
                let (name, dir) = (shown(&entry.name), shown(STATUS_FILES.as_bytes()));
                orphan = Some(format!("{dir}{name} is there and its package has no entry"));
            }
            continue;
        }
        let Ok(name) = std::str::from_utf8(&entry.name) else {
            let path = [STATUS_FILES.as_bytes(), b"/", &entry.name].concat();
            let problem = Problem::wrong("its name is no UTF-8");
            gathered.gaps.push(problem.into_reason(&path)?);
            continue;
        };
        let path = format!("{STATUS_FILES}/{name}");
        let file = database::open(rootfs, &path, gathered.text_left);
        if let Some(Some(file)) = gathered.note(path.as_bytes(), file)? {
            read_status(&*file, &path, gathered, names)?;
        }
    }
    Ok(orphan)
}

/// Tells of a list of files whose package has no entry: whoever took the entry away was not dpkg.
fn orphan_list(
    rootfs: &dyn Rootfs,
    gathered: &mut Gathered<'_>,
    names: &HashSet<String>,
) -> Result<Option<String>, RootfsError> {
    let listed = database::list(rootfs, INFO, gathered.limits.listed);
    let entries = gathered.note(INFO.as_bytes(), listed)?.unwrap_or_default();
    let mut orphans = entries.iter().filter(|entry| {
        let Some(stem) = entry.name.strip_suffix(b".list") else {
            return false;
        };
        let name = stem.split(|byte| *byte == b':').next().unwrap_or(stem);
        std::str::from_utf8(name).map_or(true, |name| !names.contains(name))
    });
    let Some(first) = orphans.next() else {
        return Ok(None);
    };
    let path = shown(&[INFO.as_bytes(), b"/", &first.name].concat());
    let more = match orphans.count() {
        0 => String::new(),
        more => format!(", as are {more} more"),
    };
    Ok(Some(format!(
        "{path} is there{more}, and its package has no entry"
    )))
}

fn note_updates(rootfs: &dyn Rootfs, gathered: &mut Gathered<'_>) -> Result<(), RootfsError> {
    let listed = database::list(rootfs, UPDATES, gathered.limits.listed);
    let entries = gathered
        .note(UPDATES.as_bytes(), listed)?
        .unwrap_or_default();
    let pending = |name: &[u8]| !name.is_empty() && name.iter().all(u8::is_ascii_digit);
    if entries.iter().any(|entry| pending(&entry.name)) {
        gathered.gaps.push(Reason::Unreadable {
            path: shown(UPDATES.as_bytes()),
            problem: "dpkg was cut off, and what it has yet to write into its database is not read"
                .to_owned(),
        });
    }
    Ok(())
}

/// The name in an entry, and the package if it is installed.
fn package(
    stanza: &Stanza<'_>,
    path: &str,
    value_bytes: usize,
) -> Result<(String, Option<Package>), String> {
    if let Some(fault) = stanza.fault {
        return Err(fault.to_owned());
    }
    let value = |field: usize| {
        let bytes = stanza.value(field).ok_or("is missing");
        let read = bytes.and_then(|bytes| word(bytes, value_bytes));
        read.map_err(|what| format!("{} {what}", FIELDS[field]))
    };
    let name = value(PACKAGE)?;
    if !is_installed(stanza.value(STATE)) {
        return Ok((name, None));
    }
    let version = value(VERSION)?;
    let source = match stanza.value(SOURCE) {
        None => None,
        Some(bytes) => {
            let read = source(bytes, &version, value_bytes);
            Some(read.map_err(|what| format!("Source {what}"))?)
        }
    };
    let arch = stanza.value(ARCHITECTURE);
    let package = Package {
        kind: PackageKind::Deb,
        name: name.clone(),
        version,
        arch: arch.and_then(|arch| prose(arch, value_bytes)),
        source,
        module: None,
        vendor: None,
        licence: None,
        found_in: shown(path.as_bytes()),
    };
    Ok((name, Some(package)))
}

/// `Status` is what is wanted, a flag and the state.
fn is_installed(status: Option<&[u8]>) -> bool {
    let status = status.unwrap_or_default();
    let words: Vec<&[u8]> = status
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    !matches!(words[..], [_, _, b"not-installed" | b"config-files"])
}

/// `NAME` or `NAME (VERSION)`; the version is there where it is not the package's.
fn source(bytes: &[u8], version: &str, value_bytes: usize) -> Result<Source, &'static str> {
    let Some(open) = bytes.iter().position(|byte| *byte == b'(') else {
        let name = word(bytes, value_bytes)?;
        let version = version.to_owned();
        return Ok(Source { name, version });
    };
    let inside = bytes[open + 1..].strip_suffix(b")");
    let inside = inside.ok_or("has no end of its version")?;
    Ok(Source {
        name: word(bytes[..open].trim_ascii_end(), value_bytes)?,
        version: word(inside.trim_ascii(), value_bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InventoryLimits, MemoryRootfs};

    fn read_all(rootfs: &MemoryRootfs) -> (Kept, Vec<Package>, Vec<Reason>) {
        let limits = InventoryLimits::default();
        let mut gathered = Gathered::new(&limits);
        let kept = read(rootfs, &mut gathered).expect("memory does not fail");
        (kept, gathered.packages, gathered.gaps)
    }

    fn status(text: &str) -> (Kept, Vec<Package>, Vec<Reason>) {
        read_all(&MemoryRootfs::new().file(STATUS, text))
    }

    #[test]
    fn a_package_has_its_version_source_and_architecture() {
        let (kept, packages, gaps) = status(
            "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n\
             Source: glibc (2.36-9)\nVersion: 2.36-9+b1\n\n\
             Package: zlib1g\nStatus: hold ok installed\nSource: zlib\nVersion: 1:1.2.13\n\n\
             Package: bash\nStatus: install ok installed\nVersion: 5\n\n",
        );
        assert!(kept.any_installed && kept.removed.is_none());
        assert_eq!(gaps, []);
        let of = |nth: usize| {
            let package: &Package = &packages[nth];
            (
                package.version.as_str(),
                package.source_name(),
                package.source_version(),
            )
        };
        assert_eq!(of(0), ("2.36-9+b1", "glibc", "2.36-9"));
        assert_eq!(of(1), ("1:1.2.13", "zlib", "1:1.2.13"));
        assert_eq!(of(2), ("5", "bash", "5"));
        assert_eq!(packages[0].arch.as_deref(), Some("amd64"));
        assert_eq!(packages[2].source, None);
    }

    #[test]
    fn only_what_has_no_files_is_left_out() {
        for (state, installed) in [
            ("install ok installed", true),
            ("install ok unpacked", true),
            ("install reinstreq half-installed", true),
            ("deinstall ok half-configured", true),
            ("install ok triggers-pending", true),
            ("install ok strange", true),
            ("installed", true),
            ("deinstall ok config-files", false),
            ("purge ok not-installed", false),
            ("deinstall  ok\tconfig-files ", false),
        ] {
            let (.., packages, _) = status(&format!("Package: a\nStatus: {state}\nVersion: 1\n"));
            assert_eq!(packages.len(), usize::from(installed), "{state}");
        }
        let (.., packages, _) = status("Package: a\nVersion: 1\n");
        assert_eq!(packages.len(), 1, "no state at all");
    }

    #[test]
    fn entries_that_are_not_understood_are_a_gap() {
        for (text, what) in [
            ("Version: 1\n", "Package is missing"),
            ("Package: a\n", "Version is missing"),
            ("Package: a\nVersion:\n", "Version is empty"),
            ("Package: a b\nVersion: 1\n", "Package has blanks"),
            (
                "Package: a\nVersion: 1\nSource: b (2\n",
                "Source has no end",
            ),
            ("Package: a\nVersion: 1\nSource: (2)\n", "Source is empty"),
            (
                "Package: a\nVersion: 1\nVersion: 2\n",
                "a field is there twice",
            ),
        ] {
            let (kept, packages, gaps) = status(&format!("{text}\nPackage: z\nVersion: 1\n"));
            assert_eq!(packages.len(), 1, "{text}");
            let said = matches!(&gaps[..], [Reason::Unreadable { path, problem }]
                if path == "/var/lib/dpkg/status" && problem.contains(&format!("line 1: {what}")));
            assert!(said && kept.unread, "{text}: {gaps:?}");
        }
        let (.., gaps) = status("Package: a\nStatus: purge ok not-installed\n");
        assert_eq!(gaps, [], "what is not installed needs no version");
    }

    #[test]
    fn files_of_status_d_are_entries_and_their_sums_are_not() {
        let rootfs = MemoryRootfs::new()
            .file(
                "var/lib/dpkg/status.d/base",
                "Package: base-files\nVersion: 12",
            )
            .file(
                "var/lib/dpkg/status.d/tz",
                "Package: tzdata\nVersion: 2024a\n",
            )
            .file("var/lib/dpkg/status.d/tz.md5sums", "d41d8cd9  etc/x\n");
        let (kept, packages, gaps) = read_all(&rootfs);
        assert_eq!((packages.len(), gaps.len(), kept.removed), (2, 0, None));
        assert_eq!(packages[0].found_in, "/var/lib/dpkg/status.d/base");
        let removed = rootfs.file("var/lib/dpkg/status.d/gone.md5sums", "");
        let (kept, ..) = read_all(&removed);
        let said = kept.removed.expect("it was removed");
        assert!(
            said.starts_with("/var/lib/dpkg/status.d/gone.md5sums"),
            "{said}"
        );
    }

    #[test]
    fn a_list_without_an_entry_says_that_the_entry_was_removed() {
        let rootfs = MemoryRootfs::new()
            .file(
                STATUS,
                "Package: a\nVersion: 1\nStatus: install ok installed\n\n\
                 Package: b\nStatus: deinstall ok config-files\n\n",
            )
            .file("var/lib/dpkg/info/a:amd64.list", "")
            .file("var/lib/dpkg/info/b.list", "")
            .file("var/lib/dpkg/info/c.postinst", "")
            .file("var/lib/dpkg/info/format", "1\n");
        assert_eq!(read_all(&rootfs).0.removed, None);
        let removed = rootfs
            .file("var/lib/dpkg/info/openssl.list", "")
            .file("var/lib/dpkg/info/perl.list", "");
        assert_eq!(
            read_all(&removed).0.removed.as_deref(),
            Some(
                "/var/lib/dpkg/info/openssl.list is there, as are 1 more, and its package has no entry"
            )
        );
    }

    #[test]
    fn what_dpkg_has_yet_to_write_is_a_gap() {
        let rootfs = MemoryRootfs::new()
            .file(STATUS, "Package: a\nVersion: 1\n")
            .file("var/lib/dpkg/updates/tmp.i", "x");
        assert_eq!(read_all(&rootfs).2, []);
        let (.., gaps) = read_all(&rootfs.file("var/lib/dpkg/updates/0001", "Package: b\n"));
        assert!(
            matches!(&gaps[..], [Reason::Unreadable { path, .. }] if path == "/var/lib/dpkg/updates")
        );
    }
}
