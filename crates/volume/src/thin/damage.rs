//! [`MetadataError`]: why a pool's metadata cannot be read.

use std::io;

use thiserror::Error;

/// Why a pool's metadata cannot be read.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// The metadata device.
    #[error("the pool's metadata cannot be read")]
    Read(#[from] io::Error),
    /// What is there is not the kernel's.
    #[error("block {block} of the pool's metadata is damaged: {what}")]
    Damaged {
        /// The block.
        block: u64,
        /// What is wrong with it.
        what: &'static str,
    },
}

pub(super) fn damaged(block: u64, what: &'static str) -> MetadataError {
    MetadataError::Damaged { block, what }
}
