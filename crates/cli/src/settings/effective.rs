//! The settings that count, each with its origin.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use longshore_lifecycle::{DevicePolicy, Endpoint, Limit, Limits, Scanning, SourceUrl};

use crate::{args::BackendName, surroundings::Surroundings};

use super::{
    Key, ScanKey, SettingsError,
    layer::Layer,
    place,
    scanning::scanning,
    value::{self, ValueError},
};

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A setting's value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// All settings that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Where everything that is kept is kept.
    pub state_dir: Setting<PathBuf>,
    /// Where images come from.
    pub source: Setting<SourceUrl>,
    /// The bucket's region.
    pub region: Setting<String>,
    /// The S3 server, where it is not Amazon's.
    pub endpoint: Setting<Option<Endpoint>>,
    /// What volumes are made of.
    pub backend: Setting<BackendName>,
    /// What becomes of an image's devices.
    pub devices: Setting<DevicePolicy>,
    /// The limits that images are held to.
    pub limits: BTreeMap<Limit, Setting<u64>>,
    /// How images are looked into, and what is let through.
    pub scanning: Scanning,
    /// Where each of it comes from.
    pub scanning_origins: BTreeMap<ScanKey, Origin>,
    /// How often a step is tried again after a failure that may pass.
    pub max_retries: Setting<u32>,
    /// How many images are brought here at a time; further ones wait their turn.
    pub images_at_once: Setting<NonZeroUsize>,
    /// Bytes that layers may take in memory that are inflated before their turn.
    pub inflate_ahead: Setting<u64>,
    /// Virtual size of a volume in bytes.
    pub volume_size: Setting<u64>,
    /// How many bytes machines' disks may have for each of the pool; any number where nothing is said.
    pub pool_overcommit: Setting<Option<u64>>,
}

/// The public bucket of ordered layers that longshore was made for.
const DEFAULT_BUCKET: &str = "flyio-platform-hiring-challenge";
const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_RETRIES: u32 = 5;

impl Effective {
    /// Reads the texts that count. Errors: a text that is no value for its setting.
    pub(super) fn of(layer: &Layer, surroundings: &Surroundings) -> Result<Self, SettingsError> {
        let state_dir = state_dir(layer, surroundings)?;
        let (scanning, scanning_origins) = scanning(layer, surroundings, &state_dir.value)?;
        Ok(Self {
            scanning,
            scanning_origins,
            state_dir,
            source: source(layer, surroundings)?,
            region: read(layer, Key::Region, DEFAULT_REGION.to_owned(), value::word)?,
            endpoint: read(layer, Key::Endpoint, None, |text| {
                text.parse().map(Some).map_err(ValueError::from)
            })?,
            backend: read(layer, Key::Backend, BackendName::Auto, |text| {
                BackendName::named(text).ok_or(ValueError::Backend)
            })?,
            devices: read(layer, Key::Devices, DevicePolicy::default(), value::devices)?,
            limits: limits(layer)?,
            max_retries: read(layer, Key::MaxRetries, DEFAULT_RETRIES, value::count)?,
            images_at_once: read(
                layer,
                Key::ImagesAtOnce,
                longshore_lifecycle::DEFAULT_IMAGES_AT_ONCE,
                value::positive_count,
            )?,
            inflate_ahead: read(
                layer,
                Key::InflateAhead,
                longshore_lifecycle::DEFAULT_INFLATE_AHEAD,
                value::any_size,
            )?,
            volume_size: read(
                layer,
                Key::VolumeSize,
                longshore_lifecycle::DEFAULT_VOLUME_SIZE,
                value::volume_size,
            )?,
            pool_overcommit: read(layer, Key::PoolOvercommit, None, value::overcommit)?,
        })
    }
}

/// The limits. What may be read beside the bytes of files (headers, padding, bodies that are not kept)
/// stays as it is, whatever the files may take, unless it is set by itself.
fn limits(layer: &Layer) -> Result<BTreeMap<Limit, Setting<u64>>, SettingsError> {
    let defaults = Limits::default();
    let mut limits = BTreeMap::new();
    for limit in Limit::ALL {
        let key = Key::Limit(*limit);
        let setting = read(layer, key, defaults.get(*limit), |text| {
            value::limit(text, *limit)
        })?;
        limits.insert(*limit, setting);
    }
    let beside_files = defaults.stream_bytes - defaults.image_bytes;
    let files = limits.get(&Limit::ImageBytes).map(|setting| setting.value);
    if let (Some(files), Some(stream)) = (files, limits.get_mut(&Limit::StreamBytes))
        && stream.origin == Origin::Default
    {
        stream.value = files.saturating_add(beside_files);
    }
    Ok(limits)
}

/// One setting: what its text means, or the default.
fn read<T, E>(
    layer: &Layer,
    key: Key,
    default: T,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Setting<T>, SettingsError>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let Some((text, origin)) = layer.get(key) else {
        return Ok(Setting {
            value: default,
            origin: Origin::Default,
        });
    };
    let value = parse(text).map_err(|source| SettingsError::Value {
        key,
        value: text.to_owned(),
        origin: origin.clone(),
        source: Box::new(source),
    })?;
    Ok(Setting {
        value,
        origin: origin.clone(),
    })
}

/// Where images come from: the source if one is named, else the bucket.
fn source(layer: &Layer, surroundings: &Surroundings) -> Result<Setting<SourceUrl>, SettingsError> {
    let default = SourceUrl::Bucket {
        bucket: DEFAULT_BUCKET.to_owned(),
        prefix: None,
    };
    match layer.get(Key::Source) {
        Some((_, origin)) => {
            let directory = directory_for(origin, surroundings);
            read(layer, Key::Source, default, |text| {
                value::source(text, directory)
            })
        }
        None => read(layer, Key::Bucket, default, SourceUrl::bucket),
    }
}

/// Where state is kept.
fn state_dir(
    layer: &Layer,
    surroundings: &Surroundings,
) -> Result<Setting<PathBuf>, SettingsError> {
    let Some((_, origin)) = layer.get(Key::StateDir) else {
        let (value, origin) = place::state_dir(surroundings)?;
        return Ok(Setting { value, origin });
    };
    let directory = directory_for(origin, surroundings);
    read(layer, Key::StateDir, PathBuf::new(), |text| {
        value::path(text, directory)
    })
}

/// What a relative path is relative to. In a file it may not be: files are read from anywhere.
fn directory_for<'a>(origin: &Origin, surroundings: &'a Surroundings) -> Option<&'a Path> {
    match origin {
        Origin::File(_) => None,
        Origin::Default | Origin::Variable(_) | Origin::Flag(_) => Some(&surroundings.directory),
    }
}
