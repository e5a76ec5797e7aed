//! `struct dm_ioctl`: what every request and answer begins with, as bytes.
//!
//! ```text
//!   0  version[3]      12  data_size    16  data_start   20  target_count
//!  24  open_count      28  flags        32  event_nr     40  dev
//!  48  name[128]      176  uuid[129]   305  (padding to 312)
//! ```

use super::{
    device::{DeviceName, DeviceNumber, Info, Uuid},
    target::Line,
};

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 312;

/// Where the data begins: the header's length, already a multiple of eight.
const DATA_START: u32 = 312;

/// The interface that this speaks: the kernel refuses another major number, and a minor one above its own.
const VERSION: [u32; 3] = [4, 0, 0];

/// What a request asks for, or an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags(pub(super) u32);

impl Flags {
    pub(super) const READ_ONLY: Self = Self(1);
    pub(super) const SUSPEND: Self = Self(1 << 1);
    pub(super) const STATUS_TABLE: Self = Self(1 << 4);
    pub(super) const ACTIVE_PRESENT: Self = Self(1 << 5);
    pub(super) const INACTIVE_PRESENT: Self = Self(1 << 6);
    pub(super) const BUFFER_FULL: Self = Self(1 << 8);
    pub(super) const SKIP_LOCKFS: Self = Self(1 << 10);
    pub(super) const NOFLUSH: Self = Self(1 << 11);
    pub(super) const UUID: Self = Self(1 << 14);
    pub(super) const DATA_OUT: Self = Self(1 << 16);
    pub(super) const DEFERRED_REMOVE: Self = Self(1 << 17);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A request before it is bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Request<'a> {
    pub(super) name: Option<&'a DeviceName>,
    /// Sets it, or finds a device by it where there is no name.
    pub(super) uuid: Option<&'a Uuid>,
    pub(super) flags: Flags,
    /// What udev's rules are told, or the event that is waited past.
    pub(super) event: u32,
    /// How many lines a table has that is loaded.
    pub(super) lines: u32,
    pub(super) data: &'a [u8],
}

impl Request<'_> {
    /// The request with `room` bytes for its data and the answer's.
    pub(super) fn to_bytes(self, room: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES + room.max(self.data.len())];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        for (number, at) in VERSION.into_iter().zip([0, 4, 8]) {
            put(at, &number.to_ne_bytes());
        }
        put(16, &DATA_START.to_ne_bytes());
        put(20, &self.lines.to_ne_bytes());
        put(28, &self.flags.0.to_ne_bytes());
        put(32, &self.event.to_ne_bytes());
        if let Some(name) = self.name {
            put(48, name.as_str().as_bytes());
        }
        if let Some(uuid) = self.uuid {
            put(176, uuid.as_str().as_bytes());
        }
        put(HEADER_BYTES, self.data);
        bytes
    }
}

/// An answer: the buffer that the kernel has written.
#[derive(Debug)]
pub(super) struct Answer(pub(super) Vec<u8>);

impl Answer {
    fn u32(&self, at: usize) -> u32 {
        let field = self.0.get(at..).and_then(<[u8]>::first_chunk);
        field.copied().map_or(0, u32::from_ne_bytes)
    }

    pub(super) fn flags(&self) -> Flags {
        Flags(self.u32(28))
    }

    pub(super) fn version(&self) -> [u32; 3] {
        [self.u32(0), self.u32(4), self.u32(8)]
    }

    pub(super) fn name(&self) -> String {
        self.text(48, 128)
    }

    /// Lines of the table that is told of.
    pub(super) fn lines(&self) -> u32 {
        self.u32(20)
    }

    pub(super) fn info(&self) -> Info {
        let flags = self.flags();
        let dev = self.0.get(40..).and_then(<[u8]>::first_chunk);
        let dev = dev.copied().map_or(0, u64::from_ne_bytes);
        Info {
            number: DeviceNumber::from_kernel(dev),
            uuid: Uuid::found(&self.text(176, 129)),
            opened: self.u32(24),
            event: self.u32(32),
            suspended: flags.has(Flags::SUSPEND),
            read_only: flags.has(Flags::READ_ONLY),
            has_table: flags.has(Flags::ACTIVE_PRESENT),
            has_new_table: flags.has(Flags::INACTIVE_PRESENT),
            is_going: flags.has(Flags::DEFERRED_REMOVE),
        }
    }

    /// What follows the header.
    pub(super) fn data(&self) -> &[u8] {
        let start = usize::try_from(self.u32(16)).unwrap_or(usize::MAX);
        let end = usize::try_from(self.u32(12)).unwrap_or(usize::MAX);
        self.0.get(start..end.min(self.0.len())).unwrap_or_default()
    }

    /// The lines of a table or of its status.
    pub(super) fn table(&self) -> Option<Vec<Line>> {
        Line::read_all(self.data(), self.lines())
    }

    fn text(&self, at: usize, most: usize) -> String {
        let field = self.0.get(at..at + most).unwrap_or_default();
        text(field)
    }
}

/// A text that ends at its first NUL.
pub(super) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&field[..end.unwrap_or(field.len())]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_laid_out_as_the_header_says() {
        let name = DeviceName::new("longshore-pool").unwrap();
        let uuid = Uuid::ours("pool").unwrap();
        let request = Request {
            name: Some(&name),
            uuid: Some(&uuid),
            flags: Flags::SUSPEND.and(Flags::NOFLUSH),
            event: 7,
            lines: 2,
            data: b"data",
        };
        let bytes = request.to_bytes(100);
        assert_eq!(bytes.len(), HEADER_BYTES + 100);
        let answer = Answer(bytes);
        assert_eq!(answer.version(), [4, 0, 0]);
        assert_eq!(answer.flags(), Flags(2 | 1 << 11));
        assert_eq!(answer.lines(), 2);
        assert_eq!(answer.text(48, 128), "longshore-pool");
        assert_eq!(answer.text(176, 129), "LONGSHORE-pool");
        assert_eq!(&answer.0[HEADER_BYTES..HEADER_BYTES + 5], b"data\0");
        assert_eq!(answer.info().event, 7);
        assert!(answer.info().suspended && !answer.info().has_table);
    }

    #[test]
    fn an_answer_that_points_outside_of_itself_has_no_data() {
        let mut bytes = Request::default().to_bytes(64);
        assert_eq!(Answer(bytes.clone()).data(), b"");
        bytes[12..16].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(Answer(bytes.clone()).data().len(), 64);
        bytes[16..20].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(Answer(bytes).data(), b"");
        assert_eq!(Answer(Vec::new()).info().event, 0);
    }
}
