//! Runs a program that is not ours, to an end: in a process group of its own, with an environment, a
//! directory and a time that are given to it, and with a bound on all that is kept of what it writes.
//!
//! The only file here that starts a process, and the only one that looks at a clock: the monotonic one, to
//! see a time-out.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// How often a cancel and the size of the output are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How long what the program wrote last is waited for once it and its group are gone. Only something that
/// has left the group can still hold the pipe, and that is not waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is kept of the standard error: its end, for errors stand there.
const STDERR_BYTES: usize = 16 << 10;

/// What is shown of it: lines and characters of each, so that an error stays one that is read.
const STDERR_LINES: usize = 8;
const STDERR_LINE: usize = 400;

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<OsString>,
    /// All of it: nothing is inherited.
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: &'a Path,
    pub(crate) time: Duration,
    /// How many bytes of the standard output are taken; more is an error.
    pub(crate) stdout_limit: usize,
    /// A file that the program writes, and how large it may become.
    pub(crate) output: Option<(PathBuf, u64)>,
}

/// How a program has ended that ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    pub(crate) stdout: Vec<u8>,
    /// The last lines of its standard error.
    pub(crate) stderr: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(i32),
}

/// Why a program has not ended by itself, or was never begun.
#[derive(Debug)]
pub(crate) enum RunError {
    /// It cannot be started.
    Start(io::Error),
    /// It took longer than it may.
    TimedOut { stderr: String },
    /// Somebody wanted it to end.
    Cancelled,
    /// It writes more than it may.
    TooMuch { what: &'static str, limit: u64 },
    /// The host failed.
    Host(io::Error),
}

enum Event {
    Ended(io::Result<()>),
    Stdout(io::Result<Vec<u8>>),
    Stderr(Vec<u8>),
}

/// Runs a program until it ends, or ends it.
///
/// However this returns, the program was waited for and nothing of its process group runs any more: all of
/// the group is killed, also after a good end. It is killed at once and not asked first: it works in
/// directories that are thrown away.
pub(crate) fn run(run: &Run<'_>, cancelled: &dyn Fn() -> bool) -> Result<Ended, RunError> {
    let began = Instant::now();
    let mut child = Command::new(run.program)
        .args(&run.arguments)
        .env_clear()
        .envs(run.environment.iter().map(|(key, value)| (key, value)))
        .current_dir(run.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(RunError::Start)?;
    let group = Pid::from_child(&child);
    let events = listen(&mut child, group, run.stdout_limit);
    let mut heard = Heard::default();
    let stopped = watch(run, cancelled, began, &events, &mut heard);
    // The leader is not reaped yet, so that the number is still its group's.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait().map_err(RunError::Host)?;
    heard.last_words(&events);
    let stderr = last_lines(&heard.stderr.unwrap_or_default());
    match stopped {
        Ok(()) => {}
        Err(RunError::TimedOut { .. }) => return Err(RunError::TimedOut { stderr }),
        Err(error) => return Err(error),
    }
    let stdout = heard.stdout.unwrap_or_else(|| Ok(Vec::new()));
    let stdout = stdout.map_err(RunError::Host)?;
    if stdout.len() > run.stdout_limit {
        return Err(RunError::TooMuch {
            what: "standard output",
            limit: run.stdout_limit as u64,
        });
    }
    too_large(run)?;
    let exit = match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(0)),
    };
    Ok(Ended {
        exit,
        stdout,
        stderr,
    })
}

/// Threads that wait: for the end of the program without reaping it, and for what it writes. They end with
/// the program, or with whatever else holds its pipes.
fn listen(child: &mut Child, group: Pid, stdout_limit: usize) -> Receiver<Event> {
    let (sender, events) = mpsc::channel();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    tell(&sender, move || Event::Ended(await_end(group)));
    if let Some(stdout) = stdout {
        tell(&sender, move || {
            Event::Stdout(read_head(stdout, stdout_limit))
        });
    }
    if let Some(stderr) = stderr {
        tell(&sender, move || {
            Event::Stderr(read_tail(stderr, STDERR_BYTES))
        });
    }
    events
}

fn tell(sender: &Sender<Event>, event: impl FnOnce() -> Event + Send + 'static) {
    let sender = sender.clone();
    thread::spawn(move || {
        // Nobody listens any more where the run was given up.
        let _ = sender.send(event());
    });
}

