//! From the settings that count to what a host is opened with.

use longshore_lifecycle::{BackendChoice, Limits, Scanning, Settings, SourceConfig};

use crate::args::{BackendName, Global};

use super::Effective;

impl Effective {
    /// What a host is opened with. `user` is who gives this command, and `purpose` what others who wait for
    /// it are told.
    #[must_use]
    pub fn host(&self, flags: &Global, user: &str, purpose: &str) -> Settings {
        Settings {
            state_dir: self.state_dir.value.clone(),
            source: self.source_config(),
            backend: match self.backend.value {
                BackendName::Auto => BackendChoice::Auto,
                BackendName::File => BackendChoice::File,
                BackendName::Thin => BackendChoice::Thin,
                BackendName::Simulated => BackendChoice::Simulated,
            },
            limits: self.limits(),
            volume_size: self.volume_size.value,
            max_retries: self.max_retries.value,
            images_at_once: self.images_at_once.value,
            pool_overcommit: self.pool_overcommit.value,
            inflate_ahead: self.inflate_ahead.value,
            scanning: Scanning {
                user: user.to_owned(),
                ..self.scanning.clone()
            },
            offline: flags.offline,
            wait: flags.wait(),
            purpose: purpose.to_owned(),
        }
    }

    fn source_config(&self) -> SourceConfig {
        SourceConfig {
            region: self.region.value.clone(),
            endpoint: self.endpoint.value.clone(),
            max_retries: self.max_retries.value,
            ..SourceConfig::new(self.source.value.clone())
        }
    }

    /// The limits, and what becomes of devices.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (limit, setting) in &self.limits {
            let is_set = limits.set(*limit, setting.value);
            debug_assert!(is_set, "a setting was read within its bounds");
        }
        limits.devices = self.devices.value;
        limits
    }
}
