//! Versions of packages, ordered as the tool orders them that installs them.

mod apk;
mod compare;
mod digits;
mod dpkg;
mod pep440;
mod rpm;
mod semver;

pub use compare::{MAX_VERSION_BYTES, UnreadableVersion, check, compare};
