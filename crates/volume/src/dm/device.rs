//! What a device is called, and what is known of it.

use std::fmt;

/// The longest name (`DM_NAME_LEN`) and uuid (`DM_UUID_LEN`) without their NUL.
const LONGEST_NAME: usize = 127;
const LONGEST_UUID: usize = 128;

/// What the uuid of every device of ours begins with: nothing else is ever touched.
const OURS: &str = "LONGSHORE-";

/// The name of a device, also below `/dev/mapper`: 1 to 127 of `a-z A-Z 0-9 . _ + -`, not beginning with `.` or
/// `-`. The kernel takes more than that; a name of ours needs no escaping anywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceName(String);

impl DeviceName {
    /// The name with this text; `None` for any other text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        let good = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with(['.', '-'])
            // The node of device-mapper itself.
            && text != "control";
        good.then_some(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The uuid of a device: what stays when it is renamed, and what says whose it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(String);

impl Uuid {
    /// One of ours, `LONGSHORE-` and this; `None` where that is longer than 128 bytes or has other letters than
    /// a name may have.
    #[must_use]
    pub fn ours(rest: &str) -> Option<Self> {
        let text = format!("{OURS}{rest}");
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        let good = text.len() <= LONGEST_UUID && !rest.is_empty() && text.bytes().all(allowed);
        good.then_some(Self(text))
    }

    /// One that a device has.
    pub(super) fn found(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.0.starts_with(OURS)
    }

    /// What follows `LONGSHORE-` in one of ours.
    #[must_use]
    pub fn rest(&self) -> Option<&str> {
        self.0.strip_prefix(OURS)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceNumber {
    /// The driver's.
    pub major: u32,
    /// The device's of that driver.
    pub minor: u32,
}

impl DeviceNumber {
    /// From `huge_encode_dev`: as glibc's `dev_t` where both are small enough, which they are here.
    pub(super) fn from_kernel(dev: u64) -> Self {
        Self {
            major: rustix::fs::major(dev),
            minor: rustix::fs::minor(dev),
        }
    }
}

/// As a table names a device.
impl fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// What is known of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its number.
    pub number: DeviceNumber,
    /// Its uuid, where it has one.
    pub uuid: Option<Uuid>,
    /// How often it is open: by programs, mounts, and devices on top of it.
    pub opened: u32,
    /// How many events there have been.
    pub event: u32,
    /// Whether it waits, and everything that is written to it with it.
    pub suspended: bool,
    /// Whether it can only be read.
    pub read_only: bool,
    /// Whether it has a table that counts.
    pub has_table: bool,
    /// Whether one is loaded that will count when it is resumed.
    pub has_new_table: bool,
    /// Whether it will go when its last user closes it.
    pub is_going: bool,
}

/// A device in a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its name, which may be none of ours.
    pub name: String,
    /// Its number.
    pub number: DeviceNumber,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_need_no_escaping_and_are_not_the_control_node() {
        for good in [
            "a",
            "longshore-images-golang",
            "A.b_c+d-9",
            &"x".repeat(127),
        ] {
            assert!(DeviceName::new(good).is_some(), "{good}");
        }
        for bad in [
            "",
            ".",
            "-a",
            "control",
            "a/b",
            "a b",
            "a\0",
            "é",
            &"x".repeat(128),
        ] {
            assert!(DeviceName::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn ours_have_the_prefix_and_others_do_not() {
        let uuid = Uuid::ours("pool-7").unwrap();
        assert_eq!(uuid.as_str(), "LONGSHORE-pool-7");
        assert!(uuid.is_ours());
        assert_eq!(uuid.rest(), Some("pool-7"));
        assert!(!Uuid::found("LVM-abc").unwrap().is_ours());
        assert_eq!(Uuid::found(""), None);
        assert_eq!(Uuid::ours(""), None);
        assert_eq!(Uuid::ours(&"x".repeat(119)), None);
        assert_eq!(Uuid::ours("a b"), None);
    }
}
