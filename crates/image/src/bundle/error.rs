//! Why there is no image in a bundle.

use std::io;

use super::{PartName, Platform};
use crate::Rejected;

/// Why there is no image in a bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The archive that the bundle is breaks a rule.
    #[error("the archive is rejected")]
    Rejected(#[source] Rejected),
    /// A part is named and not there.
    #[error("{part} is not there")]
    Missing {
        /// The part.
        part: PartName,
    },
    /// What stands at a part's name is not opened.
    #[error("{part} is not opened: {why}")]
    Refused {
        /// The part.
        part: PartName,
        /// Why not.
        why: &'static str,
    },
    /// A part says something that cannot be.
    #[error("{part} cannot be used: {why}")]
    Malformed {
        /// The part.
        part: PartName,
        /// What is wrong with it.
        why: String,
    },
    /// A part has other bytes than was said of it.
    #[error("{part} has other bytes than it should have")]
    WrongBytes {
        /// The part.
        part: PartName,
    },
    /// There is more of something than is looked at.
    #[error("there are more than {limit} {what}")]
    TooMany {
        /// What.
        what: &'static str,
        /// The most that are looked at.
        limit: usize,
    },
    /// There is no image for the platform.
    #[error("there is no image for {wanted} in it")]
    NoImage {
        /// What was asked for.
        wanted: Platform,
    },
    /// There are several images, and nothing says which.
    #[error("there are several images in it: {}", images.join(", "))]
    Several {
        /// A few of them, as they may be shown.
        images: Vec<String>,
    },
    /// `manifest.json` and `index.json` name different layers.
    #[error("manifest.json and index.json do not describe the same image")]
    Contradiction,
    /// The host failed.
    #[error("{part} could not be read")]
    Read {
        /// The part.
        part: PartName,
        /// Why.
        source: io::Error,
    },
    /// The host failed to read the archive.
    #[error("the archive could not be read")]
    Archive(#[source] io::Error),
}
