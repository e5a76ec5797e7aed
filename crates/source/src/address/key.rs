//! The key of an object: opaque text that names it within its origin, and nothing on this host.

use std::{fmt, str::FromStr};

use object_store::path::Path;
use serde::{Deserialize, Serialize};

/// Longest key in bytes of UTF-8 (Amazon S3 user guide, "Naming Amazon S3 objects").
const LONGEST: usize = 1024;

/// The key of an object, whole: with the prefix that the source was given, if it was given one.
///
/// Segments between `/` are never empty, `.` or `..`, and hold no ASCII control character; keys
/// of other shapes exist in S3 and cannot be addressed here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// What cannot be the key of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key:?} cannot be the key of an object: {why}")]
pub struct KeyError {
    /// The text.
    pub key: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Key {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `/`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    pub(crate) fn path(&self) -> Path {
        Path::parse(&self.0).expect("a key was parsed by the same rules")
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| {
            Err(KeyError {
                key: text.chars().take(LONGEST).collect(),
                why,
            })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > LONGEST {
            return refuse("it is longer than 1024 bytes");
        }
        for segment in text.split('/') {
            match segment {
                "" => return refuse("it has an empty segment"),
                "." | ".." => return refuse("it has a segment \".\" or \"..\""),
                _ if segment.chars().any(|c| c.is_ascii_control()) => {
                    return refuse("it has a control character");
                }
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_could_climb_or_hide_are_refused() {
        for bad in [
            "", "/a", "a/", "a//b", "a/../b", ".", "..", "a/./b", "a\nb", "a\0b",
        ] {
            assert!(bad.parse::<Key>().is_err(), "{bad:?}");
        }
        assert!("k".repeat(1025).parse::<Key>().is_err());
    }

    #[test]
    fn every_key_reaches_the_store_unchanged() {
        let long = "k".repeat(1024);
        for good in [
            "a",
            "images/golang/1.tar",
            "a b/ü%2e%2e/..c",
            "a\\b",
            "a#1?x=y",
            &long,
        ] {
            let key: Key = good.parse().unwrap();
            assert_eq!(key.path().as_ref(), good);
            assert_eq!(key.to_string(), good);
        }
    }
}
