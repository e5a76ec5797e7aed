//! A life as a process: this test binary, told by an environment variable which test to carry out
//! on which store. Without the variable that test is a life that nobody disturbs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kill::check::check_ended;
use crate::kill::life::live;
use crate::kill::report::{Lines, Report};

/// The store that a life is to be led on.
const STORE: &str = "LONGSHORE_FSM_LIFE_STORE";
/// How many runs it asks for in each lane.
const EACH: &str = "LONGSHORE_FSM_LIFE_EACH";

/// Nothing that a life does takes so long: it hangs.
const HANGS: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_life() {
    if let Some(path) = std::env::var_os(STORE) {
        let each = std::env::var(EACH).unwrap().parse().unwrap();
        return live(Path::new(&path), each, Lines::Out).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let kept = Arc::new(Mutex::new(Vec::new()));
    live(&path, 60, Lines::Kept(Arc::clone(&kept))).await;
    let mut report = Report::default();
    for line in kept.lock().unwrap().iter() {
        report.add(line);
    }
    assert_eq!(report.started.len(), 4 * 60);
    check_ended(&path, &mut report);
}

/// A process that leads a life.
pub(super) struct Process {
    child: Child,
    lines: Receiver<String>,
    errors: PathBuf,
}

impl Process {
    pub(super) fn begin(path: &Path, each: u64) -> Self {
        let errors = path.with_extension("err");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child::one_life", "--nocapture"])
            .env(STORE, path)
            .env(EACH, each.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (say, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // A line that the kill has cut off says nothing.
            while out.read_line(&mut line).is_ok() && line.ends_with('\n') {
                // The test's own name may come before the first.
                if let Some((_, said)) = line.trim_end().split_once('@')
                    && say.send(said.to_owned()).is_err()
                {
                    return;
                }
                line.clear();
            }
        });
        Self {
            child,
            lines,
            errors,
        }
    }

    /// The next line; none once it has ended.
    pub(super) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(HANGS) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("it hangs: {}", self.errors()),
        }
    }

    /// `kill -9`. Answers what it had said that nobody has heard yet.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Waits for its end.
    pub(super) fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// What it wrote to its standard error.
    pub(super) fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }
}
