//! `kill -9` of the real process, anywhere, costs nothing: the same command finishes, fetches nothing
//! twice that was durable, and leaves the bytes of a build that nobody disturbed.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use longshore_harbor::{
    family::{Content, Family, demo},
    readback::fsck,
    real,
    s3::{Fault, Gate, Rule},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    place::{Ended, Place},
    soak::{Random, is_soak, number, record, seed},
    trial::{Disks, Seen, State, Trial},
};

const SOON: Duration = Duration::from_secs(60);
const MIB: u64 = 1 << 20;

fn of(family: &Family) -> Trial {
    let place = Place::new();
    place.put(family);
    let bucket = place.bucket();
    Trial::new(place, &bucket, family.prefix())
}

/// What a build that nobody disturbs comes to, and what was seen of it from outside.
fn undisturbed(trial: &Trial) -> (Disks, Seen) {
    let state = trial.state("undisturbed");
    let (status, seen) = state.begin().end();
    assert!(status.success(), "{status}");
    let disks = state.disks();
    let show = state.show();
    for volume in show["volumes"].as_array().unwrap() {
        fsck(volume["path"].as_str().unwrap().as_ref()).unwrap();
    }
    trial.server.forget_requests();
    std::fs::remove_dir_all(&state.dir).unwrap();
    (disks, seen)
}

#[test]
fn bytes_that_were_durable_are_not_fetched_again() {
    const SIZE: u64 = 56 * MIB;
    let noise = |seed, length| Content::Noise { seed, length };
    let family = Family::builder("images/large")
        .layer(|l| l.dir("./", 0o755).file("large", noise(1, SIZE)))
        .layer(|l| l.file("small", noise(2, 70_000)))
        .build();
    let trial = of(&family);
    let (disks, _) = undisturbed(&trial);
    let key = "images/large/1.tar";

    // The first five requests, of 8 MiB each, are answered; the others bring nothing.
    let gate = Gate::new();
    let stall = Fault::Stall {
        after: 0,
        gate: gate.clone(),
    };
    trial.server.inject(Rule::new(stall).key(key).from_nth(6));
    let state = trial.state("killed");
    let running = state.begin();
    // A checkpoint is due once a second, or after 32 MiB.
    let began = Instant::now();
    let durable = || state.durable().get(key).copied().unwrap_or_default();
    assert!(running.kill_when(|_| durable() >= 32 * MIB || began.elapsed() > SOON));
    let durable = durable();
    assert!(
        durable >= 32 * MIB,
        "40 MiB were sent, and {durable} bytes were made durable"
    );
    gate.open();
    state.finish(&disks);
    let sent = trial.server.bytes_of(key);
    assert!(sent < 26 * MIB, "{sent}");
}

#[test]
fn killed_at_an_exact_byte_of_a_layer() {
    let trial = of(&demo());
    let (disks, _) = undisturbed(&trial);
    let held = [
        ("images/demo/1.tar", 0),
        ("images/demo/1.tar", 1),
        ("images/demo/1.tar", 2_000_001),
        ("images/demo/2.tar", 512),
        ("images/demo/3.tar", 300_000),
    ];
    for (number, (key, after)) in held.into_iter().enumerate() {
        let gate = Gate::new();
        let stall = Fault::Stall {
            after,
            gate: gate.clone(),
        };
        trial.server.inject(Rule::new(stall).key(key));
        let state = trial.state(&format!("held-{number}"));
        let running = state.begin();
        assert!(gate.wait_for(1, SOON), "{key} was never asked for");
        assert!(running.kill_when(|_| true));
        gate.open();
        state.finish(&disks);
    }
}

#[test]
fn killed_at_every_stage() {
    let trial = of(&demo());
    let (disks, whole) = undisturbed(&trial);
    type Reached = Box<dyn Fn(&Seen) -> bool>;
    let mut moments: Vec<(String, Reached)> = vec![
        ("a first blob".into(), Box::new(|seen| seen.blobs >= 1)),
        ("the last blob".into(), Box::new(|seen| seen.blobs >= 3)),
        ("a volume".into(), Box::new(|seen| seen.volumes >= 1)),
        (
            "the machine's disk".into(),
            Box::new(|seen| seen.volumes >= 2),
        ),
        (
            "the machine's path".into(),
            Box::new(|seen| seen.machines >= 1),
        ),
    ];
    for eighth in 1..8 {
        let commits = whole.commits * eighth / 8;
        let reached = move |seen: &Seen| seen.commits >= commits;
        moments.push((format!("{commits} commits"), Box::new(reached)));
    }
    let mut kills = 0;
    for (number, (what, reached)) in moments.iter().enumerate() {
        let state = trial.state(&format!("stage-{number}"));
        let was_killed = state.begin().kill_when(reached);
        println!("{what}: killed: {was_killed}");
        kills += usize::from(was_killed);
        state.finish(&disks);
    }
    // The last moments may come too late.
    assert!(kills >= 8, "only {kills} of {}", moments.len());
}

