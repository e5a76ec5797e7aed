//! A disk as a tar archive: everything on it, the same disk always as the same bytes.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    iter,
};

use longshore_ext4::{Error, InodeNumber, Kind, Place, Stat, Xattrs};
use serde::Serialize;

use super::{
    open::Contents,
    record::{BLOCK, Record},
    trouble::{Stop, on_disk},
};
use crate::Failure;

/// Where `e2fsck` puts what it finds; it is of this disk and not of what is on it.
const LOST_AND_FOUND: &[u8] = b"lost+found";

/// What an archive was made of.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Exported {
    /// The disk, as it was asked for.
    pub target: String,
    /// Entries, the root among them.
    pub entries: u64,
    /// Bytes of files that are stored; holes are not.
    pub bytes: u64,
    /// Sockets, which an archive cannot hold and are left out.
    pub sockets_left_out: u64,
}

/// The stored parts of a file: where each begins, and how long it is.
struct Map {
    parts: Vec<(u64, u64)>,
    /// Where the file ends, if that is in a hole: a part without bytes says so.
    hole_until: Option<u64>,
}

impl Map {
    fn stored(&self) -> u64 {
        self.parts.iter().map(|(_, len)| len).sum()
    }

    /// The numbers of the map as it stands before the content: how many parts there are, and those,
    /// each a decimal number on a line.
    fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        let end = self.hole_until.map(|end| (end, 0));
        let parts = self.parts.iter().copied().chain(end);
        let count = self.parts.len() as u64 + u64::from(end.is_some());
        iter::once(count).chain(parts.flat_map(|(offset, len)| [offset, len]))
    }

    /// Bytes of the map, which is filled up with NULs.
    fn len(&self) -> u64 {
        let lines = self
            .numbers()
            .map(|number| number.to_string().len() as u64 + 1);
        lines.sum::<u64>().next_multiple_of(BLOCK)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut written = 0;
        for number in self.numbers() {
            let line = format!("{number}\n");
            out.write_all(line.as_bytes())?;
            written += line.len() as u64;
        }
        pad(written, out)
    }
}

/// Fills up what was written to a whole number of blocks.
fn pad(written: u64, out: &mut dyn Write) -> io::Result<()> {
    let missing = written.next_multiple_of(BLOCK) - written;
    io::copy(&mut io::repeat(0).take(missing), out).map(drop)
}

impl Contents {
    /// Writes everything on the disk as an archive (PAX, where ustar is not enough), by the order of
    /// paths, with holes kept. `None` where the reader went away before the end.
    ///
    /// # Errors
    /// [`Class::Refused`](crate::Class::Refused) for what is encrypted,
    /// [`Class::Failed`](crate::Class::Failed) for damage, and if it cannot be written,
    /// [`Class::Full`](crate::Class::Full).
    pub fn archive(&self, out: &mut dyn Write) -> Result<Option<Exported>, Failure> {
        let usage = self.reader.usage();
        let mut archive = Archive {
            contents: self,
            out,
            links: HashMap::new(),
            budget: usage
                .blocks
                .saturating_mul(usage.block_size.into())
                .saturating_mul(2),
            done: Exported {
                target: self.target.clone(),
                ..Exported::default()
            },
        };
        Stop::outcome(archive.write().map(|()| archive.done))
    }
}

/// An archive that is being written.
struct Archive<'a> {
    contents: &'a Contents,
    out: &'a mut dyn Write,
    /// The first path of each inode that has another.
    links: HashMap<InodeNumber, Vec<u8>>,
    /// Bytes that may still be stored: all files together hold no more than the disk, and what inodes
    /// hold themselves. Without it a small damaged disk could become an endless archive.
    budget: u64,
    done: Exported,
}

