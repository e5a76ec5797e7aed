//! One header block: its layout, its checksum and its dialect.
//!
//! Offsets are those of POSIX.1-2017 `pax`, "ustar Interchange Format", and of GNU's `tar.h`.

use super::number::{signed, unsigned};
use crate::rules::refuse;
use crate::{Code, Rejected};

/// Bytes of a block, the unit of an archive.
pub(crate) const BLOCK: usize = 512;

/// The fields that dialects agree on, and where they end.
const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const UID: std::ops::Range<usize> = 108..116;
const GID: std::ops::Range<usize> = 116..124;
const SIZE: std::ops::Range<usize> = 124..136;
const MTIME: std::ops::Range<usize> = 136..148;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..265;
const MAJOR: std::ops::Range<usize> = 329..337;
const MINOR: std::ops::Range<usize> = 337..345;
const PREFIX: std::ops::Range<usize> = 345..500;
/// Star ends the prefix early, for two times, and says so in the last four bytes.
const STAR_PREFIX: std::ops::Range<usize> = 345..476;
const STAR_MARK: std::ops::Range<usize> = 508..512;

/// Who wrote a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Seventh Edition Unix: no magic, no prefix, no extended headers.
    V7,
    /// POSIX, with or without PAX records.
    Ustar,
    /// Jörg Schilling's star: ustar with a shorter prefix.
    Star,
    /// GNU tar: its own magic, and other things where the prefix would be.
    Gnu,
}

/// A header whose checksum and magic are right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    block: &'a [u8; BLOCK],
    dialect: Dialect,
}

impl<'a> Header<'a> {
    /// Checks a block's checksum and magic.
    pub(crate) fn parse(block: &'a [u8; BLOCK]) -> Result<Self, Rejected> {
        check_sum(block)?;
        let dialect = match &block[MAGIC] {
            [0, 0, 0, 0, 0, 0, 0, 0] => Dialect::V7,
            b"ustar  \0" => Dialect::Gnu,
            b"ustar\x0000" if &block[STAR_MARK] == b"tar\0" => Dialect::Star,
            // Some Java writers leave the version out.
            b"ustar\x0000" | b"ustar\0\0\0" => Dialect::Ustar,
            _ => {
                refuse(
                    Code::HeaderMagic,
                    "the magic of a header is not one of tar's",
                )?;
                Dialect::Ustar
            }
        };
        Ok(Self { block, dialect })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The whole block, for the layouts of single types.
    pub(crate) fn block(&self) -> &'a [u8; BLOCK] {
        self.block
    }

    /// The type of the entry, as the byte that stands for it.
    pub(crate) fn type_byte(&self) -> u8 {
        self.block[TYPE]
    }

    /// The name, with the prefix of those that have one.
    pub(crate) fn name(&self) -> Vec<u8> {
        let prefix = match self.dialect {
            Dialect::V7 | Dialect::Gnu => &[],
            Dialect::Ustar => until_nul(&self.block[PREFIX]),
            Dialect::Star => until_nul(&self.block[STAR_PREFIX]),
        };
        let name = until_nul(&self.block[NAME]);
        if prefix.is_empty() {
            name.to_vec()
        } else {
            [prefix, b"/", name].concat()
        }
    }

    /// The name of what a link leads to.
    pub(crate) fn link(&self) -> &'a [u8] {
        until_nul(&self.block[LINK])
    }

    /// Bytes of the body that follows.
    pub(crate) fn size(&self) -> Result<u64, Rejected> {
        unsigned(&self.block[SIZE], "size")
    }

    pub(crate) fn mode(&self) -> Result<u64, Rejected> {
        unsigned(&self.block[MODE], "mode")
    }

    pub(crate) fn uid(&self) -> Result<u64, Rejected> {
        unsigned(&self.block[UID], "owner")
    }

    pub(crate) fn gid(&self) -> Result<u64, Rejected> {
        unsigned(&self.block[GID], "group")
    }

    /// Seconds since 1970, negative before.
    pub(crate) fn mtime(&self) -> Result<i64, Rejected> {
        signed(&self.block[MTIME], "time")
    }

    pub(crate) fn device(&self) -> Result<(u64, u64), Rejected> {
        let major = unsigned(&self.block[MAJOR], "major device number")?;
        Ok((major, unsigned(&self.block[MINOR], "minor device number")?))
    }
}

/// What stands before the first NUL of a field.
fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The checksum is the sum of all bytes, its own field taken as spaces. Old writers summed signed
/// bytes; both are in use.
fn check_sum(block: &[u8; BLOCK]) -> Result<(), Rejected> {
    let before_and_after = || block[..CHECKSUM.start].iter().chain(&block[CHECKSUM.end..]);
    let spaces = 8 * i64::from(b' ');
    let plain: i64 = spaces + before_and_after().map(|byte| i64::from(*byte)).sum::<i64>();
    let signed_bytes = before_and_after().map(|byte| i64::from(byte.cast_signed()));
    let found = signed(&block[CHECKSUM], "checksum").ok();
    if found == Some(plain) || found == Some(spaces + signed_bytes.sum::<i64>()) {
        Ok(())
    } else {
        refuse(Code::HeaderChecksum, "the checksum of a header is wrong")
    }
}
