//! Makes headers of rpm and databases of SQLite that hold them, without SQLite: to have any size of
//! pages, reserved bytes and, in the hands of others, any damage. That SQLite itself reads them is tested
//! in `sqlite.rs`.

/// A value of a tag.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tag<'a> {
    Text(u32, &'a str),
    Number(u32, u32),
}

pub(crate) const NAME: u32 = 1000;
pub(crate) const VERSION: u32 = 1001;
pub(crate) const RELEASE: u32 = 1002;
pub(crate) const EPOCH: u32 = 1003;
pub(crate) const VENDOR: u32 = 1011;
pub(crate) const LICENCE: u32 = 1014;
pub(crate) const ARCHITECTURE: u32 = 1022;
pub(crate) const SOURCE_RPM: u32 = 1044;
pub(crate) const MODULARITY_LABEL: u32 = 5096;

/// The header of a package, as the database has it.
pub(crate) fn header(tags: &[Tag<'_>]) -> Vec<u8> {
    let mut index = Vec::new();
    let mut data = Vec::new();
    for tag in tags {
        let (tag, kind) = match tag {
            Tag::Text(tag, _) => (*tag, 6),
            Tag::Number(tag, _) => {
                data.resize(data.len().next_multiple_of(4), 0);
                (*tag, 4)
            }
        };
        for word in [tag, kind, number(data.len()), 1] {
            index.extend_from_slice(&word.to_be_bytes());
        }
        match tags[index.len() / 16 - 1] {
            Tag::Text(_, text) => data.extend([text.as_bytes(), b"\0"].concat()),
            Tag::Number(_, number) => data.extend(number.to_be_bytes()),
        }
    }
    let lengths = [number(tags.len()), number(data.len())].map(u32::to_be_bytes);
    [lengths.concat(), index, data].concat()
}

/// The header of a package with nothing but its name and version.
pub(crate) fn plain(name: &str, version: &str) -> Vec<u8> {
    header(&[
        Tag::Text(NAME, name),
        Tag::Text(VERSION, version),
        Tag::Text(RELEASE, "1.el9"),
        Tag::Text(SOURCE_RPM, &format!("{name}-{version}-1.el9.src.rpm")),
    ])
}

/// A database with a table `Packages` of these headers, in pages of `page` bytes of which `reserved` are
/// not used.
pub(crate) fn database(headers: &[Vec<u8>], page: usize, reserved: u8) -> Vec<u8> {
    let mut pages = Pages {
        usable: page - usize::from(reserved),
        page,
        pages: vec![vec![0; page], vec![0; page]],
    };
    let mut leaves: Vec<Vec<(usize, Vec<u8>)>> = vec![Vec::new()];
    let mut room = pages.usable - 8;
    for (nth, header) in headers.iter().enumerate() {
        let row = row(&[Column::Null, Column::Blob(header)]);
        let cell = pages.cell(nth + 1, &row);
        if room < cell.len() + 2 {
            leaves.push(Vec::new());
            room = pages.usable - 8;
        }
        room -= cell.len() + 2;
        leaves
            .last_mut()
            .expect("there is one")
            .push((nth + 1, cell));
    }
    if let [only] = &leaves[..] {
        let cells: Vec<_> = only.iter().map(|(_, cell)| cell.clone()).collect();
        pages.tree_page(2, 0, 13, None, &cells);
    } else {
        let mut children = Vec::new();
        for leaf in &leaves {
            let last = leaf.last().expect("a leaf has cells").0;
            let cells: Vec<_> = leaf.iter().map(|(_, cell)| cell.clone()).collect();
            let at = pages.add();
            pages.tree_page(at, 0, 13, None, &cells);
            children.push((at, last));
        }
        let (right, _) = children.pop().expect("there are several");
        let cells: Vec<_> = children
            .iter()
            .map(|(at, last)| [&number(*at).to_be_bytes()[..], &varint(*last)].concat())
            .collect();
        pages.tree_page(2, 0, 5, Some(right), &cells);
    }
    let sql = b"CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY,blob BLOB NOT NULL)";
    let schema = row(&[
        Column::Text(b"table"),
        Column::Text(b"Packages"),
        Column::Text(b"Packages"),
        Column::Byte(2),
        Column::Text(sql),
    ]);
    let cell = pages.cell(1, &schema);
    pages.tree_page(1, 100, 13, None, &[cell]);
    let count = number(pages.pages.len());
    let first = &mut pages.pages[0];
    first[..16].copy_from_slice(b"SQLite format 3\0");
    let size = if page == 1 << 16 { 1 } else { page };
    first[16..18].copy_from_slice(&number(size).to_be_bytes()[2..]);
    first[18..24].copy_from_slice(&[1, 1, reserved, 64, 32, 32]);
    for (at, word) in [
        (24, 1),
        (28, count),
        (40, 1),
        (44, 4),
        (56, 1),
        (92, 1),
        (96, 3_045_000),
    ] {
        first[at..at + 4].copy_from_slice(&u32::to_be_bytes(word));
    }
    pages.pages.concat()
}

struct Pages {
    page: usize,
    usable: usize,
    pages: Vec<Vec<u8>>,
}

impl Pages {
    /// Adds an empty page; its number, from 1.
    fn add(&mut self) -> usize {
        self.pages.push(vec![0; self.page]);
        self.pages.len()
    }

    /// A cell of a leaf, with what has no room in it in further pages.
    fn cell(&mut self, row_id: usize, row: &[u8]) -> Vec<u8> {
        let most = self.usable - 35;
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = match row.len() {
            len if len <= most => len,
            len => match least + (len - least) % (self.usable - 4) {
                fitting if fitting <= most => fitting,
                _ => least,
            },
        };
        let mut cell = [&varint(row.len())[..], &varint(row_id), &row[..local]].concat();
        let mut parts = row[local..].chunks(self.usable - 4).peekable();
        if parts.peek().is_some() {
            cell.extend(number(self.pages.len() + 1).to_be_bytes());
        }
        while let Some(part) = parts.next() {
            let at = self.add();
            let next = if parts.peek().is_some() { at + 1 } else { 0 };
            let page = &mut self.pages[at - 1];
            page[..4].copy_from_slice(&number(next).to_be_bytes());
            page[4..4 + part.len()].copy_from_slice(part);
        }
        cell
    }

    fn tree_page(
        &mut self,
        at: usize,
        begin: usize,
        kind: u8,
        right: Option<usize>,
        cells: &[Vec<u8>],
    ) {
        let page = &mut self.pages[at - 1];
        let places = begin + if right.is_some() { 12 } else { 8 };
        let mut content = self.usable;
        for (nth, cell) in cells.iter().enumerate() {
            content -= cell.len();
            assert!(content >= places + 2 * cells.len(), "too many for a page");
            page[content..content + cell.len()].copy_from_slice(cell);
            let place = &number(content).to_be_bytes()[2..];
            page[places + 2 * nth..places + 2 * nth + 2].copy_from_slice(place);
        }
        page[begin] = kind;
        page[begin + 3..begin + 5].copy_from_slice(&number(cells.len()).to_be_bytes()[2..]);
        page[begin + 5..begin + 7].copy_from_slice(&number(content).to_be_bytes()[2..]);
        if let Some(right) = right {
            page[begin + 8..begin + 12].copy_from_slice(&number(right).to_be_bytes());
        }
    }
}

enum Column<'a> {
    Null,
    Byte(u8),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

fn row(columns: &[Column<'_>]) -> Vec<u8> {
    let mut types = Vec::new();
    let mut body = Vec::new();
    for column in columns {
        match column {
            Column::Null => types.push(0),
            Column::Byte(byte) => {
                types.push(1);
                body.push(*byte);
            }
            Column::Text(text) => {
                types.extend(varint(13 + 2 * text.len()));
                body.extend(*text);
            }
            Column::Blob(blob) => {
                types.extend(varint(12 + 2 * blob.len()));
                body.extend(*blob);
            }
        }
    }
    let len = u8::try_from(types.len() + 1).expect("there are few columns");
    [&[len], &types[..], &body].concat()
}

/// Sevens of bits, the highest first, each but the last marked. Tests have no ninth byte.
fn varint(value: usize) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(value & 0x7f).expect("seven bits")];
    let mut left = value >> 7;
    while left > 0 {
        bytes.push(u8::try_from(left & 0x7f).expect("seven bits") | 0x80);
        left >>= 7;
    }
    bytes.reverse();
    bytes
}

fn number(value: usize) -> u32 {
    u32::try_from(value).expect("tests are small")
}
