//! `measure INPUT PACKING CONTESTANT ROUND DEVICE DIR COMMAND...` runs a command and prints a line of JSON.
//!
//! DEVICE is the block device of the disk that DIR is on, whose count of written sectors is believed;
//! where it is `-`, what the kernel has in the account of the processes is. What was left to be written
//! before is written before the clock starts; what the command left is counted, but not timed: a
//! contestant that must be durable syncs by itself. `CONTESTANT` with the command `-- REASON` is a line
//! for one that is skipped.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use unload_bench::{Figures, Line, Outcome};

/// `/sys/block/*/stat` counts in these, whatever the device's own are.
const SECTOR: u64 = 512;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [input, packing, contestant, round, device, dir, command @ ..] = words.as_slice() else {
        bail!("measure INPUT PACKING CONTESTANT ROUND DEVICE DIR COMMAND...");
    };
    let outcome = match command {
        [] => bail!("no command"),
        [dashes, reason @ ..] if dashes == "--" => Outcome::Skipped(reason.join(" ")),
        [program, arguments @ ..] => measure(device, Path::new(dir), program, arguments)?,
    };
    let line = Line {
        input: input.clone(),
        packing: packing.clone(),
        contestant: contestant.clone(),
        round: round.parse().context("the round")?,
        outcome,
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &line)?;
    writeln!(out)?;
    Ok(())
}

fn measure(device: &str, dir: &Path, program: &str, arguments: &[String]) -> Result<Outcome> {
    sync(dir)?;
    let (before, load) = (written(device)?, load()?);
    let used = processor_seconds(&getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let begun = Instant::now();
    let ended = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| program.to_owned())?;
    let seconds = begun.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let kib = u64::try_from(usage.max_rss())?;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    if !ended.status.success() {
        let first = said.trim().lines().next();
        let first = first.unwrap_or("it said nothing");
        return Ok(Outcome::Skipped(format!(
            "it failed ({}): {first}",
            ended.status
        )));
    }
    sync(dir)?;
    Ok(Outcome::Measured(Figures {
        seconds,
        processor_seconds: processor_seconds(&usage) - used,
        peak_bytes: kib * 1024,
        written_bytes: written(device)? - before,
        load,
    }))
}

fn processor_seconds(usage: &Usage) -> f64 {
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| {
            let micros = i32::try_from(time.tv_usec()).unwrap_or(0);
            let seconds = i32::try_from(time.tv_sec()).unwrap_or(i32::MAX);
            f64::from(seconds) + f64::from(micros) / 1e6
        })
        .sum()
}

fn sync(dir: &Path) -> Result<()> {
    let status = Command::new("sync")
        .arg("-f")
        .arg(dir)
        .status()
        .context("sync")?;
    if !status.success() {
        bail!("sync -f {}: {status}", dir.display());
    }
    Ok(())
}

fn load() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or("").parse()?)
}

fn written(device: &str) -> Result<u64> {
    if device == "-" {
        let text = fs::read_to_string("/proc/self/io").context("/proc/self/io")?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("write_bytes: "));
        return Ok(value.context("no write_bytes")?.parse()?);
    }
    let name = device.trim_start_matches("/dev/");
    let text = fs::read_to_string(format!("/sys/block/{name}/stat")).context(name.to_owned())?;
    let sectors: u64 = text
        .split_whitespace()
        .nth(6)
        .context("no count")?
        .parse()?;
    Ok(sectors * SECTOR)
}
