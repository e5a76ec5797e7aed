//! A path of the host as the root filesystem that a scanner looks into: a directory as it is, an archive
//! as the disk that it would be unpacked to, by the same code.

mod archive_file;
mod caged;
mod disk;
mod layout_dir;
mod open;
mod scratch;
#[cfg(test)]
mod tests;
mod trouble;

pub(crate) use caged::{ARCHIVE, archive, unpack_archive};
pub(crate) use open::{OpenedPath, PathForm, open_path};
pub(crate) use scratch::Scratch;
