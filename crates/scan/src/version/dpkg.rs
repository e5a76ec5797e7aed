//! Versions of Debian packages: `[epoch:]upstream[-revision]`, in the order of deb-version(7).

use std::cmp::Ordering;

use super::{UnreadableVersion, digits};

struct Parts<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, UnreadableVersion> {
    let (a, b) = (parts(a)?, parts(b)?);
    Ok(digits::compare(a.epoch, b.epoch)
        .then_with(|| order(a.upstream, b.upstream))
        .then_with(|| order(a.revision, b.revision)))
}

pub(super) fn check(version: &str) -> Result<(), UnreadableVersion> {
    parts(version).map(drop)
}

fn parts(version: &str) -> Result<Parts<'_>, UnreadableVersion> {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    if epoch.is_empty() || !epoch.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UnreadableVersion::new(version, "its epoch is no number"));
    }
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    if upstream.is_empty() {
        return Err(UnreadableVersion::new(version, "there is nothing in it"));
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte);
    if !rest.bytes().all(known) {
        return Err(UnreadableVersion::new(
            version,
            "it has a character that Debian's versions do not have",
        ));
    }
    Ok(Parts {
        epoch,
        upstream,
        revision,
    })
}

/// By turns what is no digit, byte by byte, and digits, as a number.
fn order(mut a: &str, mut b: &str) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (word_a, rest_a) = word(a);
        let (word_b, rest_b) = word(b);
        let words = weights(word_a).cmp(weights(word_b));
        let (number_a, rest_a) = digits::split(rest_a);
        let (number_b, rest_b) = digits::split(rest_b);
        let found = words.then_with(|| digits::compare(number_a, number_b));
        if found.is_ne() {
            return found;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

fn word(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A tilde before the end, the end before letters, letters before everything else.
fn weights(word: &str) -> impl Iterator<Item = u16> {
    let of = |byte: u8| match byte {
        b'~' => 0,
        letter if letter.is_ascii_alphabetic() => u16::from(letter),
        other => 0x100 + u16::from(other),
    };
    const END: u16 = 1;
    word.bytes().map(of).chain([END])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(a: &str, b: &str) -> Ordering {
        compare(a, b).unwrap()
    }

    #[test]
    fn a_tilde_stands_before_the_end_and_letters_before_signs() {
        for (less, greater) in [
            ("1.0~rc1", "1.0"),
            ("1.0~~", "1.0~"),
            ("1.0~", "1.0"),
            ("1.0", "1.0a"),
            ("1.0a", "1.0+"),
            ("1.0-1", "1.0-1+deb12u1"),
            ("1.0-1~bpo1", "1.0-1"),
            ("9.0", "1:0.1"),
            ("1.9", "1.10"),
        ] {
            assert_eq!(order(less, greater), Ordering::Less, "{less} {greater}");
            assert_eq!(order(greater, less), Ordering::Greater, "{less} {greater}");
        }
    }

    #[test]
    fn no_revision_and_no_epoch_are_those_of_zero() {
        assert_eq!(order("1.0", "0:1.0-0"), Ordering::Equal);
        assert_eq!(order("1.02", "1.2"), Ordering::Equal);
    }

    #[test]
    fn what_dpkg_would_not_take_is_not_compared() {
        for version in ["a:1", ":1", "1:", "-1", "1 2", "1_2", "1.0-é"] {
            assert!(compare(version, "1").is_err(), "{version}");
        }
    }
}
