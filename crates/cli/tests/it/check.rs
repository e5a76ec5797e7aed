//! `check`: layers in files, looked at and left where they are.

use longshore_harbor::family::{Packing, golang, hostile};
use serde_json::Value;

use crate::place::Place;

/// A place with an honest family's layers, by their names below it.
fn honest(place: &Place) -> Vec<String> {
    let layers = golang().write(&place.bucket(), Packing::Gzip).unwrap();
    let root = place.root();
    (layers.iter())
        .map(|layer| layer.strip_prefix(root).unwrap().display().to_string())
        .collect()
}

fn check<'a>(flags: &[&'a str], layers: &'a [String]) -> Vec<&'a str> {
    let layers = layers.iter().map(String::as_str);
    [&["check"], flags]
        .concat()
        .into_iter()
        .chain(layers)
        .collect()
}

#[test]
fn an_honest_image_is_accepted_and_nothing_is_kept() {
    let place = Place::new();
    let layers = honest(&place);
    let report = place.run(&check(&["-o", "json"], &layers)).expect(0).json();
    assert_eq!(report["verdict"], "accepted");
    assert_eq!(report["totals"]["layers"], layers.len());
    let told: Vec<&Value> = report["layers"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), layers.len());
    assert_eq!(told[0]["layer"], layers[0]);
    assert!(told[0]["diff_id"].as_str().unwrap().starts_with("sha256:"));
    assert!(told[0]["counters"]["parents_created"].is_u64());
    assert!(report.get("tree").is_none() && report.get("rejection").is_none());
    for name in ["state", "user-state"] {
        assert!(!place.path(name).exists(), "{name} was made");
    }
    let text = place.run(&check(&[], &layers)).expect(0).out;
    assert!(
        text.starts_with("accepted\n") && text.contains(&layers[0]),
        "{text}"
    );
    let word = place.run(&check(&["-q"], &layers)).expect(0).out;
    assert_eq!(word, "accepted\n");
}

#[test]
fn the_merged_tree_is_printed_a_line_a_path() {
    let place = Place::new();
    let layers = honest(&place);
    let lines = place.run(&check(&["--list"], &layers)).expect(0).out;
    let rows: Vec<Vec<&str>> = lines
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(rows.iter().all(|row| row.len() == 9), "{lines}");
    assert_eq!((rows[0][0], rows[0][5]), ("d0755", "/"));
    let paths: Vec<&str> = rows.iter().map(|row| row[5]).collect();
    assert!(paths.is_sorted(), "{paths:?}");
    let file = rows.iter().find(|row| row[0].starts_with('-')).unwrap();
    assert!(
        file[4].starts_with("sha256:") && file[3].parse::<u64>().is_ok(),
        "{file:?}"
    );
    let link = rows.iter().find(|row| row[0].starts_with('l')).unwrap();
    assert_ne!(link[6], "-");

    let json = place
        .run(&check(&["--list", "-o", "json"], &layers))
        .expect(0)
        .json();
    let tree = json["tree"].as_array().unwrap();
    let in_json: Vec<&str> = tree
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect();
    assert_eq!(in_json, paths);
}

#[test]
fn a_hostile_layer_is_rejected_with_code_layer_and_entry() {
    let place = Place::new();
    let family = hostile::parent_components();
    place.put(&family);
    let image = format!("bucket/{}", family.prefix());
    let layers = [format!("{image}/1.tar"), format!("{image}/2.tar")];
    let report = place.run(&check(&["-o", "json"], &layers)).expect(6).json();
    assert_eq!(report["verdict"], "rejected");
    let rejection = &report["rejection"];
    assert_eq!(
        (
            &rejection["code"],
            &rejection["layer"],
            &rejection["position"]
        ),
        (&"name-parent".into(), &layers[1].as_str().into(), &2.into())
    );
    assert_eq!(rejection["entry"], "usr/../../etc/cron.d/evil");
    assert_eq!(report["layers"].as_array().unwrap().len(), 1);

    let ended = place.run(&check(&["--list"], &layers)).expect(6);
    for part in [
        "rejected\n",
        &layers[1],
        "name-parent",
        "usr/../../etc/cron.d/evil",
    ] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
    assert_eq!(ended.err, "");
}

#[test]
fn the_limits_are_those_that_are_set() {
    let place = Place::new();
    place.put(&hostile::file_of_size(5000));
    let layer = format!("bucket/{}/2.tar", hostile::file_of_size(5000).prefix());
    place.run(&["check", &layer]).expect(0);
    let mut limited = place.longshore(["check", "-q", &layer]);
    limited.env("LONGSHORE_MAX_FILE_SIZE", "4999");
    let output = limited.output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(output.stdout, b"limit-file\n");
}

#[test]
fn what_is_no_file_is_told() {
    let place = Place::new();
    let missing = place.run(&["check", "nowhere.tar"]).expect(5);
    assert!(missing.err.contains("nowhere.tar"), "{}", missing.err);
    let directory = place.run(&["check", "."]).expect(2);
    assert!(directory.err.contains("directory"), "{}", directory.err);
    let endless = place.run(&["check", "/dev/zero"]).expect(2);
    assert!(endless.err.contains("a device"), "{}", endless.err);
    place.run(&["check"]).expect(2);
}
