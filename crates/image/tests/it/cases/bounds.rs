//! Every case and every archive of the corpus, each in a process of its own that may take 10 s of
//! processor time and 256 MiB of memory.
//!
//! The child is this test binary again. `ulimit` of the shell sets its bounds, which the kernel
//! enforces; how much it has used it reads of itself at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::case::Case;
use super::table::all;
use crate::builder::{Image, Tar};
use crate::corpus;

/// Wall-clock time of one archive, processor time too.
const SECONDS: u64 = 10;
const KIB: u64 = 256 << 10;
/// Says to a child what to read: the paths of the layers of an image, a line each.
const WORK: &str = "LONGSHORE_BOUNDED";
const DONE: &str = "bounded: done";

/// What a child says of itself.
struct Used {
    wall: Duration,
    peak_kib: u64,
}

/// Runs the child on these layers; how it ended, if not as it should.
fn bounded(layers: &[PathBuf]) -> Result<Used, String> {
    let test = "cases::bounds::what_a_child_does";
    let paths: Vec<_> = layers.iter().map(|it| it.to_str().unwrap()).collect();
    let work = paths.join("\n");
    let bounds =
        format!("ulimit -t {SECONDS} && ulimit -v {KIB} && exec \"$0\" --exact {test} --nocapture");
    let begun = Instant::now();
    let output = Command::new("sh")
        .args(["-c", &bounds])
        .arg(std::env::current_exe().unwrap())
        .env(WORK, &work)
        // One arena: each reserves 64 MiB of addresses, whatever it uses of them.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let wall = begun.elapsed();
    let text = String::from_utf8_lossy(&output.stdout);
    let peak = text
        .split_once(DONE)
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    match peak {
        Some(peak_kib) if output.status.success() && wall.as_secs() < SECONDS => {
            Ok(Used { wall, peak_kib })
        }
        _ => Err(format!(
            "{work}: {} after {wall:?}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// Runs the child on each of these images; what the most was that one took.
fn bound_all(images: &[Vec<PathBuf>]) -> Used {
    let (mut wall, mut peak_kib) = (Duration::ZERO, 0);
    let mut failed = Vec::new();
    for layers in images {
        match bounded(layers) {
            Ok(used) => {
                wall = wall.max(used.wall);
                peak_kib = peak_kib.max(used.peak_kib);
            }
            Err(how) => failed.push(how),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Used { wall, peak_kib }
}

#[test]
fn what_a_child_does() {
    let Ok(work) = std::env::var(WORK) else {
        println!("skipped: this is a part of the tests beside it");
        return;
    };
    let mut image = Image::new();
    // Rejected or not: what it took is the same question.
    let _: Result<Vec<_>, _> = work
        .lines()
        .map(|path| image.layer(fs::File::open(path).unwrap()))
        .collect();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let peak = line.unwrap().split_whitespace().nth(1).unwrap();
    println!("{DONE} {peak}");
}

/// A folder for archives; nothing where processes have no such bounds.
fn folder(name: &str) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("bounds")
        .join(name);
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

#[test]
fn no_case_takes_more_than_10_s_and_256_mib() {
    let Some(folder) = folder("cases") else {
        println!("skipped: the bounds of a process are Linux's");
        return;
    };
    let write = |(number, case): (usize, Case)| {
        let layers = case.below.into_iter().chain([case.layer]);
        let write = |(place, layer): (usize, Vec<u8>)| {
            let path = folder.join(format!("{number}-{place}.tar"));
            fs::write(&path, layer).unwrap();
            path
        };
        layers.enumerate().map(write).collect()
    };
    let images: Vec<Vec<_>> = all().into_iter().enumerate().map(write).collect();
    let Used { wall, peak_kib } = bound_all(&images);
    println!(
        "{} cases: at most {wall:?} and {peak_kib} KiB each",
        images.len()
    );
}

#[test]
fn no_archive_of_the_corpus_takes_more_than_10_s_and_256_mib() {
    let (Some(corpus), Some(_)) = (corpus::folder(), folder("corpus")) else {
        println!("skipped: no ../shared/corpus beside the workspace, or not Linux");
        return;
    };
    let layers = |path: PathBuf| corpus::below(&path).into_iter().chain([path]).collect();
    let images: Vec<Vec<_>> = corpus::archives(&corpus).into_iter().map(layers).collect();
    let Used { wall, peak_kib } = bound_all(&images);
    assert!(images.len() > 100, "the index was read");
    println!(
        "{} archives: at most {wall:?} and {peak_kib} KiB each",
        images.len()
    );
}

#[test]
fn a_child_that_takes_more_is_seen() {
    let Some(folder) = folder("large") else {
        println!("skipped: the bounds of a process are Linux's");
        return;
    };
    // Within all limits of a file, but the model keeps every byte of it in memory.
    let records: [(&str, &[u8]); 2] = [("GNU.sparse.map", b""), ("GNU.sparse.size", b"999999999")];
    let large = Tar::new().pax(&records).file("a", b"").end();
    let path = folder.join("large.tar");
    fs::write(&path, large).unwrap();
    assert!(bounded(&[path]).is_err());
}
