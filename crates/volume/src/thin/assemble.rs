//! A pool from its parts, and back: brought up as it was, taken down, gone.

use super::{
    blank::must_be_blank,
    error::PoolError,
    pool::{Pool, checked},
    spec::{Part, PoolSpec},
    superblock::Superblock,
    table::WhenFull,
};
use crate::dm::{Control, DeviceName, DeviceNumber, DmError, Errno, Loop, Uuid};

/// The target of pools, as the kernel lists it.
const TARGET: &str = "thin-pool";

/// What a pool is expected to be when it is brought up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// New: its metadata is blank, or of a pool that nobody has changed yet.
    New,
    /// The one that is at this transaction, or one before it.
    At(u64),
    /// One at any transaction: whoever wants it knows that it and the ledger do not agree.
    Any,
}

impl PoolSpec {
    /// Makes what there is to make, and brings the pool up. May be repeated until it has said so.
    ///
    /// # Errors
    /// [`PoolError::NotEmpty`] where a part has something on it that is not this pool's.
    pub fn create(&self, name: &DeviceName) -> Result<Pool, PoolError> {
        if !self.is_up(name)? {
            // A device with a table that was never resumed, of whoever was cut off then, has the parts to itself.
            self.clear(name)?;
            for part in [&self.metadata, &self.data] {
                part.make()?;
            }
            // Also of one that was begun before: somebody may have used its device meanwhile.
            self.data.must_be_blank()?;
        }
        let pool = self.up(name, Expected::New)?;
        if !pool.devices()?.is_empty() {
            let path = self.metadata.path().clone();
            pool.down()?;
            let why = "there is a pool with volumes on it".to_owned();
            return Err(PoolError::OtherPart { path, why });
        }
        pool.guard()?;
        Ok(pool)
    }

    /// Whether it is up: its own device, with a table.
    pub(super) fn is_up(&self, name: &DeviceName) -> Result<bool, PoolError> {
        checked(name)?;
        let info = Control::open()?.info(name)?;
        let uuid = self.uuid(name);
        Ok(info.is_some_and(|info| info.uuid.as_ref() == Some(&uuid) && info.has_table))
    }

    /// Finds it up.
    ///
    /// # Errors
    /// [`PoolError::NotUp`]; [`PoolError::Another`] where one of that name is up and is not this one.
    pub fn find(&self, name: &DeviceName) -> Result<Pool, PoolError> {
        let pool = Pool::find(name)?;
        match self.is_up(name)? {
            true => Ok(pool),
            false => Err(PoolError::Another {
                name: name.clone(),
                found: "it is a pool of somebody else".to_owned(),
            }),
        }
    }

    /// The uuid of its device, whose name is short enough.
    fn uuid(&self, name: &DeviceName) -> Uuid {
        Uuid::ours(&format!("pool-{name}-{}", self.token))
            .expect("a pool's name and a token are letters of a uuid, and short")
    }

    /// Refuses to be destroyed where what is there is not, or not any more, this pool and nothing else.
    ///
    /// # Errors
    /// [`PoolError::OtherPart`], [`PoolError::NotEmpty`].
    pub fn may_be_destroyed(&self) -> Result<(), PoolError> {
        if self.metadata.is_there() {
            self.metadata.must_be_it()?;
            match Superblock::read(self.metadata.path())? {
                None => must_be_blank(self.metadata.path())?,
                Some(found) if found.block == self.block => {}
                Some(found) => return Err(self.other_block(found)),
            }
        }
        if self.data.is_there() {
            self.data.must_be_it()?;
            self.data.must_begin_with_nothing()?;
        }
        Ok(())
    }

    fn other_block(&self, found: Superblock) -> PoolError {
        PoolError::OtherPart {
            path: self.metadata.path().clone(),
            why: format!("its pool has blocks of {} bytes", found.block),
        }
    }

