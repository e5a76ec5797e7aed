//! Judging cuts of the power on the host: a boot that records, then the disk after each cut, several to a boot.

use std::{
    env,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    cut::{Position, spread},
    group::PowerCuts,
    host::{SOAK, prepared, print, through},
    machine::{Disk, Vm},
    partitions::{disk_bytes, make},
    recording::Recording,
    replay::replay,
};

/// The name of the scenario that is recorded.
pub(crate) const RECORD: &str = "record";
/// Names the cuts to judge: `12:3,14:lost`.
const CUT: &str = "LONGSHORE_VM_CUT";
/// Names a log that was recorded before, for the next time is not the same.
const RECORDING: &str = "LONGSHORE_VM_RECORDING";
/// How many disks such a machine has place for: QEMU 7.2 refuses the 25th.
const PLACES: usize = 24;
/// Of each flush in a soak.
const SEEDS: u64 = 1;

/// Runs it, and answers whether all cuts passed, or it was skipped.
pub(crate) fn run(cuts: &PowerCuts) -> bool {
    attempt(cuts).unwrap_or_else(|error| {
        print(&format!("the cuts could not be judged: {error}"));
        false
    })
}

fn attempt(cuts: &PowerCuts) -> io::Result<bool> {
    let Some(vm) = prepared(&cuts.machine)? else {
        return Ok(true);
    };
    let place = tempfile::tempdir()?;
    let begun = Instant::now();
    let log = match env::var_os(RECORDING) {
        Some(log) => PathBuf::from(log),
        None => match recorded(cuts, &vm, place.path())? {
            Some(log) => log,
            None => return Ok(false),
        },
    };
    let file = File::open(&log)?;
    let recording = Recording::read(&file, disk_bytes(cuts.partitions))?;
    let chosen = chosen(cuts, &recording)?;
    print(&format!(
        "recorded {} writes, {} flushes, {} marks; {} cuts are judged",
        recording.writes.len(),
        recording.flushes.len(),
        recording.marks.len(),
        chosen.len()
    ));
    let marks = recording.marks.iter();
    let marks = marks.map(|mark| format!("{} {:?}", mark.flushes, mark.text));
    print(&format!(
        "after these flushes there is a mark: {}",
        marks.collect::<Vec<_>>().join(", ")
    ));
    if chosen.is_empty() {
        print("there is no cut: the scenario leaves no mark");
        return Ok(false);
    }
    let own = cuts.machine.disks.len() + cuts.machine.prepared.len();
    let mut passed = true;
    let mut judged = 0;
    for several in chosen.chunks(PLACES.saturating_sub(own).clamp(1, 20)) {
        let mut disks = Vec::new();
        for (number, position) in several.iter().enumerate() {
            let disk = place.path().join(format!("cut{number}"));
            let kept = position.kept(&recording);
            let kept =
                kept.ok_or_else(|| io::Error::other(format!("there is no flush of {position}")))?;
            replay(&file, &kept, cuts.partitions, &disk)?;
            disks.push(Disk::Cut(disk));
        }
        let names = several.iter().map(Position::to_string).collect();
        passed &= through(&vm, cuts.name, 1, names, &disks)?;
        judged += several.len();
        print(&format!(
            "{judged} of {} cuts are judged, {:.0} s since the begin{}",
            chosen.len(),
            begun.elapsed().as_secs_f64(),
            if passed { "" } else { ", some failed" }
        ));
    }
    print(&format!(
        "{} cuts took {:.1} s, with the recording",
        chosen.len(),
        begun.elapsed().as_secs_f64()
    ));
    if !passed {
        keep(place, &log);
    }
    Ok(passed)
}

/// Boots the machine with a disk that is recorded; the log, where the scenario passed.
fn recorded(cuts: &PowerCuts, vm: &Vm, place: &Path) -> io::Result<Option<PathBuf>> {
    let (disk, log) = (place.join("recorded"), place.join("log"));
    make(&disk, cuts.partitions)?;
    File::create(&log)?;
    let attached = Disk::Recorded {
        disk: disk.clone(),
        log: log.clone(),
    };
    let passed = through(vm, cuts.name, 1, vec![RECORD.to_owned()], &[attached])?;
    fs::remove_file(disk)?;
    Ok(passed.then_some(log))
}

fn chosen(cuts: &PowerCuts, recording: &Recording) -> io::Result<Vec<Position>> {
    if let Ok(named) = env::var(CUT) {
        let named = named.split(',').map(str::parse);
        return named.collect::<Result<_, _>>().map_err(io::Error::other);
    }
    Ok(match env::var_os(SOAK) {
        Some(_) => spread(&recording.every_cut(SEEDS)),
        None => recording.some_cuts(cuts.sample),
    })
}

/// Leaves the log where it can be had again, and nothing else.
fn keep(place: tempfile::TempDir, log: &Path) {
    let place = place.keep();
    for file in fs::read_dir(place).into_iter().flatten().flatten() {
        if file.path() != log {
            // What cannot be removed takes room and does no other harm.
            let _ = fs::remove_file(file.path());
        }
    }
    print(&format!(
        "to have a cut again: {RECORDING}={} {CUT}=its name, as 12:3",
        log.display()
    ));
}
