//! Killed between any two durable points, and begun again: by the signal alone, and with the plug pulled after it.
//!
//! A point is a call that makes something durable (fsync, fdatasync) or asks device-mapper for something (ioctl);
//! strace kills the program as it makes the n-th of a thread, before the kernel has done it. The ones that matter
//! most are those that change the pool, a message and the swap of its transaction id after it: they are found in a
//! run that is watched, and the pool must be seen to be one behind the catalogue there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    process::Output,
};

use longshore_vmtest::{Guest, Scenario};
use serde_json::Value;

use crate::site::{Site, ours as program, run, text};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("and_begun_again", and_begun_again),
    ("as_an_image_is_removed", as_an_image_is_removed),
    ("and_the_plug_pulled", and_the_plug_pulled),
];

const IMAGE: &str = "images/one";

/// What is done, in turn: each leaves what the next needs.
const JOBS: &[&[&str]] = &[
    &["fetch-and-create", IMAGE, "--no-activate"],
    &["activate", IMAGE, "--name", "web"],
    &["reset", "web"],
    &["deactivate", "web"],
    &["activate", "web"],
    &["remove", "web"],
    &["remove", IMAGE],
];

/// Of these the ones that make a machine's disk, and delete it.
const MADE: usize = 1;
const REMOVED: usize = 5;
/// And the one that removes the image.
const IMAGE_REMOVED: usize = 6;

pub(crate) const POINTS: [&str; 2] = ["fsync,fdatasync", "ioctl"];

/// A job under strace, with these words for it. A caged child may not be traced.
fn traced(site: &Site, job: &[&str], words: &[&str]) -> Output {
    let ours = site.command(job);
    let mut traced = program("strace");
    traced.args(["-f", "-qqq"]).args(words);
    traced.arg(ours.get_program()).args(ours.get_args());
    for (key, value) in ours.get_envs() {
        if let Some(value) = value {
            traced.env(key, value);
        }
    }
    traced.env("LONGSHORE_CAGE", "off").output().unwrap()
}

/// Runs a job that is killed at the n-th point of a kind, where it gets as far.
pub(crate) fn kill_at(site: &Site, job: &[&str], kind: &str, n: usize) -> Output {
    let (trace, inject) = (
        format!("trace={kind}"),
        format!("inject={kind}:signal=KILL:when={n}"),
    );
    traced(site, job, &["-o", "/dev/null", "-e", &trace, "-e", &inject])
}

/// The same; whether it was killed, and ended well where it was not.
pub(crate) fn killed(site: &Site, job: &[&str], kind: &str, n: usize) -> bool {
    let output = kill_at(site, job, kind, n);
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    assert!(
        matches!(code, None | Some(0)),
        "{job:?} at {kind} {n}: {said}"
    );
    code.is_none()
}

/// At which ioctls of its thread a job changes the pool: each message, and the swap after it.
pub(crate) fn changes(site: &Site, job: &[&str]) -> Vec<usize> {
    let done = traced(site, job, &["-v", "-o", "/tmp/trace", "-e", "trace=ioctl"]);
    assert!(done.status.success(), "{done:?}");
    let (mut counts, mut found) = (BTreeMap::new(), Vec::new());
    for line in fs::read_to_string("/tmp/trace").unwrap().lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        if !call.trim_start().starts_with("ioctl(") {
            continue;
        }
        let count = counts.entry(thread.to_owned()).or_insert(0);
        *count += 1;
        let words = ["create_", "delete ", "set_transaction_id"];
        if call.contains("DM_TARGET_MSG") && words.iter().any(|word| call.contains(word)) {
            found.push(*count);
        }
    }
    found
}

/// Whether the catalogue has a change written down that the pool has not counted.
fn is_behind(site: &Site) -> bool {
    let status = site.json(&["pool", "status"]);
    status["transaction"] != status["recorded_transaction"]
}

/// The job again, to its end; what was done already is no failure of it.
fn again(site: &Site, job: &[&str]) {
    let output = site.output(&[&["-o", "json"], job].concat());
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_gone = job[0] == "remove" && output.status.code() == Some(5);
    assert!(output.status.success() || is_gone, "{job:?}: {answer}");
}

