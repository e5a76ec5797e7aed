//! [`Control`]: what device-mapper is asked to do.

use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno as Raw,
};

use super::{
    device::{DeviceName, DeviceNumber, Found, Info, Uuid},
    error::{DmError, Errno, Operation},
    header::{Answer, Flags, HEADER_BYTES, Request, text},
    ioctl,
    nodes::Nodes,
    records::records,
    target::Line,
};

/// Bytes for an answer's data at first: a pool's status, or some hundred names.
const ROOM: usize = 16 << 10;
/// And at most: a listing of a hundred thousand devices.
const MOST_ROOM: usize = 64 << 20;

/// What udev's rules are told of every change (`DM_UDEV_DISABLE_{DM,SUBSYSTEM,DISK,OTHER}_RULES_FLAG` of
/// libdevmapper.h, shifted): that they make no link for the device and do not look into it. What a machine will
/// write there is not for this host's blkid to read, and its node is ours to make.
///
/// The number has no semaphore of libdevmapper's, for nobody waits for udev here. As seen with Debian's kernel 6.1,
/// udevd 252 and dmsetup 1.02.185 (tests/vm/udev.rs): `dmsetup udevflags` reads the flags, and udevd keeps them for
/// events that come without them, as by `udevadm trigger`; `dmsetup udevcomplete` takes a number whose lower half is
/// zero for flags alone, and succeeds. Nothing is logged. Without the number the rules make the link, at any time
/// after ours.
const HANDS_OFF: u32 = 0x000f << 16;

/// What of device-mapper's interface a kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Another one is another interface.
    pub major: u32,
    /// Grows with what there is.
    pub minor: u32,
    /// Grows with corrections.
    pub patch: u32,
}

/// How a device is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspend {
    /// After what was written to it is done, and with a filesystem on it frozen.
    Flushing,
    /// At once: what is under way waits. For a pool that has no room, where it would never be done.
    AtOnce,
}

/// Device-mapper, open. It takes CAP_SYS_ADMIN.
#[derive(Debug)]
pub struct Control {
    file: File,
    version: Version,
}

impl AsFd for Control {
    /// Readable after [`Control::arm`] when something has happened.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Control {
    /// Opens `/dev/mapper/control`, which is made where the kernel has device-mapper and the node is missing.
    ///
    /// # Errors
    /// [`DmError::Absent`]; [`DmError::OtherVersion`].
    pub fn open() -> Result<Self, DmError> {
        let file = Nodes::control().map_err(DmError::Absent)?;
        let mut control = Self {
            file,
            version: Version {
                major: 0,
                minor: 0,
                patch: 0,
            },
        };
        let answer = control.call(Operation::Version, None, Request::default())?;
        let [major, minor, patch] = answer.version();
        if major != 4 {
            return Err(DmError::OtherVersion([major, minor, patch]));
        }
        control.version = Version {
            major,
            minor,
            patch,
        };
        Ok(control)
    }

    /// The kernel's version of the interface.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// All devices, of whoever.
    ///
    /// # Errors
    /// As [`Control::targets`].
    pub fn list(&self) -> Result<Vec<Found>, DmError> {
        let answer = self.call(Operation::List, None, Request::default())?;
        // struct dm_name_list: 0 dev, 8 next, 12 name. Without devices there is one of zeros.
        let found = records(answer.data(), 8, 12, |record| {
            let dev = u64::from_ne_bytes(*record.first_chunk()?);
            Some(Found {
                name: text(record.get(12..)?),
                number: DeviceNumber::from_kernel(dev),
            })
        });
        let found = found.ok_or_else(|| garbled(Operation::List, None))?;
        Ok(found
            .into_iter()
            .filter(|device| !device.name.is_empty())
            .collect())
    }

