//! How results leave: whole, on standard output, in the form that was asked for.

use std::{fs::OpenOptions, process::Stdio};

use crate::place::{Ended, Place};

#[test]
fn an_empty_list_is_a_result_and_says_what_to_do() {
    let place = Place::new();
    let ended = place.run(&["list"]).expect(0);
    assert_eq!(ended.out, "");
    assert!(
        ended.err.contains("longshore fetch-and-create IMAGE"),
        "{}",
        ended.err
    );
    assert_eq!(place.run(&["list", "-o", "json"]).expect(0).out, "[]\n");
    assert_eq!(place.run(&["runs", "-o", "json"]).expect(0).out, "[]\n");
    let quiet = place.run(&["list", "-q"]).expect(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    assert!(
        !place.path("state").exists(),
        "looking must not make anything"
    );
}

#[test]
fn what_is_not_here_is_not_found() {
    let place = Place::new();
    let ended = place.run(&["show", "images/golang"]).expect(5);
    assert_eq!(ended.out, "");
    assert!(ended.err.starts_with("error: "), "{}", ended.err);
    assert!(
        ended
            .err
            .contains("  hint: `longshore fetch-and-create images/golang`"),
        "{}",
        ended.err
    );
    let json = place
        .run(&["show", "images/golang", "-o", "json"])
        .expect(5)
        .json();
    assert_eq!(json["error"]["class"], "not-found");
    place.run(&["runs", "show", "1"]).expect(5);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place
        .longshore(["completions", "bash"])
        .stdout(writer)
        .output()
        .unwrap();
    let ended = Ended::of(output).expect(0);
    assert_eq!(ended.err, "");
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let place = Place::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place
        .longshore(["config", "show"])
        .stdout(full)
        .output()
        .unwrap();
    let ended = Ended::of(output).expect(8);
    assert!(
        ended
            .err
            .contains("cannot write the result to standard output"),
        "{}",
        ended.err
    );
}

#[test]
fn closed_outputs_are_no_panic() {
    let place = Place::new();
    let mut command = std::process::Command::new("sh");
    let binary = env!("CARGO_BIN_EXE_longshore");
    command
        .args(["-c", &format!("exec {binary} list 2>&- >&-")])
        .env_clear()
        .env("HOME", place.root())
        .env("CONFIGURATION_DIRECTORY", place.path("etc"))
        .env("STATE_DIRECTORY", place.path("state"))
        .stdin(Stdio::null());
    assert_eq!(command.status().unwrap().code(), Some(0));
}

#[test]
fn colour_is_for_those_who_want_it() {
    let place = Place::new();
    let escapes = |arguments: &[&str]| place.run(arguments).expect(5).err.contains('\u{1b}');
    assert!(
        !escapes(&["show", "x"]),
        "standard error is no terminal here"
    );
    assert!(!escapes(&["show", "x", "--color", "never"]));
    assert!(escapes(&["show", "x", "--color=always"]));
}

#[test]
fn every_shell_gets_a_script_that_knows_the_verbs() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).expect(0).out;
        assert!(script.contains("fetch-and-create"), "{shell}");
    }
}
