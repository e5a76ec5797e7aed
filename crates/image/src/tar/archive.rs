//! The archive: from blocks to entries and their bodies, to the end and beyond.

use std::collections::VecDeque;

use super::acl;
use super::entry::{Entry, What};
use super::extended::{Extended, Extension, Resolved, body_size, check_global};
use super::fault::Fault;
use super::fields::{device, metadata, size};
use super::header::{BLOCK, Dialect, Header};
use super::pax::Pax;
use super::sparse::{Segment, Sparse};
use super::stream::{Finished, Stream, truncated};
use super::uncompressed::Uncompressed;
use super::xattr;
use crate::rules::{held, refuse};
use crate::{Code, Counters, Limits, Metadata, Rejected};

/// An archive that is being read.
#[derive(Debug)]
pub(crate) struct Archive<'l, U> {
    stream: Stream<U>,
    limits: &'l Limits,
    extended: Extended,
    body: Body,
    ended: bool,
}

/// What is still to be read of the last entry.
#[derive(Debug, Default)]
struct Body {
    /// Where its bytes belong.
    segments: VecDeque<Segment>,
    /// Bytes of it in the stream.
    stored: u64,
    /// Bytes after it, to the next block.
    padding: u64,
    /// Bytes that were shown and are still to be taken from the stream.
    shown: usize,
}

impl Body {
    /// A body of so many bytes in the stream, none of which belongs anywhere yet.
    fn begin(stored: u64) -> Self {
        let block = u64::try_from(BLOCK).unwrap_or(u64::MAX);
        Self {
            stored,
            padding: stored.wrapping_neg() % block,
            ..Self::default()
        }
    }
}

