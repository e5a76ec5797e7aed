//! Runs Trivy: asks what it is, refuses what is unsuitable, gives it a target, reads its answer.

use std::{
    ffi::OsString,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    arguments::{self, HELP_BYTES, Known},
    normalise::normalise,
    report::REPORT_BYTES,
    version::VersionReport,
};
use crate::{
    AdvisoriesUsed, REPORT_FORMAT, Report, SbomSubject, Scanned, Scanner, ScannerError,
    ScannerKind, Target, cyclonedx,
    process::{self, Ended, Exit, Run, RunError},
};

/// What is kept of an answer to `version`: a few hundred bytes.
const VERSION_BYTES: usize = 64 << 10;

/// How long Trivy may take to say what it is and what it knows: it reads three small files.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// What Trivy is given to look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrivyWay {
    /// Our inventory, as CycloneDX.
    Sbom,
    /// A directory.
    Rootfs,
    /// An archive or an OCI image layout.
    Image,
}

impl TrivyWay {
    /// The command of Trivy that it is.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Sbom => "sbom",
            Self::Rootfs => "rootfs",
            Self::Image => "image",
        }
    }

    const fn kind(self) -> ScannerKind {
        match self {
            Self::Sbom => ScannerKind::TrivySbom,
            Self::Rootfs => ScannerKind::TrivyRootfs,
            Self::Image => ScannerKind::TrivyImage,
        }
    }
}

/// A database of Trivy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrivyDatabase {
    /// The one of vulnerabilities, which every scan needs.
    Vulnerabilities,
    /// The one of Java archives, without which [`TrivyWay::Rootfs`] and [`TrivyWay::Image`] fail on an image
    /// that has such archives.
    Java,
}

/// Trivy, as it is installed here.
#[derive(Debug, Clone)]
pub struct Trivy {
    /// The program; an absolute path. To look for it is the caller's, for there is no `PATH` here.
    pub program: PathBuf,
    /// What it is given.
    pub way: TrivyWay,
    /// Where its databases are; an absolute path.
    pub cache: PathBuf,
    /// A directory in which one is made for each run, and thrown away; an absolute path.
    pub scratch: PathBuf,
    /// How long a scan may take.
    pub time: Duration,
    /// How many days old its database may be.
    pub database_days: u64,
}

impl Scanner for Trivy {
    fn name(&self) -> &str {
        self.way.kind().as_str()
    }

    fn scan(&self, target: &Target<'_>) -> Result<Scanned, ScannerError> {
        let rooms = Rooms::make(&self.scratch)?;
        let given = self.given(target, &rooms)?;
        let version = self.ask_version(&rooms, target.cancelled)?;
        version.may_run().map_err(|why| self.unsuitable(why))?;
        version
            .may_answer(target.now_ms, self.database_days)
            .map_err(|why| self.unsuitable(why))?;
        let known = self.ask_flags(&rooms, target.cancelled)?;
        let (raw, stderr) = self.ask_findings(&rooms, &known, &given, target.cancelled)?;
        let found = normalise(&raw).map_err(|not| self.garbled(not.0, &stderr))?;
        let coverage = found.coverage(target.inventory);
        let report = Report {
            format: REPORT_FORMAT,
            scanner: self.name().to_owned(),
            scanner_version: version.version.clone(),
            scanned_at: target.now_ms,
            advisories: vec![AdvisoriesUsed {
                about: "trivy-db".to_owned(),
                dated: version.database_dated(),
                digest: None,
            }],
            covered_until: version
                .answers_until(self.database_days)
                .filter(|_| coverage.is_complete()),
            coverage,
            packages: target.inventory.packages.len() as u64,
            findings: found.findings,
        };
        let raw = Some(raw);
        Ok(Scanned { report, raw })
    }
}

