//! Images are unpacked and looked into in cages: what comes of it is the same as without, or nothing is.

use std::{fs, fs::File, os::unix::fs::FileExt, path::PathBuf};

use longshore_harbor::{
    family::{self, Family},
    forgetting,
    s3::{Fault, Rule},
};
use serde_json::Value;

use crate::{
    place::{Ended, Place},
    trial::Trial,
};

const IMAGE: &str = "images/caged";

/// A file of an image.
type Content = (&'static str, &'static str, u32);

const FILES: [Content; 4] = [
    (
        "etc/os-release",
        "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
        0o644,
    ),
    (
        "var/lib/dpkg/status",
        "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2+b7\n\n\
         Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\n\
         Version: 3.0.11-1~deb12u2\n\n",
        0o644,
    ),
    // As an image would want to have it shown.
    ("etc/\u{1b}[2J", "odd", 0o644),
    ("usr/bin/tool", "\u{7f}ELF is what it says", 0o755),
];

/// A bucket with one image, and the same image as an archive.
fn place() -> Place {
    let place = Place::new();
    let layer = place.bucket().join(IMAGE).join("1.tar");
    fs::create_dir_all(layer.parent().unwrap()).unwrap();
    let mut tar = tar::Builder::new(File::create(&layer).unwrap());
    for (path, content, mode) in FILES {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    tar.finish().unwrap();
    place
}

fn layer(place: &Place) -> PathBuf {
    place.bucket().join(IMAGE).join("1.tar")
}

/// Runs it over the bucket, with this setting and without these layers.
fn work(place: &Place, cage: &str, without: &str, arguments: &[&str]) -> Ended {
    let mut command = place.over_bucket(arguments);
    command
        .env("LONGSHORE_CAGE", cage)
        .env("LONGSHORE_TEST_CAGE_WITHOUT", without);
    Ended::of(command.output().unwrap())
}

/// Without the times that a command writes down, and what is made of them.
fn timeless(text: &str) -> String {
    let document: Value = serde_json::from_str(text).unwrap();
    let pointers = ["/scanned_at", "/metadata/timestamp", "/serialNumber"];
    let times = pointers
        .into_iter()
        .filter_map(|at| document.pointer(at))
        .map(ToString::to_string);
    times.fold(text.to_owned(), |text, time| text.replace(&time, "a time"))
}

#[test]
fn a_cage_changes_nothing_of_what_is_seen() {
    let place = place();
    let archive = layer(&place).display().to_string();
    let seen = |cage: &str, without: &str| {
        let state = place.path("state");
        if state.exists() {
            fs::remove_dir_all(&state).unwrap();
        }
        let fetch = ["fetch-and-create", IMAGE, "--no-activate"];
        let fetched = work(&place, cage, without, &fetch);
        assert!(matches!(fetched.code, Some(0 | 6)), "{fetched:#?}");
        let all: [&[&str]; 5] = [
            &["scan", IMAGE, "-o", "json"],
            &["scan", IMAGE, "-o", "cyclonedx"],
            &["sbom", IMAGE],
            &["scan", "--path", &archive, "-o", "json"],
            &["scan", "--path", &archive, "-o", "cyclonedx"],
        ];
        all.map(|arguments| {
            let ended = work(&place, cage, without, arguments).expect(0);
            timeless(&ended.out)
        })
    };
    let uncaged = seen("off", "");
    for (document, number) in uncaged.iter().zip(0..) {
        let what = match number {
            0 | 3 => "\"packages\":2",
            _ => "openssl",
        };
        assert!(document.contains(what), "{document}");
    }
    assert_eq!(seen("require", ""), uncaged);
    assert_eq!(seen("best", "landlock,system-calls"), uncaged);
}

#[test]
fn an_image_is_neither_unpacked_nor_looked_into_without_a_layer_that_is_required() {
    let place = place();
    let fetch = ["fetch-and-create", IMAGE, "--no-activate", "-o", "json"];
    let refused = work(&place, "require", "landlock", &fetch).expect(1).json();
    let error = &refused["error"];
    assert_eq!(error["code"], "no-cage", "{refused}");
    let text = error.to_string();
    for part in [
        "images/caged was not unpacked",
        "landlock",
        "Linux 5.13",
        "cage = \\\"best\\\"",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // Nothing of it is half there, and it is brought here where it may be.
    let volumes = fs::read_dir(place.path("state").join("volumes")).unwrap();
    assert_eq!(volumes.count(), 0);
    let fetched = work(&place, "best", "landlock", &fetch);
    assert!(matches!(fetched.code, Some(0 | 6)), "{fetched:#?}");
    // What is in it is known, until it is not.
    let scan = ["scan", IMAGE, "-o", "json"];
    work(&place, "require", "landlock", &scan).expect(0);
    forgetting::inventories(&place.path("state"));
    let refused = work(&place, "require", "landlock", &scan).expect(1).json();
    let text = refused["error"].to_string();
    for part in ["was not looked into", "landlock"] {
        assert!(text.contains(part), "{text}");
    }
    let archive = layer(&place).display().to_string();
    let scan = ["scan", "--path", &archive, "-o", "json"];
    let refused = work(&place, "require", "system-calls", &scan).expect(1);
    assert_eq!(refused.json()["error"]["code"], "no-cage");
    // It is the default.
    let mut command = place.over_bucket(&scan);
    command.env("LONGSHORE_TEST_CAGE_WITHOUT", "landlock");
    let refused = Ended::of(command.output().unwrap());
    let expected = if cfg!(target_os = "linux") { 1 } else { 0 };
    refused.expect(expected);
    // What was fetched is still here, and is looked into where it may be.
    fs::remove_dir_all(place.bucket()).unwrap();
    let scanned = work(&place, "best", "landlock", &["scan", IMAGE, "-o", "json"]);
    assert_eq!(scanned.expect(0).json()["packages"], 2);
}

#[test]
fn a_missing_layer_is_told_once_where_it_may_be_missing() {
    let place = place();
    let fetch = ["fetch-and-create", IMAGE, "--no-activate"];
    let fetched = work(&place, "best", "landlock", &fetch);
    let told = "is held without landlock (it was left out)";
    assert_eq!(fetched.err.matches(told).count(), 1, "{fetched:#?}");
    let archive = layer(&place).display().to_string();
    let scan = ["scan", "--path", &archive];
    let scanned = work(&place, "best", "landlock,capabilities", &scan).expect(0);
    for told in ["landlock (", "capabilities ("] {
        assert_eq!(scanned.err.matches(told).count(), 1, "{scanned:#?}");
    }
    for (cage, without) in [("best", ""), ("require", ""), ("off", "landlock")] {
        let scanned = work(&place, cage, without, &scan).expect(0);
        assert_eq!(scanned.err, "", "{cage}");
    }
}

#[test]
fn a_damaged_volume_fails_the_same_way() {
    let place = place();
    let fetch = ["fetch-and-create", IMAGE, "--no-activate"];
    let fetched = work(&place, "require", "", &fetch);
    assert!(matches!(fetched.code, Some(0 | 6)), "{fetched:#?}");
    // Nothing is known of it any more when it is damaged.
    forgetting::inventories(&place.path("state"));
    let volume = place.path("state").join("volumes/1.img");
    let file = File::options().write(true).open(volume).unwrap();
    let scan = |cage| work(&place, cage, "", &["scan", IMAGE, "-o", "json"]);
    file.write_all_at(&[0x5a; 1024], 1024).unwrap();
    let caged = scan("require").expect(1);
    assert_eq!(caged.json()["error"]["code"], "volume-unreadable");
    assert!(
        !caged.json()["error"]["causes"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(caged.out, scan("off").expect(1).out);
}

/// The origin breaks in the middle of a layer that a child is unpacking: it sees the end of its bytes, and what it
/// makes of that is not what is told.
#[test]
fn bytes_that_do_not_come_are_the_origins_matter() {
    let place = Place::new();
    let family = Family::builder("images/broken")
        .layer(|layer| {
            let content = family::Content::Noise {
                seed: 1,
                length: 20 << 20,
            };
            layer.file("large", content)
        })
        .build();
    place.put(&family);
    let bucket = place.bucket();
    let trial = Trial::new(place, &bucket, family.prefix());
    // The first range is answered, the others are not.
    let broken = Rule::new(Fault::Status(403)).key("images/broken/1.tar");
    trial.server.inject(broken.from_nth(2));
    let fetch = |cage: &str| {
        let state = trial.state(cage);
        let mut command = state.longshore(&["fetch-and-create", "images/broken", "-o", "json"]);
        command.env("LONGSHORE_CAGE", cage);
        let ended = Ended::of(command.output().unwrap()).expect(4);
        assert_eq!(state.names("volumes").len(), 0);
        assert_eq!(state.names("blobs/partial").len(), 2, "what came is kept");
        let error = ended.json()["error"].clone();
        (error["code"].clone(), error["message"].clone())
    };
    let (code, message) = fetch("require");
    assert_eq!(code, "denied");
    assert_eq!((code, message), fetch("off"));
}
