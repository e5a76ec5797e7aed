//! Package URLs: the names by which other tools know a package.
//!
//! Written as purl-spec and its type definitions say: an epoch stands in the version of a deb and in a
//! qualifier of an rpm, and what is not case-sensitive is in lower case.

use packageurl::PackageUrl;

use crate::{Os, Package, PackageKind};

/// The package URL of an installed package, with the architecture and the release that it is of.
///
/// Nothing where there is no name to make one of.
#[must_use]
pub fn package_url(package: &Package, os: Option<&Os>) -> Option<String> {
    let (namespace, name) = match package.kind {
        PackageKind::Go => module(&package.name),
        PackageKind::Apk => (os.map(vendor), package.name.to_lowercase()),
        PackageKind::Deb | PackageKind::Rpm => (os.map(vendor), package.name.clone()),
    };
    let mut url = PackageUrl::new(package.kind.purl_type(), name).ok()?;
    if let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) {
        url.with_namespace(namespace).ok()?;
    }
    let (epoch, version) = match package.kind {
        PackageKind::Rpm => split_epoch(&package.version),
        PackageKind::Apk | PackageKind::Deb | PackageKind::Go => (None, package.version.as_str()),
    };
    if !version.is_empty() {
        url.with_version(version).ok()?;
    }
    let distribution =
        os.filter(|_| package.kind.language().is_none())
            .map(|os| match os.version.as_str() {
                "" => os.id.clone(),
                version => format!("{}-{version}", os.id),
            });
    let qualifiers = [
        ("arch", package.arch.as_deref()),
        ("distro", distribution.as_deref()),
        ("epoch", epoch.filter(|epoch| *epoch != "0")),
        ("modularitylabel", package.module.as_deref()),
    ];
    for (key, value) in qualifiers {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            url.add_qualifier(key, value).ok()?;
        }
    }
    Some(url.to_string())
}

/// The epoch of an rpm's version, and what stands after it.
pub(crate) fn split_epoch(version: &str) -> (Option<&str>, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) => (Some(epoch), rest),
        None => (None, version),
    }
}

/// Who publishes the packages of an operating system, as package URLs say it.
fn vendor(os: &Os) -> String {
    match os.id.as_str() {
        "rhel" => "redhat".to_owned(),
        other => other.to_owned(),
    }
}

