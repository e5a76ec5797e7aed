//! The maps of sparse files: where in a file the bytes of its body belong.
//!
//! GNU tar has written four forms: a header of type `S`, and PAX records of formats 0.0, 0.1 and 1.0
//! (GNU tar's manual, "Storing Sparse Files"). A map is sorted, does not overlap, lies within the
//! file's size, and accounts for every byte of the body.

use super::fault::Fault;
use super::header::{BLOCK, Header};
use super::number::{decimal, unsigned};
use super::stream::{Stream, truncated};
use super::uncompressed::Uncompressed;
use crate::reject::reject;
use crate::{Code, Limits, Rejected};

/// A run of bytes in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// A file that has holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sparse {
    /// Bytes of the file, holes included.
    pub(crate) size: u64,
    /// Where the body's bytes belong, in order, none of them empty.
    pub(crate) segments: Vec<Segment>,
    /// Bytes of the body that are data: what is left of it after a map in it.
    pub(crate) stored: u64,
}

impl Sparse {
    /// Checks a map against the file's size and the bytes of data there are.
    fn new(size: u64, map: &[Segment], stored: u64) -> Result<Self, Rejected> {
        let (mut end, mut sum) = (0, 0u64);
        for Segment { offset, length } in map {
            let next = offset
                .checked_add(*length)
                .filter(|next| *next <= size && *offset >= end);
            end = next.ok_or_else(|| malformed("is not sorted, or beyond the size"))?;
            sum += length;
        }
        if sum != stored {
            return Err(malformed("does not account for the body"));
        }
        let segments = map
            .iter()
            .copied()
            .filter(|segment| segment.length > 0)
            .collect();
        Ok(Self {
            size,
            segments,
            stored,
        })
    }

    /// The map of a header of type `S` and of the blocks that continue it.
    pub(crate) fn read_gnu<U: Uncompressed>(
        header: &Header<'_>,
        stored: u64,
        stream: &mut Stream<U>,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let block = header.block();
        let size = unsigned(&block[483..495], "size of a sparse file")?;
        let mut map = Vec::new();
        let mut ended = take_pairs(&block[386..482], &mut map)?;
        let mut continued = block[482] != 0;
        let mut bytes = 0;
        while continued {
            bytes += u64::try_from(BLOCK).unwrap_or(u64::MAX);
            if bytes > limits.sparse_map_bytes {
                return reject(
                    Code::SparseMap,
                    "the map of a sparse file is over the limit",
                );
            }
            let Some(block) = stream.block()? else {
                truncated("the map of a sparse file")?;
                break;
            };
            let before = map.len();
            let full = take_pairs(&block[..504], &mut map)?;
            if ended && map.len() > before {
                return Err(malformed("has a gap").into());
            }
            ended |= full;
            continued = block[504] != 0;
        }
        Ok(Self::new(size, &map, stored)?)
    }

    /// The map of PAX records; that of format 1.0 stands at the beginning of the body.
    pub(crate) fn read_pax<U: Uncompressed>(
        records: &Records,
        stored: u64,
        stream: &mut Stream<U>,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let size = records.size.ok_or_else(|| malformed("lacks the size"))?;
        match (records.major, records.minor) {
            (Some(1), Some(0)) if records.map.is_empty() => {
                let (map, bytes) = read_text_map(stored, stream, limits)?;
                Ok(Self::new(size, &map, stored - bytes)?)
            }
            (None | Some(0), None | Some(0 | 1)) if records.offset.is_none() => {
                if records
                    .count
                    .is_some_and(|count| usize::try_from(count) != Ok(records.map.len()))
                {
                    return Err(malformed("has another length than it says").into());
                }
                Ok(Self::new(size, &records.map, stored)?)
            }
            _ => Err(malformed("is in no known format").into()),
        }
    }
}

fn malformed(how: &str) -> Rejected {
    Rejected::new(Code::SparseMap, format!("the map of a sparse file {how}"))
}

