//! The operating system that a root filesystem says it is, whose advisories are about it, and who
//! installed its packages.

use serde::{Deserialize, Serialize};

use super::Manager;
use crate::{Ecosystem, Stream};

/// The operating system of a root filesystem, in the words of its os-release(5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Os {
    /// `ID`: `debian`, `ubuntu`, `alpine`, `almalinux`, `rocky`, `rhel`.
    pub id: String,
    /// `VERSION_ID`: `12`, `22.04`, `3.19.1`, `9.4`; empty where it has none.
    pub version: String,
    /// `PRETTY_NAME`, or the two above.
    pub name: String,
    /// The file that says so.
    pub found_in: String,
}

impl Os {
    /// The advisories that are about its packages. There are none for what only descends from a system
    /// that has some (`ID_LIKE`): it builds other packages under the same versions. Nor for what is not
    /// released yet (Debian's testing, Alpine's edge): advisories are kept by release.
    #[must_use]
    pub fn stream(&self) -> Option<Stream> {
        let parts: Vec<&str> = self.version.split('.').collect();
        let numbers = parts.iter().all(|part| {
            (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        if !numbers {
            return None;
        }
        let (ecosystem, release) = match (self.id.as_str(), parts.as_slice()) {
            ("debian", [major, ..]) => (Ecosystem::Debian, (*major).to_owned()),
            ("ubuntu", [year, month, ..]) => (Ecosystem::Ubuntu, format!("{year}.{month}")),
            ("alpine", [major, minor, ..]) => (Ecosystem::Alpine, format!("v{major}.{minor}")),
            ("almalinux", [major, ..]) => (Ecosystem::AlmaLinux, (*major).to_owned()),
            ("rocky", [major, ..]) => (Ecosystem::RockyLinux, (*major).to_owned()),
            ("rhel", [major, ..]) => (Ecosystem::RedHat, (*major).to_owned()),
            _ => return None,
        };
        Some(Stream::new(ecosystem, &release))
    }
}

/// Who installs the packages of a system, by its `ID` or, failing that, by what it descends from.
pub(super) fn manager(id: &str, like: &[String]) -> Option<Manager> {
    let known = |id: &str| match id {
        "debian" | "ubuntu" | "devuan" | "kali" | "linuxmint" | "pop" | "raspbian" => {
            Some(Manager::Dpkg)
        }
        "alpine" | "chainguard" | "postmarketos" | "wolfi" => Some(Manager::Apk),
        "almalinux"
        | "amzn"
        | "azurelinux"
        | "centos"
        | "fedora"
        | "mariner"
        | "ol"
        | "opensuse"
        | "opensuse-leap"
        | "opensuse-tumbleweed"
        | "photon"
        | "rhel"
        | "rocky"
        | "sles"
        | "suse" => Some(Manager::Rpm),
        _ => None,
    };
    known(id).or_else(|| like.iter().find_map(|id| known(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(id: &str, version: &str) -> Option<String> {
        let os = Os {
            id: id.to_owned(),
            version: version.to_owned(),
            name: String::new(),
            found_in: String::new(),
        };
        os.stream().map(|stream| stream.to_string())
    }

    #[test]
    fn a_release_is_that_of_its_advisories() {
        for (id, version, expected) in [
            ("debian", "12", "Debian:12"),
            ("debian", "12.5", "Debian:12"),
            ("ubuntu", "22.04", "Ubuntu:22.04"),
            ("ubuntu", "22.04.3", "Ubuntu:22.04"),
            ("alpine", "3.19.1", "Alpine:v3.19"),
            ("alpine", "3.19", "Alpine:v3.19"),
            ("almalinux", "9.4", "AlmaLinux:9"),
            ("almalinux", "10", "AlmaLinux:10"),
            ("rocky", "9.3", "Rocky Linux:9"),
            ("rhel", "9.2", "Red Hat:9"),
        ] {
            assert_eq!(stream(id, version).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_nobody_publishes_for_has_no_advisories() {
        for (id, version) in [
            ("debian", ""),
            ("debian", "sid"),
            ("alpine", "3.21_alpha20240807"),
            ("alpine", "3"),
            ("ubuntu", "22"),
            ("centos", "7"),
            ("amzn", "2023"),
            ("sles", "15.4"),
            ("fedora", "40"),
            ("wolfi", "20230201"),
            ("raspbian", "12"),
            ("Debian", "12"),
            ("debian", "12\u{661}"),
            ("debian", "12345"),
            ("debian", "12."),
        ] {
            assert_eq!(stream(id, version), None, "{id} {version}");
        }
    }

    #[test]
    fn descendants_install_packages_as_their_ancestors_do() {
        let like = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(manager("wolfi", &[]), Some(Manager::Apk));
        let zorin = like(&["ubuntu", "debian"]);
        assert_eq!(manager("zorin", &zorin), Some(Manager::Dpkg));
        assert_eq!(
            manager("virtuozzo", &like(&["x", "rhel"])),
            Some(Manager::Rpm)
        );
        assert_eq!(manager("nixos", &[]), None);
    }
}
