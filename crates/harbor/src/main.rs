//! `harbor`: the development tools from a shell. See `harbor help`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers: what it prints is what it is for"
)]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use longshore_harbor::family::{self, Packing};
use longshore_harbor::s3::{Exchange, Options, S3Server};
use longshore_harbor::{oracle, readback};
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
harbor: development tools of longshore

  harbor serve --dir DIR [--bucket NAME] [--port PORT] [--log]
      Serves DIR as an S3 bucket (anonymous, path style) until standard input ends or a signal
      comes. Prints `endpoint http://127.0.0.1:PORT` and `bucket NAME`.
  harbor make-demo DIR [--gzip]
      Writes the families images/demo, images/golang, images/node, images/python, images/patched
      and images/neglected below DIR.
  harbor check-disk DISK LAYER...
      Runs e2fsck on DISK and compares what it holds with what the layers say. Exit code 1 if
      anything differs.
  harbor manifest LAYER...
      Prints what the layers say: a path a line.
  harbor digest DISK...
      Prints a digest of each disk image's bytes in which holes are zeros.
";

type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["serve", options @ ..] => serve(options),
        ["make-demo", dir] => make_demo(Path::new(dir), Packing::Plain),
        ["make-demo", dir, "--gzip"] => make_demo(Path::new(dir), Packing::Gzip),
        ["check-disk", disk, layers @ ..] if !layers.is_empty() => {
            check_disk(Path::new(disk), layers)
        }
        ["manifest", layers @ ..] if !layers.is_empty() => manifest(layers),
        ["digest", disks @ ..] if !disks.is_empty() => digest(disks),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("harbor: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn serve(options: &[&str]) -> Result<(), Failed> {
    let mut dir = None;
    let mut bucket = None;
    let mut port = 0;
    let mut log = false;
    let mut words = options.iter();
    while let Some(option) = words.next() {
        let mut value = || {
            words
                .next()
                .copied()
                .ok_or(format!("{option} needs a value"))
        };
        match *option {
            "--dir" => dir = Some(PathBuf::from(value()?)),
            "--bucket" => bucket = Some(value()?),
            "--port" => port = value()?.parse()?,
            "--log" => log = true,
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let mut options = Options::new(dir.ok_or("--dir DIR is needed")?).port(port);
    if let Some(bucket) = bucket {
        options = options.bucket(bucket);
    }
    let server = S3Server::start(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(until_told(&server, log))?;
    // A thread that reads standard input cannot be told to stop; it ends with the process.
    runtime.shutdown_background();
    Ok(())
}

/// Says where the server is, waits for the end of standard input or a signal, and prints requests
/// meanwhile if asked to. Signals are caught before anything is printed.
async fn until_told(server: &S3Server, log: bool) -> std::io::Result<()> {
    let mut ended = tokio::task::spawn_blocking(until_input_ends);
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    println!("endpoint {}", server.endpoint());
    println!("bucket {}", server.bucket());
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut printed = 0;
    loop {
        let over = tokio::select! {
            _ = &mut ended => true,
            _ = terminated.recv() => true,
            _ = interrupted.recv() => true,
            _ = tick.tick() => false,
        };
        if log {
            printed += print_requests(&server.requests()[printed..], over);
        }
        if over {
            return Ok(());
        }
    }
}

fn until_input_ends() {
    let mut ignored = [0; 4096];
    while std::io::stdin()
        .read(&mut ignored)
        .is_ok_and(|count| count > 0)
    {}
}

/// Prints requests up to the first that is still under way, or all; how many were printed.
fn print_requests(requests: &[Exchange], all: bool) -> usize {
    let done = requests.iter().take_while(|exchange| exchange.ended || all);
    done.map(|exchange| {
        let range = exchange.range.as_deref().unwrap_or("-");
        let status = exchange.status.unwrap_or(0);
        let (operation, bytes) = (exchange.operation, exchange.bytes_sent);
        println!("{operation:?} {} {range} {status} {bytes}", exchange.key);
    })
    .count()
}

fn make_demo(dir: &Path, packing: Packing) -> Result<(), Failed> {
    for family in [
        family::demo(),
        family::golang(),
        family::node(),
        family::python(),
        family::patched(),
        family::neglected(),
    ] {
        family.write(dir, packing)?;
        println!("{}", family.prefix());
    }
    Ok(())
}

fn check_disk(disk: &Path, layers: &[&str]) -> Result<(), Failed> {
    readback::fsck(disk)?;
    let expected = oracle::manifest(layers)?;
    let reader = readback::Reader::available();
    let differences = expected.diff(&reader.manifest(disk)?);
    for line in &differences {
        println!("{line}");
    }
    if !differences.is_empty() {
        return Err(format!("{} differences, read by {reader:?}", differences.len()).into());
    }
    println!(
        "{}: {} paths as the layers say, read by {reader:?}",
        disk.display(),
        expected.len()
    );
    Ok(())
}

fn manifest(layers: &[&str]) -> Result<(), Failed> {
    for (path, node) in oracle::manifest(layers)?.iter() {
        let (seconds, nanos) = node.mtime;
        println!(
            "/{} {:04o} {}:{} {seconds}.{nanos:09} {}",
            path.escape_ascii(),
            node.mode,
            node.uid,
            node.gid,
            node.kind
        );
    }
    Ok(())
}

fn digest(disks: &[&str]) -> Result<(), Failed> {
    for disk in disks {
        println!("{} {disk}", readback::disk_digest(Path::new(disk))?);
    }
    Ok(())
}
