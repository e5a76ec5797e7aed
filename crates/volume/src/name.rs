//! [`Name`]: what a machine's device is called, safe as a file and as a device-mapper name.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The longest name in bytes. A device-mapper name has 127 (`DM_NAME_LEN` in
/// `linux/dm-ioctl.h`), of which a prefix takes some.
const MAX: usize = 64;

/// The name of a machine's device: 1 to 64 of `a-z A-Z 0-9 . _ -`, not beginning with `.` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name with this text.
    ///
    /// # Errors
    /// [`BadName`] for any other text.
    pub fn new(text: impl Into<String>) -> Result<Name, BadName> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let good = (1..=MAX).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with(['.', '-']);
        match good {
            true => Ok(Name(text)),
            false => Err(BadName(text)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Name, BadName> {
        Name::new(text)
    }
}

/// A text that is no [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not the name of a machine: names are 1 to 64 of the letters a-z and A-Z, digits, \
     `.`, `_` and `-`, and begin with neither `.` nor `-`"
)]
pub struct BadName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "A-1_b.c", "_", "9", &"x".repeat(64)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(65);
        for bad in [
            "", ".", "..", ".a", "-a", "a/b", "a b", "a\n", "ä", "a\0", &long,
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }
}
