//! One layer: the settings that one place has, as texts.

use std::{collections::BTreeMap, path::Path};

use crate::{args::Global, surroundings::Surroundings};

use super::{
    Key, Origin, SettingsError,
    key::{CONFIG_VARIABLE, TEST_PREFIX, VARIABLE_PREFIX},
    near::near,
};

/// The settings that one place has.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer(BTreeMap<Key, (String, Origin)>);

impl Layer {
    /// What a file says. Errors: a text that is no TOML, an unknown key, a value that is neither a
    /// string, nor a whole number, nor true or false.
    pub(super) fn of_file(path: &Path, text: &str) -> Result<Self, SettingsError> {
        let table: toml::Table = text.parse().map_err(|source| SettingsError::Syntax {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let mut layer = Self::default();
        for (name, value) in table {
            let key = Key::named(&name).ok_or_else(|| SettingsError::UnknownKey {
                path: path.to_owned(),
                near: near(&name, Key::all().map(Key::name)),
                key: name.clone(),
            })?;
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(is_so) => is_so.to_string(),
                other => {
                    return Err(SettingsError::NotAText {
                        path: path.to_owned(),
                        key,
                        kind: other.type_str(),
                    });
                }
            };
            layer.0.insert(key, (text, Origin::File(path.to_owned())));
        }
        layer.of_one_mind()
    }

    /// What the environment says. A variable that is empty counts as not set. Errors: an unknown
    /// variable that begins like ours, a value that is not Unicode.
    pub(super) fn of_environment(surroundings: &Surroundings) -> Result<Self, SettingsError> {
        let known: BTreeMap<String, Key> = Key::all().map(|key| (key.variable(), key)).collect();
        let mut layer = Self::default();
        for (name, value) in &surroundings.variables {
            let Some(name) = name
                .to_str()
                .filter(|name| name.starts_with(VARIABLE_PREFIX))
            else {
                continue;
            };
            if name.starts_with(TEST_PREFIX) || name == CONFIG_VARIABLE || value.is_empty() {
                continue;
            }
            let key = *known
                .get(name)
                .ok_or_else(|| SettingsError::UnknownVariable {
                    name: name.to_owned(),
                    near: near(
                        name,
                        known.keys().map(String::as_str).chain([CONFIG_VARIABLE]),
                    ),
                })?;
            let text = value.to_str().ok_or_else(|| SettingsError::NotUnicode {
                origin: Origin::Variable(name.to_owned()),
            })?;
            layer
                .0
                .insert(key, (text.to_owned(), Origin::Variable(name.to_owned())));
        }
        layer.of_one_mind()
    }

    /// What the flags say. Errors: a path that is not Unicode, `--bucket` beside `--source`.
    pub(super) fn of_flags(flags: &Global) -> Result<Self, SettingsError> {
        let state_dir = match &flags.state_dir {
            None => None,
            Some(path) => Some(path.to_str().map(str::to_owned).ok_or(
                SettingsError::NotUnicode {
                    origin: Origin::Flag("--state-dir"),
                },
            )?),
        };
        let given = [
            (Key::StateDir, state_dir),
            (Key::Bucket, flags.bucket.clone()),
            (Key::Source, flags.source.clone()),
            (Key::Region, flags.region.clone()),
            (Key::Endpoint, flags.endpoint.clone()),
            (
                Key::Backend,
                flags.backend.map(|backend| backend.as_str().to_owned()),
            ),
        ];
        let mut layer = Self::default();
        for (key, text) in given {
            if let (Some(text), Some(flag)) = (text, key.flag()) {
                layer.0.insert(key, (text, Origin::Flag(flag)));
            }
        }
        layer.of_one_mind()
    }

    /// Lays another one over this one. A bucket and a source are two ways to say where images come
    /// from: the one that is laid over takes the place of the other.
    pub(super) fn covered_by(mut self, above: Self) -> Self {
        if above.0.contains_key(&Key::Bucket) || above.0.contains_key(&Key::Source) {
            self.0.remove(&Key::Bucket);
            self.0.remove(&Key::Source);
        }
        self.0.extend(above.0);
        self
    }

    /// A setting's text and origin.
    pub(super) fn get(&self, key: Key) -> Option<(&str, &Origin)> {
        self.0
            .get(&key)
            .map(|(text, origin)| (text.as_str(), origin))
    }

    /// Every setting, with its text and origin.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Key, &str, &Origin)> {
        (self.0.iter()).map(|(key, (text, origin))| (*key, text.as_str(), origin))
    }

    /// This layer, unless it says in two ways where images come from.
    fn of_one_mind(self) -> Result<Self, SettingsError> {
        match (self.get(Key::Bucket), self.get(Key::Source)) {
            (Some((_, bucket)), Some((_, source))) => Err(SettingsError::BucketAndSource {
                bucket: bucket.clone(),
                source_origin: source.clone(),
            }),
            _ => Ok(self),
        }
    }
}