    /// Brings the pool up, or finds it up: the same parts, the same table.
    ///
    /// # Errors
    /// [`PoolError::OtherPart`], [`PoolError::NoPool`], [`PoolError::Differs`] where it is not the pool that is
    /// expected; [`PoolError::Another`], [`PoolError::Dm`].
    pub fn up(&self, name: &DeviceName, expected: Expected) -> Result<Pool, PoolError> {
        if self.is_up(name)? {
            self.keep_loops(&Pool::find(name)?)?;
        }
        let metadata = self.metadata.attach()?;
        self.must_be(name, expected)?;
        let data = self.data.attach()?;
        if !self.adopted && !self.is_up(name)? {
            self.data.must_begin_with_nothing()?;
        }
        Pool::up(name, &self.uuid(name), &self.table(metadata, data))
    }

    /// Refuses, while the pool is down, parts that are not the pool's: another device under the same name, metadata of
    /// another day, data at whose beginning something is; and parts that somebody else has.
    ///
    /// # Errors
    /// [`PoolError::IsUp`], [`PoolError::OtherPart`], [`PoolError::Differs`], [`PoolError::NoPool`],
    /// [`PoolError::Part`].
    pub fn must_be_it(&self, name: &DeviceName, expected: Expected) -> Result<(), PoolError> {
        self.must_be_down(name)?;
        for part in [&self.metadata, &self.data] {
            part.must_be_it()?;
            part.must_be_free()?;
        }
        self.must_be(name, expected)?;
        match self.adopted {
            true => Ok(()),
            false => self.data.must_begin_with_nothing(),
        }
    }

    /// Whether the metadata is that of the pool that is expected.
    fn must_be(&self, name: &DeviceName, expected: Expected) -> Result<(), PoolError> {
        // What is up has been looked at when it was brought up, and is written past the page cache.
        if self.is_up(name)? {
            return Ok(());
        }
        self.clear(name)?;
        let path = self.metadata.path();
        let found = Superblock::read(path)?;
        let no_pool = || PoolError::NoPool { path: path.clone() };
        let found = match (expected, found) {
            (Expected::New, None) => return self.metadata.must_be_blank(),
            (_, found) => found.ok_or_else(no_pool)?,
        };
        let recorded = match expected {
            Expected::New => 0,
            Expected::At(transaction) => transaction,
            Expected::Any => found.transaction,
        };
        if found.block != self.block {
            return Err(self.other_block(found));
        }
        match recorded.checked_sub(found.transaction) {
            Some(0 | 1) => Ok(()),
            _ => Err(PoolError::Differs {
                name: name.clone(),
                pool: found.transaction,
                recorded,
            }),
        }
    }

    /// Takes the pool down and lets go of its loop devices; what is in it stays.
    ///
    /// # Errors
    /// [`PoolError::Devices`] while one of its volumes has a device; [`PoolError::Removed`] where nothing would stay.
    pub fn down(&self, name: &DeviceName) -> Result<(), PoolError> {
        if let Ok(up) = self.find(name) {
            self.must_outlive(&up)?;
        }
        self.down_for_good(name)
    }

    /// The same of one in which there is nothing that would have to stay.
    ///
    /// # Errors
    /// [`PoolError::Devices`] while one of its volumes has a device.
    pub fn down_for_good(&self, name: &DeviceName) -> Result<(), PoolError> {
        match self.find(name) {
            Ok(pool) => {
                pool.unguard()?;
                take_down(pool)?;
            }
            Err(PoolError::NotUp { .. }) => self.clear(name)?,
            // Another of that name is none of ours.
            Err(PoolError::Another { .. }) => {}
            Err(error) => return Err(error),
        }
        self.metadata.detach()?;
        self.data.detach()
    }

    /// Removes the device that was made and never got as far as to have a table that counts: it holds the parts.
    fn clear(&self, name: &DeviceName) -> Result<(), PoolError> {
        let control = Control::open()?;
        let info = control.info(name)?;
        let uuid = self.uuid(name);
        if info.is_some_and(|info| info.uuid.as_ref() == Some(&uuid) && !info.has_table) {
            control.remove(name)?;
        }
        Ok(())
    }

