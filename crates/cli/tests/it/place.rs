//! A place for one test: a home, a state directory and settings of its own, and the real binary.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use longshore_harbor::family::{Family, Packing, demo};
use serde_json::Value;
use tempfile::TempDir;

/// A place of its own for one test.
#[derive(Debug)]
pub(crate) struct Place(TempDir);

impl Place {
    /// One in which an image was brought and a machine made.
    pub(crate) fn with_machine() -> Self {
        let place = Self::new();
        let family = demo();
        place.put(&family);
        place
            .work(&["fetch-and-create", family.prefix(), "--name", "web"])
            .expect(0);
        place
    }

    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The binary, with nothing of this process's environment but where programs are.
    pub(crate) fn longshore<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("user-state"))
            .env("CONFIGURATION_DIRECTORY", self.path("etc"))
            .env("STATE_DIRECTORY", self.path("state"))
            .env("TMPDIR", self.root())
            .current_dir(self.0.path());
        command
    }

    /// The binary over a bucket that is a directory of this place, with small volumes.
    pub(crate) fn over_bucket(&self, arguments: &[&str]) -> Command {
        let mut command = self.longshore(arguments);
        let bucket = format!("file://{}", self.bucket().display());
        command
            .env("LONGSHORE_SOURCE", bucket)
            .env("LONGSHORE_ADVISORIES_REFRESH", "never")
            .env("LONGSHORE_ALLOW_UNPROVEN", "true")
            .env("LONGSHORE_VOLUME_SIZE", "1GiB");
        command
    }

    /// The bucket of this place.
    pub(crate) fn bucket(&self) -> PathBuf {
        self.path("bucket")
    }

    /// Puts a family into the bucket, each layer an archive that is not compressed.
    pub(crate) fn put(&self, family: &Family) {
        family.write(&self.bucket(), Packing::Plain).unwrap();
    }

    /// Runs it over the bucket to its end.
    pub(crate) fn work(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.over_bucket(arguments).output().unwrap())
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.longshore(arguments).output().unwrap())
    }

    /// Writes a file of this place.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The one JSON document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Checks the exit code, and shows all that was said where it is another.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}
