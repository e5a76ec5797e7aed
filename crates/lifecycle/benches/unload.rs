//! From a directory of layers to a sealed volume, against what cannot be avoided and against the
//! pipeline that one would write in a shell. Ratios within one run, for machines are noisy.
//!
//! * ours: fetch, prove, unpack with every check, write ext4, flush, seal; nothing activated;
//! * floor: the same bytes copied to a file and synced, and hashed once, one after the other;
//! * shell: `tee` to `sha256sum`, `tar` into a directory, `sync` (as root, to keep owners): it
//!   makes no filesystem, checks nothing, and knows no whiteouts.
//!
//! The layers are real Debian ones where they can be made, else synthetic; it says which.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use longshore_harbor::{
    family::{Packing, golang},
    real,
};
use longshore_image::Hasher;
use longshore_lifecycle::{
    BackendChoice, DEFAULT_VOLUME_SIZE, FetchRequest, Host, Limits, Settings, SourceConfig,
    SourceUrl,
};

const RUNS: usize = 5;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let scratch = tempfile::tempdir()?;
    let (bucket, image, layers) = input(scratch.path())?;
    let bytes: u64 = layers
        .iter()
        .map(|layer| fs::metadata(layer).map_or(0, |m| m.len()))
        .sum();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{image}: {} layers, {bytes} bytes; medians of {RUNS} runs",
        layers.len()
    )?;
    let (mut ours, mut floors, mut shells) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let [a, b, c] = ["ours", "floor", "shell"].map(|name| scratch.path().join(name));
        let times = (
            unload(&bucket, &image, &a)?,
            floor(&layers, &b)?,
            shell(&layers, &c)?,
        );
        // The first round only warms the page cache.
        if run > 0 {
            ours.push(times.0);
            floors.push(times.1);
            shells.push(times.2);
        }
        for dir in [a, b, c] {
            fs::remove_dir_all(dir)?;
        }
    }
    let (ours, floor, shell) = (median(ours), median(floors), median(shells));
    for (name, time) in [("ours", ours), ("floor", floor), ("shell", shell)] {
        writeln!(out, "{name:<6} {:>8.3} s", time.as_secs_f64())?;
    }
    writeln!(
        out,
        "ours / floor {:.2}",
        ours.as_secs_f64() / floor.as_secs_f64()
    )?;
    writeln!(
        out,
        "ours / shell {:.2}",
        ours.as_secs_f64() / shell.as_secs_f64()
    )?;
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The bucket's directory, the image's name, and its layers in order.
fn input(scratch: &Path) -> Outcome<(PathBuf, String, Vec<PathBuf>)> {
    match real::small() {
        Ok(bucket) => Ok((bucket.dir, bucket.prefix.to_owned(), bucket.layers)),
        Err(why) => {
            let mut out = io::stdout().lock();
            writeln!(out, "no real layers ({why}); synthetic ones instead")?;
            let (family, dir) = (golang(), scratch.join("bucket"));
            let layers = family.write(&dir, Packing::Plain)?;
            Ok((dir, family.prefix().to_owned(), layers))
        }
    }
}

fn unload(bucket: &Path, image: &str, state: &Path) -> Outcome<Duration> {
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (events, _) = tokio::sync::broadcast::channel(1024);
        let settings = Settings {
            state_dir: state.to_owned(),
            source: SourceConfig::new(SourceUrl::directory(bucket)),
            backend: BackendChoice::File,
            limits: Limits::default(),
            volume_size: DEFAULT_VOLUME_SIZE,
            max_retries: 0,
            images_at_once: longshore_lifecycle::DEFAULT_IMAGES_AT_ONCE,
            inflate_ahead: longshore_lifecycle::DEFAULT_INFLATE_AHEAD,
            offline: false,
            wait: Duration::ZERO,
            purpose: "a benchmark".into(),
        };
        let host = Host::open(settings, events).await?;
        let request = FetchRequest {
            image: image.parse()?,
            machine: None,
            activate: false,
            accept_changed: false,
        };
        host.fetch_and_create(request).await?;
        host.close().await;
        Ok(begun.elapsed())
    })
}

fn floor(layers: &[PathBuf], dir: &Path) -> Outcome<Duration> {
    fs::create_dir(dir)?;
    let begun = Instant::now();
    let mut buffer = vec![0; 1 << 20];
    for (number, layer) in layers.iter().enumerate() {
        let (mut from, mut to) = (
            File::open(layer)?,
            File::create(dir.join(number.to_string()))?,
        );
        let mut hasher = Hasher::new();
        loop {
            let read = from.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            to.write_all(&buffer[..read])?;
        }
        hasher.finish();
        to.sync_all()?;
    }
    Ok(begun.elapsed())
}

fn shell(layers: &[PathBuf], dir: &Path) -> Outcome<Duration> {
    fs::create_dir(dir)?;
    let begun = Instant::now();
    for layer in layers {
        let status = Command::new("bash")
            .args(["-euo", "pipefail", "-c"])
            .arg("tee >(sha256sum >/dev/null) <\"$1\" | tar -x --overwrite -C \"$2\"; sync -f \"$2\"")
            .arg("bash")
            .args([layer, dir])
            .status()?;
        if !status.success() {
            return Err(format!("tar failed on {}", layer.display()).into());
        }
    }
    Ok(begun.elapsed())
}
