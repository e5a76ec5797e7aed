//! Commands that are not understood: exit code 2, and what would be right.

use crate::place::Place;

#[test]
fn what_is_no_command_ends_with_2_and_says_what_is() {
    for (arguments, word) in [
        (&[][..], "Usage: longshore"),
        (&["lits"], "similar subcommand exists: 'list'"),
        (&["list", "--remot"], "--remote"),
        (&["fetch-and-create"], "<IMAGE>"),
        (&["fetch-and-create", "../x"], "'../x'"),
        (
            &["fetch-and-create", "a", "b", "--name", "m"],
            "--name names one machine",
        ),
        (
            &["fetch-and-create", "a", "--name", "m", "--no-activate"],
            "cannot be used with",
        ),
        (
            &["list", "-o", "yaml"],
            "[possible values: table, json, cyclonedx, spdx]",
        ),
        (&["list", "--wait=10"], "10s, 10m, 10h or 10d"),
        (&["list", "--backend", "zfs"], "auto, file, thin, simulated"),
        (
            &["list", "--bucket", "b", "--source", "s3://b"],
            "both say where images come from",
        ),
        (&["list", "--source", "http://x"], "write s3://BUCKET"),
        (&["runs", "show", "x"], "invalid value 'x'"),
        (&["completions", "cmd"], "possible values"),
    ] {
        let ended = Place::new().run(arguments).expect(2);
        assert_eq!(ended.out, "", "{arguments:?}");
        assert!(ended.err.contains(word), "{word:?} in {}", ended.err);
    }
}

#[test]
fn a_program_gets_the_error_as_json() {
    let place = Place::new();
    for arguments in [
        &["-o", "json", "lst"][..],
        &[
            "list",
            "--output=json",
            "--bucket",
            "b",
            "--source",
            "s3://b",
        ],
        &["fetch-and-create", "-ojson", "a", "b", "--name", "m"],
    ] {
        let ended = place.run(arguments).expect(2);
        let answer = ended.json();
        assert_eq!(answer["schema"], 1);
        assert_eq!(answer["error"]["class"], "usage");
        assert!(
            answer["error"]["message"].as_str().unwrap().len() > 10,
            "{answer}"
        );
        assert!(
            answer["error"]["hint"].as_str().unwrap().len() > 10,
            "{answer}"
        );
        assert!(
            ended
                .out
                .starts_with("{\"schema\":1,\"error\":{\"class\":\"usage\""),
            "{}",
            ended.out
        );
        assert_eq!(ended.err, "");
    }
}

#[test]
fn help_and_version_are_answers() {
    let place = Place::new();
    assert!(
        place
            .run(&["--help"])
            .expect(0)
            .out
            .contains("fetch-and-create")
    );
    assert!(
        place
            .run(&["list", "-h"])
            .expect(0)
            .out
            .contains("--remote")
    );
    assert!(place.run(&["-V"]).expect(0).out.starts_with("longshore "));
}

#[test]
fn an_unknown_setting_stops_every_command_that_would_use_it() {
    let place = Place::new();
    let list = |name: &str, verb: &str| {
        let output = place
            .longshore([verb, "--help"])
            .env(name, "1")
            .output()
            .unwrap();
        assert!(output.status.success());
        crate::place::Ended::of(place.longshore([verb]).env(name, "1").output().unwrap())
    };
    let ended = list("LONGSHORE_REGOIN", "list").expect(2);
    assert!(
        ended
            .err
            .contains("error: unknown setting LONGSHORE_REGOIN"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("hint: did you mean LONGSHORE_REGION?"),
        "{}",
        ended.err
    );
}
