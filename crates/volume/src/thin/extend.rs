//! More room for a pool: its parts first, then what is written down of it, then its table.
//!
//! Parts that are longer than what was written down hurt nobody, and a pool whose table is shorter than that gets
//! the rest when it is brought up: whoever is cut off between any two of the three begins again.

use super::{
    error::PoolError,
    lvm::{LogicalVolume, LogicalVolumes},
    pool::Pool,
    sizes::metadata_bytes,
    spec::{Part, PoolSpec, low_water},
};
use crate::dm::DeviceName;

/// Bytes of metadata that the kernel uses at most (`THIN_METADATA_MAX_SECTORS` of dm-thin-metadata.h).
const MOST_METADATA: u64 = 255 * (1 << 14) * 4096;

impl PoolSpec {
    /// The same pool with more room: files and logical volumes with so many bytes for volumes and for metadata, devices
    /// without a size as large as they are now. Without a size for it metadata follows the data.
    ///
    /// # Errors
    /// [`PoolError::Size`] where it would be less, another device was to have a size, or the pool was adopted;
    /// [`PoolError::OtherPart`] where a device is another by now; [`PoolError::Part`]; [`PoolError::Lvm`].
    pub fn larger(&self, data: Option<u64>, metadata: Option<u64>) -> Result<Self, PoolError> {
        if self.adopted {
            let why = "whoever made the pool has to: it was adopted".to_owned();
            return Err(too(&self.data, why));
        }
        let volumes = match data.or(metadata) {
            Some(_) => self.logical_volumes()?,
            None => LogicalVolumes::default(),
        };
        let mut spec = self.clone();
        let is_sized = data.is_some();
        let data = data.map(|bytes| self.with_tail(bytes));
        spec.data = self.data.larger(data, volumes.data.as_ref())?;
        let follows = metadata_bytes(spec.data_bytes(), self.block).max(self.metadata.bytes());
        let metadata = match (&self.metadata, &volumes.metadata) {
            (Part::File { .. }, _) => Some(metadata.unwrap_or(follows).next_multiple_of(4096)),
            // One that has as much by now is taken as it is.
            (Part::Device { .. }, Some(volume)) if is_sized && volume.bytes < follows => {
                metadata.or(Some(follows))
            }
            (Part::Device { .. }, _) => metadata,
        };
        // The kernel uses all that there is of metadata, and of data what the table says.
        let metadata = match &volumes.metadata {
            Some(volume) => metadata.map(|bytes| volume.in_extents(bytes)),
            None => metadata,
        };
        spec.metadata = self.metadata.larger(metadata, volumes.metadata.as_ref())?;
        if spec.metadata.bytes() > MOST_METADATA && self.metadata.bytes() < spec.metadata.bytes() {
            let why = format!("the kernel uses at most {MOST_METADATA} bytes of metadata");
            return Err(too(&spec.metadata, why));
        }
        spec.low_water = low_water(spec.data_bytes(), spec.block);
        Ok(spec)
    }

    /// Bytes of metadata that it is given where it is full: twice what it has, as far as the kernel uses them and its group
    /// has them.
    #[must_use]
    pub fn more_metadata(&self, volumes: &LogicalVolumes) -> u64 {
        let has = self.metadata.bytes();
        let twice = has.saturating_mul(2).min(MOST_METADATA);
        let most = volumes.metadata.as_ref();
        let most = most.map_or(u64::MAX, |volume| volume.with(volume.free));
        twice.min(most).max(has)
    }

    /// Makes its files as long as they are to be, with their room where they have that, and has their loop devices
    /// take notice; has LVM do the same with logical volumes. Durable when this returns.
    ///
    /// # Errors
    /// [`PoolError::Part`], [`PoolError::Loop`]; [`PoolError::GroupFull`], then no logical volume is changed;
    /// [`PoolError::Lvm`].
    pub fn make_room(&self) -> Result<(), PoolError> {
        self.extend_volumes()?;
        for part in [&self.metadata, &self.data] {
            part.grow()?;
        }
        Ok(())
    }

    /// Has the pool, which is up, take the room that its parts have.
    ///
    /// # Errors
    /// [`PoolError::Dm`]; [`PoolError::Another`] where it is another one.
    pub fn take_room(&self, name: &DeviceName) -> Result<(), PoolError> {
        let pool = self.find(name)?;
        let table = self.table(pool.metadata_number()?, pool.data_number()?);
        Pool::reload(name, &table)
    }
}

