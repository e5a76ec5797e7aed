//! [`program_version`]: what an installed program says that it is.

use std::{io, path::Path, time::Duration};

use crate::process::{Exit, Run, RunError, run};

/// The most that is taken of an answer: a version is a line, and Trivy's a few.
const ANSWER_BYTES: usize = 16 << 10;

/// A program did not say what it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoVersion {
    /// It is not there, or may not be executed.
    #[error("it cannot be started")]
    Start(#[source] io::Error),
    /// It took longer than it may, and was ended.
    #[error("it did not answer in time")]
    TimedOut,
    /// It ended as one that failed, with what it said last.
    #[error("it failed{}{said}", if said.is_empty() { "" } else { ": " })]
    Failed {
        /// The last lines of its standard error.
        said: String,
    },
    /// It answered with nothing, or with what is no text, or with more than a version.
    #[error("its answer is no version")]
    NoAnswer,
    /// The host failed.
    #[error("it cannot be listened to")]
    Host(#[source] io::Error),
}

/// The first line of what a program answers to `argument`, without what a terminal would obey. It is given an
/// empty environment and the root directory, and is ended after `time`.
///
/// # Errors
/// See [`NoVersion`].
pub fn program_version(
    program: &Path,
    argument: &str,
    time: Duration,
) -> Result<String, NoVersion> {
    let ended = run(
        &Run {
            program,
            arguments: vec![argument.into()],
            environment: Vec::new(),
            directory: Path::new("/"),
            time,
            stdout_limit: ANSWER_BYTES,
            output: None,
        },
        &|| false,
    );
    let ended = ended.map_err(|error| match error {
        RunError::Start(error) => NoVersion::Start(error),
        RunError::TimedOut { .. } | RunError::Cancelled => NoVersion::TimedOut,
        RunError::TooMuch { .. } => NoVersion::NoAnswer,
        RunError::Host(error) => NoVersion::Host(error),
    })?;
    if ended.exit != Exit::Code(0) {
        return Err(NoVersion::Failed { said: ended.stderr });
    }
    let text = str::from_utf8(&ended.stdout).map_err(|_| NoVersion::NoAnswer)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.ok_or(NoVersion::NoAnswer)?;
    Ok(line.replace(char::is_control, " "))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn said(script: &str, time: Duration) -> Result<String, NoVersion> {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("program");
        // Written under another name first: what is still open for writing cannot be executed.
        fs::write(dir.path().join("new"), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::rename(dir.path().join("new"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program_version(&program, "-V", time)
    }

    #[test]
    fn a_program_says_what_it_is_or_why_not_is_told() {
        let minute = Duration::from_secs(60);
        assert_eq!(said("echo; echo \"a $1 1.0\"", minute).unwrap(), "a -V 1.0");
        assert_eq!(said("printf 'a\\0331.0'", minute).unwrap(), "a 1.0");
        let failed = said("echo broken >&2; exit 3", minute).unwrap_err();
        assert_eq!(failed.to_string(), "it failed: broken");
        assert!(matches!(said("exit 0", minute), Err(NoVersion::NoAnswer)));
        let endless = said("while :; do echo aaaaaaaaaaaaaaaa; done", minute);
        assert!(matches!(endless, Err(NoVersion::NoAnswer)));
        let slow = said("sleep 600", Duration::from_millis(50));
        assert!(matches!(slow, Err(NoVersion::TimedOut)));
        let absent = program_version(Path::new("/no/such/program"), "-V", minute);
        assert!(matches!(absent, Err(NoVersion::Start(_))));
    }
}
