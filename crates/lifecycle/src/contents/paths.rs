//! Listing what is at a path, and handing out a file's bytes.

use std::io::Write;

use longshore_ext4::{Error, Follow, InodeNumber, Kind, Stat};
use longshore_image::Name;
use serde::Serialize;

use super::{
    open::Contents,
    trouble::{Stop, on_disk, shown},
};
use crate::{Class, Failure};

/// Bytes that are read at a time.
const PIECE: usize = 1 << 18;

/// What is at a path of a disk.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    /// The disk, as it was asked for.
    pub target: String,
    /// The path, escaped.
    pub path: String,
    /// What is in the directory there, by name; or the one thing that is there. Where all below was
    /// asked for, each directory is followed by what is in it.
    pub entries: Vec<PathReport>,
}

/// Something on a disk.
#[derive(Debug, Clone, Serialize)]
pub struct PathReport {
    /// Its path from the directory that was asked for, escaped: all but plain printable text as
    /// `\xNN`, a backslash as `\\`.
    pub name: String,
    /// `file`, `directory`, `symlink`, `char-device`, `block-device`, `fifo` or `socket`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The twelve bits of its mode.
    pub mode: u16,
    /// Its names.
    pub links: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Bytes of content.
    pub size: u64,
    /// When the content changed last: seconds since 1970, and nanoseconds later.
    pub mtime: i64,
    /// The nanoseconds.
    pub mtime_nanos: u32,
    /// The target of a symbolic link, escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The major and the minor number of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<(u32, u32)>,
}

impl Contents {
    /// What is at a path: in a directory its entries, and with `recursive` all below them. A symbolic
    /// link at the end is what is meant itself.
    ///
    /// # Errors
    /// [`Class::NotFound`] if there is no such path, [`Class::Refused`] for what is encrypted,
    /// [`Class::Failed`] for damage.
    pub fn list(&self, path: &[u8], recursive: bool) -> Result<Listing, Failure> {
        let failed = |error: &Error| on_disk(error, &self.target, Some(path));
        let found = self.reader.resolve(path, Follow::NotLast);
        let found = found.map_err(|error| failed(&error))?;
        let stat = self.reader.stat(found).map_err(|error| failed(&error))?;
        let mut entries = Vec::new();
        if stat.kind == Kind::Directory {
            let mut walk = self.reader.walk(found);
            while let Some(step) = walk.next() {
                let here = [path, b"/", walk.path()].concat();
                let step = step.map_err(|error| on_disk(&error, &self.target, Some(&here)))?;
                entries.push(self.report(walk.path(), &here, &step.stat)?);
                if !recursive {
                    walk.leave_out();
                }
            }
        } else {
            entries.push(self.report(path, path, &stat)?);
        }
        Ok(Listing {
            target: self.target.clone(),
            path: shown(path),
            entries,
        })
    }

    fn report(&self, name: &[u8], path: &[u8], stat: &Stat) -> Result<PathReport, Failure> {
        let target = match stat.kind {
            Kind::Symlink => {
                let target = self.reader.read_link(stat.inode);
                let target = target.map_err(|error| on_disk(&error, &self.target, Some(path)))?;
                Some(Name::from(target).to_string())
            }
            _ => None,
        };
        let (kind, device) = match stat.kind {
            Kind::File => ("file", None),
            Kind::Directory => ("directory", None),
            Kind::Symlink => ("symlink", None),
            Kind::CharDevice { major, minor } => ("char-device", Some((major, minor))),
            Kind::BlockDevice { major, minor } => ("block-device", Some((major, minor))),
            Kind::Fifo => ("fifo", None),
            Kind::Socket => ("socket", None),
        };
        Ok(PathReport {
            name: Name::from(name).to_string(),
            kind,
            mode: stat.permissions.bits(),
            links: stat.links,
            uid: stat.uid,
            gid: stat.gid,
            size: stat.size,
            mtime: stat.mtime.secs(),
            mtime_nanos: stat.mtime.nanos(),
            target,
            device,
        })
    }

    /// Writes the content of the file that a path leads to; symbolic links are followed within the
    /// disk. `None` where the reader went away before the end.
    ///
    /// # Errors
    /// As [`Contents::list`]; [`Class::Usage`] for what is no file; [`Class::Full`] and
    /// [`Class::Failed`] if it cannot be written.
    pub fn copy(&self, path: &[u8], out: &mut dyn Write) -> Result<Option<()>, Failure> {
        let failed = |error: &Error| on_disk(error, &self.target, Some(path));
        let found = self.reader.resolve(path, Follow::Last);
        let found = found.map_err(|error| failed(&error))?;
        let stat = self.reader.stat(found).map_err(|error| failed(&error))?;
        if stat.kind != Kind::File {
            let subject = shown(path);
            let hint = format!("see what is there with `longshore ls {} PATH`", self.target);
            return Err(Failure::new(
                Class::Usage,
                "not-a-file",
                format!("{subject} on {} is not a regular file", self.target),
            )
            .hint(hint));
        }
        let copied = self.copy_range(found, path, 0..stat.size, out);
        Stop::outcome(copied.and_then(|()| Ok(out.flush()?)))
    }

    /// Writes a part of a file.
    pub(super) fn copy_range(
        &self,
        inode: InodeNumber,
        path: &[u8],
        range: std::ops::Range<u64>,
        out: &mut dyn Write,
    ) -> Result<(), Stop> {
        let piece_of = |left: u64| usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; piece_of(range.end - range.start)];
        let mut at = range.start;
        while at < range.end {
            let want = piece_of(range.end - at);
            let read = self.reader.read(inode, at, &mut piece[..want]);
            let read = read.map_err(|error| on_disk(&error, &self.target, Some(path)))?;
            if read == 0 {
                return Err(Failure::broken("a file is shorter than it says").into());
            }
            out.write_all(&piece[..read])?;
            at += read as u64;
        }
        Ok(())
    }
}
