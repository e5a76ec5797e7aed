//! Reads so much of an ELF file as is needed to find something in it: its segments, its sections, and
//! bytes by their address (elf(5)).

use crate::{RootfsFile, inventory::problem::Problem, read_some};

pub(super) const MAGIC: &[u8; 4] = b"\x7fELF";

/// Bytes of the names of sections that are read: linkers make a few hundred.
const NAMES_BYTES: u64 = 1 << 20;

const LOADED: u64 = 1;
const WRITABLE: u64 = 2;
const WITHOUT_BYTES: u64 = 8;

/// How much may still be read.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) bytes: u64,
}

impl Budget {
    /// Reads up to `len` bytes.
    ///
    /// # Errors
    /// Where they are more than may be read, or the file cannot be read.
    pub(super) fn read(
        &mut self,
        file: &dyn RootfsFile,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, Problem> {
        let left = self.bytes.checked_sub(len as u64);
        self.bytes = left.ok_or_else(|| {
            Problem::Limit("no more is read of executables: there are too many bytes".to_owned())
        })?;
        Ok(read_some(file, offset, len)?)
    }
}

/// An ELF file.
pub(super) struct Elf<'a> {
    pub(super) file: &'a dyn RootfsFile,
    segments: Vec<Range>,
    sections: Vec<(Vec<u8>, Range)>,
}

/// Bytes of a file that have an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) len: u64,
    writable: bool,
}

/// How wide numbers are, and which end of them comes first.
#[derive(Debug, Clone, Copy)]
struct Layout {
    wide: bool,
    big_endian: bool,
}

impl<'a> Elf<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// Where they are not those of an ELF file, and those of [`Budget::read`].
    pub(super) fn open(file: &'a dyn RootfsFile, budget: &mut Budget) -> Result<Self, Problem> {
        let header = budget.read(file, 0, 64)?;
        let layout = match header.get(..6) {
            Some([0x7f, b'E', b'L', b'F', class @ (1 | 2), data @ (1 | 2)]) => Layout {
                wide: *class == 2,
                big_endian: *data == 2,
            },
            _ => return Err(Problem::wrong("it is no ELF file")),
        };
        // The addresses of the two tables, then the sizes and counts of their entries.
        let (tables, sizes) = if layout.wide { (32, 54) } else { (28, 42) };
        let address = |nth: usize| layout.address(&header, tables + nth * layout.address_bytes());
        let half = |nth: usize| layout.number(&header, sizes + 2 * nth, 2);
        let segments = Table {
            offset: address(0)?,
            entry: half(0)?,
            count: half(1)?,
        };
        let sections = Table {
            offset: address(1)?,
            entry: half(2)?,
            count: half(3)?,
        };
        let names = half(4)?;
        Ok(Self {
            file,
            segments: layout.segments(file, &segments, budget)?,
            sections: layout.sections(file, &sections, names, budget)?,
        })
    }

    /// The section of a name, if it is there and has bytes in the file.
    pub(super) fn section(&self, name: &str) -> Option<Range> {
        let found = self.sections.iter().find(|(own, _)| own == name.as_bytes());
        found.map(|(_, range)| *range)
    }

    /// The segments that are loaded and may be written to, where data is.
    pub(super) fn data(&self) -> impl Iterator<Item = Range> + '_ {
        self.segments.iter().filter(|range| range.writable).copied()
    }

    /// Where in the file `len` bytes of an address are.
    ///
    /// # Errors
    /// Where no segment has all of them.
    pub(super) fn offset_of(&self, address: u64, len: u64) -> Result<u64, Problem> {
        let inside = self.segments.iter().find_map(|range| {
            let begin = address.checked_sub(range.address)?;
            let end = begin.checked_add(len)?;
            (end <= range.len).then(|| range.offset.checked_add(begin))?
        });
        inside.ok_or_else(|| Problem::wrong("an address is in none of its segments"))
    }
}

