//! `ls`, `cat` and `export`: what is on a disk, as the kernel and GNU tar see it too.

use std::{fs, path::PathBuf, process::Command};

use longshore_harbor::{
    family::{Content, Family},
    readback,
};

use crate::place::Place;

fn family() -> Family {
    let mut sparse = vec![0; 200_000];
    sparse[100_000] = 1;
    Family::builder("images/inside")
        .layer(|layer| {
            layer
                .dir("./", 0o755)
                .dir("etc", 0o1750)
                .owner(5, 70_000)
                .mtime(1_700_000_000, 7)
                .file("etc/hello", &b"hello\n"[..])
                .mode(0o4711)
                .mtime(1_700_000_001, 123_456_789)
                .xattr("user.name", b"value")
                .file("etc/\u{1b}[31mred", &b"red"[..])
                .mtime(9, 0)
                .hardlink("etc/again", "etc/hello")
                .symlink("link", "/etc/hello")
                .symlink("out", "../../../../etc/passwd")
                .chardev("null", 1, 3)
                .fifo("pipe")
                .file("sparse", sparse.clone())
                .file(
                    "large",
                    Content::Noise {
                        seed: 3,
                        length: 1_500_000,
                    },
                )
                .file(&format!("{0}/{0}", "n".repeat(90)), &b"long"[..])
        })
        .build()
}

/// A place with the image and its machine, and the image's disk.
fn brought() -> (Place, PathBuf) {
    let place = Place::new();
    place.put(&family());
    place
        .work(&["fetch-and-create", "images/inside", "--name", "vm"])
        .expect(0);
    let show = place
        .run(&["show", "images/inside", "-o", "json"])
        .expect(0);
    let path = show.json()["volume"]["path"].as_str().unwrap().into();
    (place, path)
}

#[test]
fn a_disk_is_named_by_image_machine_or_path() {
    let (place, path) = brought();
    for target in ["images/inside", "vm", path.to_str().unwrap()] {
        let ended = place.run(&["cat", target, "/link"]).expect(0);
        assert_eq!(ended.out, "hello\n", "{target}");
        assert_eq!(ended.err, "");
    }
    fs::copy(&path, place.path("copy.img")).unwrap();
    let ended = place.run(&["cat", "./copy.img", "etc/../link"]).expect(0);
    assert_eq!(ended.out, "hello\n");
    // Without the dot it is a name, of which there is none.
    let ended = place.run(&["cat", "copy.img", "/link"]).expect(5);
    assert!(ended.err.contains("hint:"), "{}", ended.err);
}

#[test]
fn a_listing_has_everything_and_nothing_that_acts() {
    let (place, _) = brought();
    let ended = place.run(&["ls", "images/inside", "/etc"]).expect(0);
    assert_eq!(
        ended.out,
        "-rw-r--r-- 1 0 0 3 1970-01-01T00:00:09Z \\x1b[31mred\n\
         -rws--x--x 2 0 0 6 2023-11-14T22:13:21Z again\n\
         -rws--x--x 2 0 0 6 2023-11-14T22:13:21Z hello\n"
    );
    let link = place.run(&["ls", "images/inside", "/link"]).expect(0);
    assert!(link.out.ends_with(" /link -> /etc/hello\n"), "{}", link.out);

    let ended = place
        .run(&["ls", "images/inside", "-R", "-o", "json"])
        .expect(0);
    let json = ended.json();
    assert_eq!((&json["schema"], &json["path"]), (&1.into(), &"/".into()));
    let entries = json["entries"].as_array().unwrap();
    let names: Vec<_> = entries
        .iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"etc/\\x1b[31mred"), "{names:?}");
    let hello = entries
        .iter()
        .find(|entry| entry["name"] == "etc/hello")
        .unwrap();
    assert_eq!(hello["type"], "file");
    assert_eq!(
        (&hello["mode"], &hello["size"]),
        (&0o4711.into(), &6.into())
    );
    assert_eq!(hello["mtime_nanos"], 123_456_789);
    let null = entries
        .iter()
        .find(|entry| entry["name"] == "null")
        .unwrap();
    assert_eq!(null["device"], serde_json::json!([1, 3]));
}

#[test]
fn what_is_not_there_and_what_is_no_file_is_said() {
    let (place, _) = brought();
    for (arguments, code, says) in [
        (["cat", "vm", "/none"], 5, "there is no /none on vm"),
        (["cat", "vm", "/out"], 5, "there is no /out on vm"),
        (["ls", "vm", "/\u{1b}[2J"], 5, "/\\x1b[2J"),
        (["cat", "vm", "/etc"], 2, "not a regular file"),
        (["cat", "vm", "/pipe"], 2, "not a regular file"),
        (
            ["cat", "none", "/etc"],
            5,
            "neither a machine nor an image none",
        ),
        (["cat", "./none", "/etc"], 5, "./none"),
    ] {
        let ended = place.run(&arguments).expect(code);
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
        assert!(!ended.err.contains('\u{1b}'), "{:?}", ended.err);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn tar_unpacks_what_is_exported() {
    let (place, disk) = brought();
    let archive = place.path("out.tar");
    let name = archive.to_str().unwrap();
    let ended = place
        .run(&["export", "vm", "--tar", name, "-o", "json"])
        .expect(0);
    assert_eq!(ended.json()["schema"], 1);
    let command = place
        .longshore(["export", "images/inside", "--tar"])
        .output();
    let output = command.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout == fs::read(&archive).unwrap());

    if !rustix::process::geteuid().is_root() {
        println!("skipped: unpacking owners and devices needs root");
        return;
    }
    let unpacked = place.path("unpacked");
    fs::create_dir(&unpacked).unwrap();
    let status = Command::new("tar")
        .args([
            "-xp",
            "--xattrs",
            "--xattrs-include=*",
            "--numeric-owner",
            "-f",
        ])
        .arg(&archive)
        .arg("-C")
        .arg(&unpacked)
        .status();
    assert!(status.unwrap().success());
    let expected = readback::manifest(&disk).unwrap();
    assert_eq!(readback::directory(&unpacked).unwrap(), expected);
}
