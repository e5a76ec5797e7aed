//! Which operating system a root filesystem says it is: by os-release(5), else by the files that
//! distributions had before it.

use super::{
    Manager, Os, gathered::Gathered, os::manager, os_release::OsRelease, problem::shown,
    value::prose,
};
use crate::{Rootfs, RootfsError, read_file};

/// What a root filesystem says of itself.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) os: Os,
    /// Who is expected to have installed its packages.
    pub(super) manager: Option<Manager>,
}

/// Where os-release(5) is looked for; the first counts.
const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// How redhat-release begins, and the `ID` that goes with it.
const RED_HATS: [(&str, &str); 7] = [
    ("AlmaLinux ", "almalinux"),
    ("Rocky Linux ", "rocky"),
    ("Red Hat Enterprise Linux ", "rhel"),
    ("CentOS ", "centos"),
    ("Fedora ", "fedora"),
    ("Oracle Linux ", "ol"),
    ("Amazon Linux ", "amzn"),
];

/// Bytes of a version or a name; a longer one is none.
const VALUE_BYTES: usize = 256;

/// Reads what says which operating system it is. What cannot be read is a gap, and the next is asked.
///
/// # Errors
/// Where the host failed.
pub(super) fn identify(
    rootfs: &dyn Rootfs,
    gathered: &mut Gathered<'_>,
) -> Result<Option<Identity>, RootfsError> {
    for path in OS_RELEASE {
        let Some(bytes) = read(rootfs, path, gathered)? else {
            continue;
        };
        let release = OsRelease::parse(&bytes);
        if release.id.is_empty() {
            continue;
        }
        let mut version = release.version_id;
        if release.id == "debian" && version.is_empty() {
            version = debian_version(rootfs, gathered)?.unwrap_or_default();
        }
        let manager = manager(&release.id, &release.id_like);
        let os = named(release.id, version, release.pretty_name, path);
        return Ok(Some(Identity { os, manager }));
    }
    if let Some(os) = before_os_release(rootfs, gathered)? {
        let manager = manager(&os.id, &[]);
        return Ok(Some(Identity { os, manager }));
    }
    Ok(None)
}

fn before_os_release(
    rootfs: &dyn Rootfs,
    gathered: &mut Gathered<'_>,
) -> Result<Option<Os>, RootfsError> {
    let own = |text: &str| text.to_owned();
    if let Some(version) = first_line(rootfs, "etc/alpine-release", gathered)? {
        let name = format!("Alpine Linux {version}");
        return Ok(Some(named(
            own("alpine"),
            version,
            name,
            "etc/alpine-release",
        )));
    }
    if let Some(line) = first_line(rootfs, "etc/redhat-release", gathered)? {
        let known = RED_HATS.iter().find(|(begin, _)| line.starts_with(begin));
        if let Some((_, id)) = known {
            let after = line.split_once(" release ").map_or("", |(_, after)| after);
            let version = after.split_whitespace().next().unwrap_or_default();
            let os = named(own(id), own(version), line.clone(), "etc/redhat-release");
            return Ok(Some(os));
        }
    }
    if let Some(version) = debian_version(rootfs, gathered)? {
        let name = format!("Debian GNU/Linux {version}");
        return Ok(Some(named(
            own("debian"),
            version,
            name,
            "etc/debian_version",
        )));
    }
    Ok(None)
}

/// `12.5` of a release, `trixie/sid` of what becomes one.
fn debian_version(
    rootfs: &dyn Rootfs,
    gathered: &mut Gathered<'_>,
) -> Result<Option<String>, RootfsError> {
    first_line(rootfs, "etc/debian_version", gathered)
}

fn named(id: String, version: String, pretty: String, path: &str) -> Os {
    let name = match (pretty.is_empty(), version.is_empty()) {
        (false, _) => pretty,
        (true, true) => id.clone(),
        (true, false) => format!("{id} {version}"),
    };
    Os {
        id,
        version,
        name,
        found_in: shown(path.as_bytes()),
    }
}

fn first_line(
    rootfs: &dyn Rootfs,
    path: &str,
    gathered: &mut Gathered<'_>,
) -> Result<Option<String>, RootfsError> {
    let bytes = read(rootfs, path, gathered)?.unwrap_or_default();
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    Ok(prose(line, VALUE_BYTES))
}

