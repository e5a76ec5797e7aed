//! The entries of a directory, one after the other, a block in memory at a time.

use std::{collections::VecDeque, sync::Arc};

use super::{
    directory::{entry_at, is_intact},
    feature::incompat,
    inode::{Inode, MAP_LEN, flag},
    map::Run,
    open::Reader,
    read_at::ReadAt,
};
use crate::{
    error::{Error, Place, Result},
    layout::get32,
    node::{InodeNumber, Kind},
};

/// An entry of a directory, from [`Reader::children`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name: 1 to 255 bytes without slash or NUL, neither `.` nor `..`.
    pub name: Vec<u8>,
    /// What it names.
    pub inode: InodeNumber,
    /// What the directory says that this is, where it says so. The inode knows better.
    pub kind: Option<EntryKind>,
}

/// What an entry says that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A symbolic link.
    Symlink,
}

impl EntryKind {
    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::File,
            2 => Self::Directory,
            3 => Self::CharDevice,
            4 => Self::BlockDevice,
            5 => Self::Fifo,
            6 => Self::Socket,
            7 => Self::Symlink,
            _ => return None,
        })
    }
}

/// The entries of a directory but `.` and `..`, in the order they are stored in.
#[derive(Debug)]
pub struct Children<'a, D> {
    reader: &'a Reader<D>,
    dir: Inode,
    pieces: Pieces,
    /// What is being read, which of the pieces it is, and how far.
    piece: Option<Arc<[u8]>>,
    nth: u32,
    at: usize,
}

/// What is still to be read.
#[derive(Debug)]
enum Pieces {
    /// Blocks of the directory, up to the last, and where the next may be.
    Blocks {
        next: u64,
        end: u64,
        run: Option<Run>,
    },
    /// Parts of the inode.
    Inline(VecDeque<Arc<[u8]>>),
}

impl<D: ReadAt> Reader<D> {
    /// The entries of a directory but `.` and `..`, in the order they are stored in. In a damaged
    /// filesystem a directory can be below itself; [`Reader::walk`] knows.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::WrongKind`], [`Error::Encrypted`], [`Error::Device`],
    /// [`Error::Corrupt`]; the last two also later, once.
    pub fn children(&self, dir: InodeNumber) -> Result<Children<'_, D>> {
        let dir = self.inode(dir)?.expect(Kind::Directory, "directory")?;
        let pieces = if dir.has(flag::INLINE_DATA) {
            let content = self.inline_content(&dir)?;
            // The first four bytes are the inode of `..`; the entries in place of the map and those
            // in the attribute each fill their room.
            let (map, rest) = content.split_at(MAP_LEN);
            let parts = [&map[4..], rest];
            let parts = parts.into_iter().filter(|part| !part.is_empty());
            Pieces::Inline(parts.map(Arc::from).collect())
        } else {
            let size = dir.size(self.superblock());
            if size == 0 || !size.is_multiple_of(self.block_size()) {
                return Err(dir.corrupt("it is a directory and not of whole blocks"));
            }
            let end = size / self.block_size();
            if end > self.superblock().blocks || end > u64::from(u32::MAX) {
                return Err(dir.corrupt("it is a directory of more blocks than there are"));
            }
            Pieces::Blocks {
                next: 0,
                end,
                run: None,
            }
        };
        Ok(Children {
            reader: self,
            dir,
            pieces,
            piece: None,
            nth: 0,
            at: 0,
        })
    }

    /// What a name is in a directory; `None` where it has no such entry. Names are compared byte
    /// for byte, in directories without regard for case (`casefold`) too.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::WrongKind`], [`Error::Encrypted`], [`Error::Device`],
    /// [`Error::Corrupt`].
    pub fn lookup(&self, dir: InodeNumber, name: &[u8]) -> Result<Option<InodeNumber>> {
        for entry in self.children(dir)? {
            let entry = entry?;
            if entry.name == name {
                return Ok(Some(entry.inode));
            }
        }
        Ok(None)
    }

    /// The directory that a directory is in, as it says itself.
    pub(super) fn parent(&self, dir: InodeNumber) -> Result<InodeNumber> {
        let mut children = self.children(dir)?;
        let found = if children.dir.has(flag::INLINE_DATA) {
            Some(get32(children.dir.map(), 0))
        } else {
            children.number_of(b"..")?
        };
        let can_be = |number: &u32| self.superblock().can_be_named(*number);
        found
            .filter(can_be)
            .and_then(InodeNumber::new)
            .ok_or_else(|| children.dir.corrupt("it is a directory without a parent"))
    }
}