impl Archive<'_> {
    fn write(&mut self) -> Result<(), Stop> {
        let reader = &self.contents.reader;
        let root = reader.root();
        let stat = reader
            .stat(root)
            .map_err(|error| self.failed(&error, b""))?;
        self.entry(b"./", &stat)?;
        let mut walk = reader.walk(root);
        while let Some(step) = walk.next() {
            let path = walk.path().to_vec();
            let step = step.map_err(|error| self.failed(&error, &path))?;
            if path == LOST_AND_FOUND && step.stat.kind == Kind::Directory {
                walk.leave_out();
                continue;
            }
            match step.stat.kind {
                Kind::Socket => self.done.sockets_left_out += 1,
                Kind::Directory => self.entry(&[&path[..], b"/"].concat(), &step.stat)?,
                _ => self.entry(&path, &step.stat)?,
            }
        }
        // The end of an archive: two blocks of zeros.
        self.out.write_all(&[0; 2 * 512])?;
        Ok(self.out.flush()?)
    }

    fn entry(&mut self, path: &[u8], stat: &Stat) -> Result<(), Stop> {
        self.done.entries += 1;
        if stat.links > 1 && stat.kind != Kind::Directory {
            if let Some(first) = self.links.get(&stat.inode) {
                // They are the inode's, which the first path has said.
                let no_xattrs = Xattrs::new();
                let record = Record {
                    link: Some(first),
                    is_hard_link: true,
                    ..plain(path, stat, &no_xattrs)
                };
                return Ok(self.out.write_all(&record.encode())?);
            }
            self.links.insert(stat.inode, path.to_vec());
        }
        let reader = &self.contents.reader;
        let xattrs = reader.xattrs(stat.inode);
        let xattrs = xattrs.map_err(|error| self.failed(&error, path))?;
        let target = match stat.kind {
            Kind::Symlink => {
                let target = reader.read_link(stat.inode);
                Some(target.map_err(|error| self.failed(&error, path))?)
            }
            _ => None,
        };
        let record = Record {
            link: target.as_deref(),
            ..plain(path, stat, &xattrs)
        };
        if stat.kind == Kind::File {
            self.file(path, stat, record)
        } else {
            Ok(self.out.write_all(&record.encode())?)
        }
    }

    fn file(&mut self, path: &[u8], stat: &Stat, record: Record<'_>) -> Result<(), Stop> {
        let map = self.map(path, stat)?;
        let stored = map.stored();
        self.done.bytes += stored;
        let is_sparse = stored < stat.size;
        let body = if is_sparse {
            map.len() + stored
        } else {
            stored
        };
        let record = Record {
            body,
            is_sparse,
            ..record
        };
        self.out.write_all(&record.encode())?;
        if is_sparse {
            map.write(self.out)?;
        }
        for (offset, len) in map.parts {
            let range = offset..offset + len;
            self.contents
                .copy_range(stat.inode, path, range, self.out)?;
        }
        Ok(pad(body, self.out)?)
    }

    fn map(&mut self, path: &[u8], stat: &Stat) -> Result<Map, Stop> {
        let segments = self.contents.reader.segments(stat.inode);
        let segments = segments.map_err(|error| self.failed(&error, path))?;
        let mut parts = Vec::new();
        let mut end = 0;
        for segment in segments {
            let segment = segment.map_err(|error| self.failed(&error, path))?;
            if !segment.stored {
                continue;
            }
            let left = self.budget.checked_sub(segment.len);
            self.budget = left.ok_or_else(|| {
                let too_much = Error::Corrupt {
                    what: "its files hold more than there is room for",
                    place: Place::Superblock,
                };
                self.failed(&too_much, path)
            })?;
            end = segment.offset + segment.len;
            parts.push((segment.offset, segment.len));
        }
        Ok(Map {
            parts,
            hole_until: (end < stat.size).then_some(stat.size),
        })
    }

    fn failed(&self, error: &Error, path: &[u8]) -> Failure {
        on_disk(error, &self.contents.target, Some(path))
    }
}

/// An entry without content or link.
fn plain<'a>(path: &'a [u8], stat: &'a Stat, xattrs: &'a Xattrs) -> Record<'a> {
    Record {
        path,
        stat,
        link: None,
        is_hard_link: false,
        xattrs,
        body: 0,
        is_sparse: false,
    }
}
