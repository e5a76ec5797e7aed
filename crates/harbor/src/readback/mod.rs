//! What a disk image holds, told by programs that are not ours.
//!
//! As root the kernel mounts the image read-only through a loop device and the tree is walked;
//! otherwise `debugfs` reads it. [`fsck`] asks `e2fsck`, and [`umoci`] unpacks layers with umoci
//! for a second opinion on the [`crate::oracle`].

mod debugfs;
mod debugfs_stat;
mod digest;
mod image;
mod mount;
mod tool;
mod umoci;
mod walk;

pub use self::debugfs::by_debugfs;
pub use self::digest::disk_digest;
pub use self::image::{Reader, manifest};
pub use self::mount::by_mount;
pub use self::tool::{Unreadable, fsck};
pub use self::umoci::umoci;
pub use self::walk::directory;
