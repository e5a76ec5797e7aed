//! Programs of others: `thin_check` and `thin_repair` of thin-provisioning-tools, the judgement of those who know the form
//! best; `lvs` and `lvextend` of LVM, whose volumes are its own to change.

use std::{
    ffi::OsStr,
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
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

/// How long one that reads metadata may take: 16 GiB are read in minutes.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
/// How long LVM may take to say what it has: it waits for others that change the same group.
const ANSWER: Duration = Duration::from_secs(60);
/// How long it may take to change it. One that is ended as it changes a volume may leave that suspended: only one that
/// hangs is.
const CHANGE: Duration = Duration::from_secs(10 * 60);
/// How long one that is ended may take for that: one that waits for a disk does not end before the disk answers.
const END: Duration = Duration::from_secs(10);
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
    let ended = thin("thin_check", metadata, &[metadata.as_os_str()])?;
    Ok(match ended.good {
        true => Checked::Clean,
        false => Checked::Damaged(ended.said),
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

/// What `lvs` says of logical volumes, by their nodes below `/dev/mapper`: a line each with these fields.
///
/// # Errors
/// [`PoolError::Lvm`]: it is not here, it hangs, or it does not know one of them.
pub(super) fn lvs(fields: &str, nodes: &[&Path]) -> Result<String, PoolError> {
    let mut words: Vec<&OsStr> = ["--reportformat", "basic", "--noheadings", "--nosuffix"]
        .map(OsStr::new)
        .to_vec();
    words.extend(["--units", "b", "--options", fields].map(OsStr::new));
    words.extend(nodes.iter().map(|node| node.as_os_str()));
    lvm("lvs", nodes.first().copied(), &words, ANSWER)
}

/// Has a logical volume, by its group and its name, made as long as this.
///
/// # Errors
/// [`PoolError::Lvm`].
pub(super) fn lvextend(volume: &Path, bytes: u64) -> Result<(), PoolError> {
    let size = format!("{bytes}b");
    let words = [
        "--size".as_ref(),
        size.as_ref(),
        "--".as_ref(),
        volume.as_os_str(),
    ];
    lvm("lvextend", Some(volume), &words, CHANGE).map(drop)
}

fn lvm(
    program: &'static str,
    volume: Option<&Path>,
    words: &[&OsStr],
    patience: Duration,
) -> Result<String, PoolError> {
    let failed = |said: String| PoolError::Lvm {
        program,
        volume: volume.unwrap_or(Path::new("")).to_owned(),
        said,
    };
    match run(program, words, patience) {
        Ok(Ended {
            good: true, out, ..
        }) => Ok(out),
        Ok(Ended { said, .. }) => Err(failed(said)),
        Err(error) => Err(failed(not_run(&error, "lvm2"))),
    }
}

fn must(program: &'static str, metadata: &Path, words: &[&OsStr]) -> Result<(), PoolError> {
    match thin(program, metadata, words)? {
        Ended { good: true, .. } => Ok(()),
        Ended { said, .. } => Err(PoolError::Tool {
            program,
            path: metadata.to_owned(),
            said,
        }),
    }
}

fn thin(program: &'static str, metadata: &Path, words: &[&OsStr]) -> Result<Ended, PoolError> {
    run(program, words, PATIENCE).map_err(|error| PoolError::Tool {
        program,
        path: metadata.to_owned(),
        said: not_run(&error, "thin-provisioning-tools"),
    })
}

/// Why a program of a package came to no end of its own.
fn not_run(error: &io::Error, package: &str) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("it is not here: it comes with {package}"),
        io::ErrorKind::TimedOut => "it did not come to an end, and was ended".to_owned(),
        _ => error.to_string(),
    }
}

/// How a program has ended.
#[derive(Debug)]
struct Ended {
    /// Whether it succeeded.
    good: bool,
    /// What it was to say.
    out: String,
    /// The last of what it said beside that.
    said: String,
}

fn run(program: &str, words: &[&OsStr], patience: Duration) -> io::Result<Ended> {
    let mut child = Command::new(program)
        .args(words)
        // What it says is read; and LVM would say which descriptors whoever has started us left open.
        .env("LC_ALL", "C")
        .env("LVM_SUPPRESS_FD_WARNINGS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let out = heard(child.stdout.take());
    let said = heard(child.stderr.take());
    if !ends_in(&child, patience)? {
        child.kill()?;
        // One that cannot be ended yet is left to itself.
        if ends_in(&child, END)? {
            child.wait()?;
        }
        return Err(io::ErrorKind::TimedOut.into());
    }
    let good = child.wait()?.success();
    // A descendant that goes on may have them open still.
    let [out, said] = [out, said].map(|heard| heard.recv_timeout(END).unwrap_or_default());
    let said = &said[said.len().saturating_sub(SAID)..];
    Ok(Ended {
        good,
        out: String::from_utf8_lossy(&out).into_owned(),
        said: String::from_utf8_lossy(said).trim().replace('\n', "; "),
    })
}

/// Reads all of it, on a thread of its own.
fn heard(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stream) = stream {
            // What cannot be read was not said.
            let _ = stream.read_to_end(&mut text);
        }
        // Whoever has waited long enough hears no more of it.
        let _ = tell.send(text);
    });
    told
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
        let script = "for n in $(seq 2000); do echo line $n >&2; done; echo answer; exit 3";
        let words: [&OsStr; 2] = ["-c".as_ref(), script.as_ref()];
        let ended = run("sh", &words, PATIENCE).unwrap();
        assert!(!ended.good && ended.said.ends_with("; line 2000"));
        assert!(ended.said.len() < 2 * SAID);
        assert_eq!(ended.out, "answer\n");
    }

    #[test]
    fn one_that_hangs_or_is_not_here_is_said_to() {
        let words: [&OsStr; 1] = ["600".as_ref()];
        let hung = run("sleep", &words, Duration::from_millis(10)).unwrap_err();
        let said = not_run(&hung, "coreutils");
        assert!(said.contains("was ended"), "{said}");
        let none = "there-is-no-such-program";
        let error = thin(none, Path::new("/meta"), &[]).unwrap_err().to_string();
        assert!(error.contains("thin-provisioning-tools"), "{error}");
        let error = lvm(none, None, &[], PATIENCE).unwrap_err().to_string();
        assert!(error.contains("lvm2"), "{error}");
    }
}
