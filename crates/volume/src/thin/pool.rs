//! [`Pool`]: a thin pool that is up, and the messages it is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    error::{LONGEST, PoolError},
    ledger::{Change, Ledger},
    status::{PoolMode, PoolState, PoolStatus},
    table::PoolTable,
};
use crate::{
    dm::{Control, DeviceName, DeviceNumber, Errno, Line, Nodes, SECTOR, Uuid},
    id::VolumeId,
};

const FAILED: &str = "its metadata failed; it has to be repaired";
const UNREADABLE: &str = "its status cannot be read";

/// A thin pool that is up.
#[derive(Debug)]
pub struct Pool {
    control: Control,
    name: DeviceName,
    number: DeviceNumber,
    block: u64,
    /// Held for a message and the transaction id after it.
    changing: Mutex<()>,
    /// Held while a snapshot of the metadata is.
    holding: Mutex<()>,
}

impl Pool {
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
            match has.as_slice() {
                [has] if *has == line => {}
                // It was given more room, or told what to do without, by whoever was cut off then.
                [has] if table.follows(has) => Self::reload(name, table)?,
                has => {
                    let has: Vec<_> = has.iter().map(|line| line.words.as_str()).collect();
                    return Err(another(name, has.join("; ")));
                }
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
            holding: Mutex::default(),
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
            holding: Mutex::default(),
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
            PoolState::Failed => Err(broken(FAILED)),
            PoolState::Error => Err(broken(UNREADABLE)),
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

    /// The status of one whose metadata can be changed: also of one without room for data, which is how it gets some.
    ///
    /// # Errors
    /// [`PoolError::Broken`], which says what its status says.
    pub fn changeable(&self) -> Result<PoolStatus, PoolError> {
        match self.state()? {
            PoolState::Working(status)
                if status.mode == PoolMode::OutOfDataSpace && !status.needs_check =>
            {
                Ok(status)
            }
            _ => self.working(),
        }
    }

    /// Asks for a change, after it was written down. `Ok(false)` where the pool was like that already: the id to
    /// be made is taken, the one to be deleted is not there.
    ///
    /// A snapshot may be taken of a volume that has no device, or whose device is suspended: of another the kernel
    /// makes a damaged one, and says nothing. A message commits the metadata, but what comes of that commit is
    /// dropped: the status says it.
    ///
    /// # Errors
    /// [`PoolError`]; [`Errno::NoData`] where a snapshot has no origin.
    pub fn change(&self, change: Change, ledger: &dyn Ledger) -> Result<bool, PoolError> {
        let (message, unchanged) = match change {
            Change::Create { id, .. } => (format!("create_thin {id}"), Errno::Exists),
            Change::Snapshot { origin, id, .. } => {
                (format!("create_snap {id} {origin}"), Errno::Exists)
            }
            Change::Delete { id } => (format!("delete {id}"), Errno::NoData),
        };
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let status = match change {
            Change::Delete { .. } => self.changeable()?,
            Change::Create { .. } | Change::Snapshot { .. } => self.working()?,
        };
        let before = status.transaction;
        let after = before + 1;
        let written = ledger.will(after, change);
        written.map_err(|source| PoolError::Unwritten {
            name: self.name.clone(),
            source,
        })?;
        let changed = match self.control.message(&self.name, &message) {
            Ok(_) => true,
            // Counted all the same: the number is where the ledger says.
            Err(error) if error.errno() == Some(unchanged) => false,
            Err(error) if error.errno() == Some(Errno::NoSpace) => {
                return Err(PoolError::Full {
                    name: self.name.clone(),
                });
            }
            Err(error) => return Err(error.into()),
        };
        self.swap(before, after)?;
        Ok(changed)
    }

    /// Sees to it that the pool is where `recorded`, the last that was written down, says. One behind, the change
    /// may be half done: its id is in nobody's hands yet, or going, and whoever goes on with it asks for it again.
    /// So the number is all that has to follow. Says whether it had to.
    ///
    /// # Errors
    /// [`PoolError::Differs`] where the two do not belong together: nothing may be written then.
    pub fn agree(&self, recorded: u64) -> Result<bool, PoolError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = match self.state()? {
            PoolState::Working(status) => status.transaction,
            PoolState::Failed => return Err(self.broken(FAILED)),
            PoolState::Error => return Err(self.broken(UNREADABLE)),
        };
        match recorded.checked_sub(pool) {
            Some(0) => Ok(false),
            Some(1) => {
                self.changeable()?;
                self.swap(pool, recorded)?;
                Ok(true)
            }
            _ => Err(PoolError::Differs {
                name: self.name.clone(),
                pool,
                recorded,
            }),
        }
    }

    fn swap(&self, before: u64, after: u64) -> Result<(), PoolError> {
        let swap = format!("set_transaction_id {before} {after}");
        self.control.message(&self.name, &swap)?;
        match self.changeable()?.transaction == after {
            true => Ok(()),
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

    /// Waits until nobody has a snapshot of its metadata held.
    pub(super) fn holds(&self) -> MutexGuard<'_, ()> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of free blocks below which there is an event, and the features, as its table has them.
    pub(super) fn features(&self) -> Result<(u64, Vec<String>), PoolError> {
        let table = self.control.table(&self.name)?;
        let words = table
            .first()
            .map(|line| line.words.clone())
            .unwrap_or_default();
        let mut words = words.split_whitespace().skip(3);
        let low_water = words.next().and_then(|word| word.parse().ok());
        Ok((
            low_water.unwrap_or_default(),
            words.skip(1).map(str::to_owned).collect(),
        ))
    }

    /// The device with its metadata, as its table names it.
    pub(super) fn metadata_number(&self) -> Result<DeviceNumber, PoolError> {
        self.part_number(0)
    }

    /// The device with its data.
    pub(super) fn data_number(&self) -> Result<DeviceNumber, PoolError> {
        self.part_number(1)
    }

    /// Bytes of data that it has.
    pub(super) fn data_bytes(&self) -> Result<u64, PoolError> {
        let table = self.control.table(&self.name)?;
        Ok(table.first().map_or(0, |line| line.length * SECTOR))
    }

    fn part_number(&self, word: usize) -> Result<DeviceNumber, PoolError> {
        let table = self.control.table(&self.name)?;
        let first = table.first().and_then(|line| {
            let (major, minor) = line.words.split_whitespace().nth(word)?.split_once(':')?;
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

pub(super) fn checked(name: &DeviceName) -> Result<(), PoolError> {
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
}
