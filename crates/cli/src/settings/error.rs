//! What can be wrong with settings.

use std::path::PathBuf;

use longshore_lifecycle::{Class, Failure};

use super::{Key, Origin};

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file of settings cannot be read.
    #[error("cannot read the settings in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of settings is not TOML.
    #[error("the settings in {} are not TOML", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A file has a key that is no setting.
    #[error("unknown setting {key:?} in {}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The settings it may have meant.
        near: Vec<String>,
    },
    /// The environment has a variable that begins like ours and is none.
    #[error("unknown setting {name} in the environment")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// Those it may have meant.
        near: Vec<String>,
    },
    /// A file has a value of a type that no setting has.
    #[error("{key} in {} is a {kind}; it must be a string or a whole number", path.display())]
    NotAText {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: Key,
        /// The type, in TOML's words.
        kind: &'static str,
    },
    /// A value that is not Unicode.
    #[error("the value of {origin} is not Unicode")]
    NotUnicode {
        /// Where it is.
        origin: Origin,
    },
    /// A value that the setting cannot have.
    #[error("{value:?} is no value for {key} ({origin})")]
    Value {
        /// The setting.
        key: Key,
        /// The text.
        value: String,
        /// Where it is.
        origin: Origin,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One place says in two ways where images come from.
    #[error("{bucket} and {source_origin} both say where images come from")]
    BucketAndSource {
        /// Where the bucket is named.
        bucket: Origin,
        /// Where the source is named.
        source_origin: Origin,
    },
    /// There is no place for the state.
    #[error("there is no home directory to keep the state in")]
    NoHome,
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let mut failure = Failure::new(Class::Usage, "settings", error.to_string());
        if let Some(source) = std::error::Error::source(&error) {
            failure = failure.caused_by(source);
        }
        failure.hint = match &error {
            SettingsError::UnknownKey { near, .. } => Some(meant(near).unwrap_or_else(|| {
                format!(
                    "the settings are {}",
                    Key::all().map(Key::name).collect::<Vec<_>>().join(", ")
                )
            })),
            SettingsError::UnknownVariable { near, .. } => Some(meant(near).unwrap_or_else(|| {
                "variables that begin with LONGSHORE_ are settings; unset it".to_owned()
            })),
            SettingsError::BucketAndSource { .. } => Some("give one of them".to_owned()),
            SettingsError::NoHome => Some("give one with --state-dir".to_owned()),
            _ => None,
        };
        failure
    }
}

/// A question for what may have been meant.
fn meant(near: &[String]) -> Option<String> {
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}
