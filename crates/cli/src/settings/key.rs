//! Every setting there is: its name in a file, its variable and its flag.

use longshore_lifecycle::Limit;

use super::ScanKey;

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Where everything that is kept is kept.
    StateDir,
    /// Short for a source of `s3://`.
    Bucket,
    /// Where images come from.
    Source,
    /// The bucket's region.
    Region,
    /// The S3 server.
    Endpoint,
    /// What volumes are made of.
    Backend,
    /// What becomes of an image's devices.
    Devices,
    /// A setting of scanning.
    Scan(ScanKey),
    /// A limit that images are held to.
    Limit(Limit),
    /// How often a step is tried again.
    MaxRetries,
    /// How many images are brought here at a time.
    ImagesAtOnce,
    /// Bytes of layers that are inflated before their turn.
    InflateAhead,
    /// Virtual size of a volume.
    VolumeSize,
    /// How many times a pool's data the disks of machines may have.
    PoolOvercommit,
}

impl Key {
    /// All of them, in the order they are shown in.
    pub fn all() -> impl Iterator<Item = Self> {
        const OWN: [Key; 12] = [
            Key::StateDir,
            Key::Source,
            Key::Bucket,
            Key::Region,
            Key::Endpoint,
            Key::Backend,
            Key::MaxRetries,
            Key::ImagesAtOnce,
            Key::InflateAhead,
            Key::VolumeSize,
            Key::PoolOvercommit,
            Key::Devices,
        ];
        let scanning = ScanKey::ALL.into_iter().map(Self::Scan);
        (OWN.into_iter())
            .chain(scanning)
            .chain(Limit::ALL.iter().copied().map(Self::Limit))
    }

    /// Its name in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StateDir => "state_dir",
            Self::Bucket => "bucket",
            Self::Source => "source",
            Self::Region => "region",
            Self::Endpoint => "endpoint",
            Self::Backend => "backend",
            Self::Devices => "devices",
            Self::Scan(key) => key.name(),
            Self::Limit(limit) => limit.setting(),
            Self::MaxRetries => "max_retries",
            Self::ImagesAtOnce => "images_at_once",
            Self::InflateAhead => "inflate_ahead",
            Self::VolumeSize => "volume_size",
            Self::PoolOvercommit => "pool_overcommit",
        }
    }

    /// The setting that a file's key names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|key| key.name() == name)
    }

    /// Its variable in the environment.
    #[must_use]
    pub fn variable(self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name().to_ascii_uppercase())
    }

    /// Its flag. Limits have none: they belong to the host, not to one command.
    #[must_use]
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::StateDir => Some("--state-dir"),
            Self::Bucket => Some("--bucket"),
            Self::Source => Some("--source"),
            Self::Region => Some("--region"),
            Self::Endpoint => Some("--endpoint"),
            Self::Backend => Some("--backend"),
            Self::Devices
            | Self::Scan(_)
            | Self::Limit(_)
            | Self::MaxRetries
            | Self::ImagesAtOnce
            | Self::InflateAhead
            | Self::VolumeSize
            | Self::PoolOvercommit => None,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What the environment's settings begin with.
pub(super) const VARIABLE_PREFIX: &str = "LONGSHORE_";

/// Names a file instead of the system's and the user's; not a setting, for no file can have it.
pub(super) const CONFIG_VARIABLE: &str = "LONGSHORE_CONFIG";

/// What tests may set beside the settings without being told that it is unknown.
pub(super) const TEST_PREFIX: &str = "LONGSHORE_TEST_";

/// Names layers of the cage, with commas, that are missing in a test.
pub(super) const CAGE_WITHOUT_VARIABLE: &str = "LONGSHORE_TEST_CAGE_WITHOUT";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_own_name() {
        for key in Key::all() {
            assert_eq!(Key::named(key.name()), Some(key));
        }
        assert_eq!(Key::named("STATE_DIR"), None);
        assert_eq!(
            Key::Limit(Limit::FileBytes).variable(),
            "LONGSHORE_MAX_FILE_SIZE"
        );
    }

    #[test]
    fn every_flag_of_a_setting_exists() {
        let command = crate::args::command();
        let flags: Vec<String> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
            .collect();
        for flag in Key::all().filter_map(Key::flag) {
            assert!(flags.iter().any(|known| known == flag), "{flag} is no flag");
        }
    }
}
