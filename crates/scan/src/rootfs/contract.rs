//! The questions themselves, and the words of their answers.

use super::RootfsError;

/// A root filesystem to look into. Paths are bytes, from its root, with or without a slash before them.
/// Symbolic links, the last one too, are followed within it, as after `chroot(2)`.
pub trait Rootfs {
    /// Opens a regular file. Nothing else is opened, or waited for.
    ///
    /// # Errors
    /// [`RootfsError::Missing`] where nothing is there or the way leads nowhere,
    /// [`RootfsError::WrongKind`] for what is no regular file, [`RootfsError::Damaged`],
    /// [`RootfsError::Host`].
    fn open(&self, path: &[u8]) -> Result<Box<dyn RootfsFile + '_>, RootfsError>;

    /// What a directory holds, at most `limit` entries, by the order of their names' bytes.
    ///
    /// # Errors
    /// As [`Rootfs::open`], where a directory is the right kind; [`RootfsError::TooMany`] with more entries.
    fn list(&self, path: &[u8], limit: usize) -> Result<Vec<RootfsEntry>, RootfsError>;

    /// Everything, the directory before what is in it; symbolic links are not followed. Goes on until
    /// `visit` says that it is enough.
    ///
    /// # Errors
    /// [`RootfsError::Damaged`], [`RootfsError::Host`].
    fn walk(&self, visit: &mut dyn FnMut(Visited<'_>) -> Enough) -> Result<(), RootfsError>;
}

/// A regular file, open for reading.
pub trait RootfsFile {
    /// Its length in bytes.
    fn size(&self) -> u64;

    /// Reads from `offset` on: as many bytes as `buf` holds, or up to the end.
    ///
    /// # Errors
    /// [`RootfsError::Damaged`], [`RootfsError::Host`].
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, RootfsError>;
}

/// What something in a root filesystem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a named pipe or a socket.
    Special,
}

impl FileKind {
    /// The words for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Special => "a device, a pipe or a socket",
        }
    }
}

/// An entry of a directory, from [`Rootfs::list`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootfsEntry {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is itself: links are not followed.
    pub kind: FileKind,
}

/// Something that [`Rootfs::walk`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visited<'a> {
    /// Its path, without a slash before it.
    pub path: &'a [u8],
    /// What it is.
    pub kind: FileKind,
    /// Whether anyone may execute it.
    pub executable: bool,
    /// Its length in bytes, where it is a regular file.
    pub size: u64,
}

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enough {
    /// It does.
    No,
    /// It ends here.
    Yes,
}
