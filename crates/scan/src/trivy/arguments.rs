//! The arguments that Trivy is given.

use std::{collections::BTreeSet, ffi::OsString, path::Path, time::Duration};

use super::scanner::{TrivyDatabase, TrivyWay};

/// What is kept of an answer to `--help`. That of 0.74 has 20 KB.
pub(super) const HELP_BYTES: usize = 1 << 20;

/// The flags without which an answer is none of ours or a network may be touched.
const NEEDED: [&str; 6] = [
    "--cache-dir",
    "--format",
    "--offline-scan",
    "--output",
    "--skip-db-update",
    "--timeout",
];

/// The flags that a command of the installed version knows.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeSet<String>);

impl Known {
    /// From what the command answers to `--help`: a flag stands at the beginning of its line, after its
    /// short form where it has one.
    pub(super) fn read(help: &[u8]) -> Self {
        let text = String::from_utf8_lossy(help);
        let flag = |line: &str| {
            let line = line.trim_start();
            let long = match line.strip_prefix('-') {
                Some(rest) if !rest.starts_with('-') => rest.split_once(", ")?.1,
                _ => line,
            };
            let name = long.split([' ', '=', '\t']).next()?;
            (name.len() > 2 && name.starts_with("--")).then(|| name.to_owned())
        };
        Self(text.lines().filter_map(flag).collect())
    }

    fn has(&self, argument: &str) -> bool {
        let name = argument.split_once('=').map_or(argument, |(name, _)| name);
        self.0.contains(name)
    }
}

/// The arguments of a scan that writes its report to `output`.
///
/// Neither `--severity` nor `--ignore-unfixed` is among them: they take findings away, and nobody could say
/// how many.
///
/// # Errors
/// What the installed version does not know and cannot do without.
pub(super) fn scan(
    way: TrivyWay,
    known: &Known,
    cache: &Path,
    output: &Path,
    time: Duration,
    target: &Path,
) -> Result<Vec<OsString>, String> {
    if let Some(missing) = NEEDED.iter().find(|flag| !known.has(flag)) {
        return Err(format!("its `{}` does not know {missing}", way.command()));
    }
    let seconds = format!("{}s", time.as_secs().max(1));
    let flags: [(&str, Option<OsString>); 16] = [
        ("--format", Some("json".into())),
        ("--output", Some(output.into())),
        ("--quiet", None),
        ("--scanners", Some("vuln".into())),
        ("--list-all-pkgs=false", None),
        ("--cache-dir", Some(cache.into())),
        // Of a cache on disk one process may be the user at a time, and what it has of an image stays in it.
        ("--cache-backend", Some("memory".into())),
        ("--skip-db-update", None),
        ("--skip-java-db-update", None),
        ("--skip-check-update", None),
        ("--skip-vex-repo-update", None),
        ("--offline-scan", None),
        ("--skip-version-check", None),
        ("--disable-telemetry", None),
        ("--exit-code", Some("0".into())),
        ("--timeout", Some(seconds.into())),
    ];
    let mut arguments = vec![OsString::from(way.command())];
    for (flag, value) in flags {
        if known.has(flag) {
            arguments.push(flag.into());
            arguments.extend(value);
        }
    }
    if way == TrivyWay::Image {
        arguments.push("--input".into());
    }
    arguments.push(target.into());
    Ok(arguments)
}

/// The arguments that make Trivy fetch a database and scan nothing.
pub(super) fn download(
    database: TrivyDatabase,
    cache: &Path,
    repository: Option<&str>,
    time: Duration,
) -> Vec<OsString> {
    let (only, from) = match database {
        TrivyDatabase::Vulnerabilities => ("--download-db-only", "--db-repository"),
        TrivyDatabase::Java => ("--download-java-db-only", "--java-db-repository"),
    };
    let mut arguments: Vec<OsString> = ["image", only, "--no-progress", "--cache-dir"]
        .map(OsString::from)
        .into();
    arguments.push(cache.into());
    arguments
        .extend(["--disable-telemetry", "--skip-version-check", "--timeout"].map(OsString::from));
    arguments.push(format!("{}s", time.as_secs().max(1)).into());
    if let Some(repository) = repository {
        arguments.extend([OsString::from(from), repository.into()]);
    }
    arguments
}

