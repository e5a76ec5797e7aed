//! A program that plays Trivy: it writes down how it was called and then does what a test wants. Tests of
//! other crates have this file too, so that it knows nothing of ours.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// What `trivy version --format json` answers when all is well. Its database is a day old at [`NOW`].
pub(crate) const VERSION: &str = r#"{"Version":"0.74.0","VulnerabilityDB":{"Version":2,
    "NextUpdate":"2026-08-02T06:00:00Z","UpdatedAt":"2026-08-01T06:00:00.5Z",
    "DownloadedAt":"2026-08-01T07:00:00Z"}}"#;

/// 2026-08-02 06:00 UTC.
pub(crate) const NOW: i64 = 1_785_650_400_000;

/// What it answers to `--help`: each flag that is wanted of it, as Trivy's own help has them.
pub(crate) const FLAGS: [&str; 16] = [
    "  -f, --format string                     format",
    "  -o, --output string                     output file name",
    "  -q, --quiet                     suppress progress bar and log output",
    "      --scanners strings                  what to detect",
    "      --list-all-pkgs                     output all packages (default true)",
    "      --cache-dir string          cache directory",
    "      --cache-backend string              [EXPERIMENTAL] cache backend (default \"fs\")",
    "      --skip-db-update                    skip updating vulnerability database",
    "      --skip-java-db-update               skip updating Java index database",
    "      --skip-check-update                 skip fetching rego check updates",
    "      --skip-vex-repo-update              [EXPERIMENTAL] Skip VEX Repository update",
    "      --offline-scan                      do not issue API requests",
    "      --skip-version-check                suppress notices",
    "      --disable-telemetry                 disable sending anonymous usage data",
    "      --exit-code int                     specify exit code",
    "      --timeout duration          timeout (default 5m0s)",
];

/// Like Trivy it refuses a flag that is not in its help. It keeps what it was given in files beside itself:
/// of the environment exactly what it was given, which a shell would add to.
const PROGRAM: &str = r#"#!/bin/sh
here=${0%/*}
call=$1
case " $* " in *" --help "*) call=help ;; *-only*) call=download ;; esac
printf '%s\n' "$@" > "$here/$call.arguments"
cat "/proc/$$/environ" > "$here/$call.environment"
pwd > "$here/$call.directory"
ls -A > "$here/$call.listing"
out=
before=
for argument; do
  [ "$before" = --output ] && out=$argument
  before=$argument
done
target=$before
case $call in
  version) . "$here/act.version"; exit ;;
  help) cat "$here/help"; exit ;;
  download) ;;
  *)
    for argument; do
      case $argument in --input) continue ;; --*) flag=${argument%%=*} ;; *) continue ;; esac
      if ! grep -q -- "$flag " "$here/help" || grep -qx -- "$flag" "$here/refused"; then
        echo "Error: unknown flag: $flag" >&2
        exit 1
      fi
    done ;;
esac
. "$here/act"
"#;

/// A double that has a child and then does not end, whatever it is asked.
pub(crate) const STUBBORN: &str = "trap '' TERM INT HUP\necho still here >&2\nsleep 1000 &\necho $! > \"$here/child\"\n\
    echo $$ > \"$here/pid.part\"; mv \"$here/pid.part\" \"$here/pid\"\nwhile :; do sleep 1000; done";

/// The program, in a directory of its own with everything that it needs and leaves.
pub(crate) struct Double {
    pub(crate) dir: TempDir,
}

impl Double {
    /// One that does this, in a shell with `$here`, `$out` and `$target`.
    pub(crate) fn that(act: &str) -> Self {
        let double = Self {
            dir: tempfile::tempdir().expect("a directory for the test"),
        };
        double.write("version", VERSION.as_bytes());
        double.write("act.version", b"cat \"$here/version\"");
        double.write("help", FLAGS.join("\n").as_bytes());
        double.write("refused", b"");
        double.write("act", act.as_bytes());
        for folder in ["cache", "scratch", "root"] {
            fs::create_dir(double.dir.path().join(folder)).expect("a directory");
        }
        // Written by another process: what this one has open for writing, a process that another test is
        // just starting may have too, and then the kernel does not run it.
        let path = double.path("trivy");
        let mut shell = Command::new("sh")
            .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let mut stdin = shell.stdin.take().expect("it was asked for");
        stdin.write_all(PROGRAM.as_bytes()).expect("it reads");
        drop(stdin);
        assert!(shell.wait().expect("it ends").success());
        double
    }

    /// One that writes this report.
    pub(crate) fn that_reports(report: &[u8]) -> Self {
        let double = Self::that("cat \"$here/report\" > \"$out\"");
        double.write("report", report);
        double
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    /// What it has written down under this name, if it came to that.
    pub(crate) fn noted(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// The arguments of a call.
    pub(crate) fn arguments(&self, call: &str) -> Vec<String> {
        let noted = self
            .noted(&format!("{call}.arguments"))
            .expect("it was called");
        noted.lines().map(str::to_owned).collect()
    }

    /// The environment of a call.
    pub(crate) fn environment(&self, call: &str) -> Vec<(String, String)> {
        let noted = self
            .noted(&format!("{call}.environment"))
            .expect("it was called");
        let pairs = noted.split('\0').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// Whether a process that the double has written down is gone or dead, which takes a moment where nobody
    /// but the host waits for it.
    pub(crate) fn is_gone(&self, name: &str) -> bool {
        let noted = self.noted(name).expect("it came to that");
        let stat = format!("/proc/{}/stat", noted.trim());
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let state = fs::read_to_string(&stat).unwrap_or_default();
            let state = state
                .rsplit_once(')')
                .map_or("", |(_, rest)| rest.trim_start());
            if state.is_empty() || state.starts_with(['Z', 'X']) {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    /// Whether nothing is left of a run but what the double itself has written down.
    pub(crate) fn left_nothing(&self) -> bool {
        let mut left = fs::read_dir(self.path("scratch")).expect("it is a directory");
        left.next().is_none()
    }
}
