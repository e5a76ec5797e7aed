//! The headers that stand before an entry and say more about it.
//!
//! At most one of each kind, and no two that give the same thing: where readers would have to choose,
//! they choose differently.

use super::header::{Dialect, Header};
use super::pax::Pax;
use crate::rules::refuse;
use crate::{Code, Counters, Limits, Rejected};

/// What has been read for the next entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extended {
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Option<Pax>,
    /// Bytes of their bodies.
    pub(crate) bytes: u64,
}

/// What the headers before an entry and its own say together.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// The entry's name.
    pub(crate) name: Vec<u8>,
    /// Its link's target, if it is not that of the entry's own header.
    pub(crate) link: Option<Vec<u8>>,
    /// The records, without the names.
    pub(crate) pax: Pax,
}

/// The kinds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extension {
    /// GNU's `L`: the name.
    LongName,
    /// GNU's `K`: the link's target.
    LongLink,
    /// POSIX's `x`.
    Pax,
}

impl Extended {
    pub(crate) fn is_empty(&self) -> bool {
        self.long_name.is_none() && self.long_link.is_none() && self.pax.is_none()
    }

    /// Refuses a second header of one kind.
    pub(crate) fn expect_no(&self, kind: Extension) -> Result<(), Rejected> {
        let there = match kind {
            Extension::LongName => self.long_name.is_some(),
            Extension::LongLink => self.long_link.is_some(),
            Extension::Pax => self.pax.is_some(),
        };
        if there {
            refuse(
                Code::ExtensionRepeated,
                "two extended headers of one kind stand before one entry",
            )?;
        }
        Ok(())
    }

    pub(crate) fn set_pax(&mut self, pax: Pax) {
        self.pax = Some(pax);
    }

    /// Takes the body of a GNU long name: the name, and one NUL or more at its end.
    pub(crate) fn set_long(&mut self, kind: Extension, mut body: Vec<u8>) -> Result<(), Rejected> {
        let length = body
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        body.truncate(length);
        if body.is_empty() {
            return refuse(Code::LongNameMalformed, "a GNU long name is empty");
        }
        if let Some(nul) = body.iter().position(|byte| *byte == 0) {
            refuse(Code::NameNul, "a GNU long name contains a NUL")?;
            body.truncate(nul);
        }
        match kind {
            Extension::LongLink => self.long_link = Some(body),
            _ => self.long_name = Some(body),
        }
        Ok(())
    }

    /// Puts all that was read together.
    pub(crate) fn resolve(
        self,
        header_name: impl FnOnce() -> Vec<u8>,
    ) -> Result<Resolved, Rejected> {
        let mut pax = self.pax.unwrap_or_default();
        // The name of a sparse file stands in a record of its own, and in `path` a made-up one.
        let path = pax.path.take();
        let path = pax.sparse.name.clone().or(path);
        let name = one_of(path, self.long_name, "name")?.unwrap_or_else(header_name);
        let link = one_of(pax.link.take(), self.long_link, "link's target")?;
        Ok(Resolved { name, link, pax })
    }
}

fn one_of(
    pax: Option<Vec<u8>>,
    gnu: Option<Vec<u8>>,
    what: &str,
) -> Result<Option<Vec<u8>>, Rejected> {
    if pax.is_some() && gnu.is_some() {
        refuse(
            Code::ExtensionConflict,
            format!("a PAX record and a GNU header both give the {what}"),
        )?;
    }
    Ok(pax.or(gnu))
}

/// The size of the body of an extended header, after `before` bytes of others for the same entry.
pub(super) fn body_size(
    header: &Header<'_>,
    before: u64,
    limits: &Limits,
) -> Result<u64, Rejected> {
    if header.dialect() == Dialect::V7 {
        refuse(
            Code::HeaderType,
            "an extended header in an archive that has none",
        )?;
    }
    let size = header.size()?;
    let limit = limits.extension_bytes;
    if before.checked_add(size).is_none_or(|sum| sum > limit) {
        refuse(
            Code::ExtensionTooLarge,
            format!("an extended header of {size} bytes, {limit} are allowed for one entry"),
        )?;
    }
    Ok(size)
}

/// Refuses a global header that sets what only an entry can have.
pub(super) fn check_global(body: &[u8]) -> Result<(), Rejected> {
    let pax = Pax::parse(body, &mut Counters::default())?;
    if pax.path.is_some() || pax.link.is_some() || pax.size.is_some() || !pax.sparse.is_empty() {
        refuse(
            Code::PaxGlobal,
            "a global PAX header sets a path, a link's path or a size",
        )?;
    }
    Ok(())
}
