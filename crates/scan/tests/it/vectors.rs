//! Versions and their order as others have written it down: google/osv-scalibr's and
//! knqyf263/go-apk-version's, the generated ones from the packages that were in the distributions.

use std::cmp::Ordering;
use std::fs;

use longshore_scan::{Scheme, check_version, compare_versions};

use crate::data::shared;

/// How many vectors of a file are not followed, and why. All others are.
const NOT_FOLLOWED: [(&str, usize, &str); 2] = [
    ("pypi-versions.txt", 6, BEFORE_PEP_440),
    ("pypi-versions-generated.txt", 35, BEFORE_PEP_440),
];

/// `0.1-bulbasaur`, `2013-09-11T19-27-10`, `trunk`, `0.3m1`: names that Python's registry once took. The
/// file says of its own that `packaging`, which is what pip orders by, refuses such ones by now, so that
/// no order of them is that of what installs them. They must not get one that somebody could rely on.
const BEFORE_PEP_440: &str = "one of the two is no version of PEP 440";

struct Vector {
    left: String,
    expected: Ordering,
    right: String,
}

/// The vectors of a file, a line each: `1.0 < 1.1`, with comments after `#` or `//`.
fn vectors(text: &str) -> Vec<Vector> {
    let mut vectors = Vec::new();
    for line in text.lines() {
        let line = line
            .split(" #")
            .next()
            .unwrap()
            .split("\t#")
            .next()
            .unwrap()
            .trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [left, sign, right] = words[..] else {
            panic!("{line:?} is no vector");
        };
        let expected = match sign {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            _ => panic!("{line:?} has no sign"),
        };
        vectors.push(Vector {
            left: left.to_owned(),
            expected,
            right: right.to_owned(),
        });
    }
    vectors
}

/// Holds the order against a file's, both ways round.
fn follow(scheme: Scheme, file: &str, expected_count: usize) {
    let Some(path) = shared("vercmp") else { return };
    let text = fs::read_to_string(path.join(file)).unwrap();
    let (mut followed, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for Vector {
        left,
        expected,
        right,
    } in vectors(&text)
    {
        let there = compare_versions(scheme, &left, &right);
        let back = compare_versions(scheme, &right, &left);
        let malformed = [&left, &right]
            .into_iter()
            .any(|one| check_version(scheme, one).is_err());
        if there == Ok(expected) && back == Ok(expected.reverse()) {
            followed += 1;
        } else if there.is_err() && back.is_err() && malformed {
            refused += 1;
        } else {
            wrong.push(format!(
                "{left} is {expected:?}, than {right}: {there:?}, and back {back:?}"
            ));
        }
    }
    let (allowed, why) = NOT_FOLLOWED
        .iter()
        .find(|(name, ..)| *name == file)
        .map_or((0, ""), |(_, allowed, why)| (*allowed, why));
    println!("{file}: {followed} followed, {refused} not: {why}");
    assert!(wrong.is_empty(), "{} of {file}: {wrong:#?}", wrong.len());
    assert_eq!(refused, allowed, "refused in {file}");
    assert_eq!(followed, expected_count, "followed in {file}");
}

#[test]
fn debian_versions() {
    follow(Scheme::Dpkg, "debian-versions.txt", 16);
}

#[test]
fn debian_versions_generated() {
    follow(Scheme::Dpkg, "debian-versions-generated.txt", 7_269);
}

#[test]
fn alpine_versions() {
    follow(Scheme::Apk, "alpine-versions.txt", 400);
}

#[test]
fn alpine_versions_generated() {
    follow(Scheme::Apk, "alpine-versions-generated.txt", 7_080);
}

#[test]
fn apk_versions_of_another_implementation() {
    follow(Scheme::Apk, "apk-version.data", 372);
}

#[test]
fn redhat_versions() {
    follow(Scheme::Rpm, "redhat-versions.txt", 92);
}

#[test]
fn pypi_versions() {
    follow(Scheme::Pep440, "pypi-versions.txt", 13);
}

#[test]
fn pypi_versions_generated() {
    follow(Scheme::Pep440, "pypi-versions-generated.txt", 6_172);
}

#[test]
fn semantic_versions() {
    follow(Scheme::Semver, "semver-versions.txt", 42);
}

#[test]
fn versions_of_distributions_are_well_formed() {
    let Some(path) = shared("vercmp") else { return };
    for (scheme, file) in [
        (Scheme::Dpkg, "debian-versions-generated.txt"),
        (Scheme::Apk, "alpine-versions-generated.txt"),
    ] {
        let text = fs::read_to_string(path.join(file)).unwrap();
        for vector in vectors(&text) {
            assert_eq!(check_version(scheme, &vector.left), Ok(()));
            assert_eq!(check_version(scheme, &vector.right), Ok(()));
        }
    }
}
