//! An initramfs: an archive of the `newc` form that the kernel unpacks (its
//! `Documentation/driver-api/early-userspace/buffer-format.rst`).

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const DATA: u32 = 0o100_644;
const LINK: u32 = 0o120_777;
const CHARACTERS: u32 = 0o020_600;

/// An archive that is being written.
#[derive(Debug)]
pub(crate) struct Cpio<W> {
    to: W,
    inode: u32,
    dirs: BTreeSet<String>,
}

impl<W: Write> Cpio<W> {
    pub(crate) fn new(to: W) -> Self {
        Self {
            to,
            inode: 0,
            dirs: BTreeSet::new(),
        }
    }

    /// A file that can be executed, with the directories above it.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, PROGRAM, (0, 0), content)
    }

    /// A file that is only read.
    pub(crate) fn data(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, DATA, (0, 0), content)
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, LINK, (0, 0), target.as_bytes())
    }

    pub(crate) fn dir(&mut self, path: &str) -> io::Result<()> {
        self.parents(path)?;
        match self.dirs.insert(path.to_owned()) {
            true => self.entry(path, DIRECTORY, (0, 0), &[]),
            false => Ok(()),
        }
    }

    /// The node of a character device.
    pub(crate) fn characters(&mut self, path: &str, number: (u32, u32)) -> io::Result<()> {
        self.parents(path)?;
        self.entry(path, CHARACTERS, number, &[])
    }

    /// Ends the archive.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, (0, 0), &[])?;
        Ok(self.to)
    }

    fn parents(&mut self, path: &str) -> io::Result<()> {
        match path.rsplit_once('/') {
            Some((parent, _)) => self.dir(parent),
            None => Ok(()),
        }
    }

    fn entry(
        &mut self,
        path: &str,
        mode: u32,
        number: (u32, u32),
        content: &[u8],
    ) -> io::Result<()> {
        self.inode += 1;
        let (major, minor) = number;
        let size = u32::try_from(content.len()).map_err(io::Error::other)?;
        let name = u32::try_from(path.len() + 1).map_err(io::Error::other)?;
        write!(self.to, "070701{:08x}{mode:08x}", self.inode)?;
        // Owner, group, links, time.
        write!(self.to, "{:08x}{:08x}{:08x}{:08x}{size:08x}", 0, 0, 1, 0)?;
        write!(
            self.to,
            "{:08x}{:08x}{major:08x}{minor:08x}{name:08x}{:08x}",
            0, 0, 0
        )?;
        self.to.write_all(path.as_bytes())?;
        self.to.write_all(&[0])?;
        // Name and content each end at a multiple of four; the header has 110 bytes.
        self.pad(110 + path.len() + 1)?;
        self.to.write_all(content)?;
        self.pad(content.len())
    }

    fn pad(&mut self, length: usize) -> io::Result<()> {
        let padding = length.next_multiple_of(4) - length;
        self.to.write_all(&[0; 4][..padding])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_directories_come_once_and_first() {
        let mut cpio = Cpio::new(Vec::new());
        cpio.file("a/b/one", b"12345").unwrap();
        cpio.file("a/b/two", b"").unwrap();
        let bytes = cpio.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        let names: Vec<_> = text
            .split("070701")
            .skip(1)
            .map(|entry| entry[104..].split('\0').next().unwrap())
            .collect();
        assert_eq!(names, ["a", "a/b", "a/b/one", "a/b/two", "TRAILER!!!"]);
        assert!(text.contains("12345\u{0}\u{0}\u{0}070701"));
    }
}
