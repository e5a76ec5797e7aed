//! What a cage adds to looking into an image.
//!
//! A layer of a Debian-like system is scanned as `scan --path` does it, in this process and in a cage, in
//! turn: unpacking costs both the same, so that what differs is the cage. It is one child for each image:
//! started, locked in, its answer sent and parsed, ended and reaped.
//!
//! `cargo bench -p longshore-lifecycle --bench caged`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and it prints what it measured"
)]

use std::{
    fmt::Write,
    fs::File,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use longshore_lifecycle::{
    BackendChoice, CageMode, CancellationToken, Limits, Scanning, Settings, SourceConfig,
    SourceUrl, scan_path,
};

const RUNS: usize = 100;
const MODES: [CageMode; 2] = [CageMode::Off, CageMode::Best];

/// A distroless image, a common one, and one with everything.
const PACKAGES: [usize; 3] = [10, 400, 4000];

fn main() -> ExitCode {
    if let Some(ended) = longshore_lifecycle::caged() {
        return ended;
    }
    let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let place = place.unwrap();
    for packages in PACKAGES {
        let layer = place.path().join("layer.tar");
        write(&layer, packages);
        let mut times = MODES.map(|_| Vec::new());
        // In turn, so that a busy host is as busy for both.
        for _ in 0..RUNS {
            for (mode, times) in MODES.into_iter().zip(&mut times) {
                times.push(time(place.path(), &layer, mode, packages));
            }
        }
        let [off, caged] = times.map(|mut times| {
            times.sort_unstable();
            times
        });
        // On a busy host the least of them says most.
        for (name, at) in [("least", 0), ("p50", RUNS / 2), ("p90", RUNS * 9 / 10)] {
            let [off, caged] = [off[at], caged[at]].map(|time| time.as_secs_f64() * 1e3);
            println!(
                "{packages:5} packages  {name:5}  in this process {off:7.3} ms  in a cage {caged:7.3} ms  \
                 more {:7.3} ms",
                caged - off
            );
        }
    }
    ExitCode::SUCCESS
}

fn time(place: &Path, layer: &Path, cage: CageMode, packages: usize) -> Duration {
    let settings = Settings {
        state_dir: place.join("state"),
        source: SourceConfig::new(SourceUrl::directory(place)),
        backend: BackendChoice::File,
        limits: Limits::default(),
        volume_size: 64 << 20,
        max_retries: 0,
        images_at_once: longshore_lifecycle::DEFAULT_IMAGES_AT_ONCE,
        pool_overcommit: None,
        inflate_ahead: longshore_lifecycle::DEFAULT_INFLATE_AHEAD,
        scanning: Scanning {
            refresh: None,
            cage,
            ..Scanning::default()
        },
        offline: true,
        wait: Duration::ZERO,
        purpose: "a benchmark".into(),
    };
    let began = Instant::now();
    let scan = scan_path(&settings, layer, &CancellationToken::new()).unwrap();
    let took = began.elapsed();
    let seen = usize::try_from(scan.report.outcome.summary.packages).unwrap();
    assert_eq!(seen, packages);
    took
}

/// A layer with a database of so many packages.
fn write(layer: &Path, packages: usize) {
    let mut status = String::new();
    for number in 0..packages {
        writeln!(
            status,
            "Package: package-{number}\nStatus: install ok installed\nPriority: optional\nSection: libs\n\
             Installed-Size: 1024\nMaintainer: Somebody <somebody@example.com>\nArchitecture: amd64\n\
             Source: source-{number}\nVersion: 1.{number}-1\nDepends: libc6 (>= 2.34)\n\
             Description: a package\n that is there to be read\n"
        )
        .unwrap();
    }
    let release = "ID=debian\nVERSION_ID=12\n";
    let mut tar = tar::Builder::new(File::create(layer).unwrap());
    for (path, content) in [
        ("etc/os-release", release),
        ("var/lib/dpkg/status", &status),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    tar.finish().unwrap();
}
