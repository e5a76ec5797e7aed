//! [`Pool`]: a thin pool that is up, and the messages it is sent.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::{
    error::{LONGEST, PoolError},
    status::{PoolMode, PoolState, PoolStatus},
    table::PoolTable,
};
use crate::{
    dm::{Control, DeviceName, DeviceNumber, Errno, Line, Nodes, SECTOR, Uuid},
    id::VolumeId,
};

/// Bytes at the beginning of a metadata device that must be zero for a pool to be made there.
const HEAD: usize = 4096;

/// A thin pool that is up.
#[derive(Debug)]
pub struct Pool {
    control: Control,
    name: DeviceName,
    number: DeviceNumber,
    block: u64,
    /// Held for a message and the transaction id after it.
    changing: Mutex<()>,
}

impl Pool {
    /// Refuses a device for metadata that has something on it.
    ///
    /// # Errors
    /// [`PoolError::NotEmpty`], [`PoolError::Unreadable`].
    pub fn must_be_empty(metadata: &Path) -> Result<(), PoolError> {
        let mut head = [0; HEAD];
        let read = File::open(metadata).and_then(|file| file.read_exact_at(&mut head, 0));
        read.map_err(|source| PoolError::Unreadable {
            path: metadata.to_owned(),
            source,
        })?;
        match head.iter().all(|&byte| byte == 0) {
            true => Ok(()),
            false => Err(PoolError::NotEmpty {
                path: metadata.to_owned(),
            }),
        }
    }

    /// Brings a pool up, or finds it up with the same table. Where the metadata device is empty the kernel makes
    /// a new pool there: whoever wants an old one has looked before.
    ///
    /// # Errors
    /// [`PoolError::Another`], [`PoolError::Dm`].
    pub fn up(name: &DeviceName, uuid: &Uuid, table: &PoolTable) -> Result<Self, PoolError> {
        checked(name)?;
        let control = Control::open()?;
        let line = table.line();
        let info = match control.info(name)? {
            Some(found) if found.uuid.as_ref() != Some(uuid) => {
                let found = found
                    .uuid
                    .map_or("it has no uuid".to_owned(), |uuid| uuid.to_string());
                return Err(another(name, found));
            }
            Some(found) => found,
            None => control.create(name, uuid)?,
        };
        // One that was made and not brought up by whoever crashed has no table.
        if info.has_table {
            let has = control.table(name)?;
            if has != [line] {
                let has: Vec<_> = has.iter().map(|line| line.words.as_str()).collect();
                return Err(another(name, has.join("; ")));
            }
        } else if let Err(error) = control.load(name, &[line]) {
            // Nothing is left of one that cannot be.
            control.remove(name)?;
            return Err(error.into());
        }
        let info = control.resume(name)?;
        Nodes::default().ensure(name, info.number)?;
        Ok(Self {
            control,
            name: name.clone(),
            number: info.number,
            block: table.block,
            changing: Mutex::default(),
        })
    }

    /// Finds a pool that is up.
    ///
    /// # Errors
    /// [`PoolError::NotUp`], [`PoolError::Another`].
    pub fn find(name: &DeviceName) -> Result<Self, PoolError> {
        checked(name)?;
        let control = Control::open()?;
        let not_up = || PoolError::NotUp { name: name.clone() };
        let info = control.info(name)?.ok_or_else(not_up)?;
        let table = control.table(name)?;
        let line = table.first().ok_or_else(not_up)?;
        let block = match line.target.as_str() {
            "thin-pool" => line.words.split_whitespace().nth(2),
            _ => None,
        };
        let block = block.and_then(|block| block.parse::<u64>().ok());
        let block = block.ok_or_else(|| another(name, format!("a {}", line.target)))?;
        Ok(Self {
            control,
            name: name.clone(),
            number: info.number,
            block: block * SECTOR,
            changing: Mutex::default(),
        })
    }

    /// Takes the pool down; what is in it stays. All its volumes must be without a device.
    ///
    /// # Errors
    /// [`Errno::Busy`] while one has.
    pub fn down(self) -> Result<(), PoolError> {
        self.control.remove(&self.name)?;
        Ok(Nodes::default().forget(&self.name)?)
    }

    /// Device-mapper, as the pool has it open.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Its device's name.
    #[must_use]
    pub fn name(&self) -> &DeviceName {
        &self.name
    }

