//! Versions of Alpine packages:
//! `number{.number}[letter]{_suffix[number]}[~hash][-r number]`, in the order of apk-tools 3.
//!
//! What is not of this form is still ordered: up to where it leaves the form as apk orders it, and
//! what follows stands before all that is well formed. So a version that somebody has spoiled is older
//! than its fix. Digits after a letter are of the form here, for Alpine had such packages
//! (`sudo` 1.7.4p6-r1) and apk-tools 2 took them.

use std::cmp::Ordering;

use super::{UnreadableVersion, digits};

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, UnreadableVersion> {
    let (mut a, mut b) = (tokens(a)?, tokens(b)?);
    loop {
        let (left, right) = (a.next(), b.next());
        let found = left.cmp(&right);
        if found.is_ne() || matches!(left, Token::End | Token::Malformed) {
            return Ok(found);
        }
    }
}

pub(super) fn check(version: &str) -> Result<(), UnreadableVersion> {
    let mut tokens = tokens(version)?;
    loop {
        match tokens.next() {
            Token::End => return Ok(()),
            Token::Malformed | Token::Number("") | Token::Leading(Number("")) => {
                return Err(UnreadableVersion::new(
                    version,
                    "it has not the form of Alpine's versions",
                ));
            }
            _ => {}
        }
    }
}

/// The parts of a version, in the order of what is the least where two versions differ in what comes
/// next: the end stands between suffixes that come before a release and all other parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Malformed,
    Before(Suffix),
    End,
    Revision(Number<'a>),
    Hash(&'a str),
    SuffixNumber(Number<'a>),
    After(Suffix),
    Letter(u8),
    Number(&'a str),
    Leading(Number<'a>),
}

#[derive(Debug, Clone, Copy)]
struct Number<'a>(&'a str);

impl Number<'_> {
    fn compare(self, other: Self) -> Ordering {
        digits::compare(self.0, other.0)
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other).is_eq()
    }
}

impl Eq for Number<'_> {}

/// The suffixes in their order; those up to `rc` come before the release that they lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Alpha,
    Beta,
    Pre,
    Rc,
    Cvs,
    Svn,
    Git,
    Hg,
    P,
}

impl Token<'_> {
    fn rank(self) -> u8 {
        match self {
            Token::Malformed => 0,
            Token::Before(_) => 1,
            Token::End => 2,
            Token::Revision(_) => 3,
            Token::Hash(_) => 4,
            Token::SuffixNumber(_) => 5,
            Token::After(_) => 6,
            Token::Letter(_) => 7,
            Token::Number(_) => 8,
            Token::Leading(_) => 9,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Token::Before(a), Token::Before(b)) | (Token::After(a), Token::After(b)) => a.cmp(&b),
            (Token::Revision(a), Token::Revision(b))
            | (Token::SuffixNumber(a), Token::SuffixNumber(b))
            | (Token::Leading(a), Token::Leading(b)) => a.compare(b),
            (Token::Hash(a), Token::Hash(b)) => a.cmp(b),
            (Token::Letter(a), Token::Letter(b)) => a.cmp(&b),
            // As Gentoo has it: `1.05` is a decimal fraction and stands before `1.1`.
            (Token::Number(a), Token::Number(b)) => match is_plain(a) && is_plain(b) {
                true => digits::compare(a, b),
                false => a.cmp(b),
            },
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }
}

fn is_plain(number: &str) -> bool {
    !number.is_empty() && !number.starts_with('0')
}

/// Where in the form a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Start,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    Lost,
}

#[derive(Debug)]
struct Tokens<'a> {
    rest: &'a str,
    place: Place,
}

