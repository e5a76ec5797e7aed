//! Why a layer was rejected: one code for every rule.
//!
//! A code is part of the interface: it is printed, stored and matched on. It is never used for
//! another rule and never renamed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Name;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// The rule that a layer broke.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// All codes, in the order of this page.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code as it is printed and stored: lower-case words joined by hyphens.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

codes! {
    /// There are no bytes at all: that is no archive.
    Empty = "empty",
    /// The archive ends in the middle of a header, a body or its padding.
    Truncated = "truncated",
    /// A zero block stands before another entry.
    LoneZeroBlock = "lone-zero-block",
    /// Something other than zeros follows the end of the archive.
    TrailingData = "trailing-data",

    /// A gzip member is damaged: its header, its deflate stream, its length or its CRC.
    GzipCorrupt = "gzip-corrupt",
    /// The stored bytes end within a gzip member.
    GzipTruncated = "gzip-truncated",
    /// Something other than a further gzip member follows one.
    GzipTrailingData = "gzip-trailing-data",
    /// A zstd frame is damaged, has a wrong checksum, or needs a dictionary.
    ZstdCorrupt = "zstd-corrupt",
    /// The stored bytes end within a zstd frame.
    ZstdTruncated = "zstd-truncated",
    /// Something other than a further zstd frame follows one.
    ZstdTrailingData = "zstd-trailing-data",
    /// A zstd frame needs a larger window than the limit.
    ZstdWindow = "zstd-window",

    /// The checksum of a header is wrong: what stands there is no header.
    HeaderChecksum = "header-checksum",
    /// The magic of a header is none of v7's, ustar's or GNU's.
    HeaderMagic = "header-magic",
    /// A numeric field is not a number, negative where it may not be, or too large.
    HeaderNumber = "header-number",
    /// The type of an entry is unknown.
    HeaderType = "header-type",
    /// A symlink, hard link, device, directory or fifo has a body.
    UnexpectedBody = "unexpected-body",
    /// The sizes in a header and in its PAX record differ.
    SizeMismatch = "size-mismatch",

    /// A PAX record is malformed.
    PaxRecord = "pax-record",
    /// The value of a PAX record is malformed.
    PaxValue = "pax-value",
    /// A global PAX header sets a path, a link's path or a size.
    PaxGlobal = "pax-global",
    /// Two extended headers of one kind stand before one entry.
    ExtensionRepeated = "extension-repeated",
    /// A PAX record and a GNU header both give the name, or both the link's target.
    ExtensionConflict = "extension-conflict",
    /// An extended header is not followed by its entry.
    ExtensionOrphan = "extension-orphan",
    /// The extended headers before one entry are over the limit.
    ExtensionTooLarge = "extension-too-large",
    /// A GNU long name is malformed.
    LongNameMalformed = "long-name-malformed",
    /// The map of a sparse file is malformed: unsorted, overlapping, beyond the size, or too long.
    SparseMap = "sparse-map",
    /// A sparse file, which is not read yet.
    SparseUnsupported = "sparse-unsupported",

    /// A name is empty.
    NameEmpty = "name-empty",
    /// A name has a `..` component.
    NameParent = "name-parent",
    /// A name contains a NUL.
    NameNul = "name-nul",
    /// A component of a name is over the limit.
    NameComponentTooLong = "name-component-too-long",
    /// A name is over the limit.
    NameTooLong = "name-too-long",
    /// A name has, or leads to, more levels of directories than the limit.
    NameTooDeep = "name-too-deep",
    /// Something other than a directory stands at `/lost+found`.
    NameReserved = "name-reserved",
    /// The root of the image is not a directory.
    RootNotDirectory = "root-not-directory",

    /// A parent of an entry is something other than a directory that the same layer put there.
    ParentNotDirectory = "parent-not-directory",
    /// More symlinks lead to an entry than the limit: usually a loop.
    SymlinkLoop = "symlink-loop",
    /// More components lead to an entry, through its symlinks, than the limit.
    WalkTooLong = "walk-too-long",
    /// The target of a symlink is empty, has a NUL, or is over the limit.
    SymlinkTarget = "symlink-target",

    /// The target of a hard link does not exist, or not any more.
    HardLinkMissing = "hard-link-missing",
    /// The target of a hard link is a directory.
    HardLinkToDirectory = "hard-link-to-directory",
    /// An inode has more names than the limit.
    HardLinkTooMany = "hard-link-too-many",

    /// A whiteout of nothing, of `.` or of `..`.
    WhiteoutName = "whiteout-name",
    /// What a whiteout hides depends on where in its layer it stands, since a symlink on the way of it
    /// or of an entry is hidden or replaced by the same layer.
    WhiteoutAmbiguous = "whiteout-ambiguous",

    /// An owner or group is over 4,294,967,294.
    Owner = "owner",
    /// A device, and the policy wants none.
    Device = "device",
    /// The number of a device is beyond what the filesystem stores.
    DeviceNumber = "device-number",
    /// An entry has more extended attributes than the limit.
    XattrTooMany = "xattr-too-many",
    /// The extended attributes of an entry take more room than there is.
    XattrTooLarge = "xattr-too-large",
    /// The name of an extended attribute is empty, has a NUL, or is over 255 bytes.
    XattrName = "xattr-name",
    /// A `security.capability` is malformed.
    Capability = "capability",
    /// A POSIX ACL is malformed, or stands where none can be.
    Acl = "acl",

    /// A file is over the limit.
    LimitFile = "limit-file",
    /// The files of the image are over the limit.
    LimitImage = "limit-image",
    /// The uncompressed archives of the image are over the limit.
    LimitStream = "limit-stream",
    /// The compression ratio is over the limit.
    LimitRatio = "limit-ratio",
    /// The entries of the image, or its inodes, are over the limit.
    LimitEntries = "limit-entries",
    /// The layers of the image are over the limit.
    LimitLayers = "limit-layers",
    /// One path occurs more often in a layer than the limit.
    LimitDuplicates = "limit-duplicates",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let code = Self::ALL.iter().find(|code| code.as_str() == text);
        code.copied()
            .ok_or_else(|| de::Error::custom("there is no such rule"))
    }
}

