//! Semantic versions (2.0.0), with numbers of any length, as Rust's and Go's packages have them.
//!
//! Go's own forms are read too: a `v` in front, `+incompatible` (build metadata, which has no say), pseudo-versions
//! (a pre-release of what would come next), and what its toolchain says of itself: `go1.24rc1` is
//! `1.24.0-rc.1`, and what follows a blank (`go1.24.4 X:boringcrypto`) is no part of it.

use std::cmp::Ordering;

use super::{UnreadableVersion, digits};

#[derive(Debug)]
struct Version<'a> {
    core: [&'a str; 3],
    /// `rc.1`, or the two parts of a toolchain's `rc1`; empty for a release.
    pre_release: &'a str,
    toolchain: bool,
}

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, UnreadableVersion> {
    let (a, b) = (parse(a)?, parse(b)?);
    let cores = a.core.iter().zip(&b.core);
    let core = cores
        .map(|(a, b)| digits::compare(a, b))
        .find(|found| found.is_ne())
        .unwrap_or(Ordering::Equal);
    Ok(core.then_with(|| match (a.is_release(), b.is_release()) {
        (false, false) => pre_releases(&a, &b),
        (a, b) => a.cmp(&b),
    }))
}

pub(super) fn check(version: &str) -> Result<(), UnreadableVersion> {
    parse(version).map(drop)
}

impl Version<'_> {
    fn is_release(&self) -> bool {
        self.pre_release.is_empty()
    }

    fn identifiers(&self) -> impl Iterator<Item = &str> {
        let (word, number) = match self.toolchain {
            true => {
                let end = self
                    .pre_release
                    .trim_end_matches(|c: char| c.is_ascii_digit());
                self.pre_release.split_at(end.len())
            }
            false => (self.pre_release, ""),
        };
        word.split('.')
            .chain((!number.is_empty()).then_some(number))
    }
}

fn pre_releases(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    let (mut a, mut b) = (a.identifiers(), b.identifiers());
    loop {
        let found = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => digits::compare(a, b),
                (false, false) => a.cmp(b),
                (a, b) => b.cmp(&a),
            },
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        if found.is_ne() {
            return found;
        }
    }
}

fn is_number(identifier: &str) -> bool {
    identifier.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse(whole: &str) -> Result<Version<'_>, UnreadableVersion> {
    let refused = |why| UnreadableVersion::new(whole, why);
    let version = whole
        .strip_prefix("go")
        .or_else(|| whole.strip_prefix('v'))
        .unwrap_or(whole);
    let version = version.split(' ').next().unwrap_or_default();
    let (version, build) = match version.split_once('+') {
        Some((version, build)) => (version, Some(build)),
        None => (version, None),
    };
    if !build.is_none_or(are_identifiers) {
        return Err(refused("its build metadata have a strange character"));
    }
    let mut core = ["0"; 3];
    let mut rest = version;
    for (nth, number) in core.iter_mut().enumerate() {
        let after_dot = if nth == 0 {
            Some(rest)
        } else {
            rest.strip_prefix('.')
        };
        let Some(after_dot) = after_dot else {
            break;
        };
        (*number, rest) = digits::split(after_dot);
        if number.is_empty() {
            return Err(refused("it is not made of numbers"));
        }
    }
    let (pre_release, toolchain) = match rest.as_bytes().first() {
        None => {
            return Ok(Version {
                core,
                pre_release: "",
                toolchain: false,
            });
        }
        Some(b'-') => (&rest[1..], false),
        Some(letter) if letter.is_ascii_lowercase() => (rest, true),
        Some(_) => return Err(refused("it is not three numbers and a pre-release")),
    };
    if !are_identifiers(pre_release) {
        return Err(refused("its pre-release has a strange character"));
    }
    Ok(Version {
        core,
        pre_release,
        toolchain,
    })
}

fn are_identifiers(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.split('.')
        .all(|one| !one.is_empty() && one.bytes().all(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_the_specification() {
        let ordered = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1-0",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Ordering::Less), "{pair:?}");
        }
    }

    #[test]
    fn go_has_forms_of_its_own() {
        for (a, expected, b) in [
            ("v1.2.3", Ordering::Equal, "1.2.3+incompatible"),
            (
                "v0.0.0-20220314234659-1baeb1ce4c0b",
                Ordering::Less,
                "0.0.0-20220315160706-3147a52a75dd",
            ),
            (
                "v1.2.4-0.20220101000000-abcdefabcdef",
                Ordering::Greater,
                "1.2.3",
            ),
            ("go1.24rc1", Ordering::Equal, "1.24.0-rc.1"),
            ("1.24rc10", Ordering::Greater, "1.24.0-rc.9"),
            ("1.24", Ordering::Equal, "1.24.0"),
            ("1.24.4 X:boringcrypto", Ordering::Equal, "1.24.4"),
        ] {
            assert_eq!(compare(a, b), Ok(expected), "{a} {b}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for version in [
            "(devel)",
            "devel go1.25-abc",
            "v",
            "1.",
            "1.2.3.4",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-a..b",
            "latest",
        ] {
            assert!(compare(version, "1.0.0").is_err(), "{version}");
        }
    }
}
