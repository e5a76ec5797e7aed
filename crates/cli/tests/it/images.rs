//! Images from a bucket to a disk, and what is told of them.

use std::path::Path;

use longshore_harbor::family;
use serde_json::Value;

use crate::place::{Ended, Place};

/// The keys of an object, in the order of an unparsed text.
fn keys(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_result_of_one_image_is_the_promised_document() {
    let place = Place::new();
    place.put(&family::demo());
    let ended = place
        .work(&["fetch-and-create", "images/demo", "-o", "json"])
        .expect(0);
    let begins =
        "{\"schema\":1,\"image\":\"images/demo\",\"status\":\"unproven\",\"chain_id\":\"sha256:";
    assert!(ended.out.starts_with(begins), "{}", ended.out);
    assert_eq!(ended.out.lines().count(), 1);
    let result = ended.json();
    assert_eq!(
        keys(&result),
        [
            "admitted", "chain_id", "image", "layers", "machine", "run", "scan", "schema",
            "status", "timings", "volume"
        ]
    );
    let layers = result["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 3);
    for (number, layer) in (1..).zip(layers) {
        assert_eq!(
            keys(layer),
            [
                "diff_id",
                "digest",
                "fetched_bytes",
                "key",
                "reused",
                "size"
            ]
        );
        assert_eq!(layer["key"], format!("images/demo/{number}.tar"));
        assert_eq!(
            (&layer["fetched_bytes"], &layer["reused"]),
            (&layer["size"], &false.into())
        );
    }
    assert_eq!(keys(&result["volume"]), ["id", "path", "size", "used"]);
    assert_eq!(result["volume"]["size"], 1 << 30);
    assert_eq!(keys(&result["machine"]), ["name", "path"]);
    let timings = [
        "activate_ms",
        "load_ms",
        "resolve_ms",
        "scan_ms",
        "total_ms",
    ];
    assert_eq!(keys(&result["timings"]), timings);
    let disk = Path::new(result["machine"]["path"].as_str().unwrap());
    assert_eq!(disk.metadata().unwrap().len(), 1 << 30);
}

#[test]
fn the_same_again_fetches_nothing_and_says_so() {
    let place = Place::new();
    place.put(&family::demo());
    let first = place
        .work(&["fetch-and-create", "images/demo", "-q"])
        .expect(0);
    assert_eq!(first.err, "", "-q says nothing of progress");
    let again = place
        .work(&["fetch-and-create", "images/demo", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(
        first.out.trim_end(),
        again["machine"]["path"].as_str().unwrap()
    );
    for layer in again["layers"].as_array().unwrap() {
        assert_eq!(
            (&layer["fetched_bytes"], &layer["reused"]),
            (&0.into(), &true.into())
        );
    }
    std::fs::remove_dir_all(place.bucket().join("images")).unwrap();
    let offline = place
        .work(&["--offline", "fetch-and-create", "images/demo"])
        .expect(0)
        .out;
    assert!(offline.contains("reused"), "{offline}");
}

#[test]
fn people_are_told_what_an_image_is_and_what_unproven_means() {
    let place = Place::new();
    place.put(&family::demo());
    let Ended { out, err, .. } = place.work(&["fetch-and-create", "images/demo"]).expect(0);
    assert!(
        out.starts_with("images/demo  unproven\nNot all of it could be judged"),
        "{out}"
    );
    for word in [
        "images/demo/3.tar",
        "machine  images-demo",
        "1 GiB, ",
        "time     ",
    ] {
        assert!(out.contains(word), "{word:?} in {out}");
    }
    assert!(!out.contains('\u{1b}'), "{out}");
    // Once for each change of phase, and never a flood.
    let lines = |end: &str| err.lines().filter(|line| line.ends_with(end)).count();
    assert_eq!(lines("/1.tar: unpacked"), 1, "{err}");
    assert!(
        err.lines()
            .filter(|line| line.starts_with("images/demo/"))
            .count()
            <= 12,
        "{err}"
    );
}

#[test]
fn list_and_show_tell_what_is_here() {
    let place = Place::new();
    place.put(&family::demo());
    let one = [
        "fetch-and-create",
        "images/demo",
        "images/demo/1.tar",
        "--no-activate",
        "-q",
    ];
    place.work(&one).expect(0);
    let list = place.work(&["list", "-o", "json"]).expect(0).json();
    let images = list.as_array().unwrap();
    let names: Vec<_> = images
        .iter()
        .map(|image| image["image"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["images/demo", "images/demo/1.tar"]);
    assert_eq!(
        (&images[0]["schema"], &images[0]["status"]),
        (&1.into(), &"unproven".into())
    );
    assert_eq!(images[1]["machines"], Value::Array(Vec::new()));

    let table = place.work(&["list"]).expect(0).out;
    let columns: Vec<_> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(
        columns,
        [
            "IMAGE", "STATUS", "FOUND", "LAYERS", "SIZE", "USED", "MACHINES", "AGE"
        ]
    );
    assert_eq!(
        place.work(&["list", "-q"]).expect(0).out,
        "images/demo\nimages/demo/1.tar\n"
    );

    let detail = place
        .work(&["show", "images/demo", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&detail["schema"], &detail["image"]),
        (&1.into(), &"images/demo".into())
    );
    assert_eq!(detail["layer_details"].as_array().unwrap().len(), 3);
    let text = place.work(&["show", "images/demo"]).expect(0).out;
    for word in [
        "images/demo/2.tar",
        "Layers\n",
        "Volumes\n",
        "Last run\n",
        "sealed",
    ] {
        assert!(text.contains(word), "{word:?} in {text}");
    }
}

#[test]
fn what_the_source_offers_is_listed_without_a_state() {
    let place = Place::new();
    place.put(&family::demo());
    place.put(&family::hostile::gap());
    let offered = place
        .work(&["list", "--remote", "-o", "json"])
        .expect(0)
        .json();
    let by_name = |name: &str| {
        let rows = offered.as_array().unwrap();
        rows.iter()
            .find(|row| row["image"] == name)
            .unwrap_or_else(|| panic!("{name}: {rows:?}"))
    };
    assert_eq!(
        (
            &by_name("images/demo")["layers"],
            &by_name("images/demo")["problem"]
        ),
        (&3.into(), &Value::Null)
    );
    assert!(by_name("images/gap")["problem"].is_string(), "{offered}");
    assert!(
        !place.path("state").exists(),
        "looking must not make anything"
    );
}

#[test]
fn several_images_are_one_answer_each_and_partly_done_is_3() {
    let place = Place::new();
    place.put(&family::demo());
    let several = [
        "fetch-and-create",
        "images/demo",
        "images/nothing",
        "images/demo/1.tar",
    ];
    let ended = place
        .work(&[&several[..], &["-o", "json"]].concat())
        .expect(3);
    let answers = ended.json();
    assert_eq!(answers[0]["image"], "images/demo");
    assert_eq!(
        (&answers[1]["schema"], &answers[1]["error"]["class"]),
        (&1.into(), &"not-found".into())
    );
    assert_eq!(answers[1]["error"]["image"], "images/nothing");
    assert_eq!(answers[2]["image"], "images/demo/1.tar");

    let Ended { out, err, .. } = place.work(&several).expect(3);
    assert!(
        out.contains("images/demo  unproven") && out.contains("images/demo/1.tar  "),
        "{out}"
    );
    assert!(
        err.contains("error: ") && err.contains("images/nothing"),
        "{err}"
    );
    place
        .work(&["fetch-and-create", "images/nothing", "images/none"])
        .expect(5);
}

#[test]
fn the_demonstration_shows_the_job_and_leaves_nothing() {
    let place = Place::new();
    let mut command = place.longshore(["demo"]);
    // What the user has set must not reach it.
    command
        .env("LONGSHORE_SOURCE", "file:///nowhere")
        .env("LONGSHORE_MAX_FILE_SIZE", "1");
    let Ended { out, err, .. } = Ended::of(command.output().unwrap()).expect(0);
    assert_eq!(
        err.matches("$ longshore fetch-and-create images/hello")
            .count(),
        2,
        "{err}"
    );
    assert_eq!(out.matches("images/hello  unproven\n").count(), 2, "{out}");
    assert_eq!(out.matches("reused").count(), 2, "{out}");
    let left: Vec<_> = std::fs::read_dir(place.root()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
