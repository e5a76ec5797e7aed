//! A writer of archives, well-formed and not: every field can be set, nothing is checked.

use std::io::{Read, Write};

use longshore_image::{
    ApplyError, Code, LayerReport, Limits, Listing, MemoryTree, Rejected, Totals, apply,
};

/// An archive under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tar {
    pub(crate) bytes: Vec<u8>,
}

/// One header, to be changed at will before it is put into an archive.
#[derive(Debug, Clone)]
pub(crate) struct Head(pub(crate) [u8; 512]);

impl Head {
    /// A ustar header of this type and name.
    pub(crate) fn new(kind: u8, name: &[u8]) -> Self {
        let mut head = Self([0; 512]);
        head.set(0, name);
        head.set(100, b"0000644\0")
            .set(108, b"0000000\0")
            .set(116, b"0000000\0");
        head.set(136, b"00000000000\0").set(257, b"ustar\x0000");
        head.0[156] = kind;
        head.size(0)
    }

    pub(crate) fn gnu(kind: u8, name: &[u8]) -> Self {
        Self::new(kind, name).with(257, b"ustar  \0")
    }

    /// Writes bytes at an offset of the header.
    pub(crate) fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.set(at, bytes);
        self
    }

    fn set(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn size(self, size: u64) -> Self {
        self.with(124, format!("{size:011o}\0").as_bytes())
    }

    pub(crate) fn mode(self, mode: u16) -> Self {
        self.with(100, format!("{mode:07o}\0").as_bytes())
    }

    pub(crate) fn owner(self, uid: u32, gid: u32) -> Self {
        self.with(108, format!("{uid:07o}\0").as_bytes())
            .with(116, format!("{gid:07o}\0").as_bytes())
    }

    pub(crate) fn mtime(self, mtime: u64) -> Self {
        self.with(136, format!("{mtime:011o}\0").as_bytes())
    }

    pub(crate) fn link(self, target: &[u8]) -> Self {
        self.with(157, target)
    }

    pub(crate) fn device(self, major: u32, minor: u32) -> Self {
        self.with(329, format!("{major:07o}\0").as_bytes())
            .with(337, format!("{minor:07o}\0").as_bytes())
    }

    /// The header with its checksum.
    pub(crate) fn sealed(&self) -> [u8; 512] {
        let mut block = self.0;
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A header and a body as they are, padded to a block.
    pub(crate) fn put(mut self, head: &Head, body: &[u8]) -> Self {
        self.bytes.extend(head.sealed());
        self.body(body)
    }

    pub(crate) fn body(mut self, body: &[u8]) -> Self {
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn file(self, name: &str, body: &[u8]) -> Self {
        self.put(
            &Head::new(b'0', name.as_bytes()).size(body.len() as u64),
            body,
        )
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.put(&Head::new(b'5', name.as_bytes()).mode(0o700), b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.put(
            &Head::new(b'2', name.as_bytes()).link(target.as_bytes()),
            b"",
        )
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.put(
            &Head::new(b'1', name.as_bytes()).link(target.as_bytes()),
            b"",
        )
    }

    /// A PAX extended header with these records.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        self.extension(b'x', &pax_body(records))
    }

    /// An extended header of any kind.
    pub(crate) fn extension(self, kind: u8, body: &[u8]) -> Self {
        let head = match kind {
            b'x' | b'g' => Head::new(kind, b"PaxHeaders/x"),
            _ => Head::gnu(kind, b"././@LongLink"),
        };
        self.put(&head.size(body.len() as u64), body)
    }

    /// The archive with its two zero blocks.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.bytes.extend([0; 1024]);
        self.bytes
    }
}

/// PAX records, each with its length.
pub(crate) fn pax_body(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length.to_string().len() + rest != length {
            length += 1;
        }
        body.extend(format!("{length} {key}=").bytes());
        body.extend(*value);
        body.push(b'\n');
    }
    body
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An image in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pub(crate) tree: MemoryTree,
    pub(crate) totals: Totals,
    pub(crate) limits: Limits,
}

impl Image {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Applies one more layer; a failure other than a rejection fails the test.
    pub(crate) fn layer(&mut self, stored: impl Read) -> Result<LayerReport, Rejected> {
        match apply(&mut self.tree, stored, &self.limits, &mut self.totals) {
            Ok(report) => Ok(report),
            Err(ApplyError::Rejected(rejected)) => Err(rejected),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// An image of these layers.
    pub(crate) fn of(layers: &[&[u8]]) -> Self {
        let mut image = Self::new();
        for layer in layers {
            image.layer(*layer).unwrap();
        }
        image
    }

    pub(crate) fn listing(&self) -> Listing {
        self.tree.listing()
    }

    /// All paths, the root left out.
    pub(crate) fn paths(&self) -> Vec<String> {
        let listing = self.listing();
        let text = |path: &Vec<u8>| String::from_utf8(path.clone()).unwrap();
        listing
            .keys()
            .map(text)
            .filter(|path| path != "/")
            .collect()
    }

    /// The content of a file, by its path from the root.
    pub(crate) fn content(&self, path: &str) -> &[u8] {
        self.tree
            .content(path)
            .unwrap_or_else(|| panic!("{path} is a file"))
    }
}

/// The code that the last of these layers is rejected with.
pub(crate) fn code(layers: &[&[u8]]) -> Option<Code> {
    let (last, below) = layers.split_last().unwrap();
    Image::of(below)
        .layer(*last)
        .err()
        .map(|rejected| rejected.code)
}
