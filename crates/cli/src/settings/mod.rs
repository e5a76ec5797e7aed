//! Settings, from where they are written to the value that a host is opened with.
//!
//! Five layers, the later wins: defaults, the system's file, the user's file, the environment,
//! flags. A layer is a map of texts that knows its origin; nothing is read of a text before it is
//! known which one counts. An unknown key in a file or variable in the environment is an error: a
//! setting that is misspelt and ignored is a limit that does not hold.

mod effective;
mod error;
mod examine;
mod gather;
mod host;
mod key;
mod layer;
mod near;
mod place;
mod scanning;
mod size;
mod value;

pub use effective::{Effective, Origin, Setting};
pub use error::SettingsError;
pub(crate) use examine::{Examined, examine as examine_settings};
pub(crate) use gather::which_files;
pub use gather::{ConfigFile, Gathered, gather};
pub use key::Key;
pub use scanning::ScanKey;
pub use size::{SizeError, size};
