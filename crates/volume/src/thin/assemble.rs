//! A pool from its parts, and back: brought up as it was, taken down, gone.

use super::{
    error::PoolError,
    pool::Pool,
    spec::{Part, PoolSpec},
    superblock::Superblock,
};
use crate::dm::{Control, DeviceName, DeviceNumber, DmError, Errno, Info, Loop, Uuid};

/// The target of pools, as the kernel lists it.
const TARGET: &str = "thin-pool";

/// What a pool is expected to be when it is brought up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// New: its metadata is blank, or of a pool that nobody has changed yet.
    New,
    /// The one that is at this transaction, or one before it.
    At(u64),
}

impl PoolSpec {
    /// Makes what there is to make, and brings the pool up. May be repeated until it has said so.
    ///
    /// # Errors
    /// [`PoolError::NotEmpty`] where a part has something on it that is not this pool's.
    pub fn create(&self, name: &DeviceName) -> Result<Pool, PoolError> {
        for part in [&self.metadata, &self.data] {
            part.make()?;
        }
        let pool = self.up(name, Expected::New)?;
        pool.guard()?;
        Ok(pool)
    }

    /// Brings the pool up, or finds it up: the same parts, the same table.
    ///
    /// # Errors
    /// [`PoolError::OtherPart`], [`PoolError::NoPool`], [`PoolError::Differs`] where it is not the pool that is
    /// expected; [`PoolError::Another`], [`PoolError::Dm`].
    pub fn up(&self, name: &DeviceName, expected: Expected) -> Result<Pool, PoolError> {
        let metadata = self.metadata.attach()?;
        self.must_be(name, expected)?;
        let data = self.data.attach()?;
        Pool::up(name, &pool_uuid(name), &self.table(metadata, data))
    }

    /// Whether the metadata is that of the pool that is expected.
    fn must_be(&self, name: &DeviceName, expected: Expected) -> Result<(), PoolError> {
        // What is up has been looked at when it was brought up, and is written past the page cache.
        if Control::open()?
            .info(name)?
            .is_some_and(|info| info.has_table)
        {
            return Ok(());
        }
        let path = self.metadata.path();
        let found = Superblock::read(path).map_err(|source| PoolError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let no_pool = || PoolError::NoPool { path: path.clone() };
        let found = match (expected, found) {
            (Expected::New, None) => return self.metadata.must_be_blank(),
            (_, found) => found.ok_or_else(no_pool)?,
        };
        let recorded = match expected {
            Expected::New => 0,
            Expected::At(transaction) => transaction,
        };
        if found.block != self.block {
            return Err(PoolError::OtherPart {
                path: path.clone(),
                why: format!("its pool has blocks of {} bytes", found.block),
            });
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
    /// [`PoolError::Devices`] while one of its volumes has a device.
    pub fn down(&self, name: &DeviceName) -> Result<(), PoolError> {
        match Pool::find(name) {
            Ok(pool) => take_down(pool)?,
            Err(PoolError::NotUp { .. }) => {}
            Err(error) => return Err(error),
        }
        self.metadata.detach()?;
        self.data.detach()
    }

    /// Removes what is left of a pool that is down. Its devices are blank then, its files gone.
    ///
    /// # Errors
    /// [`PoolError::Part`].
    pub fn destroy(&self) -> Result<(), PoolError> {
        self.metadata.destroy()?;
        self.data.destroy()
    }

    /// What a pool that is up is made of, whoever brought it up, to be adopted.
    ///
    /// # Errors
    /// [`PoolError::NotUp`], [`PoolError::Another`], [`PoolError::Part`]; [`PoolError::Managed`] where it is a
    /// volume manager's.
    pub fn of(name: &DeviceName) -> Result<Self, PoolError> {
        let pool = Pool::find(name)?;
        unmanaged(&pool.control().info(name)?, name)?;
        let metadata = part_of(pool.metadata_number()?)?;
        let mut data = part_of(pool.data_number()?)?;
        // It may be longer than what the pool has of it so far.
        let (Part::Device { bytes, .. } | Part::File { bytes, .. }) = &mut data;
        *bytes = pool.data_bytes()?;
        match Self::on_devices(metadata, data, pool.block()) {
            Ok(spec) => Ok(Self {
                adopted: true,
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
        if unmanaged(&control.info(name)?, name)? {
            control.set_uuid(name, &pool_uuid(name))?;
        }
        let metadata = self.metadata.attach()?;
        let table = self.table(metadata, self.data.attach()?);
        Pool::reload(name, &table)?;
        Pool::up(name, &pool_uuid(name), &table)
    }
}

/// The uuid of a pool that is ours.
#[must_use]
pub fn pool_uuid(name: &DeviceName) -> Uuid {
    Uuid::ours(&format!("pool-{name}")).expect("a pool's name is letters of a uuid, and short")
}

/// Whether there are thin pools here: device-mapper, its target, and leave to use both.
///
/// # Errors
/// [`DmError`], which says what is missing.
pub fn available() -> Result<(), DmError> {
    Control::open()?.require_target(TARGET)
}

/// Refuses a pool that a volume manager has. Whether it has no uuid yet.
fn unmanaged(info: &Option<Info>, name: &DeviceName) -> Result<bool, PoolError> {
    let info = info.as_ref();
    let info = info.ok_or_else(|| PoolError::NotUp { name: name.clone() })?;
    match &info.uuid {
        None => Ok(true),
        Some(uuid) if *uuid == pool_uuid(name) => Ok(false),
        Some(uuid) => Err(PoolError::Managed {
            name: name.clone(),
            uuid: uuid.to_string(),
        }),
    }
}

fn take_down(pool: Pool) -> Result<(), PoolError> {
    let (name, control) = (pool.name().clone(), Control::open()?);
    match pool.down() {
        Err(PoolError::Dm(error)) if error.errno() == Some(Errno::Busy) => {
            // Whoever has a volume of it has its number in the table.
            let number = control.info(&name)?.map(|info| info.number.to_string());
            let uses = |device: &DeviceName| {
                let table = control.table(device).unwrap_or_default();
                let first = |words: &str| words.split_whitespace().next().map(str::to_owned);
                table
                    .iter()
                    .any(|line| line.target == "thin" && first(&line.words) == number)
            };
            let listed = control.list()?.into_iter();
            let devices = listed.filter_map(|found| DeviceName::new(found.name));
            let devices = devices.filter(uses).map(|device| device.to_string());
            Err(PoolError::Devices {
                devices: devices.collect::<Vec<_>>().join(", "),
                name,
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