    /// What is known of a device; `None` where there is none.
    ///
    /// # Errors
    /// [`DmError::Kernel`].
    pub fn info(&self, name: &DeviceName) -> Result<Option<Info>, DmError> {
        match self.call(Operation::Info, Some(name), Request::default()) {
            Ok(answer) => Ok(Some(answer.info())),
            Err(error) if error.errno() == Some(Errno::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The device that has this uuid, by its name; `None` where none has.
    ///
    /// # Errors
    /// [`DmError::Kernel`].
    pub fn find(&self, uuid: &Uuid) -> Result<Option<(String, Info)>, DmError> {
        let request = Request {
            uuid: Some(uuid),
            ..Request::default()
        };
        match self.call(Operation::Info, None, request) {
            Ok(answer) => Ok(Some((answer.name(), answer.info()))),
            Err(error) if error.errno() == Some(Errno::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a device without a table.
    ///
    /// # Errors
    /// [`Errno::Busy`] where the name or the uuid is taken.
    pub fn create(&self, name: &DeviceName, uuid: &Uuid) -> Result<Info, DmError> {
        let request = Request {
            uuid: Some(uuid),
            ..Request::default()
        };
        Ok(self.call(Operation::Create, Some(name), request)?.info())
    }

    /// Loads a table that will count when the device is resumed.
    ///
    /// # Errors
    /// [`Errno::Invalid`] where a target does not take its line, or there is no such target.
    pub fn load(&self, name: &DeviceName, table: &[Line]) -> Result<Info, DmError> {
        let data = Line::write_all(table);
        let request = Request {
            lines: u32::try_from(table.len()).unwrap_or(u32::MAX),
            data: &data,
            ..Request::default()
        };
        Ok(self.call(Operation::Load, Some(name), request)?.info())
    }

    /// Forgets a table that was loaded and does not count yet.
    ///
    /// # Errors
    /// [`Errno::NotFound`].
    pub fn clear(&self, name: &DeviceName) -> Result<Info, DmError> {
        let cleared = self.call(Operation::Clear, Some(name), Request::default());
        Ok(cleared?.info())
    }

    /// Lets a device work, with the table that was loaded last.
    ///
    /// # Errors
    /// [`Errno::NotFound`]; whatever the target says of the table.
    pub fn resume(&self, name: &DeviceName) -> Result<Info, DmError> {
        let request = Request {
            event: HANDS_OFF,
            ..Request::default()
        };
        Ok(self.call(Operation::Resume, Some(name), request)?.info())
    }

    /// Has a device, and whoever writes to it, wait.
    ///
    /// # Errors
    /// [`Errno::NotFound`].
    pub fn suspend(&self, name: &DeviceName, how: Suspend) -> Result<Info, DmError> {
        let flags = match how {
            Suspend::Flushing => Flags::SUSPEND,
            Suspend::AtOnce => Flags::SUSPEND.and(Flags::NOFLUSH).and(Flags::SKIP_LOCKFS),
        };
        let request = Request {
            flags,
            event: HANDS_OFF,
            ..Request::default()
        };
        Ok(self.call(Operation::Suspend, Some(name), request)?.info())
    }

    /// Removes a device. `Ok(false)` where there was none.
    ///
    /// # Errors
    /// [`Errno::Busy`] while it is open.
    pub fn remove(&self, name: &DeviceName) -> Result<bool, DmError> {
        self.take_away(name, Flags::default())
    }

    /// The same, later where it is open: when its last user closes it.
    ///
    /// # Errors
    /// [`DmError::Kernel`].
    pub fn remove_deferred(&self, name: &DeviceName) -> Result<bool, DmError> {
        self.take_away(name, Flags::DEFERRED_REMOVE)
    }

    fn take_away(&self, name: &DeviceName, flags: Flags) -> Result<bool, DmError> {
        let request = Request {
            flags,
            event: HANDS_OFF,
            ..Request::default()
        };
        match self.call(Operation::Remove, Some(name), request) {
            Ok(_) => Ok(true),
            Err(error) if error.errno() == Some(Errno::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives a device another name.
    ///
    /// # Errors
    /// [`Errno::Busy`] where that is taken; [`Errno::NotFound`].
    pub fn rename(&self, name: &DeviceName, to: &DeviceName) -> Result<(), DmError> {
        self.name_anew(name, to.as_str(), Flags::default())
    }

    /// Gives a device that has no uuid one of ours.
    ///
    /// # Errors
    /// [`Errno::Invalid`] where it has one, which stays for ever.
    pub fn set_uuid(&self, name: &DeviceName, uuid: &Uuid) -> Result<(), DmError> {
        self.name_anew(name, uuid.as_str(), Flags::UUID)
    }

    fn name_anew(&self, name: &DeviceName, to: &str, flags: Flags) -> Result<(), DmError> {
        let mut data = to.as_bytes().to_vec();
        data.push(0);
        let request = Request {
            flags,
            event: HANDS_OFF,
            data: &data,
            ..Request::default()
        };
        self.call(Operation::Rename, Some(name), request).map(drop)
    }

    /// The table that counts.
    ///
    /// # Errors
    /// [`Errno::NotFound`], [`DmError::Garbled`].
    pub fn table(&self, name: &DeviceName) -> Result<Vec<Line>, DmError> {
        self.lines(Operation::Table, name, Flags::STATUS_TABLE)
    }

    /// What each target says of itself. Without flushing: asking a full pool to commit first would wait for
    /// what cannot be done.
    ///
    /// # Errors
    /// As [`Control::table`].
    pub fn status(&self, name: &DeviceName) -> Result<Vec<Line>, DmError> {
        self.lines(Operation::Status, name, Flags::NOFLUSH)
    }

    fn lines(
        &self,
        operation: Operation,
        name: &DeviceName,
        flags: Flags,
    ) -> Result<Vec<Line>, DmError> {
        let request = Request {
            flags,
            ..Request::default()
        };
        let answer = self.call(operation, Some(name), request)?;
        answer.table().ok_or_else(|| garbled(operation, Some(name)))
    }

    /// Sends a message to the target at the first sector, and answers what it says, if anything.
    ///
    /// # Errors
    /// What the target makes of it; for the thin pool [`Errno::Exists`], [`Errno::NoData`], [`Errno::Invalid`].
    pub fn message(&self, name: &DeviceName, message: &str) -> Result<Option<String>, DmError> {
        // struct dm_target_msg: the sector, then the text.
        let mut data = 0_u64.to_ne_bytes().to_vec();
        data.extend(message.as_bytes());
        data.push(0);
        let request = Request {
            data: &data,
            ..Request::default()
        };
        let answer = self.call(Operation::Message, Some(name), request)?;
        let said = answer.flags().has(Flags::DATA_OUT);
        Ok(said.then(|| text(answer.data())))
    }

    /// Waits until a device has had more events than this.
    ///
    /// # Errors
    /// [`Errno::NotFound`] when it is removed meanwhile.
    pub fn wait(&self, name: &DeviceName, event: u32) -> Result<Info, DmError> {
        let request = Request {
            event,
            ..Request::default()
        };
        Ok(self.call(Operation::Wait, Some(name), request)?.info())
    }

    /// From now on this is readable once any device has an event.
    ///
    /// # Errors
    /// [`DmError::Kernel`].
    pub fn arm(&self) -> Result<(), DmError> {
        self.call(Operation::Arm, None, Request::default())
            .map(drop)
    }

    /// Whether any device has had an event since [`Control::arm`], waiting at most so long for one.
    #[must_use]
    pub fn has_happened(&self, most: Duration) -> bool {
        let most = Timespec::try_from(most).ok();
        let mut watched = [PollFd::new(&self.file, PollFlags::IN)];
        poll(&mut watched, most.as_ref()).is_ok_and(|ready| ready > 0)
    }

    /// Asks, with as much room as the answer takes.
    pub(super) fn call(
        &self,
        operation: Operation,
        name: Option<&DeviceName>,
        request: Request<'_>,
    ) -> Result<Answer, DmError> {
        let request = Request { name, ..request };
        let device = name.map_or("device-mapper", DeviceName::as_str);
        let mut room = ROOM;
        loop {
            let mut buffer = request.to_bytes(room);
            match ioctl::dm(self.as_fd(), operation.number(), &mut buffer) {
                Err(Raw::INTR) => continue,
                Err(errno) => return Err(DmError::kernel(operation, device, errno)),
                Ok(()) => {}
            }
            let answer = Answer(buffer);
            if !answer.flags().has(Flags::BUFFER_FULL) {
                return Ok(answer);
            }
            room *= 4;
            if room > MOST_ROOM {
                return Err(garbled(operation, name));
            }
        }
    }
}

pub(super) fn garbled(operation: Operation, name: Option<&DeviceName>) -> DmError {
    let device = name.map_or("device-mapper", DeviceName::as_str);
    DmError::Garbled {
        operation,
        device: device.to_owned(),
    }
}

/// The header and the smallest data fit what is asked with first.
const _: () = assert!(HEADER_BYTES < ROOM);