/// A layer that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The rule.
    pub code: Code,
    /// The entry it concerns, as the archive names it, where one was known.
    pub entry: Option<Name>,
    /// What was found, in words. It holds nothing from the archive that is not escaped.
    pub detail: String,
}

impl Rejected {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            entry: None,
            detail: detail.into(),
        }
    }

    /// Says which entry it concerns, unless that is already said.
    #[must_use]
    pub(crate) fn at(mut self, entry: &[u8]) -> Self {
        self.entry.get_or_insert_with(|| Name::from(entry));
        self
    }
}

/// A broken rule as the error of any result.
pub(crate) fn reject<T, E: From<Rejected>>(code: Code, detail: impl Into<String>) -> Result<T, E> {
    Err(Rejected::new(code, detail).into())
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        match &self.entry {
            Some(entry) => write!(f, " (entry {entry:?})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Rejected {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_words_joined_by_hyphens_and_no_two_are_equal() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for text in texts {
            let words = text
                .split('-')
                .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
            assert!(words, "{text}");
        }
    }

    #[test]
    fn a_rejection_says_rule_reason_and_entry_escaped() {
        let rejected = Rejected::new(Code::NameNul, "the name contains a NUL").at(b"a\0b");
        assert_eq!(
            rejected.to_string(),
            "name-nul: the name contains a NUL (entry \"a\\x00b\")"
        );
        assert_eq!(rejected.clone().at(b"other"), rejected);
        assert_eq!(
            serde_json::to_value(&rejected).unwrap(),
            serde_json::json!({
                "code": "name-nul",
                "entry": "a\\x00b",
                "detail": "the name contains a NUL",
            })
        );
        let text = serde_json::to_string(&rejected).unwrap();
        assert_eq!(serde_json::from_str::<Rejected>(&text).unwrap(), rejected);
        assert!(serde_json::from_str::<Rejected>(&text.replace("nul\"", "null\"")).is_err());
    }
}