/// A number of `len` bytes.
///
/// # Errors
/// Where the bytes end before it.
pub(super) fn number(
    bytes: &[u8],
    at: usize,
    len: usize,
    big_endian: bool,
) -> Result<u64, Problem> {
    let number = bytes.get(at..).and_then(|rest| rest.get(..len));
    let number = number.ok_or_else(|| Problem::wrong("a number is not within it"))?;
    let push = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
    Ok(if big_endian {
        number.iter().fold(0, push)
    } else {
        number.iter().rev().fold(0, push)
    })
}

/// A table of headers.
struct Table {
    offset: u64,
    entry: u64,
    count: u64,
}

impl Table {
    /// Reads the entries, each of which must have at least `least` bytes. Both numbers have 16 bits in
    /// the file, so that there is a bound.
    fn read(
        &self,
        file: &dyn RootfsFile,
        least: usize,
        budget: &mut Budget,
    ) -> Result<(Vec<u8>, usize), Problem> {
        let entry = usize::try_from(self.entry).unwrap_or(usize::MAX);
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        if count == 0 {
            return Ok((Vec::new(), least));
        }
        if entry < least {
            return Err(Problem::wrong("the entries of its headers are too short"));
        }
        // What is beyond the end of the file is not paid for.
        let left = file.size().saturating_sub(self.offset);
        let len = entry.saturating_mul(count);
        if len as u64 > left {
            return Err(Problem::wrong("its headers are not within it"));
        }
        Ok((budget.read(file, self.offset, len)?, entry))
    }
}

impl Layout {
    const fn address_bytes(self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn address(self, bytes: &[u8], at: usize) -> Result<u64, Problem> {
        self.number(bytes, at, self.address_bytes())
    }

    fn number(self, bytes: &[u8], at: usize, len: usize) -> Result<u64, Problem> {
        number(bytes, at, len, self.big_endian)
    }

    fn segments(
        self,
        file: &dyn RootfsFile,
        table: &Table,
        budget: &mut Budget,
    ) -> Result<Vec<Range>, Problem> {
        let (least, flags, places) = if self.wide {
            (56, 4, [8, 16, 32])
        } else {
            (32, 24, [4, 8, 16])
        };
        let (bytes, entry) = table.read(file, least, budget)?;
        let mut segments = Vec::new();
        for header in bytes.chunks_exact(entry) {
            if self.number(header, 0, 4)? != LOADED {
                continue;
            }
            let [offset, address, len] = places;
            segments.push(Range {
                address: self.address(header, address)?,
                offset: self.address(header, offset)?,
                len: self.address(header, len)?,
                writable: self.number(header, flags, 4)? & WRITABLE != 0,
            });
        }
        Ok(segments)
    }

    fn sections(
        self,
        file: &dyn RootfsFile,
        table: &Table,
        names: u64,
        budget: &mut Budget,
    ) -> Result<Vec<(Vec<u8>, Range)>, Problem> {
        let (least, places) = if self.wide {
            (64, [16, 24, 32])
        } else {
            (40, [12, 16, 20])
        };
        let (bytes, entry) = table.read(file, least, budget)?;
        let range = |header: &[u8]| {
            let [address, offset, len] = places;
            Ok::<_, Problem>(Range {
                address: self.address(header, address)?,
                offset: self.address(header, offset)?,
                len: self.address(header, len)?,
                writable: false,
            })
        };
        let names = usize::try_from(names).unwrap_or(usize::MAX);
        let Some(names) = bytes.chunks_exact(entry).nth(names) else {
            return Ok(Vec::new());
        };
        let names = range(names)?;
        let names_len = names.len.min(NAMES_BYTES).min(file.size());
        let names_len = usize::try_from(names_len).unwrap_or(usize::MAX);
        let names = budget.read(file, names.offset, names_len)?;
        let mut sections = Vec::new();
        for header in bytes.chunks_exact(entry) {
            if self.number(header, 4, 4)? == WITHOUT_BYTES {
                continue;
            }
            let name = usize::try_from(self.number(header, 0, 4)?).unwrap_or(usize::MAX);
            let name = names.get(name..).unwrap_or_default();
            // Longer names are not asked for.
            let name = name.iter().take(64).take_while(|byte| **byte != 0);
            sections.push((name.copied().collect(), range(header)?));
        }
        Ok(sections)
    }
}
