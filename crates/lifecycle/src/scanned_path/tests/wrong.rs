//! What no tool would write.

use std::{fs, os::unix::fs::symlink};

use longshore_image::Digest;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use super::{super::open::PathForm, images::*};
use crate::Class;

#[test]
fn bytes_other_than_those_that_were_named_are_refused() {
    let place = Place::new();
    let clean = oci();
    for name in clean.keys().filter(|name| name.starts_with("blobs/")) {
        // Longer, shorter, and as long: the last byte of a tar is padding, so only its digest tells.
        for change in [1, -1, 0] {
            let mut files = clean.clone();
            let bytes = files.get_mut(name).unwrap();
            match change {
                1 => bytes.push(b' '),
                -1 => _ = bytes.pop(),
                _ => {
                    let last = bytes.last_mut().unwrap();
                    *last = if *last == b'}' { b' ' } else { *last ^ 1 };
                }
            }
            for path in [place.file(tar_of(&files)), place.dir(&files)] {
                let failure = place.open(&path).map(|_| ()).unwrap_err();
                assert_eq!(
                    failure.class,
                    Class::Refused,
                    "{name} {change}: {failure:#?}"
                );
            }
        }
        let mut files = clean.clone();
        files.remove(name);
        place.refused(&place.file(tar_of(&files)), "image-part-missing");
    }
    // As long and as good a layer as the one that was named, stored in each of the ways.
    for stored in [layers().remove(0), gzip(&layers()[0]), zstd(&layers()[0])] {
        let mut files = Files::new();
        let config = document(&mut files, OCI_CONFIG, &config(&layers()[..1]));
        let mut layer = descriptor(&mut files, OCI_LAYER, stored.clone());
        let other = Digest::of(b"other");
        layer["digest"] = json!(other.to_string());
        files.insert(format!("blobs/sha256/{}", other.to_hex()), stored);
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
        let manifest = document(&mut files, OCI_MANIFEST, &manifest);
        lay_out(&mut files, &[manifest]);
        place.refused(&place.file(tar_of(&files)), "digest");
    }
    let mut files = docker();
    files.insert(format!("{:064}/layer.tar", 1), tar([("x", &b"x"[..])]));
    let failure = place.refused(&place.file(tar_of(&files)), "digest");
    assert!(failure.layer.is_some());
    let mut files = docker();
    change(&mut files, "c.json", |config| {
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().pop();
    });
    place.refused(&place.file(tar_of(&files)), "image-malformed");
}

#[test]
fn an_index_that_leads_in_circles_ends() {
    let place = Place::new();
    let mut files = oci();
    // No document has its own digest in it: one that says so has other bytes than are said of it.
    let digest = Digest::of(b"itself").to_string();
    let circle = json!({ "mediaType": OCI_INDEX, "digest": digest, "size": 300 });
    let mut bytes = index(std::slice::from_ref(&circle))
        .to_string()
        .into_bytes();
    bytes.resize(300, b' ');
    let name = format!("blobs/sha256/{}", Digest::of(b"itself").to_hex());
    files.insert(name, bytes);
    lay_out(&mut files, &[circle]);
    place.refused(&place.file(tar_of(&files)), "digest");
    let mut nested = manifest(&mut files, &layers());
    for depth in 0..6 {
        lay_out(&mut files, &[nested.clone()]);
        let path = place.file(tar_of(&files));
        match depth {
            0..=4 => place.is(&path, PathForm::OciLayout),
            _ => _ = place.refused(&path, "image-limit"),
        }
        nested = document(&mut files, OCI_INDEX, &index(&[nested]));
    }
    let many: Vec<_> = (0..40)
        .map(|number| {
            let mut empty = index(&[]);
            empty["annotations"] = json!({ "number": number.to_string() });
            document(&mut files, OCI_INDEX, &empty)
        })
        .collect();
    lay_out(&mut files, &many);
    place.refused(&place.file(tar_of(&files)), "image-limit");
    let many = vec![many[0].clone(); 1_001];
    lay_out(&mut files, &many);
    place.refused(&place.file(tar_of(&files)), "image-malformed");
}

#[test]
fn no_link_in_a_directory_is_followed() {
    let place = Place::new();
    let files = oci();
    let root = place.dir(&files);
    let blobs = root.join("blobs/sha256");
    let name = files
        .keys()
        .find(|name| name.starts_with("blobs/"))
        .unwrap();
    let (blob, elsewhere) = (root.join(name), place.at("elsewhere"));
    fs::rename(&blob, &elsewhere).unwrap();
    symlink(&elsewhere, &blob).unwrap();
    place.refused(&root, "image-part-refused");
    fs::remove_file(&blob).unwrap();
    mknodat(CWD, &blob, FileType::Fifo, Mode::RUSR, 0).unwrap();
    place.refused(&root, "image-part-refused");
    fs::remove_file(&blob).unwrap();
    fs::rename(&elsewhere, &blob).unwrap();
    place.is(&root, PathForm::OciLayout);
    fs::rename(&blobs, &elsewhere).unwrap();
    symlink(&elsewhere, &blobs).unwrap();
    place.refused(&root, "image-part-refused");
    // What is no layout without a link is a root filesystem.
    fs::rename(root.join("index.json"), place.at("index.json")).unwrap();
    symlink(place.at("index.json"), root.join("index.json")).unwrap();
    assert_eq!(place.open(&root).unwrap().1, PathForm::Directory);
}