/// A piece of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) offset: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'l, U: Uncompressed> Archive<'l, U> {
    pub(crate) fn new(stream: Stream<U>, limits: &'l Limits) -> Self {
        Self {
            stream,
            limits,
            extended: Extended::default(),
            body: Body::default(),
            ended: false,
        }
    }

    /// The next entry, after whatever is left of the body of the one before; `None` once the
    /// archive, and all that is stored after it, was read.
    pub(crate) fn next(&mut self, counters: &mut Counters) -> Result<Option<Entry>, Fault> {
        self.finish_body()?;
        while !self.ended {
            let Some(block) = self.stream.block()? else {
                self.end_of_stream(counters)?;
                break;
            };
            if is_zero(&block) {
                self.end_of_archive(counters)?;
                break;
            }
            let header = Header::parse(&block)?;
            let kind = match header.type_byte() {
                b'g' => {
                    self.read_global(&header, counters)
                        .map_err(|fault| fault.at(&header.name()))?;
                    continue;
                }
                b'x' => Extension::Pax,
                b'L' => Extension::LongName,
                b'K' => Extension::LongLink,
                _ => return self.read_entry(&header, counters).map(Some),
            };
            let read = self.read_extension(kind, &header, counters);
            read.map_err(|fault| fault.at(&header.name()))?;
        }
        Ok(None)
    }

    /// The next piece of the last entry's body; `None` when there is no more.
    pub(crate) fn chunk(&mut self) -> Result<Option<Chunk<'_>>, Fault> {
        self.take_shown();
        while self
            .body
            .segments
            .front()
            .is_some_and(|segment| segment.length == 0)
        {
            self.body.segments.pop_front();
        }
        let Some(segment) = self.body.segments.front_mut() else {
            return Ok(None);
        };
        let bytes = self.stream.peek()?;
        if bytes.is_empty() {
            truncated("a body")?;
            return Ok(None);
        }
        let count = usize::try_from(segment.length)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let bytes = &bytes[..count];
        let offset = segment.offset;
        // At most the segment's length, a u64.
        let taken = u64::try_from(count).unwrap_or(segment.length);
        segment.offset += taken;
        segment.length -= taken;
        self.body.stored -= taken;
        self.body.shown = count;
        Ok(Some(Chunk { offset, bytes }))
    }

    /// What was read, once there are no more entries.
    pub(crate) fn finish(self) -> Result<Finished, Fault> {
        self.stream.finish()
    }

    fn take_shown(&mut self) {
        self.stream.consume(std::mem::take(&mut self.body.shown));
    }

    fn finish_body(&mut self) -> Result<(), Fault> {
        self.take_shown();
        let body = &mut self.body;
        body.segments.clear();
        self.stream.skip(std::mem::take(&mut body.stored))?;
        self.stream.skip(std::mem::take(&mut body.padding))
    }

    /// The stream ended where a header could begin.
    fn end_of_stream(&mut self, counters: &mut Counters) -> Result<(), Fault> {
        if self.stream.bytes() == 0 {
            refuse(Code::Empty, "there are no bytes: that is no archive")?;
        }
        self.expect_no_extension()?;
        counters.unclosed += 1;
        self.ended = true;
        Ok(())
    }

    /// A zero block was read.
    fn end_of_archive(&mut self, counters: &mut Counters) -> Result<(), Fault> {
        self.expect_no_extension()?;
        match self.stream.block()? {
            None => counters.unclosed += 1,
            Some(block) if is_zero(&block) => self.stream.zeros_to_the_end()?,
            Some(_) => refuse(
                Code::LoneZeroBlock,
                "something other than the end of the archive follows a zero block",
            )?,
        }
        self.ended = true;
        Ok(())
    }

    fn expect_no_extension(&self) -> Result<(), Rejected> {
        if self.extended.is_empty() {
            return Ok(());
        }
        refuse(
            Code::ExtensionOrphan,
            "an extended header is not followed by its entry",
        )
    }

    fn read_global(&mut self, header: &Header<'_>, counters: &mut Counters) -> Result<(), Fault> {
        self.expect_no_extension()?;
        let body = self.read_extension_body(header, 0)?;
        check_global(&body)?;
        counters.global_headers += 1;
        Ok(())
    }

    fn read_extension(
        &mut self,
        kind: Extension,
        header: &Header<'_>,
        counters: &mut Counters,
    ) -> Result<(), Fault> {
        self.extended.expect_no(kind)?;
        let body = self.read_extension_body(header, self.extended.bytes)?;
        self.extended.bytes += header.size()?;
        match kind {
            Extension::Pax => self.extended.set_pax(Pax::parse(&body, counters)?),
            Extension::LongName | Extension::LongLink => self.extended.set_long(kind, body)?,
        }
        Ok(())
    }

    fn read_extension_body(&mut self, header: &Header<'_>, before: u64) -> Result<Vec<u8>, Fault> {
        let size = body_size(header, before, self.limits)?;
        let size = usize::try_from(size).expect("a limited size fits memory");
        let mut body = Vec::new();
        while body.len() < size {
            let Some(block) = self.stream.block()? else {
                truncated("an extended header")?;
                break;
            };
            body.extend_from_slice(&block);
        }
        body.truncate(size);
        Ok(body)
    }

    fn read_entry(&mut self, header: &Header<'_>, counters: &mut Counters) -> Result<Entry, Fault> {
        let extended = std::mem::take(&mut self.extended);
        let resolved = extended.resolve(|| header.name());
        let Resolved { name, link, pax } = resolved.map_err(|it| it.at(&header.name()))?;
        let read = self.read_named(header, &name, link, pax, counters);
        let (what, metadata) = read.map_err(|fault| fault.at(&name))?;
        Ok(Entry {
            name,
            what,
            metadata,
        })
    }

    fn read_named(
        &mut self,
        header: &Header<'_>,
        name: &[u8],
        link: Option<Vec<u8>>,
        mut pax: Pax,
        counters: &mut Counters,
    ) -> Result<(What, Metadata), Fault> {
        held(xattr::check(&pax.xattrs, self.limits))?;
        let mut metadata = metadata(header, &mut pax, counters)?;
        acl::settle(&mut metadata);
        let size = size(header, &pax)?;
        self.body = Body::begin(size);
        let link = link.unwrap_or_else(|| header.link().to_vec());
        let what = match header.type_byte() {
            0 | b'0' if name.ends_with(b"/") => What::Directory,
            0 | b'0' | b'7' | b'S' => self.begin_file(header, size, &pax, counters)?,
            b'1' => What::HardLink(link),
            b'2' => What::Symlink(self.checked_target(link)?),
            b'3' => What::CharDevice(device(header)?),
            b'4' => What::BlockDevice(device(header)?),
            b'5' => What::Directory,
            b'6' => What::Fifo,
            other => {
                let shown = other.escape_ascii();
                refuse(
                    Code::HeaderType,
                    format!("an entry of unknown type '{shown}'"),
                )?;
                self.begin_file(header, size, &pax, counters)?
            }
        };
        held(acl::check(&what, &metadata))?;
        let is_file = matches!(what, What::File { .. });
        if !is_file && !pax.sparse.is_empty() {
            refuse(
                Code::SparseMap,
                "the records of a sparse file on an entry that is not a file",
            )?;
        }
        if !is_file && size > 0 {
            refuse(
                Code::UnexpectedBody,
                format!("{size} bytes of body on an entry that is not a file"),
            )?;
        }
        Ok((what, metadata))
    }

    fn begin_file(
        &mut self,
        header: &Header<'_>,
        stored: u64,
        pax: &Pax,
        counters: &mut Counters,
    ) -> Result<What, Fault> {
        let sparse = match (header.type_byte(), header.dialect(), pax.sparse.is_empty()) {
            (b'S', Dialect::Gnu, true) => {
                let stream = &mut self.stream;
                held(Sparse::read_gnu(header, stored, stream, self.limits))?
            }
            (b'S', ..) => {
                refuse(
                    Code::SparseUnsupported,
                    "a sparse file in a form other than GNU's",
                )?;
                None
            }
            (_, _, false) => {
                let stream = &mut self.stream;
                held(Sparse::read_pax(&pax.sparse, stored, stream, self.limits))?
            }
            (_, _, true) => None,
        };
        let Some(Sparse {
            size,
            segments,
            stored,
        }) = sparse
        else {
            self.body.segments.push_back(Segment {
                offset: 0,
                length: stored,
            });
            return Ok(What::File { size: stored });
        };
        counters.sparse += 1;
        self.body.stored = stored;
        self.body.segments.extend(segments);
        Ok(What::File { size })
    }

    fn checked_target(&self, target: Vec<u8>) -> Result<Vec<u8>, Rejected> {
        let limit = self.limits.symlink_bytes;
        if target.is_empty() || target.len() > limit || target.contains(&0) {
            refuse(
                Code::SymlinkTarget,
                format!(
                    "the target of a symlink has {} bytes, or a NUL: it has to have 1 to \
                         {limit} without",
                    target.len()
                ),
            )?;
        }
        Ok(target)
    }
}

fn is_zero(block: &[u8; BLOCK]) -> bool {
    block.iter().all(|byte| *byte == 0)
}