fn read(
    rootfs: &dyn Rootfs,
    path: &str,
    gathered: &mut Gathered<'_>,
) -> Result<Option<Vec<u8>>, RootfsError> {
    match read_file(rootfs, path.as_bytes(), gathered.limits.release_bytes) {
        Err(RootfsError::Missing) => Ok(None),
        read => gathered.note(path.as_bytes(), read.map_err(Into::into)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InventoryLimits, MemoryRootfs, Reason};

    fn os(rootfs: &MemoryRootfs) -> (Option<Identity>, Vec<Reason>) {
        let limits = InventoryLimits::default();
        let mut gathered = Gathered::new(&limits);
        let identity = identify(rootfs, &mut gathered).expect("memory does not fail");
        (identity, gathered.gaps)
    }

    fn words(rootfs: &MemoryRootfs) -> (String, String, String, String) {
        let (identity, gaps) = os(rootfs);
        assert_eq!(gaps, []);
        let os = identity.expect("it says what it is").os;
        (os.id, os.version, os.name, os.found_in)
    }

    fn four(words: [&str; 4]) -> (String, String, String, String) {
        let [a, b, c, d] = words.map(str::to_owned);
        (a, b, c, d)
    }

    #[test]
    fn the_first_os_release_counts() {
        let rootfs = MemoryRootfs::new()
            .symlink("etc/os-release", "../usr/lib/os-release")
            .file("usr/lib/os-release", "ID=alpine\nVERSION_ID=3.19.1\n")
            .file("etc/debian_version", "12.5\n");
        assert_eq!(
            words(&rootfs),
            four(["alpine", "3.19.1", "alpine 3.19.1", "/etc/os-release"])
        );
        let elsewhere = rootfs.symlink("etc/os-release", "/nowhere");
        assert_eq!(words(&elsewhere).3, "/usr/lib/os-release");
        let without_id = elsewhere.file("etc/os-release", "NAME=x\n");
        assert_eq!(words(&without_id).3, "/usr/lib/os-release");
    }

    #[test]
    fn debian_without_a_version_says_it_elsewhere() {
        let rootfs = MemoryRootfs::new()
            .file(
                "etc/os-release",
                "ID=debian\nPRETTY_NAME='Debian trixie/sid'\n",
            )
            .file("etc/debian_version", "trixie/sid\n");
        assert_eq!(
            words(&rootfs),
            four([
                "debian",
                "trixie/sid",
                "Debian trixie/sid",
                "/etc/os-release"
            ])
        );
        let (identity, _) = os(&rootfs);
        assert_eq!(identity.and_then(|identity| identity.os.stream()), None);
        let released = rootfs.file("etc/debian_version", "12.5\n");
        assert_eq!(words(&released).1, "12.5");
    }

    #[test]
    fn older_files_are_asked_where_there_is_no_os_release() {
        for (path, text, expected) in [
            (
                "etc/alpine-release",
                "3.19.1\n",
                [
                    "alpine",
                    "3.19.1",
                    "Alpine Linux 3.19.1",
                    "/etc/alpine-release",
                ],
            ),
            (
                "etc/debian_version",
                "12.5\n",
                [
                    "debian",
                    "12.5",
                    "Debian GNU/Linux 12.5",
                    "/etc/debian_version",
                ],
            ),
            (
                "etc/redhat-release",
                "AlmaLinux release 9.4 (Seafoam Ocelot)\n",
                [
                    "almalinux",
                    "9.4",
                    "AlmaLinux release 9.4 (Seafoam Ocelot)",
                    "/etc/redhat-release",
                ],
            ),
            (
                "etc/redhat-release",
                "Red Hat Enterprise Linux Server release 7.9 (Maipo)",
                [
                    "rhel",
                    "7.9",
                    "Red Hat Enterprise Linux Server release 7.9 (Maipo)",
                    "/etc/redhat-release",
                ],
            ),
            (
                "etc/redhat-release",
                "CentOS Linux release 7.9.2009 (Core)\n",
                [
                    "centos",
                    "7.9.2009",
                    "CentOS Linux release 7.9.2009 (Core)",
                    "/etc/redhat-release",
                ],
            ),
        ] {
            let rootfs = MemoryRootfs::new().file(path, text);
            assert_eq!(words(&rootfs), four(expected));
        }
        let (none, gaps) = os(&MemoryRootfs::new().file("etc/redhat-release", "Else release 1\n"));
        assert!(none.is_none() && gaps.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_a_gap_and_the_next_is_asked() {
        let rootfs = MemoryRootfs::new()
            .fifo("etc/os-release")
            .file("usr/lib/os-release", "ID=rocky\nVERSION_ID=9.3\n");
        let (identity, gaps) = os(&rootfs);
        let identity = identity.expect("the second says it");
        assert_eq!(identity.os.id, "rocky");
        assert_eq!(identity.manager, Some(Manager::Rpm));
        assert!(
            matches!(&gaps[..], [Reason::Unreadable { path, .. }] if path == "/etc/os-release")
        );
        let large = MemoryRootfs::new().file("etc/os-release", vec![b'#'; 70_000]);
        assert!(matches!(&os(&large).1[..], [Reason::LimitHit { .. }]));
    }
}
