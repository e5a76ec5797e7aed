//! What Trivy calls an operating system (its `pkg/fanal/types/const.go`), and what we do.

use crate::{Ecosystem, Stream};

/// Trivy's name for the operating system with this `ID` in its os-release(5).
pub(crate) fn os_family(id: &str) -> &str {
    match id {
        "almalinux" => "alma",
        "amzn" => "amazon",
        "ol" => "oracle",
        "rhel" => "redhat",
        other => other,
    }
}

/// The stream of advisories of the release that Trivy names so, where there is one here.
pub(super) fn stream(family: &str, version: &str) -> Option<Stream> {
    let parts = |count: usize| version.split('.').take(count).collect::<Vec<_>>().join(".");
    let (ecosystem, release) = match family {
        "alma" => (Ecosystem::AlmaLinux, parts(1)),
        "alpine" => (Ecosystem::Alpine, format!("v{}", parts(2))),
        "debian" => (Ecosystem::Debian, parts(1)),
        "redhat" => (Ecosystem::RedHat, parts(1)),
        "rocky" => (Ecosystem::RockyLinux, parts(1)),
        "ubuntu" => (Ecosystem::Ubuntu, parts(2)),
        _ => return None,
    };
    Some(Stream::new(ecosystem, &release))
}

/// Who rates severities under this id of Trivy's data sources, in our words.
pub(super) fn rater(source: &str) -> &str {
    match source {
        "alma" => "AlmaLinux",
        "alpine" => "Alpine",
        "debian" => "Debian",
        "ghsa" => "GitHub",
        "nvd" => "NVD",
        "redhat" | "redhat-oval" => "Red Hat",
        "rocky" => "Rocky Linux",
        "ubuntu" => "Ubuntu",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_trivy_are_streams_of_ours() {
        for (family, version, expected) in [
            ("debian", "12.5", "Debian:12"),
            ("alpine", "3.19.1", "Alpine:v3.19"),
            ("ubuntu", "22.04", "Ubuntu:22.04"),
            (os_family("almalinux"), "8.5", "AlmaLinux:8"),
            (os_family("rhel"), "9.4", "Red Hat:9"),
            (os_family("rocky"), "9", "Rocky Linux:9"),
        ] {
            let stream = stream(family, version).expect(family);
            assert_eq!(stream.to_string(), expected);
        }
        assert_eq!(stream("centos", "7"), None);
    }
}
