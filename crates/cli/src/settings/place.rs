//! Where settings and state are kept, unless something says otherwise.

use std::path::PathBuf;

use crate::surroundings::Surroundings;

use super::{Origin, SettingsError};

/// The name of our directories.
const OURS: &str = "longshore";

/// The files that settings are read from, the later wins: the system's, then the user's.
pub(super) fn config_files(surroundings: &Surroundings) -> Vec<PathBuf> {
    let system = surroundings
        .systemd_directory("CONFIGURATION_DIRECTORY")
        .unwrap_or_else(|| PathBuf::from("/etc").join(OURS));
    let user = surroundings
        .user_config
        .as_ref()
        .map(|config| config.join(OURS));
    [Some(system), user]
        .into_iter()
        .flatten()
        .map(|dir| dir.join("config.toml"))
        .collect()
}

/// Where state is kept: where systemd says, else `/var/lib/longshore` for root, else
/// `$XDG_STATE_HOME/longshore` (state in the sense of the XDG base directories: it persists, and
/// belongs to this machine alone).
pub(super) fn state_dir(surroundings: &Surroundings) -> Result<(PathBuf, Origin), SettingsError> {
    if let Some(path) = surroundings.systemd_directory("STATE_DIRECTORY") {
        return Ok((path, Origin::Variable("STATE_DIRECTORY".to_owned())));
    }
    if surroundings.root {
        return Ok((PathBuf::from("/var/lib").join(OURS), Origin::Default));
    }
    let state = surroundings
        .user_state
        .as_ref()
        .ok_or(SettingsError::NoHome)?;
    Ok((state.join(OURS), Origin::Default))
}
