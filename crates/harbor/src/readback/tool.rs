//! Programs that are asked, and what can go wrong with that.

use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Why something could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A file or folder.
    #[error("{what}")]
    Io {
        /// What was attempted, on what.
        what: String,
        #[source]
        source: io::Error,
    },
    /// A program that could not be started or did not end with 0.
    #[error("{command}: {outcome}")]
    Tool {
        /// The command line.
        command: String,
        /// The error, or the exit status with all that was printed.
        outcome: String,
    },
    /// A program printed what is not understood, or an image holds what cannot be compared.
    #[error("{0}")]
    Strange(String),
}

impl Unreadable {
    /// For `map_err`: what was attempted, on which path.
    pub(super) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("cannot {what} {}", path.display());
        move |source| Self::Io { what, source }
    }
}

/// Runs a program to its end, with an English locale and nothing on its standard input.
pub(super) fn run(command: &mut Command) -> Result<Output, Unreadable> {
    let shown = format!("{command:?}");
    let failed = |outcome| Unreadable::Tool {
        command: shown.clone(),
        outcome,
    };
    let output = command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(output);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    Err(failed(format!("{}\n{out}{err}", output.status)))
}

/// Checks an image with `e2fsck -fn`: an error unless it exits with 0, which it does only if it has
/// nothing to say.
pub fn fsck(image: &Path) -> Result<(), Unreadable> {
    run(Command::new("e2fsck").arg("-fn").arg(image)).map(drop)
}