fn tokens(version: &str) -> Result<Tokens<'_>, UnreadableVersion> {
    let first = version.bytes().next();
    if !first.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        return Err(UnreadableVersion::new(version, "it begins with no number"));
    }
    Ok(Tokens {
        rest: version,
        place: Place::Start,
    })
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Token<'a> {
        if self.place == Place::Start {
            self.place = Place::Number;
            return Token::Leading(Number(self.digits()));
        }
        let Some(first) = self.rest.bytes().next() else {
            return Token::End;
        };
        let token = match first {
            b'.' => self
                .after(Place::Number, 1)
                .map(|it| Token::Number(it.digits())),
            digit if digit.is_ascii_digit() => match self.place {
                Place::Suffix => self
                    .after(Place::SuffixNumber, 0)
                    .map(|it| Token::SuffixNumber(Number(it.digits()))),
                Place::Letter => Some(Token::Number(self.digits())),
                _ => None,
            },
            letter if letter.is_ascii_lowercase() => {
                self.after(Place::Letter, 1).map(|_| Token::Letter(letter))
            }
            b'_' => self.suffix(),
            b'~' => self.after(Place::Hash, 1).and_then(Self::hash),
            b'-' => self.revision(),
            _ => None,
        };
        token.unwrap_or_else(|| {
            self.place = Place::Lost;
            Token::Malformed
        })
    }

    /// Goes on to a place, past some bytes, if it may come now.
    fn after(&mut self, place: Place, bytes: usize) -> Option<&mut Self> {
        let may_come = match place {
            Place::Number => self.place == Place::Number,
            Place::Letter => self.place == Place::Number,
            Place::Suffix => self.place <= Place::SuffixNumber,
            _ => self.place < place,
        };
        may_come.then(|| {
            self.place = place;
            self.rest = &self.rest[bytes..];
            self
        })
    }

    fn digits(&mut self) -> &'a str {
        let (digits, rest) = digits::split(self.rest);
        self.rest = rest;
        digits
    }

    fn suffix(&mut self) -> Option<Token<'a>> {
        let it = self.after(Place::Suffix, 1)?;
        let end = it
            .rest
            .bytes()
            .position(|byte| !byte.is_ascii_lowercase())
            .unwrap_or(it.rest.len());
        let (word, rest) = it.rest.split_at(end);
        it.rest = rest;
        Some(match word {
            "alpha" => Token::Before(Suffix::Alpha),
            "beta" => Token::Before(Suffix::Beta),
            "pre" => Token::Before(Suffix::Pre),
            "rc" => Token::Before(Suffix::Rc),
            "cvs" => Token::After(Suffix::Cvs),
            "svn" => Token::After(Suffix::Svn),
            "git" => Token::After(Suffix::Git),
            "hg" => Token::After(Suffix::Hg),
            "p" => Token::After(Suffix::P),
            _ => return None,
        })
    }

    fn hash(&mut self) -> Option<Token<'a>> {
        let end = self
            .rest
            .bytes()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            .unwrap_or(self.rest.len());
        let (hash, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!hash.is_empty()).then_some(Token::Hash(hash))
    }

    /// The last part, and all of the rest: a revision that is no number says nothing.
    fn revision(&mut self) -> Option<Token<'a>> {
        let it = self.after(Place::Revision, 1)?;
        let number = it.rest.strip_prefix('r')?;
        let (digits, rest) = digits::split(number);
        (!digits.is_empty() && rest.is_empty()).then(|| {
            it.rest = rest;
            Token::Revision(Number(digits))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_apks_order() {
        for (less, greater) in [
            ("1.2_alpha1", "1.2_beta1"),
            ("1.2_rc9", "1.2"),
            ("1.2", "1.2_p1"),
            ("1.2-r9", "1.2_p1-r0"),
            ("1.2_git20200101", "1.2_git20200102"),
            ("1.9-r0", "1.10-r0"),
            ("1.05", "1.1"),
            ("1.1.1k-r0", "1.1.1l-r0"),
            ("1.2", "1.2-r0"),
            ("1.2-r0", "1.2~ab12-r0"),
        ] {
            assert_eq!(compare(less, greater), Ok(Ordering::Less), "{less}");
            assert_eq!(compare(greater, less), Ok(Ordering::Greater), "{less}");
        }
        assert_eq!(compare("1-r1", "1-r01"), Ok(Ordering::Equal));
    }

    #[test]
    fn what_is_malformed_is_older_than_what_is_not_and_says_so() {
        for malformed in [
            "1.2-r0x", "1.2-ruff", "1.2_blah", "1.2A", "1..2", "1.2~-r0", "c",
        ] {
            assert_eq!(compare(malformed, "1.2.1-r0"), Ok(Ordering::Less));
            assert!(check(malformed).is_err(), "{malformed}");
        }
        for fine in ["1", "1.2.3b_p1_git5~0af-r3", "1.7.4p6-r1"] {
            assert_eq!(check(fine), Ok(()));
        }
        for nothing in ["-r1", "_p1", "é", " 1"] {
            assert!(compare(nothing, "1").is_err(), "{nothing}");
        }
    }
}
