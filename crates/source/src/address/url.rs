//! Where a source is, as a user writes it: `s3://BUCKET[/PREFIX]` or `file://DIR`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{Key, KeyError};

/// A bucket (and what all keys in it begin with), or a directory of the same shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceUrl {
    /// `s3://BUCKET[/PREFIX]`.
    Bucket {
        /// The bucket's name: letters, digits, `.`, `_` and `-`.
        bucket: String,
        /// What is put before every family, without a `/` at the end.
        prefix: Option<Key>,
    },
    /// `file://DIR`: everything after the second `/` is the path as it is, nothing is decoded. A
    /// relative one is taken from the working directory.
    Directory(PathBuf),
}

/// What is not the address of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceUrlError {
    /// Another scheme, or none.
    #[error("{url:?} is not the address of a source: write s3://BUCKET[/PREFIX] or file://DIR")]
    Scheme {
        /// The text.
        url: String,
    },
    /// No bucket, or a name that cannot be one.
    #[error(
        "{bucket:?} cannot be the name of a bucket: 1 to 255 letters, digits, '.', '_' and '-', \
         a letter or digit at both ends, no \"..\""
    )]
    Bucket {
        /// The name.
        bucket: String,
    },
    /// The prefix cannot begin a key.
    #[error("the prefix of the source is not usable")]
    Prefix(#[source] KeyError),
    /// `file://` with nothing after it.
    #[error("file:// needs a directory after it")]
    NoDirectory,
}

impl SourceUrl {
    /// A whole bucket.
    pub fn bucket(bucket: &str) -> Result<Self, SourceUrlError> {
        // Names from before 2018 in us-east-1 may have 255 characters, capitals and underscores.
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let good = bucket.len() <= 255
            && bucket.bytes().all(legal)
            && end(bucket.bytes().next())
            && end(bucket.bytes().last())
            && !bucket.contains("..");
        if good {
            Ok(Self::Bucket {
                bucket: bucket.to_owned(),
                prefix: None,
            })
        } else {
            Err(SourceUrlError::Bucket {
                bucket: bucket.to_owned(),
            })
        }
    }

    /// A directory.
    pub fn directory(path: impl AsRef<Path>) -> Self {
        Self::Directory(path.as_ref().to_owned())
    }
}

impl FromStr for SourceUrl {
    type Err = SourceUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("file://") {
            return match path {
                "" => Err(SourceUrlError::NoDirectory),
                path => Ok(Self::directory(path)),
            };
        }
        let rest = text
            .strip_prefix("s3://")
            .ok_or_else(|| SourceUrlError::Scheme {
                url: text.to_owned(),
            })?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = match prefix.strip_suffix('/').unwrap_or(prefix) {
            "" => None,
            prefix => Some(prefix.parse().map_err(SourceUrlError::Prefix)?),
        };
        match Self::bucket(bucket)? {
            Self::Bucket { bucket, .. } => Ok(Self::Bucket { bucket, prefix }),
            directory @ Self::Directory(_) => Ok(directory),
        }
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket {
                bucket,
                prefix: None,
            } => write!(f, "s3://{bucket}"),
            Self::Bucket {
                bucket,
                prefix: Some(prefix),
            } => write!(f, "s3://{bucket}/{prefix}"),
            Self::Directory(path) => write!(f, "file://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in [
            "s3://images",
            "s3://my.images/a/b",
            "file:///srv/images",
            "file://images",
        ] {
            assert_eq!(text.parse::<SourceUrl>().unwrap().to_string(), text);
        }
        assert_eq!(
            "s3://b/p/".parse::<SourceUrl>().unwrap().to_string(),
            "s3://b/p"
        );
        assert_eq!("s3://b/".parse(), SourceUrl::bucket("b"));
    }

    #[test]
    fn what_would_change_the_host_or_climb_is_refused() {
        for text in [
            "s3://",
            "s3:///p",
            "s3://a@b",
            "s3://a:b",
            "s3://-a",
            "s3://a..b",
            "s3://a/../b",
            "s3://a//b",
            "file://",
            "images",
            "https://host/bucket",
            "S3://a",
        ] {
            assert!(text.parse::<SourceUrl>().is_err(), "{text}");
        }
    }
}