    /// Removes what is left of a pool that is down. Its devices are blank then, its files gone; those of one that
    /// somebody else has made are left as they are.
    ///
    /// # Errors
    /// [`PoolError::Part`], and those of [`PoolSpec::may_be_destroyed`].
    pub fn destroy(&self) -> Result<(), PoolError> {
        if self.adopted {
            return Ok(());
        }
        self.may_be_destroyed()?;
        self.metadata.detach()?;
        self.data.detach()?;
        for part in [&self.metadata, &self.data] {
            if part.is_there() {
                part.destroy()?;
            }
        }
        // What it had before may be anybody's by now: it is left.
        Ok(())
    }

    /// What a pool that is up is made of, whoever brought it up, to be adopted.
    ///
    /// # Errors
    /// [`PoolError::NotUp`], [`PoolError::Another`], [`PoolError::Part`]; [`PoolError::Managed`] where it is a
    /// volume manager's.
    pub fn of(name: &DeviceName) -> Result<Self, PoolError> {
        let pool = Pool::find(name)?;
        if let Some(uuid) = pool.control().info(name)?.and_then(|info| info.uuid) {
            return Err(PoolError::Managed {
                name: name.clone(),
                uuid: uuid.to_string(),
            });
        }
        let (low_water, features) = pool.features()?;
        let has = |feature: &str| features.iter().any(|has| has == feature);
        let metadata = part_of(pool.metadata_number()?)?;
        let mut data = part_of(pool.data_number()?)?;
        // It may be longer than what the pool has of it so far.
        let (Part::Device { bytes, .. } | Part::File { bytes, .. }) = &mut data;
        *bytes = pool.data_bytes()?;
        match Self::on_devices(metadata, data, pool.block()) {
            Ok(spec) => Ok(Self {
                adopted: true,
                low_water,
                pass_discard_down: !has("no_discard_passdown"),
                when_full: match has("error_if_no_space") {
                    true => WhenFull::Fail,
                    false => WhenFull::Queue,
                },
                ..spec
            }),
            Err(error) => Err(PoolError::Another {
                name: name.clone(),
                found: error.to_string(),
            }),
        }
    }

    /// Makes a pool ours that somebody else has brought up: with our uuid, and with our table, in which what is new
    /// in a volume is zeroed. Its volumes stay as they are, and in use.
    ///
    /// # Errors
    /// [`PoolError::Managed`] where it is a volume manager's.
    pub fn adopt(&self, name: &DeviceName) -> Result<Pool, PoolError> {
        let control = Control::open()?;
        let info = control.info(name)?;
        let info = info.ok_or_else(|| PoolError::NotUp { name: name.clone() })?;
        match info.uuid {
            None => control.set_uuid(name, &self.uuid(name))?,
            Some(uuid) if uuid == self.uuid(name) => {}
            Some(uuid) => {
                return Err(PoolError::Managed {
                    name: name.clone(),
                    uuid: uuid.to_string(),
                });
            }
        }
        let metadata = self.metadata.attach()?;
        let table = self.table(metadata, self.data.attach()?);
        Pool::reload(name, &table)?;
        Pool::up(name, &self.uuid(name), &table)
    }
}

/// Whether there are thin pools here: device-mapper, its target, and leave to use both.
///
/// # Errors
/// [`DmError`], which says what is missing.
pub fn available() -> Result<(), DmError> {
    Control::open()?.require_target(TARGET)
}

fn take_down(pool: Pool) -> Result<(), PoolError> {
    let (name, users) = (pool.name().clone(), pool.users()?);
    match pool.down() {
        Err(PoolError::Dm(error)) if error.errno() == Some(Errno::Busy) => {
            let users: Vec<_> = users.iter().map(|(name, _)| name.as_str()).collect();
            Err(PoolError::Devices {
                name,
                devices: users.join(", "),
            })
        }
        down => down,
    }
}

/// A device of which only the number is known.
fn part_of(number: DeviceNumber) -> Result<Part, PoolError> {
    if let Some((path, bytes)) = Loop::backing(number)? {
        return Ok(Part::File {
            path,
            bytes,
            allocated: true,
        });
    }
    let path = super::snapshot::device_node(number);
    let path = path.map_err(|source| PoolError::Unreadable {
        path: number.to_string().into(),
        source,
    })?;
    Part::device(&path)
}
