//! Why a layer could not be applied: the archive, its reader, or the tree.

use std::io;

use crate::Rejected;

/// Why [`apply`](crate::apply()) gave up. The tree is half done and has to be dropped.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError<E: std::error::Error + 'static> {
    /// The layer breaks a rule. The same bytes will break it again.
    #[error("the layer is rejected")]
    Rejected(#[source] Rejected),
    /// The reader of the stored bytes failed, or was told to stop.
    #[error("the stored layer cannot be read")]
    Read(#[source] io::Error),
    /// The tree failed.
    #[error("the filesystem under construction failed")]
    Tree(#[source] E),
}

impl<E: std::error::Error + 'static> From<Rejected> for ApplyError<E> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}
