//! Every limit on what an image may ask for, in one place, each with its reason.
//!
//! The defaults let every real image pass that we know of. All of them can be set, within bounds that
//! ext4 or memory gives; a name and bounds for each stand beside it. What goes over a limit is
//! [`Rejected`](crate::Rejected) at once, before what is too much is written.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What becomes of an image's character and block devices. On a disk they are an inode; in a guest
/// they lead to whatever the guest has under that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DevicePolicy {
    /// They are kept, and listed in the report.
    #[default]
    Keep,
    /// The image has none: each is left out as if its layer did not have it, and counted.
    Drop,
    /// A layer that has one is rejected.
    Reject,
}

impl DevicePolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Keep, Self::Drop, Self::Reject];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Reject => "reject",
        }
    }
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

/// A type that limits have.
trait Amount: Sized {
    fn of(value: u64) -> Option<Self>;
    fn value(self) -> u64;
}

impl Amount for u64 {
    fn of(value: u64) -> Option<Self> {
        Some(value)
    }

    fn value(self) -> u64 {
        self
    }
}

impl Amount for NonZeroU64 {
    fn of(value: u64) -> Option<Self> {
        Self::new(value)
    }

    fn value(self) -> u64 {
        self.get()
    }
}

impl Amount for u32 {
    fn of(value: u64) -> Option<Self> {
        value.try_into().ok()
    }

    fn value(self) -> u64 {
        self.into()
    }
}

impl Amount for usize {
    fn of(value: u64) -> Option<Self> {
        value.try_into().ok()
    }

    fn value(self) -> u64 {
        self.try_into().unwrap_or(u64::MAX)
    }
}

/// A field with its default; then its name among [`Limit`], that of its setting, its unit and its
/// bounds.
macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr,
        $variant:ident $setting:literal $unit:ident $bounds:expr;)+) => {
        /// The limits that [`apply`](crate::apply()) holds a layer to.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $field: $type,)+
            /// What becomes of devices.
            pub devices: DevicePolicy,
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)+ devices: DevicePolicy::default() }
            }
        }

        /// One of the [`Limits`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Limit {
            $(#[doc = concat!("[`Limits::", stringify!($field), "`]")] $variant,)+
        }

        impl Limit {
            /// All of them, in the order of this page.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name as a setting.
            pub const fn setting(self) -> &'static str {
                match self { $(Self::$variant => $setting,)+ }
            }

            /// What it counts.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)+ }
            }

            /// What it may be set to.
            pub const fn bounds(self) -> RangeInclusive<u64> {
                match self { $(Self::$variant => $bounds,)+ }
            }
        }

        impl Limits {
            /// What a limit is.
            pub fn get(&self, limit: Limit) -> u64 {
                match limit { $(Limit::$variant => self.$field.value(),)+ }
            }

            /// Sets a limit; false, and nothing is changed, if that is out of its bounds.
            #[must_use]
            pub fn set(&mut self, limit: Limit, value: u64) -> bool {
                if !limit.bounds().contains(&value) {
                    return false;
                }
                match limit {
                    $(Limit::$variant => match Amount::of(value) {
                        Some(value) => self.$field = value,
                        None => return false,
                    },)+
                }
                true
            }
        }
    };
}

