//! What a user calls an image: a family of layers, or one layer alone.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Key, KeyError};

/// What layers are called after their number.
const SUFFIXES: [&str; 3] = [".tar", ".tar.gz", ".tar.zst"];

/// A family: what stands before the last `/` in the keys of its layers, without the prefix of the
/// source. `images/golang` is the family of `images/golang/1.tar`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Family(Key);

/// An image as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ImageName {
    /// All layers of a family, in order: `images/golang`.
    Family(Family),
    /// One layer alone: `images/golang/1.tar`.
    Layer {
        /// Where it is, without the prefix of the source.
        path: Key,
        /// Its number, from its name.
        number: u32,
    },
}

/// A name that is neither a family nor a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text has no usable shape.
    #[error("not the name of an image")]
    Shape(#[source] KeyError),
    /// The number of a layer does not fit.
    #[error("the layer number in {name:?} is larger than {}", u32::MAX)]
    Number {
        /// The text.
        name: String,
    },
}

/// What the name of an object says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayerFile {
    /// `<number>.tar`, `.tar.gz` or `.tar.zst`.
    Numbered(u32),
    /// The same with a number beyond 32 bits.
    TooLarge,
    /// Anything else.
    Other,
}

/// Reads a name without its directory. Leading zeros do not count: `01.tar` is layer 1.
pub(crate) fn layer_file(name: &str) -> LayerFile {
    let digits = SUFFIXES
        .iter()
        .filter_map(|suffix| name.strip_suffix(suffix))
        .find(|stem| !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_digit()));
    match digits.map(str::parse) {
        Some(Ok(number)) => LayerFile::Numbered(number),
        Some(Err(_)) => LayerFile::TooLarge,
        None => LayerFile::Other,
    }
}

impl Family {
    /// The family as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0
    }
}

impl ImageName {
    /// The name as text, as it was given.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Family(family) => family.as_str(),
            Self::Layer { path, .. } => path.as_str(),
        }
    }
}

impl FromStr for Family {
    type Err = NameError;

    /// One `/` at the end is forgiven, for shells complete it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_suffix('/')
            .unwrap_or(text)
            .parse()
            .map(Self)
            .map_err(NameError::Shape)
    }
}

impl FromStr for ImageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let last = text.rsplit('/').next().unwrap_or(text);
        match layer_file(last) {
            LayerFile::Numbered(number) => Ok(Self::Layer {
                path: text.parse().map_err(NameError::Shape)?,
                number,
            }),
            LayerFile::TooLarge => Err(NameError::Number {
                name: text.to_owned(),
            }),
            LayerFile::Other => text.parse().map(Self::Family),
        }
    }
}

macro_rules! text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text!(Family);
text!(ImageName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_segment_that_is_a_numbered_tar_names_a_layer() {
        for (text, number) in [
            ("images/golang/1.tar", 1),
            ("1.tar.gz", 1),
            ("a/b/c/0010.tar.zst", 10),
            ("a/0.tar", 0),
            ("a/00.tar", 0),
        ] {
            let ImageName::Layer {
                path,
                number: found,
            } = text.parse().unwrap()
            else {
                panic!("{text} is a layer")
            };
            assert_eq!((path.as_str(), found), (text, number));
        }
    }

    #[test]
    fn anything_else_names_a_family() {
        for text in [
            "images/golang",
            "golang",
            "a/1.zip",
            "a/x1.tar",
            "a/.tar",
            "a/+1.tar",
        ] {
            assert!(matches!(text.parse(), Ok(ImageName::Family(_))), "{text}");
        }
        let family: Family = "images/golang/".parse().unwrap();
        assert_eq!(family.as_str(), "images/golang");
    }

    #[test]
    fn names_that_climb_are_refused() {
        for text in [
            "",
            "/",
            "/images",
            "a//b",
            "../a",
            "a/../1.tar",
            "a//",
            "/1.tar",
        ] {
            assert!(text.parse::<ImageName>().is_err(), "{text:?}");
        }
        assert!(matches!(
            "a/4294967296.tar".parse::<ImageName>(),
            Err(NameError::Number { .. })
        ));
    }
}