    /// Bytes of a block.
    #[must_use]
    pub fn block(&self) -> u64 {
        self.block
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// [`PoolError::Dm`].
    pub fn state(&self) -> Result<PoolState, PoolError> {
        let lines = self.control.status(&self.name)?;
        let state = lines.first().and_then(|line| PoolState::parse(&line.words));
        Ok(state.unwrap_or(PoolState::Error))
    }

    /// The status of one that takes changes.
    ///
    /// # Errors
    /// [`PoolError::Broken`], [`PoolError::Full`] where it has no room for data.
    pub fn working(&self) -> Result<PoolStatus, PoolError> {
        let broken = |why| self.broken(why);
        match self.state()? {
            PoolState::Failed => Err(broken("its metadata failed; it has to be repaired")),
            PoolState::Error => Err(broken("its status cannot be read")),
            PoolState::Working(status) if status.needs_check => Err(broken(
                "a change of its metadata failed; it has to be checked",
            )),
            PoolState::Working(status) => match status.mode {
                PoolMode::ReadWrite => Ok(status),
                PoolMode::ReadOnly => Err(broken("it is read-only")),
                PoolMode::OutOfDataSpace => Err(PoolError::Full {
                    name: self.name.clone(),
                }),
            },
        }
    }

    /// Makes a volume. `Ok(false)` where the id is taken.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn create(&self, id: VolumeId) -> Result<bool, PoolError> {
        self.change(&format!("create_thin {id}"), Errno::Exists)
    }

    /// Makes a snapshot of a volume that has no device, or whose device is suspended: of another the kernel
    /// makes a damaged one, and says nothing. `Ok(false)` where the id is taken.
    ///
    /// # Errors
    /// [`PoolError`]; [`Errno::NoData`] where there is no origin.
    pub fn snapshot(&self, origin: VolumeId, id: VolumeId) -> Result<bool, PoolError> {
        self.change(&format!("create_snap {id} {origin}"), Errno::Exists)
    }

    /// Deletes a volume, for good. `Ok(false)` where there is none.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn delete(&self, id: VolumeId) -> Result<bool, PoolError> {
        self.change(&format!("delete {id}"), Errno::NoData)
    }

    /// Sends a message, and counts the transaction. `Ok(false)` where the kernel says `unchanged`.
    ///
    /// A message commits the metadata, but what comes of that commit is dropped: the status says it.
    fn change(&self, message: &str, unchanged: Errno) -> Result<bool, PoolError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.working()?.transaction;
        match self.control.message(&self.name, message) {
            Ok(_) => {}
            Err(error) if error.errno() == Some(unchanged) => return Ok(false),
            Err(error) if error.errno() == Some(Errno::NoSpace) => {
                return Err(PoolError::Full {
                    name: self.name.clone(),
                });
            }
            Err(error) => return Err(error.into()),
        }
        let after = before + 1;
        let swap = format!("set_transaction_id {before} {after}");
        self.control.message(&self.name, &swap)?;
        match self.working()?.transaction == after {
            true => Ok(true),
            false => Err(PoolError::Contended {
                name: self.name.clone(),
            }),
        }
    }

    pub(super) fn broken(&self, why: &'static str) -> PoolError {
        PoolError::Broken {
            name: self.name.clone(),
            why,
        }
    }

    /// The device with its metadata, as its table names it.
    pub(super) fn metadata_number(&self) -> Result<DeviceNumber, PoolError> {
        let table = self.control.table(&self.name)?;
        let first = table.first().and_then(|line| {
            let (major, minor) = line.words.split_whitespace().next()?.split_once(':')?;
            Some(DeviceNumber {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            })
        });
        first.ok_or_else(|| PoolError::NotUp {
            name: self.name.clone(),
        })
    }

    /// The line of a thin device of `size` bytes.
    pub(super) fn thin(&self, id: VolumeId, size: u64) -> Line {
        Line {
            start: 0,
            length: size / SECTOR,
            target: "thin".to_owned(),
            words: format!("{} {id}", self.number),
        }
    }
}

fn checked(name: &DeviceName) -> Result<(), PoolError> {
    match name.as_str().len() <= LONGEST {
        true => Ok(()),
        false => Err(PoolError::LongName { name: name.clone() }),
    }
}

fn another(name: &DeviceName, found: String) -> PoolError {
    PoolError::Another {
        name: name.clone(),
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::opens::{own_name, own_uuid},
        *,
    };

    #[test]
    fn a_name_is_short_enough_for_those_of_its_volumes() {
        let long = DeviceName::new("x".repeat(LONGEST + 1)).unwrap();
        let error = Pool::find(&long).unwrap_err();
        assert!(matches!(error, PoolError::LongName { .. }));
        let name = DeviceName::new("x".repeat(LONGEST)).unwrap();
        checked(&name).unwrap();
        let longest = VolumeId::MAX;
        assert!(DeviceName::new(own_name(&name, longest)).is_some());
        assert!(Uuid::ours(&own_uuid(&name, longest)).is_some());
    }

    #[test]
    fn what_is_on_a_device_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meta");
        let file = File::create(&path).unwrap();
        file.set_len(8192).unwrap();
        Pool::must_be_empty(&path).unwrap();
        file.write_all_at(b"x", 4096).unwrap();
        Pool::must_be_empty(&path).unwrap();
        file.write_all_at(b"x", 4095).unwrap();
        let error = Pool::must_be_empty(&path).unwrap_err();
        assert!(matches!(error, PoolError::NotEmpty { .. }));
        let error = Pool::must_be_empty(&dir.path().join("none")).unwrap_err();
        assert!(matches!(error, PoolError::Unreadable { .. }));
    }
}
