//! A pool's metadata checked, and written anew elsewhere from what can be found of it.
//!
//! What is damaged is never written to: it stays as it is, and the pool has other metadata from then on.

use std::path::PathBuf;

use super::{
    assemble::Expected,
    error::PoolError,
    offline::Contents,
    spec::{Part, PoolSpec},
    superblock::Superblock,
    tools::{self, Checked, Remembered},
};
use crate::dm::DeviceName;

impl PoolSpec {
    /// Has the metadata of a pool that is down checked, all of it.
    ///
    /// # Errors
    /// [`PoolError::IsUp`], [`PoolError::Tool`].
    pub fn check(&self, name: &DeviceName) -> Result<Checked, PoolError> {
        self.must_be_down(name)?;
        tools::check(self.metadata.path())
    }

    /// What the pool has, while it is down.
    ///
    /// # Errors
    /// [`PoolError::IsUp`], [`PoolError::Metadata`].
    pub fn contents(&self, name: &DeviceName) -> Result<Contents, PoolError> {
        self.must_be_down(name)?;
        Contents::read(self.metadata.path())
    }

    /// Takes the mark away that a metadata operation has failed, after it was found clean.
    ///
    /// # Errors
    /// [`PoolError::IsUp`], [`PoolError::Tool`].
    pub fn clear_needs_check(&self, name: &DeviceName) -> Result<(), PoolError> {
        self.must_be_down(name)?;
        tools::clear_needs_check(self.metadata.path())
    }

    /// The same pool with other metadata: on this device, or in a file beside the one that it has.
    ///
    /// # Errors
    /// [`PoolError::Size`] where a device was needed and not named, or is smaller.
    pub fn with_spare(&self, spare: Option<Part>) -> Result<Self, PoolError> {
        let spare = match (spare, &self.metadata) {
            (Some(spare), _) => spare,
            (
                None,
                Part::File {
                    path,
                    bytes,
                    allocated,
                },
            ) => Part::File {
                path: self.free_name(path),
                bytes: *bytes,
                allocated: *allocated,
            },
            (None, Part::Device { path, .. }) => {
                let why = "it is a device, and the repaired metadata needs another".to_owned();
                let path = path.clone();
                return Err(PoolError::Size { path, why });
            }
        };
        if spare.bytes() < self.metadata.bytes() {
            let why = format!("the metadata has {} bytes", self.metadata.bytes());
            let path = spare.path().clone();
            return Err(PoolError::Size { path, why });
        }
        let mut kept = self.kept.clone();
        kept.push(self.metadata.clone());
        Ok(Self {
            metadata: spare,
            kept,
            begun: Vec::new(),
            ..self.clone()
        })
    }

    /// Writes what can be found of this pool's metadata to that of `other`, and answers what it has then. The caller
    /// has seen to it that it is nobody's. Where the first block cannot be used, the pool is what it was written down
    /// to be, at `transaction`. May be done again.
    ///
    /// # Errors
    /// [`PoolError::Tool`] where nothing can be found, or what was written is not clean.
    pub fn repair_into(
        &self,
        other: &Self,
        name: &DeviceName,
        transaction: u64,
    ) -> Result<Contents, PoolError> {
        self.must_be_down(name)?;
        let (from, to) = (self.metadata.path(), &other.metadata);
        to.make_anew()?;
        let remembered = match Superblock::read(from) {
            Ok(Some(_)) => None,
            Ok(None) | Err(PoolError::Metadata(_)) => Some(Remembered {
                transaction,
                block: self.block,
                data_blocks: self.data_bytes() / self.block,
            }),
            Err(error) => return Err(error),
        };
        tools::repair(from, to.path(), remembered)?;
        if let Checked::Damaged(said) = tools::check(to.path())? {
            let path = to.path().clone();
            return Err(PoolError::Tool {
                program: "thin_check",
                path,
                said,
            });
        }
        to.sync()?;
        Contents::read(to.path())
    }

    /// Gives the first block of a pool that is down to a volume of ours again: metadata in which that was lost would give it to
    /// the next volume that writes. May be done again.
    ///
    /// # Errors
    /// Those of [`PoolSpec::up`] and [`PoolSpec::down`]; [`PoolError::Part`].
    pub fn guard_again(&self, name: &DeviceName) -> Result<(), PoolError> {
        let guarded = self.up(name, Expected::Any)?.guard();
        self.down(name)?;
        guarded
    }

    /// A name beside this one that none of its parts has ever had.
    fn free_name(&self, path: &std::path::Path) -> PathBuf {
        let mut number = self.kept.len();
        loop {
            number += 1;
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{number}"));
            let name = PathBuf::from(name);
            if self.kept.iter().all(|part| *part.path() != name) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repaired_metadata_is_beside_the_old_which_is_kept() {
        let spec = PoolSpec::on_files("/pools".into(), "web", 1 << 30, false, 64 << 10).unwrap();
        let once = spec.with_spare(None).unwrap();
        assert_eq!(once.metadata.path(), &PathBuf::from("/pools/web.meta.1"));
        assert_eq!(once.kept, std::slice::from_ref(&spec.metadata));
        let twice = once.with_spare(None).unwrap();
        assert_eq!(twice.metadata.path(), &PathBuf::from("/pools/web.meta.1.2"));
        assert_eq!(twice.kept, [spec.metadata.clone(), once.metadata.clone()]);
        let small = Part::Device {
            path: "/none".into(),
            bytes: 4096,
            identity: None,
        };
        assert!(spec.with_spare(Some(small)).is_err());
    }
}
