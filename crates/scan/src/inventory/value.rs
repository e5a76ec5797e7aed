//! What the files of an image say, as text that can be kept, compared and printed.

/// What is compared: a name or a version. It has no blanks and no control characters in any ecosystem,
/// and is UTF-8; what is not so would be another name if it were made so, and is refused.
///
/// # Errors
/// What is wrong with it, in words that follow "its name".
pub(super) fn word(bytes: &[u8], limit: usize) -> Result<String, &'static str> {
    if bytes.is_empty() {
        return Err("is empty");
    }
    if bytes.len() > limit {
        return Err("is too long");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8")?;
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("has blanks or control characters");
    }
    Ok(text.to_owned())
}

/// What is only shown: nothing where there is too much of it or none, and whatever is no text replaced.
pub(super) fn prose(bytes: &[u8], limit: usize) -> Option<String> {
    let bytes = bytes.trim_ascii();
    if bytes.is_empty() || bytes.len() > limit {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    Some(
        text.chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_itself_or_refused() {
        assert_eq!(
            word(b"1:2.36-9+deb12u4", 20),
            Ok("1:2.36-9+deb12u4".to_owned())
        );
        for (bytes, what) in [
            (&b""[..], "is empty"),
            (b"123456789", "is too long"),
            (b"a\xff", "is no UTF-8"),
            (b"a b", "has blanks or control characters"),
            (b"a\0", "has blanks or control characters"),
            ("a\u{a0}".as_bytes(), "has blanks or control characters"),
        ] {
            assert_eq!(word(bytes, 8), Err(what));
        }
    }

    #[test]
    fn prose_does_nothing_to_a_terminal() {
        assert_eq!(prose(b" MIT \n", 10).as_deref(), Some("MIT"));
        assert_eq!(
            prose(b"a\x1bb\xe9", 10).as_deref(),
            Some("a\u{fffd}b\u{fffd}")
        );
        assert_eq!(prose(b"", 10), None);
        assert_eq!(prose(b"12345678901", 10), None);
    }
}
