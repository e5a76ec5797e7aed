//! Starting the child: what it is given, which is next to nothing.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{caged::Caged, line::Line, words::Words};
use crate::{cancel::Cancel, error::CageError, limits::Limits};

/// For ever, for a clock that cannot count to the end of a `Duration`.
const LONGEST_WALL: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Starts this program with these arguments.
pub(crate) fn start(
    arguments: &[OsString],
    limits: &Limits,
    cancel: Option<Cancel>,
) -> Result<Caged, CageError> {
    let deadline = Instant::now() + limits.wall.min(LONGEST_WALL);
    // Both ends are closed on exec: no other child that is started meanwhile has them.
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let (words, mouth) = io::pipe()?;
    let words = Words::new(words)?;

    let mut command = Command::new(program()?);
    command
        .args(arguments)
        .env_clear()
        .current_dir("/")
        // Of its own, so that Ctrl-C reaches the parent alone, which decides.
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::from(mouth));
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    let child = command.spawn()?;
    // It holds the child's ends, whose closing is to be seen here.
    drop(command);
    Ok(Caged::new(child, Line::new(ours, words, cancel, deadline)))
}

/// This program as it was when it was started, even where its file has been replaced since.
#[cfg(target_os = "linux")]
fn program() -> io::Result<PathBuf> {
    Ok(PathBuf::from("/proc/self/exe"))
}

#[cfg(not(target_os = "linux"))]
fn program() -> io::Result<PathBuf> {
    std::env::current_exe()
}
