//! `thin_check` and `thin_repair` of thin-provisioning-tools: the judgement of those who know the form best.

use std::{
    io::{self, Read},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::error::PoolError;

/// How long one of them may take: metadata of 16 GiB is read in minutes.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How often it is asked whether it is done.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of what it says that are kept.
const SAID: usize = 4096;

/// What `thin_check` makes of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Nothing is wrong.
    Clean,
    /// Something is, in its words.
    Damaged(String),
}

/// Has metadata checked that nobody writes.
///
/// # Errors
/// [`PoolError::Tool`] where the program is not here.
pub(super) fn check(metadata: &Path) -> Result<Checked, PoolError> {
    let (good, said) = run("thin_check", metadata, &[metadata.as_os_str()])?;
    Ok(match good {
        true => Checked::Clean,
        false => Checked::Damaged(said),
    })
}

/// Takes the mark away that an operation has failed, of metadata that is clean.
pub(super) fn clear_needs_check(metadata: &Path) -> Result<(), PoolError> {
    let flag = "--clear-needs-check-flag".as_ref();
    must("thin_check", metadata, &[flag, metadata.as_os_str()])
}

/// Writes to other metadata what can be found of this.
pub(super) fn repair(from: &Path, to: &Path) -> Result<(), PoolError> {
    let words = [
        "-i".as_ref(),
        from.as_os_str(),
        "-o".as_ref(),
        to.as_os_str(),
    ];
    must("thin_repair", from, &words)
}

fn must(
    program: &'static str,
    metadata: &Path,
    words: &[&std::ffi::OsStr],
) -> Result<(), PoolError> {
    match run(program, metadata, words)? {
        (true, _) => Ok(()),
        (false, said) => Err(PoolError::Tool {
            program,
            path: metadata.to_owned(),
            said,
        }),
    }
}

/// Whether it succeeded, and the last of what it said.
fn run(
    program: &'static str,
    metadata: &Path,
    words: &[&std::ffi::OsStr],
) -> Result<(bool, String), PoolError> {
    let failed = |error: io::Error| PoolError::Tool {
        program,
        path: metadata.to_owned(),
        said: match error.kind() {
            io::ErrorKind::NotFound => {
                "it is not here: it comes with thin-provisioning-tools".to_owned()
            }
            _ => error.to_string(),
        },
    };
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let said = child.stderr.take();
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut said) = said {
            // What cannot be read was not said.
            let _ = said.read_to_end(&mut text);
        }
        text
    });
    let until = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if Instant::now() < until => thread::sleep(PAUSE),
            None => {
                child.kill().map_err(failed)?;
                child.wait().map_err(failed)?;
                return Err(failed(io::ErrorKind::TimedOut.into()));
            }
        }
    };
    let text = reader.join().unwrap_or_default();
    let text = &text[text.len().saturating_sub(SAID)..];
    let text = String::from_utf8_lossy(text).trim().replace('\n', "; ");
    Ok((status.success(), text))
}
