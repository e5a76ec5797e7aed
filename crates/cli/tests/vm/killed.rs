//! Killed between any two durable points, and begun again: by the signal alone, and with the plug pulled after it.
//!
//! A point is a call that makes something durable (fsync, fdatasync) or asks device-mapper for something (ioctl);
//! strace kills the program as it makes the n-th of a thread, before the kernel has done it.

use std::collections::BTreeSet;

use longshore_vmtest::{Guest, Scenario};
use serde_json::Value;

use crate::site::{Site, ours as program, run, text};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("and_begun_again", and_begun_again),
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

const POINTS: [&str; 2] = ["fsync,fdatasync", "ioctl"];

/// Runs a job that is killed at the n-th point of a kind. Whether it was.
fn killed(site: &Site, job: &[&str], kind: &str, n: usize) -> bool {
    let ours = site.command(job);
    let mut traced = program("strace");
    traced
        .args(["-f", "-qqq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={kind}"))
        .arg("-e")
        .arg(format!("inject={kind}:signal=KILL:when={n}"))
        .arg(ours.get_program())
        .args(ours.get_args());
    for (key, value) in ours.get_envs() {
        if let Some(value) = value {
            traced.env(key, value);
        }
    }
    // A caged child may not be traced.
    let output = traced.env("LONGSHORE_CAGE", "off").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() != Some(1),
        "{job:?} at {kind} {n}: {said}"
    );
    !output.status.success()
}

/// The job again, to its end; what was done already is no failure of it.
fn again(site: &Site, job: &[&str]) {
    let output = site.output(&[&["-o", "json"], job].concat());
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_gone = job[0] == "remove" && output.status.code() == Some(5);
    assert!(output.status.success() || is_gone, "{job:?}: {answer}");
}

/// No id is lost and none is doubled: what the pool has is what the catalogue has.
fn check(site: &Site, when: &str) {
    let mut known = BTreeSet::new();
    let shown = site.output(&["-o", "json", "show", IMAGE]);
    if shown.status.success() {
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let volumes = shown["volumes"].as_array().unwrap().iter();
        known.extend(volumes.map(|volume| volume["id"].as_u64().unwrap()));
        let machines = shown["machines"].as_array().unwrap().iter();
        known.extend(machines.map(|machine| machine["volume"].as_u64().unwrap()));
    }
    let status = site.json(&["pool", "status"]);
    assert_eq!(
        status["transaction"], status["recorded_transaction"],
        "{when}"
    );
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
}

fn and_begun_again(guest: &Guest) {
    let site = Site::with_pool(guest);
    // All points in a soak; else one of each job, of each kind in turn.
    let mut kills = 0;
    for (turn, job) in JOBS.iter().enumerate() {
        for (number, kind) in POINTS.iter().enumerate() {
            let is_its_turn = turn % 2 == number;
            if !is_its_turn && !guest.is_soak() {
                continue;
            }
            let first = if guest.is_soak() { 1 } else { 3 + turn };
            for n in first.. {
                let was = killed(&site, job, kind, n);
                again(&site, job);
                check(&site, &format!("{job:?} killed at {kind} {n}"));
                if !was {
                    break;
                }
                kills += 1;
                // What the job has done is undone, so that it has to be done again.
                undo(&site, job);
                if !guest.is_soak() {
                    break;
                }
            }
        }
        again(&site, job);
    }
    assert!(kills >= 2, "only {kills} were killed");
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

/// Jobs and points at which the plug is pulled, a boot each.
const PULLED: &[(usize, &str, usize)] =
    &[(0, "ioctl", 8), (1, "ioctl", 7), (5, "fsync,fdatasync", 3)];

fn and_the_plug_pulled(guest: &Guest) {
    let boot = usize::try_from(guest.boot()).unwrap();
    let site = match boot {
        0 => Site::with_pool(guest),
        _ => {
            let site = Site::again(guest);
            let (job, kind, n) = PULLED[boot - 1];
            site.json(&["pool", "up"]);
            again(&site, JOBS[job]);
            check(
                &site,
                &format!("{:?} and the plug at {kind} {n}", JOBS[job]),
            );
            site
        }
    };
    let Some((job, kind, n)) = PULLED.get(boot) else {
        site.check();
        return;
    };
    let done = boot.checked_sub(1).map_or(0, |boot| PULLED[boot].0 + 1);
    for job in &JOBS[done..*job] {
        again(&site, job);
    }
    assert!(
        killed(&site, JOBS[*job], kind, *n),
        "{:?} has no {kind} {n}",
        JOBS[*job]
    );
    guest.crash();
}
