//! What goes wrong with the filesystem under construction, by what a user would do about it: a word that a
//! child can say, and the failure that its parent makes of it.

use longshore_ext4 as ext4;
use serde::{Deserialize, Serialize};

use crate::{Class, Failure, join::DiskTreeError, trouble::is_full};

/// What goes wrong with the filesystem under construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TreeTrouble {
    /// The image has more bytes or inodes than its volume.
    TooSmall,
    /// The extended attributes of one file.
    Xattrs,
    /// The names in one directory.
    Directory,
    /// Something other than a directory where ext4 has its own.
    LostAndFound,
    /// The disk that the volume is on.
    DiskFull,
    /// Anything else about the filesystem or its disk.
    Filesystem,
    /// A mistake of ours.
    Defect,
}

impl From<&ext4::Error> for TreeTrouble {
    fn from(error: &ext4::Error) -> Self {
        match error {
            ext4::Error::NoSpace | ext4::Error::NoInodes => Self::TooSmall,
            ext4::Error::XattrsDoNotFit { .. } => Self::Xattrs,
            ext4::Error::DirectoryFull { .. } => Self::Directory,
            error if is_full(error) => Self::DiskFull,
            _ => Self::Filesystem,
        }
    }
}

impl From<&DiskTreeError> for TreeTrouble {
    fn from(error: &DiskTreeError) -> Self {
        match error {
            DiskTreeError::Filesystem(error) => error.into(),
            DiskTreeError::LostAndFound => Self::LostAndFound,
            DiskTreeError::NoSuchNode(_) => Self::Defect,
        }
    }
}

impl TreeTrouble {
    /// With the texts of the error and its sources, outermost first.
    pub(crate) fn failure(self, mut texts: Vec<String>) -> Failure {
        let refused = |code: &str, texts: &mut Vec<String>| {
            let message = match texts.is_empty() {
                true => String::new(),
                false => texts.remove(0),
            };
            Failure::new(Class::Refused, code, message)
        };
        let mut failure = match self {
            Self::TooSmall => Failure::new(
                Class::Refused,
                "volume-too-small",
                "the image does not fit its volume",
            )
            .hint("set a larger volume_size"),
            Self::Xattrs => refused("xattr-too-large", &mut texts),
            Self::Directory => refused("directory-full", &mut texts),
            Self::LostAndFound => refused("lost-and-found", &mut texts),
            Self::DiskFull => Failure::full(),
            Self::Filesystem => Failure::new(
                Class::Failed,
                "filesystem",
                "the filesystem of a volume failed",
            ),
            Self::Defect => Failure::broken("a node that is not there"),
        };
        failure.causes = texts;
        failure
    }
}