impl Part {
    fn larger(
        &self,
        wanted: Option<u64>,
        volume: Option<&LogicalVolume>,
    ) -> Result<Self, PoolError> {
        let now = match (self, wanted, volume) {
            (Self::Device { .. }, None, _) => self.by_now()?,
            (Self::Device { path, identity, .. }, Some(bytes), Some(_)) => {
                self.by_now()?;
                Self::Device {
                    path: path.clone(),
                    bytes,
                    identity: identity.clone(),
                }
            }
            (Self::Device { .. }, Some(_), None) => {
                let why = "it is a device that is not LVM's to enlarge: do that, and name no size";
                return Err(too(self, why.to_owned()));
            }
            (
                Self::File {
                    path, allocated, ..
                },
                wanted,
                _,
            ) => Self::File {
                path: path.clone(),
                bytes: wanted.unwrap_or(self.bytes()),
                allocated: *allocated,
            },
        };
        match now.bytes() < self.bytes() {
            false => Ok(now),
            true => Err(too(
                self,
                format!(
                    "it has {} bytes, and a pool is never made smaller",
                    self.bytes()
                ),
            )),
        }
    }

    /// The same device as it is now.
    fn by_now(&self) -> Result<Self, PoolError> {
        let now = Self::device(self.path())?;
        match (self, &now) {
            (
                Self::Device {
                    identity: Some(known),
                    ..
                },
                Self::Device { identity, .. },
            ) if identity.as_ref() != Some(known) => Err(PoolError::OtherPart {
                path: self.path().clone(),
                why: "it is another device by now".to_owned(),
            }),
            _ => Ok(now),
        }
    }
}

fn too(part: &Part, why: String) -> PoolError {
    PoolError::Size {
        path: part.path().clone(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::spec::TAIL, *};

    #[test]
    fn files_grow_and_their_metadata_with_them() {
        let spec = PoolSpec::on_files("/pools".into(), "web", 1 << 30, false, 64 << 10).unwrap();
        let larger = spec.larger(Some(100 << 30), None).unwrap();
        assert_eq!(larger.data_bytes(), 100 << 30);
        assert_eq!(larger.metadata.bytes(), metadata_bytes(100 << 30, 64 << 10));
        assert_eq!(larger.low_water, (100 << 30) / (64 << 10) / 10);
        assert_eq!(larger.token, spec.token);
        let metadata = spec.larger(None, Some((8 << 20) + 1)).unwrap();
        assert_eq!(metadata.data, spec.data);
        assert_eq!(metadata.metadata.bytes(), (8 << 20) + 4096);
        for (data, metadata) in [(Some(1 << 20), None), (None, Some(1 << 20))] {
            let error = spec.larger(data, metadata).unwrap_err();
            assert!(error.to_string().contains("never made smaller"), "{error}");
        }
        let error = spec.larger(None, Some(17 << 30)).unwrap_err();
        assert!(error.to_string().contains("at most"), "{error}");
    }

    #[test]
    fn a_device_is_given_no_size() {
        let device = |path: &str| Part::Device {
            path: path.into(),
            bytes: 1 << 30,
            identity: None,
        };
        let spec = PoolSpec::on_devices(device("/none/m"), device("/none/d"), 64 << 10).unwrap();
        let error = spec.larger(Some(2 << 30), None).unwrap_err();
        assert!(matches!(error, PoolError::Size { .. }), "{error}");
    }

    #[test]
    fn a_file_gets_its_length_once() {
        let dir = tempfile::tempdir().unwrap();
        let spec = PoolSpec::on_files(dir.path().into(), "web", 1 << 20, true, 64 << 10).unwrap();
        for part in [&spec.metadata, &spec.data] {
            part.make().unwrap();
        }
        let larger = spec.larger(Some(4 << 20), None).unwrap();
        for _ in 0..2 {
            larger.make_room().unwrap();
            let len = std::fs::metadata(spec.data.path()).unwrap().len();
            assert_eq!(len, (4 << 20) + TAIL);
        }
        // One that was written down as shorter is still it.
        spec.data.must_be_it().unwrap();
    }
}
