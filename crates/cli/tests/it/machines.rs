//! Machines: made, taken out of use, used again, removed.

use std::path::Path;

use longshore_harbor::family;

use crate::place::Place;

#[test]
fn a_machine_goes_out_of_use_and_comes_back() {
    let place = Place::new();
    place.put(&family::demo());
    place
        .work(&["fetch-and-create", "images/demo", "--name", "web-1", "-q"])
        .expect(0);

    let off = place.work(&["deactivate", "web-1", "-o", "json"]).expect(0);
    assert_eq!(
        off.out,
        "{\"schema\":1,\"machine\":\"web-1\",\"changed\":true}\n"
    );
    assert_eq!(
        place.work(&["deactivate", "web-1"]).expect(0).out,
        "web-1: was not active\n"
    );
    let both = place
        .work(&["deactivate", "web-1", "nobody", "-o", "json"])
        .expect(3)
        .json();
    assert_eq!(
        (&both[0]["changed"], &both[1]["error"]["class"]),
        (&false.into(), &"not-found".into())
    );

    let disk = place.work(&["activate", "web-1", "-q"]).expect(0).out;
    assert!(Path::new(disk.trim_end()).exists(), "{disk}");
}

#[test]
fn an_image_that_is_here_becomes_machines() {
    let place = Place::new();
    place.put(&family::demo());
    place
        .work(&["fetch-and-create", "images/demo", "--no-activate", "-q"])
        .expect(0);
    let made = |arguments: &[&str]| {
        place
            .work(&[arguments, &["-o", "json"]].concat())
            .expect(0)
            .json()["name"]
            .clone()
    };
    assert_eq!(made(&["activate", "images/demo"]), "images-demo");
    assert_eq!(
        made(&["activate", "images/demo", "--name", "second"]),
        "second"
    );
    assert_eq!(made(&["activate", "second"]), "second");
    let table = place.work(&["list"]).expect(0).out;
    assert!(table.contains("images-demo, second"), "{table}");
    place.work(&["activate", "images/other"]).expect(5);
    place.work(&["activate", "nobody"]).expect(5);
}

#[test]
fn what_is_removed_is_told_before_and_after() {
    let place = Place::new();
    place.put(&family::demo());
    place
        .work(&["fetch-and-create", "images/demo", "--name", "web-1", "-q"])
        .expect(0);
    let in_use = place.work(&["remove", "images/demo"]).expect(7);
    assert!(
        in_use.err.contains("longshore remove web-1"),
        "{}",
        in_use.err
    );

    let would = place.work(&["remove", "--dry-run", "web-1"]).expect(0).out;
    assert!(would.starts_with("would remove machine web-1\n"), "{would}");
    let removed = place
        .work(&["remove", "web-1", "images/demo", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (&removed[0]["target"], &removed[0]["machines"][0]),
        (&"web-1".into(), &"web-1".into())
    );
    assert_eq!(
        (&removed[1]["dry_run"], &removed[1]["images"][0]),
        (&false.into(), &"images/demo".into())
    );
    assert_eq!(removed[1]["blobs"].as_array().unwrap().len(), 3);
    assert_eq!(place.work(&["list", "-o", "json"]).expect(0).out, "[]\n");
    place.work(&["remove", "web-1"]).expect(5);
}

#[test]
fn runs_are_listed_and_told() {
    let place = Place::new();
    place.put(&family::demo());
    place
        .work(&["fetch-and-create", "images/demo", "-q"])
        .expect(0);
    let runs = place.work(&["runs", "-o", "json"]).expect(0).json();
    let runs = runs.as_array().unwrap();
    let image = runs.iter().find(|run| run["workflow"] == "image").unwrap();
    assert_eq!(
        (&image["subject"], &image["state"]),
        (&"images/demo".into(), &"completed".into())
    );
    let id = image["run"].to_string();
    let detail = place
        .work(&["runs", "show", &id, "-o", "json"])
        .expect(0)
        .json();
    assert!(detail["history"].as_array().unwrap().len() >= 4, "{detail}");
    assert!(
        place
            .work(&["runs", "show", &id])
            .expect(0)
            .out
            .contains("state     completed")
    );
    let cancelled = place.work(&["runs", "cancel", &id]).expect(0).out;
    assert_eq!(
        cancelled,
        format!("run {id}: had ended already, completed\n")
    );
    place.work(&["runs", "show", "999"]).expect(5);
}