#[test]
fn killed_again_and_again_it_gets_there() {
    let trial = of(&demo());
    let (disks, whole) = undisturbed(&trial);
    let state = trial.state("again-and-again");
    let kills = (1..6)
        .filter(|sixth| {
            let commits = whole.commits * sixth / 6;
            state.begin().kill_when(|seen| seen.commits >= commits)
        })
        .count();
    assert!(kills >= 2, "{kills}");
    state.finish(&disks);
}

/// A moment that is equally likely to be any that a run without disturbance has.
fn random_moment(random: &mut Random, whole: &Seen) -> impl FnMut(&Seen) -> bool + use<> {
    let kind = random.below(4);
    let share = random.below(1000);
    let of = |count: usize| u64::try_from(count).unwrap() * share / 1000;
    let (lines, commits, requests) = (of(whole.lines), of(whole.commits), of(whole.requests));
    let elapsed = whole.elapsed * u32::try_from(share).unwrap() / 1000;
    move |seen| {
        let reached = |count: usize, wanted| u64::try_from(count).unwrap() > wanted;
        match kind {
            0 => reached(seen.lines, lines),
            1 => reached(seen.commits, commits),
            2 => reached(seen.requests, requests),
            _ => seen.elapsed >= elapsed,
        }
    }
}

#[test]
fn killed_at_random() {
    let (trial, wanted) = if is_soak() {
        let trial = match real::small() {
            Ok(bucket) => Trial::new(Place::new(), &bucket.dir, bucket.prefix),
            Err(why) => {
                println!("over a made family: {why}");
                of(&demo())
            }
        };
        (trial, number("LONGSHORE_KILLS", 200))
    } else {
        (of(&demo()), 12)
    };
    let (seed, began) = (seed(), Instant::now());
    let (disks, whole) = undisturbed(&trial);
    println!("seed {seed}, {wanted} kills of {}, {whole:?}", trial.image);
    let mut random = Random(seed);
    let (mut kills, mut finished, mut lives) = (0, 0, 0);
    while kills < wanted {
        let state = trial.state(&format!("life-{lives}"));
        lives += 1;
        // One life has up to three crashes.
        for _ in 0..=random.below(3) {
            let was_killed = state.begin().kill_when(random_moment(&mut random, &whole));
            println!("life {lives}: killed: {was_killed}");
            if !was_killed {
                finished += 1;
                break;
            }
            kills += 1;
        }
        state.finish(&disks);
        std::fs::remove_dir_all(&state.dir).unwrap();
        assert!(finished <= 3 * wanted, "it ends before it is killed");
    }
    record(
        &format!(
            "kill -9 of a build of {}, then the same command",
            trial.image
        ),
        seed,
        kills,
        began.elapsed(),
        &format!("{lives} builds finished, all as undisturbed"),
    );
}

#[test]
fn after_an_interrupt_the_same_run_goes_on() {
    let trial = of(&demo());
    let (disks, _) = undisturbed(&trial);
    let gate = Gate::new();
    let stall = Fault::Stall {
        after: 1000,
        gate: gate.clone(),
    };
    trial
        .server
        .inject(Rule::new(stall).key("images/demo/2.tar"));
    let state = trial.state("interrupted");
    let child = piped(state.longshore(&["fetch-and-create", "images/demo"]));
    assert!(gate.wait_for(1, SOON));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let ended = Ended::of(child.wait_with_output().unwrap()).expect(130);
    assert!(ended.err.contains("same command"), "{}", ended.err);
    let before = image_run(&state);
    assert_eq!(before["ended_at"], Value::Null, "{before}");
    gate.open();
    state.finish(&disks);
    let after = image_run(&state);
    assert_eq!(after["state"], "completed", "{after}");
    assert_eq!(after["run"], before["run"], "another run was begun");
}

fn piped(mut command: Command) -> std::process::Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The only run of the image's workflow.
fn image_run(state: &State<'_>) -> Value {
    let runs = state.run(&["runs", "-o", "json"]).expect(0).json();
    let runs = runs.as_array().unwrap().iter();
    let mut runs = runs.filter(|run| run["workflow"] == "image");
    let only = runs.next().unwrap().clone();
    assert_eq!(runs.next(), None, "one command is one run");
    only
}
