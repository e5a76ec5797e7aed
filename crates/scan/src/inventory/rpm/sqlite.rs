//! Reads the rows of a table out of a database of SQLite 3, by its file format alone
//! (sqlite.org/fileformat2.html): no SQL, no index, no lock, nothing that is written.
//!
//! Every page is read at most once, whatever points to it, so that the work is bounded by the size of
//! the file; what SQLite would call malformed is an error here too. Changes that are still in a journal
//! are not seen: that there is none is for the caller to find out.

use super::record::{Value, columns, varint};
use crate::{RootfsFile, inventory::problem::Problem, read_some};

/// What a database begins with.
pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The header of the file, which is in its first page.
const FILE_HEADER: usize = 100;
/// How deep a tree may be: `BTCURSOR_MAX_DEPTH` of SQLite.
const DEPTH: usize = 20;
/// Bytes of a row that describes a table or an index: rpm's have less than 200.
const SCHEMA_ROW_BYTES: usize = 64 << 10;
/// The page that has the descriptions.
const SCHEMA_ROOT: u32 = 1;

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// A database that is open.
pub(super) struct Sqlite<'a> {
    file: &'a dyn RootfsFile,
    page_bytes: usize,
    /// Bytes of a page without those that are reserved for extensions.
    usable: usize,
    pages: u32,
    /// Which pages were read already.
    seen: Vec<bool>,
}

impl<'a> Sqlite<'a> {
    /// Reads the header of the file.
    ///
    /// # Errors
    /// Where it is no database, or shorter than it says.
    pub(super) fn open(file: &'a dyn RootfsFile) -> Result<Self, Problem> {
        let header = read_some(file, 0, FILE_HEADER)?;
        if header.len() < FILE_HEADER || !header.starts_with(MAGIC) {
            return Err(Problem::wrong("it is no database of SQLite 3"));
        }
        let page_bytes = match be16(&header, 16)? {
            1 => 1 << 16,
            size => usize::from(size),
        };
        let usable = page_bytes - usize::from(header[20]).min(page_bytes);
        if !page_bytes.is_power_of_two() || page_bytes < 512 || usable < 480 {
            return Err(Problem::wrong(
                "it has a size of pages that SQLite does not have",
            ));
        }
        if header[21..24] != [64, 32, 32] || !matches!(header[18..20], [1 | 2, 1 | 2]) {
            return Err(Problem::wrong(
                "it is of a version that SQLite 3 does not have",
            ));
        }
        if be32(&header, 56)? > 1 {
            return Err(Problem::wrong("its text is UTF-16"));
        }
        let there = file.size() / page_bytes as u64;
        let pages = u32::try_from(there).map_err(|_| Problem::wrong("it has too many pages"))?;
        let (said, changed, said_at) = (be32(&header, 28)?, be32(&header, 24)?, be32(&header, 92)?);
        if said > pages && changed == said_at {
            return Err(Problem::wrong(format!(
                "it is cut off: it has {pages} of its {said} pages"
            )));
        }
        Ok(Self {
            file,
            page_bytes,
            usable,
            pages,
            seen: vec![false; pages as usize],
        })
    }

    /// The page that the tree of a table begins with, if there is such a table.
    ///
    /// # Errors
    /// Where the descriptions of tables cannot be read.
    pub(super) fn root_of(&mut self, table: &str) -> Result<Option<u32>, Problem> {
        let mut root = None;
        self.each_row(SCHEMA_ROOT, SCHEMA_ROW_BYTES, &mut |row| {
            let [Value::Text(kind), Value::Text(name), _, page] = columns(row)? else {
                return Err(Problem::wrong("a description of a table is none"));
            };
            if kind != b"table" || !name.eq_ignore_ascii_case(table.as_bytes()) {
                return Ok(());
            }
            let Value::Integer(page) = page else {
                return Err(Problem::wrong("a table has no page"));
            };
            let page = u32::try_from(page).map_err(|_| Problem::wrong("a table has no page"))?;
            match root.replace(page) {
                None => Ok(()),
                Some(_) => Err(Problem::wrong(format!("it has the table {table} twice"))),
            }
        })?;
        Ok(root)
    }

