//! A path of the host as the root filesystem that a scanner looks into: a directory as it is, an archive
//! as the disk that it would be unpacked to, by the same code.

mod archive_file;
mod disk;
mod layout_dir;
mod open;
mod scratch;
#[cfg(test)]
mod tests;
mod trouble;

pub(crate) use open::{OpenedPath, PathForm, open_path};
pub(crate) use scratch::Scratch;
