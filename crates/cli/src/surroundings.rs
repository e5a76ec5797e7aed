//! What a command finds around it when it starts: a value, so that everything else is a function of
//! its arguments and can be tested without changing the process.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::IsTerminal,
    path::PathBuf,
};

use etcetera::{BaseStrategy, base_strategy::Xdg};

/// What a command finds around it when it starts.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Who gives the command, for records of what was let through: by name where that is known.
    pub user: String,
    /// The environment's variables.
    pub variables: BTreeMap<OsString, OsString>,
    /// The directory that relative paths begin at.
    pub directory: PathBuf,
    /// Whether the system's directories are to be used, not the user's.
    pub root: bool,
    /// Where the user's programs keep their configuration, if there is such a place.
    pub user_config: Option<PathBuf>,
    /// Where the user's programs keep their state, if there is such a place.
    pub user_state: Option<PathBuf>,
    /// Columns of the terminal that results go to, if they go to one.
    pub output_width: Option<u16>,
    /// Whether progress and errors go to a terminal.
    pub messages_to_terminal: bool,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let user = Xdg::new().ok();
        Self {
            user: user_name(),
            variables: std::env::vars_os().collect(),
            directory: std::env::current_dir().unwrap_or_default(),
            root: rustix::process::geteuid().is_root(),
            user_config: user.as_ref().map(BaseStrategy::config_dir),
            user_state: user.as_ref().and_then(BaseStrategy::state_dir),
            output_width: output_width(),
            messages_to_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable that is set to something.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|v| !v.is_empty())
    }

    /// The first directory of a list that systemd hands to a service (`systemd.exec(5)`,
    /// `STATE_DIRECTORY` and its like: separated by colons).
    #[must_use]
    pub fn systemd_directory(&self, name: &str) -> Option<PathBuf> {
        let list = self.variable(name)?;
        std::env::split_paths(list)
            .next()
            .filter(|first| first.is_absolute())
    }
}

/// Who gives this command. sudo says on whose behalf; a name without that is one that anybody could set, so
/// the number stands beside it.
fn user_name() -> String {
    let number = rustix::process::getuid().as_raw();
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match named("SUDO_USER").or_else(|| named("USER")) {
        Some(name) => format!("{name} (uid {number})"),
        None => format!("uid {number}"),
    }
}

/// Columns of the terminal on standard output; nothing where it is none or does not tell.
fn output_width() -> Option<u16> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}