limits! {
    /// Bytes of one file, its holes included (2 GiB): the largest files of real images are database
    /// logs and model weights, and one entry must not fill a disk.
    file_bytes: u64 = 2 * GIB, FileBytes "max_file_size" Bytes 1..=u64::MAX;
    /// Bytes of all files of an image, holes included, over all its layers (20 GiB). Files that a
    /// higher layer replaces count: they were written.
    image_bytes: u64 = 20 * GIB, ImageBytes "max_total_size" Bytes 1..=u64::MAX;
    /// Bytes of the uncompressed archives of an image together (28 GiB): the files at their limit and
    /// 4 KiB of headers for every entry at its limit. It bounds what is only read: extended headers,
    /// bodies that are not kept, padding.
    stream_bytes: u64 = 28 * GIB, StreamBytes "max_stream_size" Bytes 1..=u64::MAX;
    /// Uncompressed bytes for one stored byte (100): honest layers stay below 30, and deflate cannot
    /// pass 1,032.
    ratio: NonZeroU64 = NonZeroU64::new(100).expect("100 is not zero"), Ratio "max_compression_ratio" Count 1..=u64::MAX;
    /// Uncompressed bytes of one layer from which on the ratio counts (1 GiB): honest layers with a
    /// sparse lastlog or empty database logs pass it while they are small.
    ratio_from_bytes: u64 = GIB, RatioFromBytes "compression_ratio_from" Bytes 0..=u64::MAX;
    /// The window of a zstd frame, as a power of two (27: 128 MiB): what `zstd --ultra --long` makes
    /// at most without a flag of its reader. It is memory that the decoder takes.
    zstd_window_log: u32 = 27, ZstdWindowLog "max_zstd_window_log" Count 10..=31;
    /// Entries of all archives of an image, and inodes made of them (2,000,000): the largest real
    /// images have about 800,000. It bounds memory, about 350 bytes an entry.
    entries: u64 = 2_000_000, Entries "max_entries" Count 1..=4_000_000_000;
    /// Layers of an image (127): what Docker's overlay2 driver stacks at most.
    layers: u32 = 127, Layers "max_layers" Count 1..=10_000;
    /// Bytes of a path in an archive (4,096): Linux's `PATH_MAX`.
    path_bytes: usize = 4_096, PathBytes "max_path_bytes" Bytes 1..=MIB;
    /// Bytes of one component of a path (255): ext4's and Linux's `NAME_MAX`.
    component_bytes: usize = 255, ComponentBytes "max_component_bytes" Bytes 1..=255;
    /// Components of a path, as written and as resolved (256): deeper trees are made to break
    /// whatever walks them.
    depth: usize = 256, Depth "max_depth" Count 1..=4_096;
    /// Bytes of a symlink's target (4,095): `PATH_MAX` without its terminating NUL.
    symlink_bytes: usize = 4_095, SymlinkBytes "max_symlink_bytes" Bytes 1..=4_095;
    /// Symlinks followed for one path (40): Linux's `MAXSYMLINKS`.
    hops: u32 = 40, Hops "max_symlink_hops" Count 0..=1_000;
    /// Components looked at for one path, those of its symlinks' targets included (4,096): without
    /// it 40 hops through targets of 2,000 components each would cost 80,000 look-ups an entry.
    steps: u32 = 4_096, Steps "max_path_steps" Count 1..=1_000_000;
    /// Names of one inode (65,000): ext4's `EXT4_LINK_MAX`.
    links: u32 = 65_000, Links "max_hard_links" Count 1..=65_000;
    /// Extended attributes of one entry (256): real files have at most a handful.
    xattrs: usize = 256, Xattrs "max_xattrs" Count 0..=4_096;
    /// Bytes that the extended attributes of one entry may take as ext4 stores them (4,064): one
    /// block of 4 KiB without its header.
    xattr_bytes: usize = 4_064, XattrBytes "max_xattr_bytes" Bytes 0..=4_064;
    /// Bytes of extended headers (PAX records, GNU long names) before one entry (1 MiB): as much as
    /// Go reads since CVE-2022-2879.
    extension_bytes: u64 = MIB, ExtensionBytes "max_extension_bytes" Bytes 512..=GIB;
    /// Bytes of the map of a sparse file (1 MiB).
    sparse_map_bytes: u64 = MIB, SparseMapBytes "max_sparse_map_bytes" Bytes 512..=GIB;
    /// Times that one path other than a directory's may occur in one layer (1,000): broken writers
    /// repeat a file a few times; more is made to cost time.
    duplicates: u32 = 1_000, Duplicates "max_duplicates" Count 0..=4_000_000_000;
    /// Names that each list in a layer's report may hold (1,000); what is beyond it is counted.
    listed: usize = 1_000, Listed "max_listed" Count 0..=1_000_000;
}

/// Limits as they are written: each by the name of its setting.
#[derive(Serialize, Deserialize)]
struct Written {
    devices: DevicePolicy,
    #[serde(flatten)]
    limits: BTreeMap<String, u64>,
}

impl Serialize for Limits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let limits = Limit::ALL.iter();
        let limits = limits.map(|&limit| (limit.setting().to_owned(), self.get(limit)));
        let written = Written {
            devices: self.devices,
            limits: limits.collect(),
        };
        written.serialize(serializer)
    }
}

/// Every limit has to be there, within its bounds, and nothing else.
impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut written = Written::deserialize(deserializer)?;
        let mut limits = Self {
            devices: written.devices,
            ..Self::default()
        };
        for &limit in Limit::ALL {
            let value = written.limits.remove(limit.setting());
            let value = value.ok_or_else(|| de::Error::missing_field(limit.setting()))?;
            if !limits.set(limit, value) {
                let name = limit.setting();
                return Err(de::Error::custom(format!("{name} cannot be {value}")));
            }
        }
        match written.limits.keys().next() {
            None => Ok(limits),
            Some(name) => Err(de::Error::custom(format!("there is no limit {name}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written_and_none_is_missing_or_made_up() {
        let mut limits = Limits {
            devices: DevicePolicy::Drop,
            ..Limits::default()
        };
        assert!(limits.set(Limit::Depth, 7) && limits.set(Limit::Ratio, 11));
        let written = serde_json::to_value(&limits).unwrap();
        let read = |value| serde_json::from_value::<Limits>(value);
        assert_eq!(read(written.clone()).unwrap(), limits);
        let changed = |change: fn(&mut serde_json::Map<String, serde_json::Value>)| {
            let mut changed = written.clone();
            change(changed.as_object_mut().unwrap());
            read(changed)
        };
        assert!(changed(|limits| drop(limits.remove("max_depth"))).is_err());
        assert!(changed(|limits| drop(limits.insert("max_deep".into(), 7.into()))).is_err());
        assert!(changed(|limits| drop(limits.insert("max_depth".into(), 0.into()))).is_err());
    }

    #[test]
    fn every_default_is_within_its_bounds_and_can_be_set() {
        for limit in Limit::ALL {
            let mut limits = Limits::default();
            let bounds = limit.bounds();
            assert!(bounds.contains(&limits.get(*limit)), "{limit:?}");
            for value in [*bounds.start(), *bounds.end()] {
                // Where memory is smaller than the bounds are.
                if limits.set(*limit, value) {
                    assert_eq!(limits.get(*limit), value, "{limit:?}");
                }
            }
            let before = limits.clone();
            let outside = bounds
                .start()
                .checked_sub(1)
                .or(bounds.end().checked_add(1));
            if let Some(outside) = outside {
                assert!(!limits.set(*limit, outside), "{limit:?}");
            }
            assert_eq!(limits, before);
        }
    }
}
