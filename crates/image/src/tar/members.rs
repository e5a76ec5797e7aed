//! The members of an archive by name and place, for one that can be read anywhere: headers only, bodies are
//! passed over.

use std::io;

use super::extended::{Extended, Extension, Resolved, body_size, check_global};
use super::fault::Fault;
use super::fields::size;
use super::header::{BLOCK, Dialect, Header};
use super::pax::Pax;
use super::stream::truncated;
use crate::bundle::ArchiveBytes;
use crate::rules::refuse;
use crate::{Code, Counters, Limits, Rejected};

/// Bytes that are read at a time: small members stand close together.
const WINDOW: usize = 64 << 10;
const BLOCK_BYTES: u64 = BLOCK as u64;

/// A member of an archive.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name as it stands there.
    pub(crate) name: Vec<u8>,
    pub(crate) what: MemberKind,
}

/// What a member is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum MemberKind {
    /// A regular file, whose bytes stand together.
    File {
        offset: u64,
        size: u64,
    },
    /// A symbolic link, and where it leads.
    Symlink(Vec<u8>),
    /// Another name of the member of this name.
    HardLink(Vec<u8>),
    Directory,
    /// A device, a pipe, a sparse file, or what nobody knows.
    Other,
}

/// Reads headers, from the first to the end of the archive. What follows the end is not looked at.
#[derive(Debug)]
pub(crate) struct Members<'a, B> {
    bytes: &'a B,
    limits: &'a Limits,
    at: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a, B: ArchiveBytes> Members<'a, B> {
    pub(crate) fn new(bytes: &'a B, limits: &'a Limits) -> Self {
        Self {
            bytes,
            limits,
            at: 0,
            window: Vec::new(),
            window_at: 0,
        }
    }

    /// The next member; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, Fault> {
        let mut extended = Extended::default();
        loop {
            let block = match self.block()? {
                Some(block) if block.iter().any(|byte| *byte != 0) => block,
                _ if extended.is_empty() => return Ok(None),
                _ => {
                    refuse(
                        Code::ExtensionOrphan,
                        "an extended header is not followed by its entry",
                    )?;
                    return Ok(None);
                }
            };
            let header = Header::parse(&block)?;
            let kind = match header.type_byte() {
                b'g' => {
                    self.global(&header)?;
                    continue;
                }
                b'x' => Extension::Pax,
                b'L' => Extension::LongName,
                b'K' => Extension::LongLink,
                _ => return self.member(&header, extended).map(Some),
            };
            extended.expect_no(kind)?;
            let body = self.extension(&header, extended.bytes)?;
            extended.bytes += header.size()?;
            match kind {
                Extension::Pax => extended.set_pax(Pax::parse(&body, &mut Counters::default())?),
                Extension::LongName | Extension::LongLink => extended.set_long(kind, body)?,
            }
        }
    }

    fn member(&mut self, header: &Header<'_>, extended: Extended) -> Result<Member, Fault> {
        let Resolved { name, link, pax } = extended.resolve(|| header.name())?;
        let read = self.what(header, &name, link, &pax);
        let what = read.map_err(|fault| fault.at(&name))?;
        Ok(Member { name, what })
    }

    fn what(
        &mut self,
        header: &Header<'_>,
        name: &[u8],
        link: Option<Vec<u8>>,
        pax: &Pax,
    ) -> Result<MemberKind, Fault> {
        let size = size(header, pax)?;
        let offset = self.at;
        let link = || link.unwrap_or_else(|| header.link().to_vec());
        let what = match header.type_byte() {
            0 | b'0' if name.ends_with(b"/") => MemberKind::Directory,
            0 | b'0' | b'7' if pax.sparse.is_empty() => MemberKind::File { offset, size },
            b'1' => MemberKind::HardLink(link()),
            b'2' => MemberKind::Symlink(link()),
            b'5' => MemberKind::Directory,
            _ => MemberKind::Other,
        };
        let has_body = matches!(what, MemberKind::File { .. } | MemberKind::Other);
        if !has_body && size > 0 {
            // Readers differ on whether these bytes are there.
            refuse(
                Code::UnexpectedBody,
                format!("{size} bytes of body on an entry that is not a file"),
            )?;
        }
        if header.type_byte() == b'S' && header.dialect() == Dialect::Gnu {
            self.pass_map(header)?;
        }
        self.pass(size)?;
        Ok(what)
    }

    /// Goes on behind the blocks that continue the map of a sparse file in GNU's older form. A byte in each,
    /// as in the header, says whether there is another ("Tar Internals", `struct sparse_header`).
    fn pass_map(&mut self, header: &Header<'_>) -> Result<(), Fault> {
        let mut continued = header.block()[482] != 0;
        while continued {
            let Some(block) = self.block()? else {
                truncated("the map of a sparse file")?;
                break;
            };
            continued = block[504] != 0;
        }
        Ok(())
    }

    fn global(&mut self, header: &Header<'_>) -> Result<(), Fault> {
        let body = self.extension(header, 0)?;
        check_global(&body)?;
        Ok(())
    }

    /// The body of an extended header, after `before` bytes of others for the same entry.
    fn extension(&mut self, header: &Header<'_>, before: u64) -> Result<Vec<u8>, Fault> {
        let size = body_size(header, before, self.limits)?;
        let from = self.at;
        self.pass(size)?;
        let mut body = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        self.bytes.read_at(from, &mut body)?;
        Ok(body)
    }

    /// Goes on behind a body and its padding. The padding of the last one may be missing.
    fn pass(&mut self, size: u64) -> Result<(), Rejected> {
        let end = self.at.checked_add(size);
        let Some(end) = end.filter(|end| *end <= self.bytes.size()) else {
            truncated("a body")?;
            self.at = self.bytes.size();
            return Ok(());
        };
        self.at = end
            .saturating_add(end.wrapping_neg() % BLOCK_BYTES)
            .min(self.bytes.size());
        Ok(())
    }

    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Fault> {
        let left = self.bytes.size() - self.at;
        if left < BLOCK_BYTES {
            if left > 0 {
                truncated("a block")?;
            }
            return Ok(None);
        }
        let window_end = self.window_at + self.window.len() as u64;
        if self.at < self.window_at || self.at + BLOCK_BYTES > window_end {
            let len = usize::try_from(left).unwrap_or(WINDOW).min(WINDOW);
            self.window.resize(len, 0);
            self.bytes.read_at(self.at, &mut self.window)?;
            self.window_at = self.at;
        }
        let from = usize::try_from(self.at - self.window_at).map_err(io::Error::other)?;
        let mut block = [0; BLOCK];
        block.copy_from_slice(&self.window[from..from + BLOCK]);
        self.at += BLOCK_BYTES;
        Ok(Some(block))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}
