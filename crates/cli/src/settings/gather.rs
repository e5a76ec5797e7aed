//! Collects the layers: the only part of the settings that reads files.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{args::Global, surroundings::Surroundings};

use super::{Effective, SettingsError, key::CONFIG_VARIABLE, layer::Layer, place::config_files};

/// A file that settings are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is there.
    pub exists: bool,
}

/// The settings, and the files that were looked at.
#[derive(Debug, Clone)]
pub struct Gathered {
    /// The settings that count.
    pub settings: Effective,
    /// The files, the later wins.
    pub files: Vec<ConfigFile>,
}

/// Reads all layers and lays them over each other. Errors: see [`SettingsError`]; a file that was
/// asked for must be there, the system's and the user's need not.
pub fn gather(surroundings: &Surroundings, flags: &Global) -> Result<Gathered, SettingsError> {
    let (paths, asked_for) = which_files(surroundings, flags);
    let mut all = Layer::default();
    let mut files = Vec::new();
    for path in paths {
        let text = read(&path, asked_for)?;
        files.push(ConfigFile {
            exists: text.is_some(),
            path: path.clone(),
        });
        if let Some(text) = text {
            all = all.covered_by(Layer::of_file(&path, &text)?);
        }
    }
    all = all.covered_by(Layer::of_environment(surroundings)?);
    all = all.covered_by(Layer::of_flags(flags)?);
    Ok(Gathered {
        settings: Effective::of(&all, surroundings)?,
        files,
    })
}

/// The files to read, and whether somebody asked for them by name.
pub(crate) fn which_files(surroundings: &Surroundings, flags: &Global) -> (Vec<PathBuf>, bool) {
    let named = flags
        .config
        .clone()
        .or_else(|| surroundings.variable(CONFIG_VARIABLE).map(PathBuf::from));
    match named {
        Some(path) => (vec![surroundings.directory.join(path)], true),
        None => (config_files(surroundings), false),
    }
}

/// A file's text; nothing where it is not there and need not be.
pub(super) fn read(path: &Path, must_exist: bool) -> Result<Option<String>, SettingsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error)
            if !must_exist
                && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(source) => Err(SettingsError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}
