//! A name that came from an archive: bytes, escaped wherever somebody may read them.
//!
//! Anything may stand in such a name: terminal escapes, line ends, text that runs from right to
//! left. It is shown with everything but plain printable text as `\xNN`, and a backslash as `\\`, so
//! that what is shown stands for one name only.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A path or another name out of an archive, as it stood there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The bytes, unescaped.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Name {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for Name {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter {
                    '\\' => f.write_str("\\\\")?,
                    _ if is_plain(letter) => write!(f, "{letter}")?,
                    _ => escape(f, letter.encode_utf8(&mut [0; 4]).as_bytes())?,
                }
            }
            escape(f, chunk.invalid())?;
        }
        Ok(())
    }
}

fn escape(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

/// Whether a letter shows itself and does nothing else: no controls, no line or paragraph ends, and
/// none of the invisible characters that join, mark or turn the direction of text (Unicode's
/// `Default_Ignorable` ranges that occur in practice, and the private ones).
fn is_plain(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{10ffff}')
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What [`Display`](fmt::Display) shows, as the name that it stands for. Nothing else is taken: one name
/// has one text.
impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = unescape(&text).map(Self::from);
        name.filter(|name| name.to_string() == text)
            .ok_or_else(|| de::Error::custom("a name that is not escaped as names are"))
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'\\', [b'\\', after @ ..]) => (b'\\', after),
            (b'\\', [b'x', high, low, after @ ..]) => (hex(*high)? << 4 | hex(*low)?, after),
            (b'\\', _) => return None,
            (byte, after) => (byte, after),
        };
        name.push(byte);
        rest = after;
    }
    Some(name)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        Name::from(bytes).to_string()
    }

    #[test]
    fn plain_text_in_any_script_shows_itself() {
        assert_eq!(shown("usr/share/Ü ñ 日本".as_bytes()), "usr/share/Ü ñ 日本");
    }

    #[test]
    fn what_would_act_on_a_terminal_or_hide_is_escaped() {
        assert_eq!(shown(b"a\x1b[2Jb\n\x7f"), "a\\x1b[2Jb\\x0a\\x7f");
        assert_eq!(
            shown("x\u{202e}y\u{9b}".as_bytes()),
            "x\\xe2\\x80\\xaey\\xc2\\x9b"
        );
        assert_eq!(shown(b"caf\xe9"), "caf\\xe9");
    }

    #[test]
    fn an_escape_cannot_be_forged() {
        assert_eq!(shown(b"\\x41"), "\\\\x41");
        assert_eq!(
            serde_json::to_string(&Name::from(&b"\xff\\"[..])).unwrap(),
            r#""\\xff\\\\""#
        );
    }

    #[test]
    fn what_is_shown_is_read_as_the_name_it_stands_for() {
        let every_byte: Vec<_> = (0..=255).collect();
        let names: [&[u8]; 5] = [
            b"",
            b"\\x41",
            b"\\\\",
            "\u{202e}\u{fffd}é".as_bytes(),
            &every_byte,
        ];
        for name in names.map(Name::from) {
            let text = serde_json::to_string(&name).unwrap();
            assert_eq!(serde_json::from_str::<Name>(&text).unwrap(), name, "{text}");
        }
    }

    #[test]
    fn a_text_that_shows_no_name_is_none() {
        for text in [
            "\\",
            "\\x4",
            "\\x41",
            "\\xFF",
            "\\n",
            "a\nb",
            "\\xc3\\xa9",
            "\u{202e}",
        ] {
            let json = serde_json::to_string(text).unwrap();
            assert!(serde_json::from_str::<Name>(&json).is_err(), "{text:?}");
        }
    }
}
