//! What a cage costs, against the least that a process costs here.
//!
//! * process: this program started as a plain child that ends at once, and reaped;
//! * caged: a child started, locked in with every layer, given a job of a few bytes and a
//!   descriptor, answering it, ended and reaped;
//! * round trip: a frame there and back with a child that is already locked in.
//!
//! `cargo bench -p longshore-cage --bench cage`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and it prints what it measured"
)]

use std::{
    env,
    fs::File,
    io,
    os::fd::AsFd,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use longshore_cage::{Cage, Inside, Need};

const RUNS: usize = 200;
const TRIPS: usize = 10_000;
/// The argument that makes this program a child that ends at once.
const NOTHING: &str = "nothing";

fn main() -> ExitCode {
    if let Some(role) = longshore_cage::role() {
        return role.enter(|_, inside| echo(inside));
    }
    if env::args().nth(1).as_deref() == Some(NOTHING) {
        return ExitCode::SUCCESS;
    }
    // Every layer that there is, and which is not.
    let cage = Cage::new().need(Need::WhatThereIs);
    for (layer, why) in cage.spawn("echo").unwrap().layers().missing() {
        println!("missing here: {layer}: {why}");
    }
    // In turn, so that a busy host is as busy for both.
    let both = (0..RUNS).map(|_| (time(process), time(|| caged(&cage))));
    let (mut processes, mut cages): (Vec<_>, Vec<_>) = both.unzip();
    report("process", &mut processes);
    report("caged", &mut cages);
    let mut held = cage.spawn("echo").unwrap();
    let trip = |_| {
        time(|| {
            held.send(b"job", &[]).unwrap();
            held.receive().unwrap();
        })
    };
    report("round trip", &mut (0..TRIPS).map(trip).collect::<Vec<_>>());
    held.finish().unwrap();
    ExitCode::SUCCESS
}

fn process() {
    let status = Command::new(env::current_exe().unwrap())
        .arg(NOTHING)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

fn caged(cage: &Cage) {
    let file = File::open("/dev/null").unwrap();
    let answer = cage.spawn("echo").unwrap().ask(b"job", &[file.as_fd()]);
    assert_eq!(answer.unwrap(), b"job");
}

fn echo(inside: &Inside) -> io::Result<()> {
    while let Some(message) = inside.receive()? {
        inside.send(&message.bytes)?;
    }
    Ok(())
}

fn time(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

fn report(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |hundredths: usize| times[times.len() * hundredths / 100].as_secs_f64() * 1e3;
    println!(
        "{name:10}  p50 {:7.3} ms  p99 {:7.3} ms  of {}",
        at(50),
        at(99),
        times.len()
    );
}