    /// Gives the rows of the table whose tree begins with a page, in their order, to `visit`, until it
    /// fails.
    ///
    /// # Errors
    /// Those of `visit`; where a row has more than `limit` bytes; where the tree is damaged.
    pub(super) fn each_row(
        &mut self,
        root: u32,
        limit: usize,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut row = Vec::new();
        let mut way = vec![self.node(root)?];
        loop {
            let depth = way.len();
            let Some(node) = way.last_mut() else {
                return Ok(());
            };
            let Some(cell) = node.next(self.usable)? else {
                way.pop();
                continue;
            };
            match cell {
                Cell::Child(_) if depth == DEPTH => {
                    return Err(Problem::wrong("a table is deeper than SQLite makes them"));
                }
                Cell::Child(page) => way.push(self.node(page)?),
                Cell::Row(row_at) => {
                    self.read_row(node, &row_at, limit, &mut row)?;
                    visit(&row)?;
                }
            }
        }
    }

    /// The bytes of a row, from its page and the chain of pages that it goes on in.
    fn read_row(
        &mut self,
        node: &Node,
        row_at: &RowAt,
        limit: usize,
        row: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let RowAt { at, len } = *row_at;
        if len > limit as u64 {
            return Err(Problem::Limit(format!(
                "a row has {len} bytes, and at most {limit} are read"
            )));
        }
        let len = usize::try_from(len).map_err(|_| Problem::wrong("a row is too long"))?;
        let local = local_bytes(len, self.usable);
        row.clear();
        row.extend_from_slice(self.within(&node.page, at, local)?);
        if local == len {
            return Ok(());
        }
        let mut next = be32(self.within(&node.page, at + local, 4)?, 0)?;
        while row.len() < len {
            if next == 0 {
                return Err(Problem::wrong("a row ends before its bytes do"));
            }
            let page = self.page(next)?;
            next = be32(&page, 0)?;
            let part = (len - row.len()).min(self.usable - 4);
            row.extend_from_slice(&page[4..4 + part]);
        }
        if next == 0 {
            Ok(())
        } else {
            Err(Problem::wrong("a row goes on after its end"))
        }
    }

    fn within<'p>(&self, page: &'p [u8], at: usize, len: usize) -> Result<&'p [u8], Problem> {
        let bytes = page[..self.usable]
            .get(at..)
            .and_then(|rest| rest.get(..len));
        bytes.ok_or_else(|| Problem::wrong("a row is not within its page"))
    }

    fn node(&mut self, page: u32) -> Result<Node, Problem> {
        let begin = if page == SCHEMA_ROOT { FILE_HEADER } else { 0 };
        Node::new(self.page(page)?, begin)
    }

    /// Reads a page that was not read before.
    fn page(&mut self, number: u32) -> Result<Vec<u8>, Problem> {
        let nth = number.checked_sub(1).map(|nth| nth as usize);
        let Some((nth, seen)) = nth.and_then(|nth| Some((nth, self.seen.get_mut(nth)?))) else {
            let pages = self.pages;
            return Err(Problem::wrong(format!(
                "it points to page {number} of {pages}"
            )));
        };
        if std::mem::replace(seen, true) {
            return Err(Problem::wrong(format!("page {number} is used twice")));
        }
        let offset = nth as u64 * self.page_bytes as u64;
        let page = read_some(self.file, offset, self.page_bytes)?;
        if page.len() < self.page_bytes {
            return Err(Problem::wrong(format!("page {number} is cut off")));
        }
        Ok(page)
    }
}

