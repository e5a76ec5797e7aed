//! A layer whose bytes are on their way to where it is unpacked.

use std::io::{self, Read};

use longshore_image::{Ahead, StoredLayer};

use super::feed::Feed;

/// Waits for the stored bytes of a layer and opens them, on the thread that reads them.
pub(crate) type Open = Box<dyn FnOnce() -> io::Result<StoredLayer<Box<dyn Read>>> + Send>;

/// A layer that was begun, before its turn.
#[derive(Debug)]
pub(crate) enum Started {
    /// It is inflated in this process.
    Here(Ahead),
    /// Its bytes are given to a child.
    There(Feed),
}
