//! Which stream the ecosystem of a record names.

use crate::{Ecosystem, Stream};

/// The stream of an OSV ecosystem, or why there is none.
pub(super) fn stream(ecosystem: &str) -> Result<Stream, String> {
    let (name, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    let Ok(known) = name.parse::<Ecosystem>() else {
        return Err(format!("packages of {name}, which are not scanned for"));
    };
    let release = match known {
        Ecosystem::Ubuntu if release.starts_with("Pro:") => {
            return Err(
                "fixes of Ubuntu Pro, which most installations do not get and whose versions are other ones"
                    .to_owned(),
            );
        }
        Ecosystem::Ubuntu => release.strip_suffix(":LTS").unwrap_or(release),
        // `enterprise_linux:9::baseos` is the product; `rhel_eus:9.2` and the like are sold apart, and their fixes
        // have versions of their own.
        Ecosystem::RedHat => match release.strip_prefix("enterprise_linux:") {
            Some(product) => {
                let version = product.split(':').next().unwrap_or_default();
                version.split('.').next().unwrap_or_default()
            }
            None => {
                return Err("products of Red Hat that are not Enterprise Linux itself".to_owned());
            }
        },
        _ => release,
    };
    match (known.has_releases(), release) {
        (true, "") => Err(format!("records of {known} that name no release")),
        (true, other) if other.contains(':') || other.len() > 16 => {
            Err(format!("releases of {known} that are not understood"))
        }
        (true, release) => Ok(Stream::new(known, release)),
        (false, "") => Ok(Stream::new(known, "")),
        (false, _) => Err(format!("releases of {known}, which has none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecosystems_are_streams() {
        for (written, expected) in [
            ("Debian:12", "Debian:12"),
            ("Ubuntu:22.04:LTS", "Ubuntu:22.04"),
            ("Ubuntu:25.10", "Ubuntu:25.10"),
            ("Alpine:v3.19", "Alpine:v3.19"),
            ("AlmaLinux:9", "AlmaLinux:9"),
            ("Rocky Linux:9", "Rocky Linux:9"),
            ("Red Hat:enterprise_linux:9::baseos", "Red Hat:9"),
            ("Red Hat:enterprise_linux:10.0", "Red Hat:10"),
            ("Go", "Go"),
            ("PyPI", "PyPI"),
            ("crates.io", "crates.io"),
        ] {
            assert_eq!(
                stream(written).map(|it| it.to_string()).as_deref(),
                Ok(expected)
            );
        }
    }

    #[test]
    fn what_is_none_is_left_out_with_a_reason() {
        for written in [
            "Ubuntu:Pro:16.04:LTS",
            "Red Hat:rhel_eus:9.2::baseos",
            "Debian",
            "npm",
            "Maven:https://repo",
            "Go:1",
            "Ubuntu:22.04:LTS:for:NVIDIA",
            "",
        ] {
            assert!(stream(written).is_err(), "{written}");
        }
    }
}
