//! An image as the kernel shows it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::tool::{self, Unreadable};
use super::walk;
use crate::manifest::Manifest;

/// Mounts the image read-only without replaying its journal, and walks it. Needs root and a kernel
/// with loop devices.
pub fn by_mount(image: &Path) -> Result<Manifest, Unreadable> {
    let mounted = Mounted::new(image)?;
    walk::tree(mounted.0.path(), true)
}

/// A mount that ends when this is dropped.
#[derive(Debug)]
struct Mounted(TempDir);

impl Mounted {
    fn new(image: &Path) -> Result<Self, Unreadable> {
        let point = tempfile::Builder::new()
            .prefix("harbor-mount-")
            .tempdir()
            .map_err(Unreadable::io("make a folder to mount", image))?;
        let options = "ro,noload,loop,nosuid,nodev,noexec";
        let mut mount = Command::new("mount");
        tool::run(
            mount
                .args(["-t", "ext4", "-o", options, "--"])
                .arg(image)
                .arg(point.path()),
        )?;
        Ok(Self(point))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A mount that stays is seen in the folder that stays with it.
        let _ = tool::run(Command::new("umount").arg("--").arg(self.0.path()));
    }
}
