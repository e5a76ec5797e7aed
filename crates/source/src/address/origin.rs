//! The identity of a place that bytes come from.

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Endpoint;

/// Where keys and ETags mean something: an endpoint and a bucket, or a directory; one set of
/// credentials. Two sources with equal origins see the same objects.
///
/// Its text is canonical and a key of the catalogue: `s3://BUCKET` for Amazon's own service
/// (bucket names are unique in it, so the region is no part), `https://HOST[:PORT]/BUCKET` with
/// an endpoint, `file:///DIR` with symbolic links resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// What is not the canonical text of an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an origin: it begins with none of s3://, http://, https://, file:///")]
pub struct OriginError {
    /// The text.
    pub text: String,
}

impl Origin {
    pub(crate) fn bucket(endpoint: Option<&Endpoint>, bucket: &str) -> Self {
        match endpoint {
            None => Self(format!("s3://{bucket}")),
            Some(endpoint) => Self(format!("{endpoint}/{bucket}")),
        }
    }

    /// `None` where the path is not UTF-8: two directories must never share an identity.
    pub(crate) fn directory(canonical: &Path) -> Option<Self> {
        canonical
            .to_str()
            .map(|path| Self(format!("file://{path}")))
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins = ["s3://", "http://", "https://", "file:///"];
        if begins.iter().any(|start| text.starts_with(start)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(OriginError {
                text: text.to_owned(),
            })
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_told_apart_by_service_and_bucket() {
        let endpoint: Endpoint = "http://127.0.0.1:9000/".parse().unwrap();
        let amazon = Origin::bucket(None, "images");
        let local = Origin::bucket(Some(&endpoint), "images");
        let directory = Origin::directory(Path::new("/srv/images")).unwrap();
        assert_eq!(amazon.as_str(), "s3://images");
        assert_eq!(local.as_str(), "http://127.0.0.1:9000/images");
        assert_eq!(directory.as_str(), "file:///srv/images");
        for origin in [amazon, local, directory] {
            assert_eq!(origin.as_str().parse(), Ok(origin));
        }
        assert!("images".parse::<Origin>().is_err());
    }
}
