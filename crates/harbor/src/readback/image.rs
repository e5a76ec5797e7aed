//! The contents of an ext4 image, by whichever reader there is.

use std::path::Path;

use super::debugfs::by_debugfs;
use super::mount::by_mount;
use super::tool::Unreadable;
use crate::manifest::Manifest;

/// Who reads an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The kernel, through a loop mount.
    Kernel,
    /// `debugfs`.
    Debugfs,
}

impl Reader {
    /// The kernel for root, else debugfs.
    #[must_use]
    pub fn available() -> Self {
        if rustix::process::geteuid().is_root() {
            Self::Kernel
        } else {
            Self::Debugfs
        }
    }

    /// Reads an image. `lost+found` in its root, which `mkfs` makes, is left out.
    pub fn manifest(self, image: &Path) -> Result<Manifest, Unreadable> {
        match self {
            Self::Kernel => by_mount(image),
            Self::Debugfs => by_debugfs(image),
        }
    }
}

/// Reads an image with [`Reader::available`].
pub fn manifest(image: &Path) -> Result<Manifest, Unreadable> {
    Reader::available().manifest(image)
}
