//! A directory of the host's filesystem, reached only through its open descriptor.
//!
//! Every call names one component below an open directory (`openat` and its kin) and follows no
//! symbolic link, so a directory that is renamed or replaced while it is in use changes nothing.

mod behind;
mod copy;
mod dir;
mod file;

pub use dir::Host;
pub use file::opened;