/// The arguments that make Trivy say what it is and what database it has.
pub(super) fn version(cache: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["version", "--format", "json", "--cache-dir"]
        .map(OsString::from)
        .into();
    arguments.push(cache.into());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "Scan rootfs\n\nUsage:\n  trivy rootfs [flags] ROOTDIR\n\nScan Flags\n      \
        --offline-scan              do not issue --made-up requests\n      --scanners strings   what\n\
        Report Flags\n  -f, --format string   format\n  -o, --output string  name\n      \
        --exit-code int  code\n      --list-all-pkgs    all (default true)\n\
        DB Flags\n      --skip-db-update   skip\n      --skip-java-db-update   skip\n\
        Global Flags:\n      --cache-dir string   dir\n  -q, --quiet   less\n      --timeout duration  time\n";

    fn text(arguments: Vec<OsString>) -> Vec<String> {
        let text = |argument: OsString| argument.into_string().expect("the test's are text");
        arguments.into_iter().map(text).collect()
    }

    fn scanned(way: TrivyWay, help: &str) -> Result<Vec<String>, String> {
        let known = Known::read(help.as_bytes());
        let paths = [
            Path::new("/c"),
            Path::new("/o/report.json"),
            Path::new("/t"),
        ];
        let time = Duration::from_secs(300);
        scan(way, &known, paths[0], paths[1], time, paths[2]).map(text)
    }

    #[test]
    fn only_flags_that_the_installed_version_knows_are_given() {
        let arguments = scanned(TrivyWay::Rootfs, HELP).expect("it knows enough");
        assert_eq!(
            arguments.join(" "),
            "rootfs --format json --output /o/report.json --quiet --scanners vuln \
             --list-all-pkgs=false --cache-dir /c --skip-db-update --skip-java-db-update --offline-scan \
             --exit-code 0 --timeout 300s /t"
        );
        let image = scanned(TrivyWay::Image, HELP).expect("it knows enough");
        assert_eq!(image[0], "image");
        assert_eq!(image[image.len() - 2..], ["--input", "/t"]);
    }

    #[test]
    fn nothing_takes_findings_away_and_it_is_never_fs() {
        let all = "--severity x\n--ignore-unfixed x\n--ignorefile x\n--vex x\n--skip-files x\n--config x\n";
        let help = format!("{HELP}{}", all.replace("--", "      --"));
        for way in [TrivyWay::Sbom, TrivyWay::Rootfs, TrivyWay::Image] {
            let arguments = scanned(way, &help).expect("it knows enough");
            assert!(["sbom", "rootfs", "image"].contains(&arguments[0].as_str()));
            for flag in [
                "--severity",
                "--ignore-unfixed",
                "--ignorefile",
                "--vex",
                "--skip-files",
            ] {
                assert!(
                    !arguments.iter().any(|argument| argument.starts_with(flag)),
                    "{flag}"
                );
            }
        }
    }

    #[test]
    fn a_version_without_a_needed_flag_is_refused_by_the_flags_name() {
        for flag in NEEDED {
            let help: String = HELP
                .lines()
                .filter(|line| !line.contains(&format!("{flag} ")))
                .fold(String::new(), |text, line| text + line + "\n");
            let why = scanned(TrivyWay::Sbom, &help).expect_err(flag);
            assert!(why.contains(flag), "{why}");
        }
        assert!(scanned(TrivyWay::Sbom, "").is_err());
    }

    #[test]
    fn a_download_scans_nothing() {
        let cache = Path::new("/c");
        let time = Duration::from_secs(60);
        let arguments = text(download(TrivyDatabase::Vulnerabilities, cache, None, time));
        assert!(
            arguments
                .join(" ")
                .starts_with("image --download-db-only --no-progress --cache-dir /c")
        );
        let mirror = text(download(
            TrivyDatabase::Java,
            cache,
            Some("mirror/java:1"),
            time,
        ));
        assert!(mirror.contains(&"--download-java-db-only".to_owned()));
        assert_eq!(
            mirror[mirror.len() - 2..],
            ["--java-db-repository", "mirror/java:1"]
        );
    }
}
