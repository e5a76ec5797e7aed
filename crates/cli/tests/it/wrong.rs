//! Images that must not be: the right exit code, and a text that names what is to blame.

use longshore_harbor::family::hostile;

use crate::place::Place;

#[test]
fn a_hostile_name_is_refused_with_its_layer_and_entry() {
    let place = Place::new();
    place.put(&hostile::parent_components());
    let image = "images/parent-components";
    let error = place
        .work(&["fetch-and-create", image, "-o", "json"])
        .expect(6)
        .json();
    let error = &error["error"];
    assert_eq!(
        (&error["class"], &error["image"]),
        (&"refused".into(), &image.into())
    );
    assert_eq!(error["layer"], format!("{image}/2.tar"));
    assert_eq!(error["entry"], "usr/../../etc/cron.d/evil");
    assert!(error["run"].is_u64(), "{error}");

    let text = place.work(&["fetch-and-create", image]).expect(6).err;
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("images/"))
        .collect();
    assert!(lines[0].starts_with("error: "), "{text}");
    for line in [
        "  layer: images/parent-components/2.tar",
        "  entry: usr/../../etc/cron.d/evil",
    ] {
        assert!(lines.contains(&line), "{line:?} in {text}");
    }
}

#[test]
fn what_is_no_family_or_no_archive_ends_as_it_should() {
    let place = Place::new();
    for family in [
        hostile::gap(),
        hostile::duplicate_number(),
        hostile::not_an_archive(),
    ] {
        place.put(&family);
        let ended = place.work(&["fetch-and-create", family.prefix()]).expect(6);
        assert_eq!(ended.out, "");
    }
    let missing = place
        .work(&["fetch-and-create", "images/missing"])
        .expect(5);
    assert!(missing.err.contains("images/missing"), "{}", missing.err);
}

#[test]
fn a_limit_that_is_set_holds() {
    let place = Place::new();
    place.put(&hostile::file_of_size(5000));
    let name = hostile::file_of_size(5000).prefix().to_owned();
    let mut command = place.over_bucket(&["fetch-and-create", &name]);
    let output = command
        .env("LONGSHORE_MAX_FILE_SIZE", "4999")
        .output()
        .unwrap();
    crate::place::Ended::of(output).expect(6);
    place.work(&["fetch-and-create", &name]).expect(0);
}
