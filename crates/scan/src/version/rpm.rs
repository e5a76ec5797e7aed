//! Versions of rpm packages: `[epoch:]version[-release]`, in the order of rpm's rpmvercmp, with its
//! `~` (before everything) and `^` (after the end, before what follows a separator).
//!
//! A version without a release stands before the same version with any, as in the labels that rpm's
//! Python interface compares. It is what makes the order one: to compare releases only where both have
//! one would make `1-1`, `1` and `1-2` equal to each other and not.

use std::cmp::Ordering;

use super::{UnreadableVersion, digits};

struct Parts<'a> {
    epoch: &'a str,
    version: &'a str,
    release: Option<&'a str>,
}

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, UnreadableVersion> {
    let (a, b) = (parts(a)?, parts(b)?);
    let releases = || match (a.release, b.release) {
        (Some(a), Some(b)) => order(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    Ok(digits::compare(a.epoch, b.epoch)
        .then_with(|| order(a.version, b.version))
        .then_with(releases))
}

pub(super) fn check(version: &str) -> Result<(), UnreadableVersion> {
    let parts = parts(version)?;
    let says_something = |part: &str| part.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if !says_something(parts.version) || !parts.release.is_none_or(says_something) {
        return Err(UnreadableVersion::new(
            version,
            "there is nothing in it that rpm compares",
        ));
    }
    Ok(())
}

fn parts(whole: &str) -> Result<Parts<'_>, UnreadableVersion> {
    if whole.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(UnreadableVersion::new(whole, "it has blanks in it"));
    }
    // Only digits are an epoch: in `a:1` the colon is a separator as any other sign is.
    let (epoch, rest) = match digits::split(whole) {
        (epoch, rest) if rest.starts_with(':') => (epoch, &rest[1..]),
        _ => ("0", whole),
    };
    let (version, release) = match rest.rsplit_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (rest, None),
    };
    Ok(Parts {
        epoch,
        version,
        release,
    })
}

/// What rpmvercmp compares, one after the other, in the order of what is the least.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a str),
    Number(Number<'a>),
}

#[derive(Debug)]
struct Number<'a>(&'a str);

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        digits::compare(self.0, other.0)
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number<'_> {}

fn order(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (segment_a, rest_a) = segment(a);
        let (segment_b, rest_b) = segment(b);
        let found = segment_a.cmp(&segment_b);
        if found.is_ne() || segment_a == Segment::End {
            return found;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// The next segment, and what follows it. Every other sign, and all that is not ASCII, only separates.
fn segment(text: &str) -> (Segment<'_>, &str) {
    let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && !"~^".contains(c));
    let Some(first) = text.bytes().next() else {
        return (Segment::End, text);
    };
    match first {
        b'~' => (Segment::Tilde, &text[1..]),
        b'^' => (Segment::Caret, &text[1..]),
        digit if digit.is_ascii_digit() => {
            let (number, rest) = digits::split(text);
            (Segment::Number(Number(number)), rest)
        }
        _ => {
            let end = text
                .bytes()
                .position(|byte| !byte.is_ascii_alphabetic())
                .unwrap_or(text.len());
            let (letters, rest) = text.split_at(end);
            (Segment::Letters(letters), rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_rpms_order() {
        for (less, greater) in [
            ("1.0~rc1-1", "1.0-1"),
            ("1.0-1", "1.0^git1-1"),
            ("1.0^git1-1", "1.0.1-1"),
            ("1.0^git1~pre-1", "1.0^git1-1"),
            ("1.0a-1", "1.0.1-1"),
            ("3.0.7-24.el9", "1:3.0.7-2.el9"),
            ("3.0.7-6.el9_2", "3.0.7-24.el9"),
            ("1.0", "1.0-1"),
        ] {
            assert_eq!(compare(less, greater), Ok(Ordering::Less), "{less}");
            assert_eq!(compare(greater, less), Ok(Ordering::Greater), "{less}");
        }
        assert_eq!(compare("0:1.0.0-1", "1_0__0-01"), Ok(Ordering::Equal));
    }

    #[test]
    fn what_has_nothing_to_compare_is_not_well_formed() {
        for version in ["-1", "1-", ":", "1:", "...-1", "α-1"] {
            assert!(check(version).is_err(), "{version}");
        }
        for version in ["1", "1-1", "1:1-1.el9", "1.α-1"] {
            assert!(check(version).is_ok(), "{version}");
        }
    }
}
