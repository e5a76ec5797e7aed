//! Settings with their origins, and the files they are read from.

use std::collections::BTreeMap;

use longshore_lifecycle::Unit;
use serde::Serialize;

use crate::settings::{ConfigFile, Effective, Gathered, Key, Origin};

use super::{
    Document, Listed, Page, bytes,
    quantity::harmless,
    table::{Column, table},
};

/// All settings, as `config show` has them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SettingsReport {
    settings: BTreeMap<&'static str, SettingRow>,
    files: Vec<PathRow>,
    #[serde(skip)]
    order: Vec<Key>,
}

#[derive(Debug, Clone, Serialize)]
struct SettingRow {
    value: serde_json::Value,
    origin: String,
    /// The value for eyes, where that is another.
    #[serde(skip)]
    shown: Option<String>,
}

/// A file that settings are read from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PathRow {
    path: String,
    exists: bool,
}

impl From<&ConfigFile> for PathRow {
    fn from(file: &ConfigFile) -> Self {
        Self {
            path: file.path.display().to_string(),
            exists: file.exists,
        }
    }
}

impl From<&Gathered> for SettingsReport {
    fn from(gathered: &Gathered) -> Self {
        let rows: Vec<(Key, SettingRow)> = rows(&gathered.settings);
        Self {
            order: rows.iter().map(|(key, _)| *key).collect(),
            settings: rows
                .into_iter()
                .map(|(key, row)| (key.name(), row))
                .collect(),
            files: gathered.files.iter().map(PathRow::from).collect(),
        }
    }
}

/// Each setting's value and origin. A bucket is shown as the source that it is short for.
fn rows(settings: &Effective) -> Vec<(Key, SettingRow)> {
    let row = |value: serde_json::Value, origin: &Origin| SettingRow {
        value,
        origin: origin.to_string(),
        shown: None,
    };
    let size = |value: u64, origin: &Origin| SettingRow {
        shown: Some(format!("{value} ({})", bytes(value))),
        ..row(value.into(), origin)
    };
    let s = settings;
    let endpoint = s.endpoint.value.as_ref().map(ToString::to_string);
    let own = [
        (
            Key::StateDir,
            row(
                s.state_dir.value.display().to_string().into(),
                &s.state_dir.origin,
            ),
        ),
        (
            Key::Source,
            row(s.source.value.to_string().into(), &s.source.origin),
        ),
        (
            Key::Region,
            row(s.region.value.clone().into(), &s.region.origin),
        ),
        (Key::Endpoint, row(endpoint.into(), &s.endpoint.origin)),
        (
            Key::Backend,
            row(s.backend.value.as_str().into(), &s.backend.origin),
        ),
        (
            Key::MaxRetries,
            row(s.max_retries.value.into(), &s.max_retries.origin),
        ),
        (
            Key::ImagesAtOnce,
            row(
                s.images_at_once.value.get().into(),
                &s.images_at_once.origin,
            ),
        ),
        (
            Key::InflateAhead,
            size(s.inflate_ahead.value, &s.inflate_ahead.origin),
        ),
        (
            Key::VolumeSize,
            size(s.volume_size.value, &s.volume_size.origin),
        ),
        (
            Key::PoolOvercommit,
            row(
                (s.pool_overcommit.value).map_or_else(|| "none".into(), Into::into),
                &s.pool_overcommit.origin,
            ),
        ),
        (
            Key::Devices,
            row(s.devices.value.as_str().into(), &s.devices.origin),
        ),
    ];
    let limits = s.limits.iter().map(|(limit, setting)| {
        let is_long = limit.unit() == Unit::Bytes && setting.value >= 10_000;
        let shown = if is_long {
            size(setting.value, &setting.origin)
        } else {
            row(setting.value.into(), &setting.origin)
        };
        (Key::Limit(*limit), shown)
    });
    let scanning = s.scanning_origins.iter().map(|(key, origin)| {
        let value = key.shown(&s.scanning);
        (Key::Scan(*key), row(value.into(), origin))
    });
    own.into_iter().chain(scanning).chain(limits).collect()
}

impl Document for SettingsReport {
    fn text(&self, page: &Page) -> String {
        let columns = [
            Column::words("SETTING"),
            Column::words("VALUE"),
            Column::words("ORIGIN"),
        ];
        let rows = self.order.iter().filter_map(|key| {
            let row = self.settings.get(key.name())?;
            let value = match (&row.shown, &row.value) {
                (Some(shown), _) => shown.clone(),
                (None, serde_json::Value::String(text)) => harmless(text),
                (None, serde_json::Value::Null) => "-".to_owned(),
                (None, other) => other.to_string(),
            };
            Some(vec![key.to_string(), value, harmless(&row.origin)])
        });
        table(&columns, rows, page.width)
    }

    /// The directory that everything is kept in.
    fn word(&self) -> Option<String> {
        Some(
            self.settings
                .get(Key::StateDir.name())?
                .value
                .as_str()?
                .to_owned(),
        )
    }
}

impl Listed for PathRow {
    fn columns() -> Vec<Column> {
        vec![Column::words("FILE"), Column::words("EXISTS")]
    }

    fn cells(&self, _: &Page) -> Vec<String> {
        vec![
            harmless(&self.path),
            if self.exists { "yes" } else { "no" }.to_owned(),
        ]
    }

    fn word(&self) -> String {
        self.path.clone()
    }
}