/// Takes pairs of 12-byte numbers until an unused one; whether there was one.
fn take_pairs(fields: &[u8], map: &mut Vec<Segment>) -> Result<bool, Rejected> {
    for pair in fields.chunks_exact(24) {
        let (offset, length) = pair.split_at(12);
        if length[0] == 0 && offset[0] == 0 {
            return Ok(true);
        }
        let what = "map of a sparse file";
        map.push(Segment {
            offset: unsigned(offset, what)?,
            length: unsigned(length, what)?,
        });
    }
    Ok(false)
}

/// Reads the map of format 1.0: decimal numbers, each with a newline, padded to a block: how many
/// pairs, then the pairs. Answers the bytes of the body it took.
fn read_text_map<U: Uncompressed>(
    stored: u64,
    stream: &mut Stream<U>,
    limits: &Limits,
) -> Result<(Vec<Segment>, u64), Fault> {
    let mut text = TextMap {
        block: [0; BLOCK],
        at: BLOCK,
        bytes: 0,
        allowed: stored,
    };
    text.allowed = text.allowed.min(limits.sparse_map_bytes);
    let pairs = text.number(stream)?;
    let mut map = Vec::new();
    for _ in 0..pairs {
        let offset = text.number(stream)?;
        map.push(Segment {
            offset,
            length: text.number(stream)?,
        });
    }
    Ok((map, text.bytes))
}

struct TextMap {
    block: [u8; BLOCK],
    at: usize,
    bytes: u64,
    allowed: u64,
}

impl TextMap {
    fn number<U: Uncompressed>(&mut self, stream: &mut Stream<U>) -> Result<u64, Fault> {
        let mut digits = Vec::new();
        loop {
            if self.at == BLOCK {
                self.bytes += u64::try_from(BLOCK).unwrap_or(u64::MAX);
                if self.bytes > self.allowed {
                    return Err(malformed("is longer than its file, or over the limit").into());
                }
                let Some(block) = stream.block()? else {
                    truncated("the map of a sparse file")?;
                    return Ok(0);
                };
                (self.block, self.at) = (block, 0);
            }
            let byte = self.block[self.at];
            self.at += 1;
            match byte {
                b'\n' => break,
                // 2^64 has twenty digits.
                _ if digits.len() < 20 => digits.push(byte),
                _ => return Err(malformed("is not decimal").into()),
            }
        }
        decimal(&digits).ok_or_else(|| malformed("is not decimal").into())
    }
}

/// The `GNU.sparse.*` records of a PAX header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) name: Option<Vec<u8>>,
    size: Option<u64>,
    major: Option<u64>,
    minor: Option<u64>,
    count: Option<u64>,
    /// An offset of format 0.0 whose length has not come yet.
    offset: Option<u64>,
    map: Vec<Segment>,
}

impl Records {
    /// Whether a key stands several times in one header by design.
    pub(crate) fn repeats(key: &[u8]) -> bool {
        matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes")
    }

    /// Whether there are none: the file is not sparse.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Rejected> {
        let number = || decimal(value).ok_or_else(|| malformed("is not decimal"));
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(number()?),
            b"major" => self.major = Some(number()?),
            b"minor" => self.minor = Some(number()?),
            b"numblocks" => self.count = Some(number()?),
            b"offset" if self.offset.is_none() => self.offset = Some(number()?),
            b"numbytes" => {
                let offset = self
                    .offset
                    .take()
                    .ok_or_else(|| malformed("lacks an offset"))?;
                self.map.push(Segment {
                    offset,
                    length: number()?,
                });
            }
            b"map" => self.map = pairs(value).ok_or_else(|| malformed("is not pairs"))?,
            _ => return Err(malformed("has an unknown record")),
        }
        Ok(())
    }
}

/// The map of format 0.1: decimal numbers with commas between them.
fn pairs(value: &[u8]) -> Option<Vec<Segment>> {
    if value.is_empty() {
        return Some(Vec::new());
    }
    let numbers: Vec<u64> = value
        .split(|byte| *byte == b',')
        .map(decimal)
        .collect::<Option<_>>()?;
    let pair = |pair: &[u64]| Segment {
        offset: pair[0],
        length: pair[1],
    };
    numbers
        .len()
        .is_multiple_of(2)
        .then(|| numbers.chunks_exact(2).map(pair).collect())
}
