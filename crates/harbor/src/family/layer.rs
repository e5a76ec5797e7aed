//! A layer: entries in the order in which they are written, and how the archive ends.

use std::io::{self, Write};

use super::bomb;
use super::content::Content;
use super::encode::{self, LongNames};
use super::entry::{Entry, EntryType};

/// A layer under construction and done. Paths stand in the archive exactly as they are given.
/// `mode`, `owner`, `mtime`, `xattr` and `record` concern the entry added last.
#[derive(Debug, Clone)]
pub struct Layer {
    pieces: Vec<Piece>,
    names: LongNames,
    closed: bool,
    cut: Option<u64>,
    bomb: Option<u64>,
}

#[derive(Debug, Clone)]
enum Piece {
    Entry(Box<Entry>),
    Raw(Vec<u8>),
}

impl Layer {
    /// An archive without entries.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pieces: Vec::new(),
            names: LongNames::Pax,
            closed: true,
            cut: None,
            bomb: None,
        }
    }

    /// A directory.
    #[must_use]
    pub fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(Entry::new(EntryType::Directory, path.as_bytes(), mode))
    }

    /// A regular file, mode 0644.
    #[must_use]
    pub fn file(self, path: &str, content: impl Into<Content>) -> Self {
        let entry = Entry::new(EntryType::File, path.as_bytes(), 0o644);
        self.entry(Entry {
            content: content.into(),
            ..entry
        })
    }

    /// A symbolic link at `path` that says `target`.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    /// A further name for what `target` names.
    #[must_use]
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::HardLink, path, target)
    }

    /// A character device.
    #[must_use]
    pub fn chardev(self, path: &str, major: u32, minor: u32) -> Self {
        let entry = Entry::new(EntryType::CharDevice, path.as_bytes(), 0o666);
        self.entry(Entry {
            device: (major, minor),
            ..entry
        })
    }

    /// A block device.
    #[must_use]
    pub fn blockdev(self, path: &str, major: u32, minor: u32) -> Self {
        let entry = Entry::new(EntryType::BlockDevice, path.as_bytes(), 0o660);
        self.entry(Entry {
            device: (major, minor),
            ..entry
        })
    }

    /// A named pipe.
    #[must_use]
    pub fn fifo(self, path: &str) -> Self {
        self.entry(Entry::new(EntryType::Fifo, path.as_bytes(), 0o600))
    }

    /// Hides `path` of the layers below (`.wh.NAME`).
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let slash = if folder.is_empty() { "" } else { "/" };
        self.file(&format!("{folder}{slash}.wh.{name}"), "")
    }

    /// Hides everything that the layers below have in the directory `path`.
    #[must_use]
    pub fn opaque(self, path: &str) -> Self {
        self.file(&format!("{path}/.wh..wh..opq"), "")
    }

    /// An entry of any type under a name of any bytes, with any link name and body.
    #[must_use]
    pub fn any(
        self,
        kind: EntryType,
        path: &[u8],
        link: &[u8],
        content: impl Into<Content>,
    ) -> Self {
        let entry = Entry::new(kind, path, 0o644);
        self.entry(Entry {
            link: link.to_vec(),
            content: content.into(),
            ..entry
        })
    }

    /// Bytes that are no entry, where the next entry would begin.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.pieces.push(Piece::Raw(bytes.to_vec()));
        self
    }

    /// Permissions, with setuid, setgid and sticky.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.last().mode = mode;
        self
    }

    /// Owner and group.
    #[must_use]
    pub fn owner(mut self, uid: u64, gid: u64) -> Self {
        let entry = self.last();
        (entry.uid, entry.gid) = (uid, gid);
        self
    }

    /// Seconds since 1970, and nanoseconds (0 to 999,999,999) later.
    #[must_use]
    pub fn mtime(mut self, seconds: i64, nanos: u32) -> Self {
        self.last().mtime = (seconds, nanos);
        self
    }

    /// An extended attribute, as a `SCHILY.xattr` record.
    #[must_use]
    pub fn xattr(self, name: &str, value: &[u8]) -> Self {
        self.record(&format!("SCHILY.xattr.{name}"), value)
    }

    /// Any PAX record.
    #[must_use]
    pub fn record(mut self, key: &str, value: &[u8]) -> Self {
        self.last().records.push((key.to_owned(), value.to_vec()));
        self
    }

    /// Writes GNU headers, and long names as GNU tar does; else they are PAX records.
    #[must_use]
    pub fn gnu(mut self) -> Self {
        self.names = LongNames::Gnu;
        self
    }

    /// Leaves out the two zero blocks at the end.
    #[must_use]
    pub fn unclosed(mut self) -> Self {
        self.closed = false;
        self
    }

    /// Ends the archive after that many bytes of it.
    #[must_use]
    pub fn cut(mut self, bytes: u64) -> Self {
        self.cut = Some(bytes);
        self
    }

    /// Adds entries in a loop: `layer.each(0..9, |layer, n| layer.file(...))`.
    #[must_use]
    pub fn each<T>(
        self,
        items: impl IntoIterator<Item = T>,
        add: impl Fn(Self, T) -> Self,
    ) -> Self {
        items.into_iter().fold(self, add)
    }

    /// One file of that many zeros, always gzipped, about 1000 to 1.
    #[must_use]
    pub(super) fn bomb(size: u64) -> Self {
        Self {
            bomb: Some(size),
            ..Self::new()
        }
    }

    pub(super) fn is_bomb(&self) -> bool {
        self.bomb.is_some()
    }

    /// Writes the layer: a tar archive, unless it is a bomb, which is gzipped already.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(size) = self.bomb {
            return bomb::write(out, size);
        }
        match self.cut {
            None => self.write_whole(out),
            Some(left) => self.write_whole(&mut Cut { out, left }),
        }
    }

    fn write_whole(&self, out: &mut dyn Write) -> io::Result<()> {
        for piece in &self.pieces {
            match piece {
                Piece::Entry(entry) => encode::entry(out, entry, self.names)?,
                Piece::Raw(bytes) => out.write_all(bytes)?,
            }
        }
        if self.closed {
            encode::end(out)
        } else {
            Ok(())
        }
    }

    fn entry(mut self, entry: Entry) -> Self {
        self.pieces.push(Piece::Entry(Box::new(entry)));
        self
    }

    fn link(self, kind: EntryType, path: &str, target: &str) -> Self {
        let mode = if kind == EntryType::Symlink {
            0o777
        } else {
            0o644
        };
        let entry = Entry::new(kind, path.as_bytes(), mode);
        self.entry(Entry {
            link: target.as_bytes().to_vec(),
            ..entry
        })
    }

    fn last(&mut self) -> &mut Entry {
        match self.pieces.last_mut() {
            Some(Piece::Entry(entry)) => entry,
            Some(Piece::Raw(_)) | None => panic!("an entry comes before what is said of it"),
        }
    }
}

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

/// Passes on the first `left` bytes and swallows the rest.
struct Cut<'a> {
    out: &'a mut dyn Write,
    left: u64,
}

impl Write for Cut<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let kept = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.out.write_all(&bytes[..kept])?;
        self.left -= u64::try_from(kept).expect("a length in memory");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
