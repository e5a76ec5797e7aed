//! Something that looks for what is known against an image: ours, or a program that somebody else wrote.

use std::{fmt, path::Path, path::PathBuf, str::FromStr, time::Duration};

use crate::{Inventory, Report};

/// Something that looks for what is known against an image.
pub trait Scanner: fmt::Debug + Send + Sync {
    /// What its reports say who looked: the word of its [`ScannerKind`].
    fn name(&self) -> &str;

    /// Looks. A report is only made where the whole of it was understood.
    ///
    /// # Errors
    /// See [`ScannerError`].
    fn scan(&self, target: &Target<'_>) -> Result<Scanned, ScannerError>;
}

/// What is looked into. Paths are absolute, for a scanner works in a directory of its own.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// What its operator calls it.
    pub name: &'a str,
    /// The SHA-256 that it is known by, in hexadecimal.
    pub digest: Option<&'a str>,
    /// What was read in it.
    pub inventory: &'a Inventory,
    /// Where it is as an archive in the form of `docker save`, or as a directory in the OCI image layout.
    pub image: Option<&'a Path>,
    /// Where it is as a directory.
    pub root: Option<&'a Path>,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
    /// Whether nobody waits for the answer any more. Asked several times a second.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .field("image", &self.image)
            .field("root", &self.root)
            .field("now_ms", &self.now_ms)
            .finish_non_exhaustive()
    }
}

/// What a scanner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// In our words.
    pub report: Report,
    /// In its own, byte for byte, to be kept beside ours.
    pub raw: Option<Vec<u8>>,
}

/// Why a scanner has no report. None of them says anything about the image.
#[derive(Debug, thiserror::Error)]
pub enum ScannerError {
    /// It is not installed: install it, or name another place or another scanner.
    #[error("{program} is not there or cannot be run")]
    NotInstalled {
        /// What was to be run.
        program: PathBuf,
        /// What the host said.
        #[source]
        source: std::io::Error,
    },
    /// It is one whose answers are worth nothing: install another version, or bring its database here.
    #[error("{program} cannot be used: {why}")]
    Unsuitable {
        /// What was to be run.
        program: PathBuf,
        /// Its version or its database, and what to do.
        why: String,
    },
    /// It has not answered in time, and was killed: allow more time, or try again later.
    #[error("{program} had no answer after {} s{}", after.as_secs(), told(stderr))]
    TimedOut {
        /// What ran.
        program: PathBuf,
        /// How long it was allowed to take.
        after: Duration,
        /// The last lines that it wrote on its standard error.
        stderr: String,
    },
    /// Somebody has killed it: the host has too little memory, or an operator wanted it gone.
    #[error("{program} was killed by signal {signal}{}", told(stderr))]
    Killed {
        /// What ran.
        program: PathBuf,
        /// By which signal.
        signal: i32,
        /// The last lines that it wrote on its standard error.
        stderr: String,
    },
    /// It has said that it failed.
    #[error("{program} failed with exit code {code}{}", told(stderr))]
    Failed {
        /// What ran.
        program: PathBuf,
        /// Its exit code.
        code: i32,
        /// The last lines that it wrote on its standard error.
        stderr: String,
    },
    /// It has said that it is done, and its answer is not one: too short, too large, of another form.
    #[error("the answer of {program} is none: {why}{}", told(stderr))]
    Garbled {
        /// What ran.
        program: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The last lines that it wrote on its standard error.
        stderr: String,
    },
    /// It cannot look into what it was given: give it the image in another form.
    #[error("{scanner} cannot look into this: {why}")]
    TargetUnsuitable {
        /// The scanner.
        scanner: String,
        /// What is missing.
        why: String,
    },
    /// Nobody waits for the answer any more.
    #[error("the scan was cancelled")]
    Cancelled,
    /// The host has failed: its disk is full, or it has no more processes.
    #[error("the host failed while {doing}")]
    Host {
        /// What was being done.
        doing: String,
        /// What the host said.
        #[source]
        source: std::io::Error,
    },
}

fn told(stderr: &str) -> String {
    match stderr {
        "" => String::new(),
        text => format!("; it said: {text}"),
    }
}

/// The scanners that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScannerKind {
    /// Ours: the inventory held against the advisories that are here.
    Embedded,
    /// Trivy, given our inventory. It reads no file of the image.
    TrivySbom,
    /// Trivy, given a directory with what is in the image.
    TrivyRootfs,
    /// Trivy, given the image as an archive or an OCI image layout.
    TrivyImage,
}

impl ScannerKind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Embedded,
        Self::TrivySbom,
        Self::TrivyRootfs,
        Self::TrivyImage,
    ];

    /// The word that is printed and read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::TrivySbom => "trivy-sbom",
            Self::TrivyRootfs => "trivy-rootfs",
            Self::TrivyImage => "trivy-image",
        }
    }
}

impl fmt::Display for ScannerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no scanner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of embedded, trivy-sbom, trivy-rootfs, trivy-image")]
pub struct UnknownScanner(pub String);

impl FromStr for ScannerKind {
    type Err = UnknownScanner;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == word);
        found.ok_or_else(|| UnknownScanner(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scanner_is_read_back_from_its_word_and_named_where_none_is_meant() {
        let error = UnknownScanner("trivy".to_owned()).to_string();
        for one in ScannerKind::ALL {
            assert_eq!(one.to_string().parse(), Ok(one));
            assert!(error.contains(one.as_str()), "{error}");
        }
        assert!("trivy".parse::<ScannerKind>().is_err());
    }

    #[test]
    fn an_error_says_what_the_program_said_last_where_it_said_something() {
        let error = |stderr: &str| {
            let program = PathBuf::from("/bin/trivy");
            let stderr = stderr.to_owned();
            ScannerError::Failed {
                program,
                code: 1,
                stderr,
            }
            .to_string()
        };
        assert_eq!(error(""), "/bin/trivy failed with exit code 1");
        assert!(error("FATAL no db").ends_with("; it said: FATAL no db"));
    }
}