/// How many bytes of a row of a table are in its page (Database File Format, 1.6).
fn local_bytes(len: usize, usable: usize) -> usize {
    if len <= usable - 35 {
        return len;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fitting = least + (len - least) % (usable - 4);
    if fitting <= usable - 35 {
        fitting
    } else {
        least
    }
}

/// A page of a tree, and the cell that comes next.
struct Node {
    page: Vec<u8>,
    kind: u8,
    cells: usize,
    /// Where the places of the cells are.
    places: usize,
    /// The child after the last cell, which leaves have not.
    last_child: Option<u32>,
    done: usize,
}

enum Cell {
    Child(u32),
    Row(RowAt),
}

/// Where the bytes of a row begin in their page, and how many they are in all.
struct RowAt {
    at: usize,
    len: u64,
}

impl Node {
    fn new(page: Vec<u8>, begin: usize) -> Result<Self, Problem> {
        let kind = page[begin];
        let (places, last_child) = match kind {
            LEAF => (begin + 8, None),
            INTERIOR => (begin + 12, Some(be32(&page, begin + 8)?)),
            _ => return Err(Problem::wrong("a page is not one of a table")),
        };
        let cells = usize::from(be16(&page, begin + 3)?);
        if places + 2 * cells > page.len() {
            return Err(Problem::wrong("a page has more cells than it has room for"));
        }
        Ok(Self {
            page,
            kind,
            cells,
            places,
            last_child,
            done: 0,
        })
    }

    fn next(&mut self, usable: usize) -> Result<Option<Cell>, Problem> {
        if self.done == self.cells {
            return Ok(self.last_child.take().map(Cell::Child));
        }
        let at = usize::from(be16(&self.page, self.places + 2 * self.done)?);
        self.done += 1;
        let outside = || Problem::wrong("a cell is not within its page");
        let cell = self.page[..usable].get(at..).ok_or_else(outside)?;
        if at < self.places + 2 * self.cells {
            return Err(outside());
        }
        if self.kind == INTERIOR {
            return Ok(Some(Cell::Child(be32(cell, 0)?)));
        }
        let (len, first) = varint(cell).ok_or_else(outside)?;
        let (_row_id, second) = varint(&cell[first..]).ok_or_else(outside)?;
        let at = at + first + second;
        Ok(Some(Cell::Row(RowAt { at, len })))
    }
}

fn be16(bytes: &[u8], at: usize) -> Result<u16, Problem> {
    let two = bytes.get(at..).and_then(|rest| rest.first_chunk());
    two.map(|two| u16::from_be_bytes(*two))
        .ok_or_else(|| Problem::wrong("a number is not within its page"))
}

fn be32(bytes: &[u8], at: usize) -> Result<u32, Problem> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk());
    four.map(|four| u32::from_be_bytes(*four))
        .ok_or_else(|| Problem::wrong("a number is not within its page"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_page_of_a_row_is_what_sqlite_puts_there() {
        // The smallest and largest pages, at the edges that the format names.
        assert_eq!(local_bytes(477, 512), 477);
        assert_eq!(local_bytes(478, 512), 39);
        assert_eq!(local_bytes(39 + 508 + 438, 512), 477);
        assert_eq!(local_bytes(39 + 508 + 439, 512), 39);
        assert_eq!(local_bytes(65_501, 65_536), 65_501);
        assert_eq!(local_bytes(65_502, 65_536), 8_199);
    }

    #[test]
    fn what_is_no_database_is_refused() {
        assert!(Sqlite::open(&&b""[..]).is_err());
        assert!(Sqlite::open(&&[0; 4096][..]).is_err());
        let mut header = [0; 512];
        header[..16].copy_from_slice(MAGIC);
        assert!(Sqlite::open(&&header[..]).is_err(), "pages of no size");
        header[16..18].copy_from_slice(&512_u16.to_be_bytes());
        header[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
        assert!(Sqlite::open(&&header[..]).is_ok());
        header[20] = 33;
        assert!(Sqlite::open(&&header[..]).is_err(), "too much is reserved");
        header[20] = 0;
        header[31] = 2;
        assert!(Sqlite::open(&&header[..]).is_err(), "cut off");
    }
}
