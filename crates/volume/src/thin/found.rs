//! A pool of which only the parts are known: what it is, by what is on them.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::{
    error::PoolError,
    spec::{Part, PoolSpec, low_water},
    superblock::Superblock,
};
use crate::dm::{Control, DeviceName, Uuid};

impl Part {
    /// A block device, or a file, as it is now.
    ///
    /// # Errors
    /// [`PoolError::Part`] where it is neither, or is not there.
    pub fn at(path: &Path) -> Result<Self, PoolError> {
        let failed = |source| PoolError::Part {
            doing: "look at",
            path: path.to_owned(),
            source,
        };
        // A name that leads elsewhere after a change of directory would be another file.
        let path = std::path::absolute(path).map_err(failed)?;
        let found = fs::metadata(&path).map_err(failed)?;
        match found.is_file() {
            false => Self::device(&path),
            true => Ok(Self::File {
                path,
                bytes: found.len(),
                allocated: found.blocks().saturating_mul(512) >= found.len(),
            }),
        }
    }
}

impl PoolSpec {
    /// The pool that these parts are of, as they say it themselves.
    ///
    /// # Errors
    /// [`PoolError::NoPool`] or [`PoolError::Metadata`] where the metadata says of none,
    /// [`PoolError::OtherPart`] where it is none that could be ours.
    pub fn found(name: &DeviceName, metadata: Part, data: Part) -> Result<Self, PoolError> {
        let path = metadata.path().clone();
        let superblock = Superblock::read(&path)?;
        let superblock = superblock.ok_or_else(|| PoolError::NoPool { path: path.clone() })?;
        let keeps = matches!(
            data,
            Part::File {
                allocated: true,
                ..
            }
        );
        let spec = Self::on_devices(metadata, data, superblock.block);
        let spec = spec.map_err(|error| PoolError::OtherPart {
            path,
            why: error.to_string(),
        })?;
        Ok(Self {
            low_water: low_water(spec.data_bytes(), spec.block),
            pass_discard_down: !keeps,
            token: token_of(name)?.unwrap_or(spec.token.clone()),
            ..spec
        })
    }
}

/// What the uuid of a pool that is up has behind its name, where that is one of ours.
fn token_of(name: &DeviceName) -> Result<Option<String>, PoolError> {
    let found = Control::open()?.info(name)?.and_then(|info| info.uuid);
    let ours = Uuid::ours(&format!("pool-{name}-"));
    Ok(found.zip(ours).and_then(|(found, ours)| {
        let token = found.as_str().strip_prefix(ours.as_str())?;
        Some(token.to_owned())
    }))
}
