//! The command line of a peer's program: one job, and where and how much.

use std::path::PathBuf;
use std::time::Duration;

use crate::peer::Failure;

/// What a program is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// So many runs at a time, one after another, for a while.
    Throughput,
    /// So many runs that are there and wait: what they take of memory.
    Queued,
    /// So many runs that stand in their second step; then wait to be killed.
    Leave,
    /// Leave as many in another process, kill it, and take them up.
    Resume,
}

/// A parsed command line.
#[derive(Debug, Clone)]
pub struct Args {
    /// What to do.
    pub job: Job,
    /// Where. It exists, and is used for nothing else.
    pub dir: PathBuf,
    /// How many runs: at a time for [`Job::Throughput`], in all for the others.
    pub runs: usize,
    /// How long new runs are begun in [`Job::Throughput`].
    pub time: Duration,
}

impl Args {
    /// Parses `JOB --dir DIR --runs COUNT [--seconds SECONDS]`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let mut args = args.into_iter();
        let job = match args.next().as_deref() {
            Some("throughput") => Job::Throughput,
            Some("queued") => Job::Queued,
            Some("leave") => Job::Leave,
            Some("resume") => Job::Resume,
            other => return Err(format!("not a job: {other:?}").into()),
        };
        let (mut dir, mut runs, mut seconds) = (None, None, 3);
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--dir" => dir = Some(PathBuf::from(value)),
                "--runs" => runs = Some(value.parse()?),
                "--seconds" => seconds = value.parse()?,
                _ => return Err(format!("not an option: {name}").into()),
            }
        }
        Ok(Self {
            job,
            dir: dir.ok_or("--dir is needed")?,
            runs: runs.ok_or("--runs is needed")?,
            time: Duration::from_secs(seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, Failure> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_job_has_a_directory_and_a_count() {
        let args = parse("throughput --dir x --runs 10 --seconds 2").unwrap();
        assert_eq!((args.job, args.runs), (Job::Throughput, 10));
        assert_eq!(args.time, Duration::from_secs(2));
        for wrong in [
            "",
            "dance",
            "queued --runs 1",
            "queued --dir x",
            "leave --dir",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