impl Trivy {
    /// The variables of an environment that a download is left: how to reach a network. A scan is left none.
    pub const OF_A_NETWORK: [&str; 8] = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    ];

    /// What it is, and what databases it has. Asks no network.
    ///
    /// # Errors
    /// See [`ScannerError`]; none for a version that a scan would refuse.
    pub fn version(&self, cancelled: &dyn Fn() -> bool) -> Result<VersionReport, ScannerError> {
        let rooms = Rooms::make(&self.scratch)?;
        self.ask_version(&rooms, cancelled)
    }

    /// Makes Trivy fetch a database from where it is published, or from `repository`. The only call here
    /// that reaches a network; of `environment`, the variables that say how to reach one are passed on.
    ///
    /// # Errors
    /// See [`ScannerError`].
    pub fn download(
        &self,
        database: TrivyDatabase,
        repository: Option<&str>,
        environment: &[(OsString, OsString)],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<VersionReport, ScannerError> {
        let rooms = Rooms::make(&self.scratch)?;
        let version = self.ask_version(&rooms, cancelled)?;
        version.may_run().map_err(|why| self.unsuitable(why))?;
        let mut run = self.run(
            &rooms,
            arguments::download(database, &self.cache, repository, self.time),
            self.time_and_grace(),
        );
        let of_a_network =
            |(key, _): &&(OsString, OsString)| Self::OF_A_NETWORK.iter().any(|one| key == one);
        run.environment
            .extend(environment.iter().filter(of_a_network).cloned());
        self.ended(&run, cancelled)?;
        let version = self.ask_version(&rooms, cancelled)?;
        match version.database_at {
            None if database == TrivyDatabase::Vulnerabilities => {
                let why = "it has fetched its database, and has none".to_owned();
                Err(self.garbled(why, ""))
            }
            _ => Ok(version),
        }
    }

    /// What the scan is of, written down where it is our inventory.
    fn given(&self, target: &Target<'_>, rooms: &Rooms) -> Result<PathBuf, ScannerError> {
        let unsuitable = |why: &str| ScannerError::TargetUnsuitable {
            scanner: self.name().to_owned(),
            why: why.to_owned(),
        };
        let path = match self.way {
            TrivyWay::Sbom => {
                let subject = SbomSubject {
                    name: target.name.to_owned(),
                    digest: target.digest.map(str::to_owned),
                };
                let path = rooms.at("sbom.cdx.json");
                let sbom = cyclonedx(&subject, target.inventory, None, target.now_ms);
                fs::write(&path, sbom).map_err(|source| host("writing the inventory", source))?;
                path
            }
            TrivyWay::Rootfs => target
                .root
                .ok_or_else(|| unsuitable("it is not there as a directory"))?
                .to_owned(),
            TrivyWay::Image => target
                .image
                .ok_or_else(|| unsuitable("it is not there as an archive or an OCI image layout"))?
                .to_owned(),
        };
        // It would be looked for in Trivy's directory, or taken for a flag.
        if !path.is_absolute() {
            return Err(unsuitable("its path is not absolute"));
        }
        Ok(path)
    }

    fn ask_version(
        &self,
        rooms: &Rooms,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<VersionReport, ScannerError> {
        let mut run = self.run(rooms, arguments::version(&self.cache), ANSWER_TIME);
        run.stdout_limit = VERSION_BYTES;
        let ended = self.ended(&run, cancelled)?;
        VersionReport::read(&ended.stdout)
            .map_err(|why| self.garbled(format!("its version: {why}"), &ended.stderr))
    }

    fn ask_flags(
        &self,
        rooms: &Rooms,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Known, ScannerError> {
        let arguments = [self.way.command(), "--help"].map(OsString::from);
        let mut run = self.run(rooms, arguments.into(), ANSWER_TIME);
        run.stdout_limit = HELP_BYTES;
        Ok(Known::read(&self.ended(&run, cancelled)?.stdout))
    }

    fn ask_findings(
        &self,
        rooms: &Rooms,
        known: &Known,
        given: &Path,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(Vec<u8>, String), ScannerError> {
        let output = rooms.at("report.json");
        let arguments = arguments::scan(self.way, known, &self.cache, &output, self.time, given)
            .map_err(|why| self.unsuitable(why))?;
        let mut run = self.run(rooms, arguments, self.time_and_grace());
        run.output = Some((output.clone(), REPORT_BYTES as u64));
        let ended = self.ended(&run, cancelled)?;
        let mut raw = Vec::new();
        let read = fs::File::open(&output)
            .and_then(|file| file.take(REPORT_BYTES as u64 + 1).read_to_end(&mut raw));
        match read {
            Ok(_) => Ok((raw, ended.stderr)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let why = "it ended without an error and has written no report".to_owned();
                Err(self.garbled(why, &ended.stderr))
            }
            Err(source) => Err(host("reading a report of Trivy", source)),
        }
    }

    fn run<'a>(&'a self, rooms: &'a Rooms, arguments: Vec<OsString>, time: Duration) -> Run<'a> {
        Run {
            program: &self.program,
            arguments,
            environment: rooms.environment(),
            directory: &rooms.empty,
            time,
            stdout_limit: HELP_BYTES,
            output: None,
        }
    }

    /// Runs it to an end that it calls a good one.
    fn ended(&self, run: &Run<'_>, cancelled: &dyn Fn() -> bool) -> Result<Ended, ScannerError> {
        let program = self.program.clone();
        if !program.is_absolute() {
            let source = std::io::Error::other(
                "no program of that name was found, and a path to one begins at the root",
            );
            return Err(ScannerError::NotInstalled { program, source });
        }
        let ended = process::run(run, cancelled).map_err(|error| match error {
            RunError::Start(source) => ScannerError::NotInstalled {
                program: program.clone(),
                source,
            },
            RunError::TimedOut { stderr } => ScannerError::TimedOut {
                program: program.clone(),
                after: run.time,
                stderr,
            },
            RunError::Cancelled => ScannerError::Cancelled,
            RunError::TooMuch { what, limit } => {
                self.garbled(format!("its {what} has more than {limit} bytes"), "")
            }
            RunError::Host(source) => host("running Trivy", source),
        })?;
        match ended.exit {
            Exit::Code(0) => Ok(ended),
            Exit::Code(code) => Err(ScannerError::Failed {
                program,
                code,
                stderr: ended.stderr,
            }),
            Exit::Signal(signal) => Err(ScannerError::Killed {
                program,
                signal,
                stderr: ended.stderr,
            }),
        }
    }

    /// A tenth more than Trivy is told that it has, so that it can say itself that this was too short.
    fn time_and_grace(&self) -> Duration {
        self.time.saturating_add(self.time / 10)
    }

    fn unsuitable(&self, why: String) -> ScannerError {
        ScannerError::Unsuitable {
            program: self.program.clone(),
            why,
        }
    }

    fn garbled(&self, why: String, stderr: &str) -> ScannerError {
        ScannerError::Garbled {
            program: self.program.clone(),
            why,
            stderr: stderr.to_owned(),
        }
    }
}

fn host(doing: &str, source: std::io::Error) -> ScannerError {
    ScannerError::Host {
        doing: doing.to_owned(),
        source,
    }
}

/// The directories of one run, which go with it.
struct Rooms {
    all: TempDir,
    /// Where it runs. Trivy would obey a `trivy.yaml` or a `.trivyignore` here.
    empty: PathBuf,
}

impl Rooms {
    fn make(scratch: &Path) -> Result<Self, ScannerError> {
        let make = || {
            let all = tempfile::Builder::new()
                .prefix("scan-")
                .tempdir_in(scratch)?;
            let empty = all.path().join("empty");
            fs::create_dir(&empty)?;
            fs::create_dir(all.path().join("home"))?;
            fs::create_dir(all.path().join("tmp"))?;
            Ok(Self { all, empty })
        };
        make().map_err(|source| host("making a directory for a scan", source))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.all.path().join(name)
    }

    /// All of the environment: of the host's nothing is left, for `TRIVY_*` stand above flags.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let home = self.at("home");
        let mut environment: Vec<(OsString, OsString)> = [
            "HOME",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "DOCKER_CONFIG",
        ]
        .map(|key| (key.into(), home.clone().into()))
        .into();
        environment.push(("TMPDIR".into(), self.at("tmp").into()));
        environment.push(("LC_ALL".into(), "C".into()));
        environment
    }
}