#[test]
fn names_lead_nowhere_outside() {
    let place = Place::new();
    for name in [
        "../../etc/hostname",
        "/etc/hostname",
        "a/../../etc/hostname",
    ] {
        let mut files = docker();
        change(&mut files, "manifest.json", |manifest| {
            manifest[0]["Layers"][0] = json!(name);
        });
        let failure = place.open(&place.file(tar_of(&files))).map(|_| ());
        assert_eq!(failure.unwrap_err().class, Class::Refused, "{name}");
        // A member of that name is none that can be asked for.
        files.insert(name.to_owned(), layers().remove(0));
        let opened = place.open(&place.file(tar_of(&files)));
        assert_eq!(opened.is_ok(), name.starts_with('/'), "{name}");
    }
    let mut files = oci();
    change(&mut files, "index.json", |index| {
        index["manifests"][0]["digest"] = json!("sha256:../../../../etc/hostname");
    });
    place.refused(&place.file(tar_of(&files)), "image-malformed");
    place.refused(&place.dir(&files), "image-malformed");
}

#[test]
fn two_things_of_one_name_are_not_chosen_from() {
    let place = Place::new();
    for name in ["manifest.json", "c.json"] {
        let files = docker();
        let all = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let again = [(name, files[name].as_slice())];
        place.refused(&place.file(tar(all.chain(again))), "image-part-refused");
    }
}

#[test]
fn documents_that_mean_two_things_or_nothing_are_refused() {
    let place = Place::new();
    let wrong = |name: &str, with: &dyn Fn(&mut Value)| {
        let mut files = oci();
        change(&mut files, name, with);
        place.refused(&place.file(tar_of(&files)), "image-malformed");
    };
    wrong("oci-layout", &|it| {
        it["imageLayoutVersion"] = json!("2.0.0")
    });
    wrong("index.json", &|it| it["schemaVersion"] = json!(1));
    wrong("index.json", &|it| it["mediaType"] = json!(OCI_MANIFEST));
    wrong("index.json", &|it| it["layers"] = json!([]));
    wrong("index.json", &|it| *it = json!([]));
    for with in [
        &|it: &mut Value| it["manifests"] = json!([]),
        &|it: &mut Value| it["schemaVersion"] = json!(1),
        &|it: &mut Value| {
            it["config"]["mediaType"] = json!("application/vnd.cncf.helm.config.v1+json")
        },
        &|it: &mut Value| it["layers"][0]["mediaType"] = json!(format!("{OCI_LAYER}+encrypted")),
        &|it: &mut Value| it["layers"][0]["digest"] = json!("sha512:00"),
    ] as [&dyn Fn(&mut Value); 5]
    {
        let mut files = oci();
        let stated: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let digest: Digest = stated["manifests"][0]["digest"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let manifest = &files[&format!("blobs/sha256/{}", digest.to_hex())];
        let mut manifest = serde_json::from_slice(manifest).unwrap();
        with(&mut manifest);
        let manifest = document(&mut files, OCI_MANIFEST, &manifest);
        lay_out(&mut files, &[manifest]);
        place.refused(&place.file(tar_of(&files)), "image-malformed");
    }
    let mut files = docker();
    let nested = "[".repeat(100_000);
    files.insert("c.json".to_owned(), nested.into());
    place.refused(&place.file(tar_of(&files)), "image-malformed");
    files.insert("c.json".to_owned(), vec![b' '; (4 << 20) + 1]);
    place.refused(&place.file(tar_of(&files)), "image-malformed");
    change(&mut files, "manifest.json", |it| it[0]["Layers"] = json!(0));
    place.refused(&place.file(tar_of(&files)), "image-malformed");
    change(&mut files, "manifest.json", |it| *it = json!([]));
    place.refused(&place.file(tar_of(&files)), "image-malformed");
}

#[test]
fn layers_are_held_to_the_rules() {
    let place = Place::new();
    let mut files = Files::new();
    let hostile = tar([("../../etc/passwd", &b"x"[..])]);
    let manifest = manifest(&mut files, &[hostile]);
    lay_out(&mut files, &[manifest]);
    let failure = place.refused(&place.file(tar_of(&files)), "name-parent");
    assert_eq!(failure.class, Class::Refused);
    assert!(
        failure
            .layer
            .as_deref()
            .unwrap()
            .starts_with("blobs/sha256/")
    );
    assert_eq!(failure.entry.as_deref(), Some("../../etc/passwd"));
}

#[test]
fn an_archive_that_is_cut_or_changed_anywhere_ends_in_words() {
    let place = Place::new();
    for files in [docker(), oci()] {
        let whole = tar_of(&files);
        for length in (0..whole.len()).step_by(1_111) {
            if let Err(failure) = place.open(&place.file(&whole[..length])) {
                assert_eq!(failure.class, Class::Refused, "{length}: {failure:#?}");
            }
        }
        for at in (0..whole.len()).step_by(211) {
            let mut changed = whole.clone();
            changed[at] ^= 0x11;
            if let Err(failure) = place.open(&place.file(&changed)) {
                assert!(
                    matches!(failure.class, Class::Refused | Class::NotFound),
                    "{at}: {failure:#?}"
                );
            }
        }
    }
}
