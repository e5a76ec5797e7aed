//! Where a document is: a server, or a file on this host.

use std::path::PathBuf;

use reqwest::Url;

use super::DocumentError;

/// Characters of a text that is no address which are shown.
const SHOWN: usize = 200;

/// Where a document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    Web(Url),
    File(PathBuf),
}

impl Address {
    /// `https://`, `http://`, `file:///`, or an absolute path.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        let refuse = |why: &str| DocumentError::NotAUrl {
            address: harmless(text),
            why: why.to_owned(),
        };
        if text.starts_with('/') {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Web(url)),
            "file" => {
                let path = url.to_file_path();
                path.map(Self::File)
                    .map_err(|()| refuse("a file is named by its whole path: file:///PATH"))
            }
            _ => Err(refuse(
                "it begins with none of https://, http://, file:///, /",
            )),
        }
    }
}

/// An address as it may be shown: without user, password, query and fragment.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // They cannot be set on an address that cannot have them, and then there are none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// A text that is no address, without what may be a secret in it.
fn harmless(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = text.rsplit('@').next().unwrap_or_default();
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_server_or_a_file() {
        let file = |path: &str| Address::File(PathBuf::from(path));
        assert_eq!(Address::parse("/a b/c").unwrap(), file("/a b/c"));
        assert_eq!(Address::parse("file:///a%20b/c").unwrap(), file("/a b/c"));
        for text in ["https://host/a", "http://127.0.0.1:1/a?b#c"] {
            assert!(matches!(Address::parse(text), Ok(Address::Web(_))));
        }
        for text in [
            "",
            "a/b",
            "./a",
            "s3://bucket/a",
            "ftp://host/a",
            "https://",
            "file://elsewhere/a",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(matches!(error, DocumentError::NotAUrl { .. }), "{text}");
        }
    }

    #[test]
    fn what_may_be_secret_is_not_shown() {
        let url = Url::parse("https://user:hunter2@host:8443/a/b?token=hunter2#hunter2").unwrap();
        assert_eq!(shown(&url), "https://host:8443/a/b");
        for text in [
            "ftp://user:hunter2@host/?hunter2",
            "user:hunter2@host#hunter2",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
