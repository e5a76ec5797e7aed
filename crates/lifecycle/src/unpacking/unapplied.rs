//! [`Unapplied`]: why a layer was not applied, wherever that was to be.

use std::io;

use crate::{
    Class, Failure,
    trouble::{Trouble, storage},
};

/// Why a layer was not applied.
#[derive(Debug)]
pub(crate) enum Unapplied {
    /// Its stored bytes did not come.
    Read(io::Error),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for Unapplied {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Trouble for Unapplied {
    fn failure(self) -> Failure {
        match self {
            Self::Read(error) => storage("layer", "the layer could not be read", &error),
            Self::Failed(failure) => failure,
        }
    }
}

pub(super) fn no_thread(error: &io::Error) -> Failure {
    Failure::new(Class::Failed, "threads", "no thread can be had").caused_by(error)
}
