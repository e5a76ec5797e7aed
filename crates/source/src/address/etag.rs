//! Strong entity tags: the only kind that says two answers carried the same bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A strong ETag, with its quotes (RFC 9110, section 8.8.3).
///
/// It says that an object is the same as before; it is never believed to be a hash (multipart and
/// KMS-encrypted objects have ETags that are none).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ETag(String);

/// Longest tag believed, in bytes; S3's have 34 or 37.
const LONGEST: usize = 512;

impl ETag {
    /// The tag, if it is a strong one. Servers that forget the quotes are forgiven; a weak tag
    /// (`W/"..."`) only promises a similar object and is no tag here.
    pub fn strong(text: &str) -> Option<Self> {
        let text = text.trim();
        let opaque = match text.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?,
            None if text.starts_with("W/") => return None,
            None => text,
        };
        let legal = |byte: u8| byte != b'"' && byte.is_ascii_graphic();
        if opaque.is_empty() || opaque.len() > LONGEST || !opaque.bytes().all(legal) {
            return None;
        }
        Some(Self(format!("\"{opaque}\"")))
    }

    /// The tag with its quotes, as a header carries it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ETag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::strong(&text).ok_or("not a strong ETag")
    }
}

impl From<ETag> for String {
    fn from(tag: ETag) -> Self {
        tag.0
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strong_tags_are_tags() {
        for weak in [
            "W/\"abc\"",
            "W/abc",
            "",
            "\"\"",
            "\"",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "a b",
        ] {
            assert_eq!(ETag::strong(weak), None, "{weak:?}");
        }
        assert!(ETag::strong(&"x".repeat(513)).is_none());
    }

    #[test]
    fn a_tag_without_quotes_is_the_same_tag() {
        assert_eq!(ETag::strong("9b2c-3"), ETag::strong(" \"9b2c-3\" "));
        assert_eq!(ETag::strong("9b2c-3").unwrap().as_str(), "\"9b2c-3\"");
    }
}
