//! The flags that every command understands, before or after its verb.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, ValueEnum};

use super::duration;

/// How long a command waits for another one on the same state directory.
pub(crate) const DEFAULT_WAIT: Duration = Duration::from_secs(10 * 60);

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Where everything that is kept is kept
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// The S3 bucket that images come from; short for --source s3://BUCKET
    #[arg(long, global = true, value_name = "BUCKET")]
    pub bucket: Option<String>,

    /// The bucket's region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,

    /// The S3 server, where it is not Amazon's
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,

    /// Where images come from: s3://BUCKET or file:///DIRECTORY
    #[arg(long, global = true, value_name = "URL")]
    pub source: Option<String>,

    /// What volumes are made of
    #[arg(long, global = true, value_name = "BACKEND", value_enum)]
    pub backend: Option<BackendName>,

    /// How results are printed
    #[arg(
        short = 'o',
        long = "output",
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub output: Format,

    /// Print only names, ids or paths, and no progress
    #[arg(short = 'q', long, global = true)]
    pub quiet: bool,

    /// Log to standard error; twice for more
    #[arg(short = 'v', long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Read this file, and neither the system's nor the user's
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Wait so long for another longshore on the same state directory (30s, 10m, 1h30m; 0: not at
    /// all) [default: 10m]
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10m",
        value_parser = duration
    )]
    pub wait: Option<Duration>,

    /// Never ask the source for anything
    #[arg(long, global = true)]
    pub offline: bool,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub color: ColorWhen,
}

impl Global {
    /// How long to wait for another command on the same state directory.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait.unwrap_or(DEFAULT_WAIT)
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// A bill of materials as CycloneDX 1.6, of `scan` and `sbom`
    Cyclonedx,
    /// A bill of materials as SPDX 2.3, of `scan` and `sbom`
    Spdx,
}

/// What volumes are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackendName {
    /// The best that this host has
    Auto,
    /// Disk image files in the state directory
    File,
    /// Thin devices of the pool: see `longshore pool`
    Thin,
    /// Memory: for trying things out, gone when the command ends
    Simulated,
}

impl BackendName {
    /// The word for it, in settings as on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::File => "file",
            Self::Thin => "thin",
            Self::Simulated => "simulated",
        }
    }

    /// What a word means.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Auto, Self::File, Self::Thin, Self::Simulated]
            .into_iter()
            .find(|name| name.as_str() == word)
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
