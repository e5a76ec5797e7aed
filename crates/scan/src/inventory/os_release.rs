//! Reads os-release(5): lines `NAME=value`, quoted as a shell would have them and with nothing else of
//! a shell. A line that is not so is no assignment, as for systemd.

/// What an os-release says, so far as it is of use.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OsRelease {
    pub(super) id: String,
    pub(super) version_id: String,
    pub(super) pretty_name: String,
    pub(super) id_like: Vec<String>,
}

/// Bytes of a value; a longer one is none.
const VALUE_BYTES: usize = 256;

/// Words of `ID_LIKE` that are looked at.
const ANCESTORS: usize = 16;

impl OsRelease {
    /// The last assignment of each name counts, as in a shell.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut release = Self::default();
        for line in text.lines() {
            let Some((name, value)) = line.trim().split_once('=') else {
                continue;
            };
            let Some(value) = unquoted(value).filter(|value| value.len() <= VALUE_BYTES) else {
                continue;
            };
            // It is printed.
            let value = value.replace(char::is_control, "\u{fffd}");
            match name {
                "ID" => release.id = value,
                "VERSION_ID" => release.version_id = value,
                "PRETTY_NAME" => release.pretty_name = value,
                "ID_LIKE" => {
                    let words = value.split_whitespace().take(ANCESTORS);
                    release.id_like = words.map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        release
    }
}

/// A value without its quotes: a word of a shell, with nothing but a comment after it.
fn unquoted(value: &str) -> Option<String> {
    let mut word = String::new();
    let mut chars = value.chars();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '\\') => word.push(chars.next()?),
            (Some('"'), '\\') => match chars.next()? {
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            (None, c) if c.is_whitespace() => {
                let rest = chars.as_str().trim_start();
                return (rest.is_empty() || rest.starts_with('#')).then_some(word);
            }
            // What a shell would run or look up.
            (None | Some('"'), '$' | '`') | (None, ';' | '&' | '|' | '(' | ')' | '<' | '>') => {
                return None;
            }
            (_, c) => word.push(c),
        }
    }
    quote.is_none().then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_word_of_a_shell() {
        for (value, expected) in [
            ("debian", Some("debian")),
            (
                r#""Debian GNU/Linux 12 (bookworm)""#,
                Some("Debian GNU/Linux 12 (bookworm)"),
            ),
            ("'3.19.1'", Some("3.19.1")),
            (r#""a \"b\" \$ \\ \n""#, Some(r#"a "b" $ \ \n"#)),
            (r"'a\b'", Some(r"a\b")),
            (r#"a"b"'c'"#, Some("abc")),
            (r"a\ b", Some("a b")),
            ("a # comment", Some("a")),
            ("", Some("")),
            ("a b", None),
            ("\"open", None),
            ("a\\", None),
            ("$HOME", None),
            ("\"`id`\"", None),
            ("a;b", None),
        ] {
            assert_eq!(unquoted(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn the_last_assignment_counts_and_others_are_passed_over() {
        let text = b"# ID=x\nID=debian\n\nVERSION_ID=\"11\"\r\nVERSION_ID=12\nVERSION_ID=\"1\nID_LIKE=\"a b\"\nwhat\nXID=y\n";
        let release = OsRelease::parse(text);
        assert_eq!(release.id, "debian");
        assert_eq!(release.version_id, "12");
        assert_eq!(release.id_like, ["a", "b"]);
        assert_eq!(release.pretty_name, "");
    }

    #[test]
    fn a_value_does_nothing_to_a_terminal() {
        for text in [
            "ID=\"\x1b[1m\"",
            "ID=\"\\\x1b[1m\"",
            "ID=\\\x1b[1m",
            "ID='\x1b[1m'",
        ] {
            let id = OsRelease::parse(text.as_bytes()).id;
            assert!(id.ends_with("\u{fffd}[1m"), "{id:?}");
        }
    }

    #[test]
    fn a_value_that_is_too_long_is_none() {
        let text = format!("ID={}\n", "a".repeat(VALUE_BYTES + 1));
        assert_eq!(OsRelease::parse(text.as_bytes()), OsRelease::default());
    }
}
