//! The two traits: a directory and a file in it, with what is durable after each call.

use std::{fmt::Debug, io, path::Path, sync::Arc};

/// How [`Dir::open`] opens a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Existing file, reading only.
    Read,
    /// Existing file, reading and writing.
    Write,
    /// A new file, reading and writing; `AlreadyExists` where the name is taken.
    CreateNew,
}

/// One entry of [`Dir::list`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name within its directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Length in bytes of a file (0 for a directory; of a symbolic link, that of its text).
    pub len: u64,
}

/// What [`Dir::clone_file`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloneOutcome {
    /// The new file shares the old one's extents (`FICLONE`): instant, no space.
    Shared,
    /// The bytes were copied, holes kept.
    Copied,
}

/// A directory. Names are single components: never empty, `.`, `..`, and without `/` or NUL;
/// any other name is `InvalidInput`.
pub trait Dir: Send + Sync + Debug {
    /// Opens a file. A created file's name is durable after [`Dir::sync`].
    fn open(&self, name: &str, mode: Mode) -> io::Result<Arc<dyn File>>;

    /// The directory `name` in this one, made (and made durable) if it is not there.
    fn dir(&self, name: &str) -> io::Result<Arc<dyn Dir>>;

    /// Everything in this directory, sorted by name.
    fn list(&self) -> io::Result<Vec<Entry>>;

    /// Renames within this directory, replacing `to` atomically. Durable after [`Dir::sync`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Renames into another directory of the same filesystem, replacing `to` atomically;
    /// `CrossesDevices` where it is another one. Durable after [`Dir::sync`] of both directories,
    /// the other one first: POSIX allows a removal that is durable before the addition is, and a
    /// crash between the two would lose the file.
    fn rename_into(&self, from: &str, other: &dyn Dir, to: &str) -> io::Result<()>;

    /// Removes a file. `Ok(false)` where there was none. Durable after [`Dir::sync`].
    fn remove(&self, name: &str) -> io::Result<bool>;

    /// Makes `name` a symbolic link that reads `target`, which is not looked at. `AlreadyExists`
    /// where the name is taken. Durable after [`Dir::sync`].
    fn symlink(&self, target: &str, name: &str) -> io::Result<()>;

    /// What the symbolic link `name` reads; `None` where `name` is something else, `NotFound`
    /// where it is nothing. Nothing else in this trait follows or opens a symbolic link.
    fn read_link(&self, name: &str) -> io::Result<Option<String>>;

    /// Makes `to` a new file with the content of `from`: by shared extents where the filesystem
    /// can, else by a copy that keeps holes. Content and name are durable after [`File::sync`]
    /// of the new file and [`Dir::sync`]. `AlreadyExists` where `to` is taken.
    fn clone_file(&self, from: &str, to: &str) -> io::Result<CloneOutcome>;

    /// Whether [`Dir::clone_file`] shares extents here (tried once, on a file without a name).
    fn can_share(&self) -> io::Result<bool>;

    /// Makes names created, renamed and removed here durable (`fsync` of the directory).
    fn sync(&self) -> io::Result<()>;

    /// Bytes that may still be written before the filesystem is full; `None` where unknown.
    fn available(&self) -> io::Result<Option<u64>>;

    /// Where this directory is on the host; `None` for the simulated one.
    fn host_path(&self) -> Option<&Path>;

    /// Lets [`Dir::rename_into`] recognise its own kind.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// An open file. All methods take `&self`: positioned reads and writes may run side by side.
pub trait File: Send + Sync + Debug {
    /// Fills `buf` from `offset`; `UnexpectedEof` past the end. Holes read as zeros.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Writes all of `buf` at `offset`, growing the file where needed. Durable after
    /// [`File::sync`] only; until then a crash may keep any subset of its sectors. After an
    /// error any part of it may have been written. `PermissionDenied` or `EBADF` on a file
    /// opened for reading.
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()>;

    /// Sets the length; new bytes are a hole.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the length is 0.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The range reads as zeros afterwards, and the space of the whole blocks in it is freed
    /// where the filesystem can. Does not change the length: what is past the end is ignored.
    /// Durable after [`File::sync`].
    fn punch(&self, offset: u64, len: u64) -> io::Result<()>;

    /// Bytes allocated to the file on its filesystem (shared extents are counted in full).
    fn allocated(&self) -> io::Result<u64>;

    /// Makes content and length durable (`fdatasync`). After an error nothing of what was
    /// written since the last success may be believed, and calling it again proves nothing
    /// (the kernel drops the dirty pages): the bytes must be written to a new file.
    fn sync(&self) -> io::Result<()>;
}
