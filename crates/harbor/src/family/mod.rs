//! Families of layers, made from a description: the same bytes every time, on every machine.
//!
//! ```
//! use longshore_harbor::family::{Family, Packing};
//!
//! let family = Family::builder("images/small")
//!     .layer(|l| l.dir("etc", 0o755).file("etc/motd", "hello\n").owner(0, 5).mtime(-1, 500_000_000))
//!     .layer(|l| l.whiteout("etc/motd").symlink("etc/os-release", "../usr/lib/os-release"))
//!     .build();
//! let dir = tempfile::tempdir()?;
//! let files = family.write(dir.path(), Packing::Gzip)?;
//! assert!(files[0].ends_with("images/small/1.tar.gz"));
//! # Ok::<(), std::io::Error>(())
//! ```
//! [`demo`], [`golang`], [`node`], [`python`], [`patched`] and [`neglected`] are ready; [`hostile`] holds the wrong ones.

mod almalinux;
mod bomb;
mod builder;
mod content;
mod encode;
mod entry;
pub mod hostile;
mod languages;
mod layer;
mod rootfs;
mod rpm_database;
mod sparse;

pub use self::almalinux::{neglected, patched};
pub use self::builder::{Family, FamilyBuilder, Packing};
pub use self::content::Content;
pub use self::entry::EntryType;
pub use self::languages::{golang, node, python};
pub use self::layer::Layer;
pub use self::rootfs::demo;
pub use self::rpm_database::{RpmPackage, rpm_database};
