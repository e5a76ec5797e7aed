//! Versions of Python packages, as PEP 440 has them.
//!
//! What came before PEP 440 (`0.1-bulbasaur`) is no version any more: Python's own tools refuse it, and
//! no order is made up for it here.

use std::cmp::Ordering;
use std::str::FromStr;

use pep440_rs::Version;

use super::UnreadableVersion;

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, UnreadableVersion> {
    Ok(parse(a)?.cmp(&parse(b)?))
}

pub(super) fn check(version: &str) -> Result<(), UnreadableVersion> {
    parse(version).map(drop)
}

fn parse(version: &str) -> Result<Version, UnreadableVersion> {
    Version::from_str(version).map_err(|_| UnreadableVersion::new(version, "it is none of PEP 440"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_the_specification() {
        let ordered = [
            "1.0.dev1",
            "1.0a1.dev1",
            "1.0a1",
            "1.0b1",
            "1.0rc1",
            "1.0",
            "1.0+local",
            "1.0.post1",
            "1!0.1",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Ordering::Less), "{pair:?}");
        }
        assert_eq!(compare("1.0", "v1.0.0"), Ok(Ordering::Equal));
        assert!(compare("0.1-bulbasaur", "1").is_err());
    }
}
