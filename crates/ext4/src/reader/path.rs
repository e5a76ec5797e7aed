//! Paths within a filesystem, which no symbolic link leads out of.

use super::{open::Reader, read_at::ReadAt};
use crate::{
    error::{Error, Result},
    node::{InodeNumber, Kind},
};

/// Symbolic links that are followed on the way to one inode (`MAXSYMLINKS` of the kernel).
const MAX_SYMLINKS: u32 = 40;

/// Bytes that a path has fewer than (`PATH_MAX`); links to longer ones lead nowhere.
const MAX_TARGET: usize = 4096;

/// Whether a symbolic link at the end of a path is followed. Those on the way always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// To what it leads to.
    Last,
    /// It is what is meant itself.
    NotLast,
}

impl<D: ReadAt> Reader<D> {
    /// What a path leads to, from the root, which is also where absolute links lead from and where
    /// `..` stops: as after `chroot(2)`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`] for a path through something that is no
    /// directory, [`Error::TooManySymlinks`], [`Error::SymlinkTarget`], [`Error::Encrypted`], [`Error::Device`],
    /// [`Error::Corrupt`].
    pub fn resolve(&self, path: &[u8], follow: Follow) -> Result<InodeNumber> {
        let mut at = self.root();
        let mut links = 0;
        // The parts that are left, the next one last.
        let mut left: Vec<Vec<u8>> = Vec::new();
        push(&mut left, path);
        while let Some(part) = left.pop() {
            if part == b"." {
                self.children(at)?;
                continue;
            }
            if part == b".." {
                if at != self.root() {
                    at = self.parent(at)?;
                }
                continue;
            }
            let found = self.lookup(at, &part)?.ok_or(Error::NotFound {
                dir: at,
                name: part,
            })?;
            let last = left.is_empty() && follow == Follow::NotLast;
            if last || self.stat(found)?.kind != Kind::Symlink {
                at = found;
                continue;
            }
            links += 1;
            if links > MAX_SYMLINKS {
                return Err(Error::TooManySymlinks { max: MAX_SYMLINKS });
            }
            let target = self.read_link(found)?;
            if target.len() >= MAX_TARGET {
                return Err(Error::SymlinkTarget { len: target.len() });
            }
            if target.starts_with(b"/") {
                at = self.root();
            }
            push(&mut left, &target);
        }
        Ok(at)
    }
}

/// Puts the parts of a path before those that are left. A slash at the end asks for a directory.
fn push(left: &mut Vec<Vec<u8>>, path: &[u8]) {
    if path.ends_with(b"/") {
        left.push(b".".to_vec());
    }
    let parts = path.rsplit(|byte| *byte == b'/');
    left.extend(parts.filter(|part| !part.is_empty()).map(<[u8]>::to_vec));
}
