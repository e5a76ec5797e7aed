//! Reading: names, inodes, content.

use std::sync::Arc;

use super::{Filesystem, tree::MAX_FILE};
use crate::{
    device::Device,
    error::{Error, Place, Result},
    layout::{BLOCK, Extent, FAST_SYMLINK_MAX, RawInode, low32, to_index},
    node::{Child, InodeNumber, Stat},
};

impl<D: Device> Filesystem<D> {
    /// What a name is in a directory; `None` where it has no such entry. `.` and `..` are not
    /// entries here.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::WrongKind`], [`Error::Device`], [`Error::Corrupt`],
    /// [`Error::Unsupported`].
    pub fn lookup(&self, dir: InodeNumber, name: &[u8]) -> Result<Option<InodeNumber>> {
        self.find(dir, name)
    }

    /// What is known of an inode.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::Device`], [`Error::Corrupt`], [`Error::Unsupported`].
    pub fn stat(&self, inode: InodeNumber) -> Result<Stat> {
        self.inode(inode)?.stat(inode)
    }

    /// The entries of a directory but `.` and `..`, in the order they are stored in: in one of
    /// several blocks by the hashes of their names. In a damaged filesystem a directory can be
    /// its own child; a caller that descends keeps count.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::WrongKind`], [`Error::Device`], [`Error::Corrupt`],
    /// [`Error::Unsupported`].
    pub fn children(&self, dir: InodeNumber) -> Result<Vec<Child>> {
        let directory = self.load_directory(dir)?;
        let mut children = Vec::new();
        for nth in self.blocks_of_names(&directory)? {
            for entry in self.read_names(&directory, nth)?.children() {
                children.push(Child {
                    name: entry.name.to_vec(),
                    inode: self.named(&directory, nth, entry.inode)?,
                });
            }
        }
        Ok(children)
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// [`Error::NoSuchInode`], [`Error::WrongKind`], [`Error::Device`], [`Error::Corrupt`],
    /// [`Error::Unsupported`].
    pub fn read_link(&self, inode: InodeNumber) -> Result<Vec<u8>> {
        let raw = self.inode(inode)?;
        if !raw.is_symlink() {
            return Err(Error::WrongKind {
                inode,
                expected: "symbolic link",
            });
        }
        let len = raw.size();
        if !raw.has_extents() && len <= FAST_SYMLINK_MAX as u64 {
            return Ok(raw.map()[..to_index(len)].to_vec());
        }
        if len >= BLOCK {
            return Err(Error::Corrupt {
                what: "its target is longer than a block",
                place: Place::Inode(inode),
            });
        }
        // The block may still wait in memory to be written.
        let map = self.map(inode, &raw)?;
        match map.extents.first() {
            Some(extent) if extent.logical == 0 && extent.written => {
                let content = self.cache.read(extent.physical)?;
                Ok(content[..to_index(len)].to_vec())
            }
            _ => Err(Error::Corrupt {
                what: "its target is missing",
                place: Place::Extents(inode),
            }),
        }
    }

    /// Reads a regular file from `offset`, in bytes: as many as there are and `buf` holds, so 0
    /// at and past the end.
    ///
    /// # Errors
    /// [`Error::StillOpen`], [`Error::NoSuchInode`], [`Error::WrongKind`], [`Error::Device`],
    /// [`Error::Corrupt`], [`Error::Unsupported`].
    pub fn read(&self, inode: InodeNumber, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let raw = self.inode(inode)?;
        if !raw.is_regular() {
            return Err(Error::WrongKind {
                inode,
                expected: "regular file",
            });
        }
        if self
            .writer
            .as_ref()
            .is_some_and(|open| open.inode() == inode)
        {
            return Err(Error::StillOpen { inode });
        }
        if raw.size() > MAX_FILE {
            return Err(Error::Corrupt {
                what: "it is larger than a file can be",
                place: Place::Inode(inode),
            });
        }
        let len = to_index(raw.size().saturating_sub(offset).min(buf.len() as u64));
        let buf = &mut buf[..len];
        let extents = self.extents_of(inode, &raw)?;
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let (place, run) = locate(&extents, at);
            let take = to_index(run.min((len - done) as u64));
            let target = &mut buf[done..done + take];
            match place {
                Some(place) => self.cache.read_content(place, target)?,
                None => target.fill(0),
            }
            done += take;
        }
        Ok(len)
    }

    /// A file's extents; those of the last one are kept, for files are read piece by piece.
    fn extents_of(&self, number: InodeNumber, inode: &RawInode) -> Result<Arc<[Extent]>> {
        if let Some((known, extents)) = &*self.last_map.borrow()
            && *known == number
        {
            return Ok(Arc::clone(extents));
        }
        let extents: Arc<[Extent]> = self.map(number, inode)?.extents.into();
        *self.last_map.borrow_mut() = Some((number, Arc::clone(&extents)));
        Ok(extents)
    }
}

/// Where the byte of a file is on the device, `None` for a zero that is not stored; and for how
/// many bytes from there on it goes on like that.
fn locate(extents: &[Extent], at: u64) -> (Option<u64>, u64) {
    let nth = low32(at / BLOCK);
    let after = extents.partition_point(|extent| extent.logical <= nth);
    let around = after
        .checked_sub(1)
        .map(|index| extents[index])
        .filter(|extent| nth - extent.logical < extent.len);
    match around {
        Some(extent) => {
            let within = at - u64::from(extent.logical) * BLOCK;
            let place = extent.written.then(|| extent.physical * BLOCK + within);
            (place, u64::from(extent.len) * BLOCK - within)
        }
        None => match extents.get(after) {
            Some(next) => (None, u64::from(next.logical) * BLOCK - at),
            None => (None, u64::MAX),
        },
    }
}
