//! The state directory: where everything is, which version it has, and who works in it.
//!
//! ```text
//! VERSION            1
//! lock               who works here
//! longshore.db       runs and catalogue
//! blobs/             stored bytes, under their digests and in part
//! volumes/           volumes of the file backend
//! machines/          links by which machines find theirs
//! scans/             what scans that are under way need, gone with them
//! trivy/             Trivy's databases, where it is used and they are nowhere else
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, test_kill_process},
};

use crate::{Class, Failure};

const VERSION: &str = "1\n";

/// How often a waiting command looks whether the lock is free. A kernel lock can be waited for
/// without polling, but not with an end to it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A state directory that exists and has a version that this program knows.
#[derive(Debug, Clone)]
pub(crate) struct StateDir(PathBuf);

impl StateDir {
    /// The directory, if it is one of ours already.
    pub(crate) fn existing(path: &Path) -> Result<Option<Self>, Failure> {
        let version = path.join("VERSION");
        match fs::read_to_string(&version) {
            Ok(text) if text == VERSION => Ok(Some(Self(path.to_owned()))),
            Ok(text) => Err(Failure::new(
                Class::Failed,
                "state-version",
                format!(
                    "{} is of version {}; this program knows version {}",
                    path.display(),
                    text.trim().escape_debug(),
                    VERSION.trim()
                ),
            )
            .hint("use the program that made it, or another --state-dir")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(trouble(&version, "read", &error)),
        }
    }

    /// The directory, made if there is nothing.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Failure> {
        if let Some(existing) = Self::existing(path)? {
            return Ok(existing);
        }
        fs::create_dir_all(path).map_err(|error| trouble(path, "create", &error))?;
        let occupied = fs::read_dir(path)
            .map_err(|error| trouble(path, "read", &error))?
            .filter_map(Result::ok)
            .any(|entry| !matches!(entry.file_name().to_str(), Some("VERSION.new" | "lock")));
        if occupied {
            return Err(Failure::new(
                Class::Usage,
                "state-foreign",
                format!("{} holds files that are not longshore's", path.display()),
            )
            .hint("choose an empty or new directory with --state-dir"));
        }
        let write = || {
            let new = path.join("VERSION.new");
            let mut file = File::create(&new)?;
            file.write_all(VERSION.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, path.join("VERSION"))?;
            File::open(path)?.sync_all()
        };
        write().map_err(|error| trouble(&path.join("VERSION"), "write", &error))?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("longshore.db")
    }

    /// What whoever has the lock says that they do; nothing where nobody has it. Asks without taking
    /// it, so that looking is in nobody's way: who holds the lock has written a line, takes it away
    /// when they are done, and is alive.
    pub(crate) fn holder(&self) -> Option<String> {
        let line = fs::read_to_string(self.0.join("lock")).ok()?;
        let (process, _) = line.strip_prefix("process ")?.split_once(',')?;
        let process = Pid::from_raw(process.parse().ok()?)?;
        match test_kill_process(process) {
            // Somebody else's process is there all the same.
            Ok(()) | Err(rustix::io::Errno::PERM) => Some(line.trim().to_owned()),
            Err(_) => None,
        }
    }

    /// Takes the lock, waiting for whoever has it.
    pub(crate) fn lock(&self, purpose: &str, wait: Duration) -> Result<Lock, Failure> {
        let path = self.0.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| trouble(&path, "open", &error))?;
        let end = Instant::now() + wait;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(trouble(&path, "lock", &error.into())),
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let mut holder = String::new();
                // Whoever has the lock may be rewriting this line; it is only for reading.
                let _ = file.read_to_string(&mut holder);
                return Err(Failure::new(
                    Class::Busy,
                    "busy",
                    format!(
                        "another longshore works in {}: {}",
                        self.0.display(),
                        if holder.is_empty() {
                            "it has not said what it does"
                        } else {
                            holder.trim()
                        }
                    ),
                )
                .hint("wait for it with --wait=10m, or use another --state-dir")
                .retryable());
            }
            std::thread::sleep(left.min(LOOK_AGAIN));
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "process {}, {}", std::process::id(), purpose)
        };
        write(&mut file).map_err(|error| trouble(&path, "write", &error))?;
        Ok(Lock { file })
    }
}

/// The right to write in a state directory, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nobody is at work here from now on. A line that stays is its process's, which is ending.
        let _ = self.file.set_len(0);
    }
}

fn trouble(path: &Path, verb: &str, error: &io::Error) -> Failure {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    let class = if full { Class::Full } else { Class::Failed };
    let failure = Failure::new(
        class,
        if full { "disk-full" } else { "state-dir" },
        format!("could not {verb} {}", path.display()),
    )
    .caused_by(error);
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            failure.hint("choose a directory that you may write to with --state-dir")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_gets_a_version_and_an_old_one_is_recognised() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        assert!(StateDir::existing(&path).unwrap().is_none());
        StateDir::prepare(&path).unwrap();
        assert!(StateDir::existing(&path).unwrap().is_some());
        StateDir::prepare(&path).unwrap();
    }

    #[test]
    fn another_version_and_somebody_elses_directory_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("VERSION"), "2\n").unwrap();
        assert_eq!(
            StateDir::prepare(dir.path()).unwrap_err().code,
            "state-version"
        );
        fs::remove_file(dir.path().join("VERSION")).unwrap();
        fs::write(dir.path().join("thesis.txt"), "x").unwrap();
        let refused = StateDir::prepare(dir.path()).unwrap_err();
        assert_eq!(
            (refused.class, refused.code.as_str()),
            (Class::Usage, "state-foreign")
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing was added"
        );
    }

    #[test]
    fn one_engine_at_a_time_and_the_second_is_told_who() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::prepare(dir.path()).unwrap();
        let lock = state
            .lock("fetch-and-create images/go", Duration::ZERO)
            .unwrap();
        let refused = state.lock("list", Duration::ZERO).unwrap_err();
        assert_eq!(refused.class, Class::Busy);
        assert!(
            refused.message.contains("fetch-and-create images/go"),
            "{}",
            refused.message
        );
        assert!(refused.message.contains(&std::process::id().to_string()));
        let holder = state.holder().unwrap();
        assert!(holder.ends_with("fetch-and-create images/go"), "{holder}");
        drop(lock);
        assert_eq!(state.holder(), None);
        state.lock("list", Duration::ZERO).unwrap();
    }
}
