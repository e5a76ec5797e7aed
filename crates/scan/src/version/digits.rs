//! Numbers of any length, compared as they are written.

use std::cmp::Ordering;

/// Compares two runs of ASCII digits as numbers; nothing is 0.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The digits that a text begins with, and what follows them.
pub(super) fn split(text: &str) -> (&str, &str) {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_whatever_their_length_and_leading_zeros() {
        assert_eq!(compare("10", "9"), Ordering::Greater);
        assert_eq!(compare("0010", "10"), Ordering::Equal);
        assert_eq!(compare("", "000"), Ordering::Equal);
        assert_eq!(compare(&"9".repeat(40), &"1".repeat(41)), Ordering::Less);
    }

    #[test]
    fn digits_end_where_something_else_begins() {
        assert_eq!(split("12a3"), ("12", "a3"));
        assert_eq!(split("a3"), ("", "a3"));
        assert_eq!(split("123"), ("123", ""));
    }
}