/// No id is lost and none is doubled: what the pool has is what the catalogue has. Whether the image is there.
pub(crate) fn check(site: &Site, when: &str) -> bool {
    let mut known = BTreeSet::new();
    let shown = site.output(&["-o", "json", "show", IMAGE]);
    let is_there = shown.status.success();
    if is_there {
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let volumes = shown["volumes"].as_array().unwrap().iter();
        known.extend(volumes.map(|volume| volume["id"].as_u64().unwrap()));
        let machines = shown["machines"].as_array().unwrap().iter();
        known.extend(machines.map(|machine| machine["volume"].as_u64().unwrap()));
    }
    assert!(!is_behind(site), "{when}");
    let hold = |message: &str| {
        let held = run("dmsetup", &["message", "longshore", "0", message]);
        assert!(held.status.success(), "{held:?}");
    };
    hold("reserve_metadata_snap");
    let listed = run(
        "thin_ls",
        &["-m", "--no-headers", "-o", "DEV", &text(site.metadata())],
    );
    hold("release_metadata_snap");
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut there: BTreeSet<u64> = listed
        .lines()
        .map(|id| id.trim().parse().unwrap())
        .collect();
    // That of the first block.
    there.remove(&0x00ff_ffff);
    assert_eq!(there, known, "{when}");
    is_there
}

fn and_begun_again(guest: &Guest) {
    begun_again(guest, 0..IMAGE_REMOVED);
}

/// The last job alone: all of them at every point take longer than anybody waits for one scenario.
fn as_an_image_is_removed(guest: &Guest) {
    if guest.is_soak() {
        begun_again(guest, IMAGE_REMOVED..JOBS.len());
    }
}

fn begun_again(guest: &Guest, turns: Range<usize>) {
    let site = Site::with_pool(guest);
    let (mut kills, mut behind) = (0, 0);
    let mut at = |job: &[&str], kind: &str, n: usize| {
        let was = killed(&site, job, kind, n);
        kills += usize::from(was);
        behind += usize::from(is_behind(&site));
        again(&site, job);
        check(&site, &format!("{job:?} killed at {kind} {n}"));
        // What the job has done is undone, so that it has to be done again.
        undo(&site, job);
        was
    };
    for job in &JOBS[..turns.start.min(1)] {
        again(&site, job);
    }
    let jobs = turns.len();
    for turn in turns {
        let job = JOBS[turn];
        match guest.is_soak() {
            true => {
                for kind in POINTS {
                    (1..).find(|n| !at(job, kind, *n));
                }
            }
            // Of each job one, and of those that make a machine's disk and delete it each change of the pool.
            false => {
                if turn % 2 == 0 {
                    at(job, POINTS[0], 3 + turn);
                }
                if [MADE, REMOVED].contains(&turn) {
                    let points = changes(&site, job);
                    assert!(points.len() >= 2, "{job:?} changes the pool at {points:?}");
                    undo(&site, job);
                    for n in points {
                        assert!(at(job, POINTS[1], n), "{job:?} at {n}");
                    }
                }
            }
        }
        again(&site, job);
    }
    assert!(kills >= jobs, "only {kills} were killed");
    assert!(
        behind >= 4 || jobs == 1,
        "only {behind} left the pool one behind"
    );
    site.check();
}

/// Goes back to before a job.
fn undo(site: &Site, job: &[&str]) {
    let back: &[&[&str]] = match *job {
        ["fetch-and-create", ..] => &[&["remove", IMAGE]],
        ["activate", _, ..] if job.len() > 2 => &[&["remove", "web"]],
        ["activate", ..] => &[&["deactivate", "web"]],
        ["deactivate", ..] => &[&["activate", "web"]],
        ["remove", "web"] => &[&["activate", IMAGE, "--name", "web"]],
        ["remove", ..] => &[&["fetch-and-create", IMAGE, "--no-activate"]],
        _ => &[],
    };
    for job in back {
        again(site, job);
    }
}

/// Jobs at which the plug is pulled, a boot each, and at which of their changes of the pool.
const PULLED: &[(usize, usize)] = &[(MADE, 0), (REMOVED, 1)];

fn and_the_plug_pulled(guest: &Guest) {
    let boot = usize::try_from(guest.boot()).unwrap();
    let site = match boot {
        0 => Site::with_pool(guest),
        _ => {
            let site = Site::again(guest);
            let (job, change) = PULLED[boot - 1];
            // It brings the pool up itself.
            again(&site, JOBS[job]);
            check(&site, &format!("{:?} and the plug at {change}", JOBS[job]));
            site
        }
    };
    let Some((job, change)) = PULLED.get(boot) else {
        site.check();
        return;
    };
    let done = boot.checked_sub(1).map_or(0, |boot| PULLED[boot].0 + 1);
    for job in &JOBS[done..*job] {
        again(&site, job);
    }
    let n = changes(&site, JOBS[*job])[*change];
    undo(&site, JOBS[*job]);
    assert!(killed(&site, JOBS[*job], POINTS[1], n), "at {n}");
    assert!(is_behind(&site));
    guest.crash();
}