fn await_end(group: Pid) -> io::Result<()> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(group), options) {
            Err(rustix::io::Errno::INTR) => {}
            ended => return ended.map(drop).map_err(io::Error::from),
        }
    }
}

/// Up to one byte more than the limit. The pipe is closed then: what writes on has failed already.
fn read_head(pipe: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let take = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    pipe.take(take).read_to_end(&mut head)?;
    Ok(head)
}

/// The last bytes of what there is to read.
fn read_tail(mut pipe: impl Read, limit: usize) -> Vec<u8> {
    let mut tail = Vec::new();
    let mut piece = vec![0; limit.max(1)];
    loop {
        match pipe.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return tail,
            Ok(read) => {
                tail.extend_from_slice(&piece[..read]);
                let surplus = tail.len().saturating_sub(limit);
                tail.drain(..surplus);
            }
        }
    }
}

/// What the threads have told so far.
#[derive(Default)]
struct Heard {
    ended: bool,
    stdout: Option<io::Result<Vec<u8>>>,
    stderr: Option<Vec<u8>>,
}

impl Heard {
    fn hear(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Ended(result) => {
                self.ended = true;
                return result;
            }
            Event::Stdout(bytes) => self.stdout = Some(bytes),
            Event::Stderr(bytes) => self.stderr = Some(bytes),
        }
        Ok(())
    }

    fn last_words(&mut self, events: &Receiver<Event>) {
        let until = Instant::now() + LAST_WORDS;
        while self.stdout.is_none() || self.stderr.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            match events.recv_timeout(left) {
                Ok(event) => {
                    let _ = self.hear(event);
                }
                Err(_) => return,
            }
        }
    }
}

/// Returns once the program has ended by itself.
fn watch(
    run: &Run<'_>,
    cancelled: &dyn Fn() -> bool,
    began: Instant,
    events: &Receiver<Event>,
    heard: &mut Heard,
) -> Result<(), RunError> {
    while !heard.ended {
        if cancelled() {
            return Err(RunError::Cancelled);
        }
        too_large(run)?;
        let left = run.time.saturating_sub(began.elapsed());
        if left.is_zero() {
            let stderr = String::new();
            return Err(RunError::TimedOut { stderr });
        }
        match events.recv_timeout(left.min(LOOK)) {
            Ok(event) => heard.hear(event).map_err(RunError::Host)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let gone = io::Error::other("the threads that wait for it are gone");
                return Err(RunError::Host(gone));
            }
        }
    }
    Ok(())
}

fn too_large(run: &Run<'_>) -> Result<(), RunError> {
    let Some((path, limit)) = &run.output else {
        return Ok(());
    };
    match fs::metadata(path) {
        Ok(file) if file.len() > *limit => Err(RunError::TooMuch {
            what: "output",
            limit: *limit,
        }),
        _ => Ok(()),
    }
}

/// The last lines of text that a program wrote, on one line, with nothing in them that a terminal obeys.
fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<String> = text
        .split(['\n', '\r'])
        .map(|line| {
            let shown = line.chars().filter(|one| !one.is_control());
            shown.take(STDERR_LINE).collect::<String>()
        })
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    let from = lines.len().saturating_sub(STDERR_LINES);
    lines[from..].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_few_and_harmless() {
        let many: String = (0..20).map(|line| format!("line {line}\n")).collect();
        let shown = last_lines(many.as_bytes());
        assert!(
            shown.starts_with("line 12 | ") && shown.ends_with("line 19"),
            "{shown}"
        );
        assert_eq!(last_lines(b"\x1b[31mred\x1b[0m\x07\n\n"), "[31mred[0m");
        assert_eq!(last_lines(&b"x".repeat(100_000)).len(), STDERR_LINE);
        assert_eq!(last_lines(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn of_a_long_stream_its_end_or_one_byte_too_many_is_kept() {
        let stream: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(read_tail(&stream[..], 10), stream[stream.len() - 10..]);
        assert_eq!(read_tail(&b"ab"[..], 10), b"ab");
        assert_eq!(
            read_head(&stream[..], 10).expect("memory reads"),
            stream[..11]
        );
        assert_eq!(read_head(&b"ab"[..], 10).expect("memory reads"), b"ab");
    }
}
