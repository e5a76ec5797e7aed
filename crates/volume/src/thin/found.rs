//! A pool of which only the parts are known: what it is, by what is on them.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::{
    error::PoolError,
    part::measured,
    pool::Pool,
    spec::{Part, PoolSpec, TAIL, low_water},
    superblock::Superblock,
};
use crate::dm::{DeviceName, DeviceNumber, Loop, Uuid};

impl Part {
    /// A block device, or a file, as it is now. A file that has all its room is taken for one that is to keep it.
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

    /// Whether a device of this number is it, or its loop device.
    fn is_on(&self, number: DeviceNumber) -> Result<bool, PoolError> {
        match self {
            Self::File { path, .. } => Ok(Loop::of(number, path)?.is_some()),
            Self::Device { path, .. } => {
                let (own, _) = measured(path).map_err(|source| PoolError::Part {
                    doing: "look at",
                    path: path.clone(),
                    source,
                })?;
                Ok(own == number)
            }
        }
    }

    /// The same, of which so many bytes are used.
    fn with_bytes(self, used: u64) -> Self {
        match self {
            Self::File {
                path, allocated, ..
            } => Self::File {
                path,
                bytes: used,
                allocated,
            },
            Self::Device { path, identity, .. } => Self::Device {
                path,
                bytes: used,
                identity,
            },
        }
    }
}

impl PoolSpec {
    /// The pool that these parts are of, as they say it themselves: with as much data as its metadata knows, for the kernel
    /// gives a pool all that its table has, for good. It may be up; nobody else may have them.
    ///
    /// # Errors
    /// [`PoolError::Another`] where a pool of this name is up on others; [`PoolError::Part`] where they are in use;
    /// [`PoolError::NoPool`] or [`PoolError::Metadata`] where the metadata says of none; [`PoolError::OtherPart`] where the
    /// data has not enough, or no pool of ours is made like this.
    pub fn found(name: &DeviceName, metadata: Part, data: Part) -> Result<Self, PoolError> {
        let token = token_of(name, &metadata, &data)?;
        if token.is_none() {
            metadata.must_be_free()?;
            data.must_be_free()?;
        }
        let path = metadata.path().clone();
        let superblock = Superblock::read(&path)?;
        let superblock = superblock.ok_or_else(|| PoolError::NoPool { path: path.clone() })?;
        let used = superblock.data_total.saturating_mul(superblock.block);
        let needed = used.saturating_add(TAIL);
        if data.bytes() < needed {
            return Err(PoolError::OtherPart {
                path: data.path().clone(),
                why: format!(
                    "it has {} bytes, and the pool on {} takes {needed}",
                    data.bytes(),
                    path.display()
                ),
            });
        }
        let keeps = matches!(
            data,
            Part::File {
                allocated: true,
                ..
            }
        );
        let spec = Self::on_devices(metadata, data.with_bytes(needed), superblock.block);
        let spec = spec.map_err(|error| PoolError::OtherPart {
            path,
            why: error.to_string(),
        })?;
        Ok(Self {
            low_water: low_water(used, spec.block),
            pass_discard_down: !keeps,
            token: token.unwrap_or(spec.token.clone()),
            ..spec
        })
    }
}

/// What the uuid of the pool that is up under this name has behind the name: it must be one of ours, on these parts.
fn token_of(name: &DeviceName, metadata: &Part, data: &Part) -> Result<Option<String>, PoolError> {
    let up = match Pool::find(name) {
        Ok(up) => up,
        Err(PoolError::NotUp { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_it = metadata.is_on(up.metadata_number()?)? && data.is_on(up.data_number()?)?;
    let found = up.control().info(name)?.and_then(|info| info.uuid);
    let ours = Uuid::ours(&format!("pool-{name}-"));
    let token = found.zip(ours).and_then(|(found, ours)| {
        let token = found.as_str().strip_prefix(ours.as_str())?;
        Some(token.to_owned())
    });
    match token {
        Some(token) if is_it => Ok(Some(token)),
        _ => Err(PoolError::Another {
            name: name.clone(),
            found: "it is on other devices, or somebody else's".to_owned(),
        }),
    }
}