impl<D: ReadAt> Children<'_, D> {
    /// The inode of a name in the first piece.
    fn number_of(&mut self, name: &[u8]) -> Result<Option<u32>> {
        let Some(piece) = self.next_piece()? else {
            return Ok(None);
        };
        let mut at = 0;
        while at < piece.len() {
            let (entry, next) =
                entry_at(&piece, at, self.has_kinds()).map_err(|what| self.corrupt(what))?;
            if entry.inode != 0 && entry.name == name {
                return Ok(Some(entry.inode));
            }
            at = next;
        }
        Ok(None)
    }

    /// How many blocks were read, or looked for.
    pub(super) fn pieces_read(&self) -> u64 {
        u64::from(self.nth) + 1
    }

    fn has_kinds(&self) -> bool {
        let features = self.reader.superblock().features;
        features.has_incompat(incompat::FILETYPE)
    }

    fn entry(&mut self) -> Result<Option<Entry>> {
        loop {
            let piece = match self.piece.take() {
                Some(piece) => piece,
                None => match self.next_piece()? {
                    Some(piece) => piece,
                    None => return Ok(None),
                },
            };
            while self.at < piece.len() {
                let (raw, next) = entry_at(&piece, self.at, self.has_kinds())
                    .map_err(|what| self.corrupt(what))?;
                self.at = next;
                if raw.inode == 0 || raw.name == b"." || raw.name == b".." {
                    continue;
                }
                let inode = InodeNumber::new(raw.inode)
                    .filter(|inode| self.reader.superblock().can_be_named(inode.get()))
                    .ok_or_else(|| self.corrupt("it names an inode that cannot be"))?;
                let entry = Entry {
                    name: raw.name.to_vec(),
                    inode,
                    kind: EntryKind::from_code(raw.kind),
                };
                self.piece = Some(Arc::clone(&piece));
                return Ok(Some(entry));
            }
            self.at = 0;
            self.nth = self.nth.saturating_add(1);
        }
    }

    fn next_piece(&mut self) -> Result<Option<Arc<[u8]>>> {
        let (block, nth) = match &mut self.pieces {
            Pieces::Inline(parts) => return Ok(parts.pop_front()),
            Pieces::Blocks { next, end, run } => {
                if next == end {
                    return Ok(None);
                }
                let nth = *next;
                *next += 1;
                let run = match run {
                    Some(run) if run.contains(nth) => *run,
                    _ => *run.insert(self.reader.run_at(&self.dir, nth)?),
                };
                (run.place_of(nth), nth)
            }
        };
        let block = block.ok_or_else(|| self.corrupt("it is not stored"))?;
        let content = self.reader.block(block, self.place())?;
        let checked = self.reader.superblock().features.has_checksums();
        if checked
            && !is_intact(
                &content,
                self.dir.seed,
                self.dir.has(flag::INDEXED),
                nth == 0,
            )
        {
            return Err(self.corrupt("its checksum does not match"));
        }
        Ok(Some(content))
    }

    const fn place(&self) -> Place {
        Place::Directory {
            inode: self.dir.number,
            block: self.nth,
        }
    }

    const fn corrupt(&self, what: &'static str) -> Error {
        Error::Corrupt {
            what,
            place: self.place(),
        }
    }

    fn stop(&mut self) {
        self.pieces = Pieces::Inline(VecDeque::new());
        self.piece = None;
    }
}

impl<D: ReadAt> Iterator for Children<'_, D> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.entry() {
            Ok(entry) => entry.map(Ok),
            Err(error) => {
                self.stop();
                Some(Err(error))
            }
        }
    }
}
