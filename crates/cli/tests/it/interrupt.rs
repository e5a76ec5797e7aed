//! Signals and neighbours: a command that is stopped can be gone on with, and one that is at work is
//! waited for or named.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    place::Ended,
    stalled::{Stalled, over},
};

#[test]
fn an_interrupted_command_ends_with_130_and_the_same_command_goes_on() {
    let stalled = Stalled::new();
    stalled.signal(Signal::INT);
    let Stalled {
        place,
        server,
        gate,
        child,
    } = stalled;
    let ended = Ended::of(child.wait_with_output().unwrap()).expect(130);
    assert!(
        ended
            .err
            .contains("stopping where the same command can go on"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("error: "), "{}", ended.err);
    assert_eq!(ended.out, "");

    gate.open();
    let again = over(
        &place,
        &server,
        &["fetch-and-create", "images/demo", "-o", "json"],
    );
    let again = Ended::of({ again }.output().unwrap()).expect(0).json();
    assert_eq!(again["status"], "unproven");
}

#[test]
fn a_terminated_command_ends_with_143() {
    let stalled = Stalled::new();
    stalled.signal(Signal::TERM);
    Ended::of(stalled.child.wait_with_output().unwrap()).expect(143);
}

#[test]
fn a_second_command_on_the_same_state_is_told_who_is_at_work() {
    let mut stalled = Stalled::new();
    let (place, server) = (&stalled.place, &stalled.server);
    let second = [
        "fetch-and-create",
        "images/demo/1.tar",
        "--wait=0",
        "-o",
        "json",
    ];
    let refused = Ended::of(over(place, server, &second).output().unwrap())
        .expect(7)
        .json();
    assert_eq!(refused["error"]["class"], "busy");
    let text = refused["error"]["message"].as_str().unwrap();
    assert!(text.contains("fetch-and-create images/demo"), "{text}");

    // Looking does not wait.
    let list = Ended::of(
        over(place, server, &["list", "-o", "json"])
            .output()
            .unwrap(),
    )
    .expect(0);
    assert_eq!(list.json()[0]["image"], "images/demo");

    // One that waits is stopped like one that works.
    let mut waiting = over(place, server, &["deactivate", "nobody"]);
    let waiting = waiting
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_line(waiting, |child| {
        kill_process(Pid::from_child(child), Signal::INT).unwrap();
    });

    stalled.gate.open();
    assert_eq!(stalled.child.wait().unwrap().code(), Some(0));
}

/// Waits until a command says that it waits, does something to it, and expects it to end with 130.
fn wait_for_line(mut child: Child, then: impl FnOnce(&Child)) {
    use std::io::BufRead;
    let stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = stderr.lines().map(Result::unwrap);
    assert!(
        lines.any(|line| line.contains("note: waiting for")),
        "it never said so"
    );
    then(&child);
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
}
