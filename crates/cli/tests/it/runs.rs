//! `runs`: what is told of a run that another command carries out, and what can be done with one that
//! was left half-way.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    place::{Ended, Place},
    stalled::Stalled,
};

/// A command whose results are read as they come.
struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn begin(stalled: &Stalled, arguments: &[&str]) -> Self {
        let mut command = stalled.command(arguments);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until a line has this in it.
    fn until(&mut self, text: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        let found = lines.find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("{text:?} never came"))
    }

    fn rest(self) -> (Vec<String>, Ended) {
        let rest = self.lines.map(Result::unwrap).collect();
        (rest, Ended::of(self.child.wait_with_output().unwrap()))
    }
}

fn state(stalled: &Stalled, run: &str) -> String {
    let run = stalled.run(&["runs", "show", run, "-o", "json"]);
    run.expect(0).json()["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_is_watched_to_its_end_beside_the_command_that_carries_it_out() {
    let mut stalled = Stalled::new();
    let mut watching = Watching::begin(&stalled, &["runs", "watch", "1"]);
    watching.until("attempt-started      load");
    let listed = stalled.run(&["runs", "--active", "-o", "json"]).expect(0);
    assert_eq!(listed.json()[0]["state"], "running");
    assert_eq!(listed.json()[0]["queue"], "images");

    stalled.gate.open();
    let (rest, ended) = watching.rest();
    let ended = ended.expect(0);
    assert_eq!(ended.err, "");
    let last = rest.last().unwrap();
    assert!(
        last.contains("ended") && last.ends_with("completed"),
        "{rest:?}"
    );
    assert_eq!(stalled.child.wait().unwrap().code(), Some(0));

    let told = stalled.run(&["runs", "watch", "1", "-o", "json"]).expect(0);
    let told: Vec<Value> = told
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (report, events) = told.split_last().unwrap();
    assert!(
        told.iter()
            .all(|line| line["schema"] == 1 && line["run"] == 1)
    );
    assert_eq!(report["state"], "completed");
    assert_eq!(events.last().unwrap()["event"], "ended");
    let places: Vec<u64> = events
        .iter()
        .map(|row| row["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(places, (1..=places.len() as u64).collect::<Vec<_>>());
}

#[test]
fn to_stop_watching_does_not_touch_the_run() {
    let mut stalled = Stalled::new();
    let mut watching = Watching::begin(&stalled, &["runs", "watch", "1"]);
    watching.until("load");
    kill_process(Pid::from_child(&watching.child), Signal::INT).unwrap();
    let (_, ended) = watching.rest();
    let ended = ended.expect(130);
    assert!(
        ended.err.contains("stopped watching run 1"),
        "{}",
        ended.err
    );
    assert_eq!(state(&stalled, "1"), "running");
    stalled.gate.open();
    assert_eq!(stalled.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_run_that_is_left_is_not_watched_for_ever_and_can_be_resumed() {
    let mut stalled = Stalled::new();
    let mut watching = Watching::begin(&stalled, &["runs", "watch", "1"]);
    watching.until("load");
    stalled.leave();
    let (rest, ended) = watching.rest();
    let ended = ended.expect(130);
    assert!(
        rest.iter().any(|line| line.contains("attempt-interrupted")),
        "{rest:?}"
    );
    assert!(
        ended.err.contains("longshore runs resume 1"),
        "{}",
        ended.err
    );

    let shown = stalled.run(&["runs", "show", "1"]).expect(0).out;
    assert!(shown.contains("nobody carries it out now"), "{shown}");
    let resumed = stalled
        .run(&["runs", "resume", "1", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&resumed["run"], &resumed["state"]),
        (&1.into(), &"completed".into())
    );
    assert!(resumed["history"].as_array().unwrap().len() > 5);
    let again = stalled.run(&["fetch-and-create", "images/demo", "-o", "json"]);
    assert_eq!(again.expect(0).json()["status"], "unproven");
}

#[test]
fn what_another_command_carries_out_is_changed_only_after_it() {
    let mut stalled = Stalled::new();
    for verb in ["pause", "cancel", "resume", "retry"] {
        let busy = stalled.run(&["runs", verb, "1", "--wait=0", "-o", "json"]);
        let busy = busy.expect(7).json();
        let text = busy["error"]["message"].as_str().unwrap();
        assert!(
            text.contains("fetch-and-create images/demo"),
            "{verb}: {text}"
        );
        // What is not there needs no turn.
        stalled.run(&["runs", verb, "99", "--wait=0"]).expect(5);
    }
    assert_eq!(state(&stalled, "1"), "running");
    stalled.gate.open();
    assert_eq!(stalled.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_paused_run_rests_until_it_is_resumed() {
    let mut stalled = Stalled::new();
    stalled.leave();
    let paused = stalled.run(&[
        "runs",
        "pause",
        "1",
        "--reason",
        "the disk is being changed",
    ]);
    assert_eq!(paused.expect(0).out, "run 1: paused\n");
    let twice = stalled.run(&["runs", "pause", "1"]).expect(0);
    assert_eq!(twice.out, "run 1: paused already\n");
    let shown = stalled.run(&["runs", "show", "1"]).expect(0).out;
    assert!(shown.contains("the disk is being changed"), "{shown}");
    assert!(shown.contains("longshore runs resume 1"), "{shown}");

    for arguments in [
        &["fetch-and-create", "images/demo"][..],
        &["runs", "retry", "1"],
        &["runs", "watch", "1"],
    ] {
        let refused = stalled.run(arguments).expect(7);
        assert!(
            refused.err.contains("run 1 is paused: the disk"),
            "{}",
            refused.err
        );
        assert!(
            refused.err.contains("longshore runs resume 1"),
            "{}",
            refused.err
        );
    }
    let resumed = stalled.run(&["runs", "resume", "1", "-q"]).expect(0);
    assert_eq!(resumed.out, "completed\n");
    stalled.run(&["fetch-and-create", "images/demo"]).expect(0);
}

#[test]
fn a_cancelled_run_is_over_and_the_next_request_begins_anew() {
    let mut stalled = Stalled::new();
    stalled.leave();
    let partly = stalled.run(&["runs", "cancel", "1", "99"]).expect(3);
    assert_eq!(partly.out, "run 1: cancelled\n");
    assert!(partly.err.contains("there is no run 99"), "{}", partly.err);
    let again = stalled
        .run(&["runs", "cancel", "1", "-o", "json"])
        .expect(0);
    assert_eq!(again.json()["changed"], false);
    for verb in ["resume", "retry", "watch"] {
        let over = stalled.run(&["runs", verb, "1"]).expect(130);
        assert!(
            over.err.contains("run 1 was cancelled"),
            "{verb}: {}",
            over.err
        );
    }
    let anew = stalled.run(&["fetch-and-create", "images/demo", "-o", "json"]);
    assert_eq!(anew.expect(0).json()["run"], 2);
}

#[test]
fn a_run_is_retried_and_a_failed_one_ends_with_its_own_code() {
    let mut stalled = Stalled::new();
    stalled.leave();
    let retried = stalled.run(&["runs", "retry", "1", "-q"]).expect(0);
    assert_eq!(retried.out, "completed\n");

    stalled
        .run(&["fetch-and-create", "images/nothing"])
        .expect(5);
    for verb in ["watch", "resume", "retry"] {
        let failed = stalled.run(&["runs", verb, "2", "-o", "json"]).expect(5);
        let last = failed.out.lines().last().unwrap();
        let error: Value = serde_json::from_str(last).unwrap();
        assert_eq!(error["error"]["class"], "not-found", "{verb}");
        assert_eq!(error["error"]["run"], 2);
    }
}

#[test]
fn lists_are_filtered_and_say_what_they_leave_out() {
    let place = Place::new();
    place.put(&longshore_harbor::family::demo());
    place.work(&["fetch-and-create", "images/demo"]).expect(0);
    let quiet = |arguments: &[&str]| {
        let mut all = vec!["runs", "-q"];
        all.extend(arguments);
        place.work(&all).expect(0).out
    };
    assert_eq!(quiet(&[]), "2\n1\n");
    assert_eq!(quiet(&["list"]), "2\n1\n");
    assert_eq!(quiet(&["--workflow", "image"]), "1\n");
    assert_eq!(quiet(&["list", "--workflow", "machine"]), "2\n");
    assert_eq!(quiet(&["--active"]), "");
    assert_eq!(quiet(&["--limit", "0"]), "2\n1\n");
    let one = place.work(&["runs", "list", "--limit", "1"]).expect(0);
    assert_eq!(one.out.lines().count(), 2, "{}", one.out);
    assert!(one.err.contains("all with --limit 0"), "{}", one.err);
    let wrong = place.work(&["runs", "--workflow", "images"]).expect(2);
    assert!(wrong.err.contains("[possible values: image, machine]"));
    place.work(&["runs", "--active", "show", "1"]).expect(2);
}
