//! A package out of its header.

use super::header::Header;
use crate::inventory::{
    Package, PackageKind, Source,
    value::{prose, word},
};

// rpmtag.h
const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const VENDOR: u32 = 1011;
const LICENCE: u32 = 1014;
const ARCHITECTURE: u32 = 1022;
const SOURCE_RPM: u32 = 1044;
const MODULARITY_LABEL: u32 = 5096;

/// The name that keys have which rpm trusts: they are kept among the packages, and are none.
const KEY: &[u8] = b"gpg-pubkey";

/// The package of a header; nothing for a key.
///
/// # Errors
/// What is wrong with it.
pub(super) fn package(
    bytes: &[u8],
    found_in: &str,
    value_bytes: usize,
) -> Result<Option<Package>, String> {
    let header = Header::parse(bytes)?;
    let text = |tag: u32, what: &str| {
        let text = header.text(tag);
        text.map_err(|problem| format!("its {what} {problem}"))
    };
    let needed = |tag: u32, what: &str| {
        let bytes = text(tag, what)?.ok_or_else(|| format!("its {what} is missing"))?;
        word(bytes, value_bytes).map_err(|problem| format!("its {what} {problem}"))
    };
    if text(NAME, "name")? == Some(KEY) {
        return Ok(None);
    }
    let name = needed(NAME, "name")?;
    let (version, release) = (needed(VERSION, "version")?, needed(RELEASE, "release")?);
    let epoch = header.number(EPOCH);
    let version = match epoch.map_err(|problem| format!("the epoch of {name} {problem}"))? {
        None | Some(0) => format!("{version}-{release}"),
        Some(epoch) => format!("{epoch}:{version}-{release}"),
    };
    let source = match text(SOURCE_RPM, "source")? {
        None | Some(b"" | b"(none)") => None,
        Some(bytes) => Some(
            source(bytes, value_bytes)
                .map_err(|problem| format!("the source of {name} {problem}"))?,
        ),
    };
    // A module label decides which advisories are about the package.
    let module = match text(MODULARITY_LABEL, "module")? {
        None | Some(b"" | b"(none)") => None,
        Some(bytes) => Some(
            word(bytes, value_bytes)
                .map_err(|problem| format!("the module of {name} {problem}"))?,
        ),
    };
    let shown_only = |tag| {
        let value = header.text(tag).ok().flatten();
        value.and_then(|value| prose(value, value_bytes))
    };
    Ok(Some(Package {
        kind: PackageKind::Rpm,
        name,
        version,
        arch: shown_only(ARCHITECTURE),
        source,
        module,
        vendor: shown_only(VENDOR),
        licence: shown_only(LICENCE),
        found_in: found_in.to_owned(),
    }))
}

/// `openssl-3.0.7-24.el9.src.rpm`: the name, the version and the release of the source, without its
/// epoch, which the name of a file does not have.
fn source(bytes: &[u8], value_bytes: usize) -> Result<Source, &'static str> {
    const WRONG: &str = "is no name of a source package";
    let text = word(bytes, value_bytes)?;
    let stem = text
        .strip_suffix(".src.rpm")
        .or_else(|| text.strip_suffix(".nosrc.rpm"));
    let (rest, release) = stem.and_then(|stem| stem.rsplit_once('-')).ok_or(WRONG)?;
    let (name, version) = rest.rsplit_once('-').ok_or(WRONG)?;
    if [name, version, release].contains(&"") {
        return Err(WRONG);
    }
    Ok(Source {
        name: name.to_owned(),
        version: format!("{version}-{release}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_source_package_has_its_version_at_the_end() {
        let read = |text: &str| {
            source(text.as_bytes(), 100)
                .ok()
                .map(|it| (it.name, it.version))
        };
        let two = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(
            read("openssl-3.0.7-24.el9.src.rpm"),
            two("openssl", "3.0.7-24.el9")
        );
        assert_eq!(
            read("java-1.8.0-openjdk-1.8.0.402-1.el9.nosrc.rpm"),
            two("java-1.8.0-openjdk", "1.8.0.402-1.el9")
        );
        for wrong in [
            "openssl",
            "a-1.src.rpm",
            "a-1-1.rpm",
            "-1-1.src.rpm",
            "a--1.src.rpm",
            "a b-1-1.src.rpm",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