/// A module's path as namespace and name. Elements that a reader drops are dropped here, so that it reads
/// what was written.
fn module(path: &str) -> (Option<String>, String) {
    let path = path.to_lowercase();
    let elements: Vec<&str> = path
        .split('/')
        .filter(|part| !["", ".", ".."].contains(part))
        .collect();
    match elements.split_last() {
        Some((name, namespace)) => (Some(namespace.join("/")), (*name).to_owned()),
        None => (None, String::new()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Source;

    /// A package with nothing but what a test is about.
    pub(crate) fn package(kind: PackageKind, name: &str, version: &str) -> Package {
        Package {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            arch: None,
            source: None,
            module: None,
            vendor: None,
            licence: None,
            found_in: String::new(),
        }
    }

    /// An operating system by its id and version.
    pub(crate) fn os(id: &str, version: &str) -> Os {
        Os {
            id: id.to_owned(),
            version: version.to_owned(),
            name: format!("{id} {version}"),
            found_in: "/etc/os-release".to_owned(),
        }
    }

    fn with_arch(kind: PackageKind, name: &str, version: &str, arch: &str) -> Package {
        Package {
            arch: Some(arch.to_owned()),
            ..package(kind, name, version)
        }
    }

    /// The examples of purl-spec's type definitions for what is installed here, less what they have
    /// that no installed package has (a subpath).
    #[test]
    fn the_examples_of_the_specification_come_out_as_it_has_them() {
        use PackageKind::{Apk, Deb, Go, Rpm};
        for (package, os, expected) in [
            (
                with_arch(Deb, "dpkg", "1.19.0.4", "amd64"),
                Some(os("debian", "")),
                "pkg:deb/debian/dpkg@1.19.0.4?arch=amd64&distro=debian",
            ),
            (
                with_arch(Deb, "attr", "1:2.4.47-2+b1", "amd64"),
                Some(os("debian", "12")),
                "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64&distro=debian-12",
            ),
            (
                with_arch(Apk, "curl", "7.83.0-r0", "x86"),
                Some(os("alpine", "3.16.2")),
                "pkg:apk/alpine/curl@7.83.0-r0?arch=x86&distro=alpine-3.16.2",
            ),
            (
                with_arch(Rpm, "curl", "7.50.3-1.fc25", "i386"),
                Some(os("fedora", "25")),
                "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25",
            ),
            (
                with_arch(Rpm, "centerim", "1:4.22.10-1.el6", "i686"),
                Some(os("fedora", "25")),
                "pkg:rpm/fedora/centerim@4.22.10-1.el6?arch=i686&distro=fedora-25&epoch=1",
            ),
            (
                package(Go, "github.com/gorilla/context", "234fd47e07d1004f0aed9c"),
                None,
                "pkg:golang/github.com/gorilla/context@234fd47e07d1004f0aed9c",
            ),
            (
                package(Go, "google.golang.org/genproto", ""),
                Some(os("debian", "12")),
                "pkg:golang/google.golang.org/genproto",
            ),
        ] {
            assert_eq!(
                package_url(&package, os.as_ref()).as_deref(),
                Some(expected)
            );
        }
    }

    #[test]
    fn vendors_cases_and_modules_are_as_other_tools_have_them() {
        use PackageKind::{Deb, Go, Rpm};
        let mut modular = with_arch(Rpm, "nodejs", "0:18.1-1.el9", "x86_64");
        modular.module = Some("nodejs:18:9:rhel9".to_owned());
        modular.source = Some(Source {
            name: "nodejs".to_owned(),
            version: "18.1-1.el9".to_owned(),
        });
        for (package, os, expected) in [
            (
                modular,
                os("rhel", "9.4"),
                "pkg:rpm/redhat/nodejs@18.1-1.el9?arch=x86_64&distro=rhel-9.4\
                 &modularitylabel=nodejs:18:9:rhel9",
            ),
            (
                package(Rpm, "ImageMagick", "6-1"),
                os("almalinux", "9"),
                "pkg:rpm/almalinux/ImageMagick@6-1?distro=almalinux-9",
            ),
            (
                package(Deb, "libstdc++6", "12~rc1"),
                os("ubuntu", "22.04"),
                "pkg:deb/ubuntu/libstdc%2B%2B6@12~rc1?distro=ubuntu-22.04",
            ),
            (
                package(Go, "github.com/BurntSushi/TOML", "v1.2.3+incompatible"),
                os("debian", "12"),
                "pkg:golang/github.com/burntsushi/toml@v1.2.3%2Bincompatible",
            ),
            (
                package(Go, "stdlib", "1.24.4"),
                os("debian", "12"),
                "pkg:golang/stdlib@1.24.4",
            ),
        ] {
            assert_eq!(package_url(&package, Some(&os)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_an_image_calls_its_packages_is_read_back_or_left_out() {
        use std::str::FromStr;
        for name in [
            "", "a b", "a/../b", "%2f", "a\0b", "ä?x=1#y", "@", "a//b", "/",
        ] {
            for kind in [PackageKind::Go, PackageKind::Rpm] {
                let one = package(kind, name, "1:2&3?4#5");
                let Some(url) = package_url(&one, Some(&os("debian", "12"))) else {
                    assert!(["", "/"].contains(&name), "{name:?}");
                    continue;
                };
                let read = PackageUrl::from_str(&url).expect(&url);
                assert_eq!(read.to_string(), url);
                assert!(
                    url.is_ascii() && !url.contains(char::is_whitespace),
                    "{url}"
                );
            }
        }
    }
}
