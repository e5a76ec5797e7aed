//! `thin_check` and `thin_repair` of thin-provisioning-tools: the judgement of those who know the form best.

use std::{
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::error::PoolError;
use crate::dm::SECTOR;

/// How long one of them may take: metadata of 16 GiB is read in minutes.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
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

/// What a pool was, by whoever has it written down elsewhere than in its first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remembered {
    /// The transaction id.
    pub(super) transaction: u64,
    /// Bytes of a block of data.
    pub(super) block: u64,
    /// Blocks of data that there are.
    pub(super) data_blocks: u64,
}

/// Writes to other metadata what can be found of this. What its first block has said is taken from `remembered`, where
/// that block cannot be used.
pub(super) fn repair(
    from: &Path,
    to: &Path,
    remembered: Option<Remembered>,
) -> Result<(), PoolError> {
    let words = [
        "-i".as_ref(),
        from.as_os_str(),
        "-o".as_ref(),
        to.as_os_str(),
    ];
    let told = remembered.map(Remembered::words).unwrap_or_default();
    let told = told.iter().map(AsRef::as_ref);
    let words: Vec<_> = told.chain(words).collect();
    must("thin_repair", from, &words)
}

impl Remembered {
    /// As thin_repair(8) is told: blocks are counted in sectors.
    fn words(self) -> Vec<String> {
        let sectors = self.block / SECTOR;
        vec![
            format!("--transaction-id={}", self.transaction),
            format!("--data-block-size={sectors}"),
            format!("--nr-data-blocks={}", self.data_blocks),
        ]
    }
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
    if !ends_in(&child, PATIENCE).map_err(failed)? {
        child.kill().map_err(failed)?;
        child.wait().map_err(failed)?;
        return Err(failed(io::ErrorKind::TimedOut.into()));
    }
    let status = child.wait().map_err(failed)?;
    let text = reader.join().unwrap_or_default();
    let text = &text[text.len().saturating_sub(SAID)..];
    let text = String::from_utf8_lossy(text).trim().replace('\n', "; ");
    Ok((status.success(), text))
}

/// Waits for a child's end, at most so long.
fn ends_in(child: &Child, most: Duration) -> io::Result<bool> {
    let ended = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let most = Timespec::try_from(most).map_err(io::Error::other)?;
    let mut watched = [PollFd::new(&ended, PollFlags::IN)];
    loop {
        match poll(&mut watched, Some(&most)) {
            Err(Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_not_waited_for() {
        let sleeps = |seconds: &str| Command::new("sleep").arg(seconds).spawn().unwrap();
        let mut long = sleeps("600");
        assert!(!ends_in(&long, Duration::from_millis(10)).unwrap());
        long.kill().unwrap();
        assert!(ends_in(&long, PATIENCE).unwrap());
        long.wait().unwrap();
    }

    #[test]
    fn what_it_says_last_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let script = "for n in $(seq 2000); do echo line $n >&2; done; exit 3";
        let words: Vec<&std::ffi::OsStr> = vec!["-c".as_ref(), script.as_ref()];
        let (good, said) = run("sh", dir.path(), &words).unwrap();
        assert!(!good && said.ends_with("; line 2000") && said.len() < 2 * SAID);
        let none = run("there-is-no-such-program", dir.path(), &[]).unwrap_err();
        assert!(
            none.to_string().contains("thin-provisioning-tools"),
            "{none}"
        );
    }
}
