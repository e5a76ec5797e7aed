//! From the settings that count to what a host is opened with.

use longshore_lifecycle::{BackendChoice, Limits, Settings, SourceConfig};

use crate::args::{BackendName, Global};

use super::Effective;

impl Effective {
    /// What a host is opened with. `purpose` is what others who wait for it are told.
    #[must_use]
    pub fn host(&self, flags: &Global, purpose: &str) -> Settings {
        Settings {
            state_dir: self.state_dir.value.clone(),
            source: self.source_config(),
            backend: match self.backend.value {
                BackendName::Auto => BackendChoice::Auto,
                BackendName::File => BackendChoice::File,
                BackendName::Simulated => BackendChoice::Simulated,
            },
            limits: self.limits(),
            volume_size: self.volume_size.value,
            max_retries: self.max_retries.value,
            images_at_once: self.images_at_once.value,
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

    /// The limits. What may be read beside the bytes of files (headers, padding, bodies that are not
    /// kept) stays as it is, whatever the files may take.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        let beside_files = limits.stream_bytes.saturating_sub(limits.image_bytes);
        limits.file_bytes = self.max_file_size.value;
        limits.image_bytes = self.max_total_size.value;
        limits.stream_bytes = limits.image_bytes.saturating_add(beside_files);
        limits.ratio = self.max_compression_ratio.value;
        limits
    }
}
