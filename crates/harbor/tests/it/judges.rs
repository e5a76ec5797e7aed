//! The oracle and the readers against each other, and against tar, umoci and the kernel.

use std::path::{Path, PathBuf};
use std::process::Command;

use longshore_harbor::family::{Content, Family, Layer, Packing, demo, hostile};
use longshore_harbor::manifest::{Kind, Manifest};
use longshore_harbor::oracle;
use longshore_harbor::readback::{self, Reader};
use longshore_harbor::real;

/// Whether root is here; what needs it says so and passes over it.
pub(crate) fn root_for(what: &str) -> bool {
    let root = Reader::available() == Reader::Kernel;
    if !root {
        println!("skipped without root: {what}");
    }
    root
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn extract(layers: &[PathBuf], into: &Path) {
    for layer in layers {
        run(Command::new("tar")
            .args(["--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf"])
            .arg(layer)
            .arg("-C")
            .arg(into));
    }
}

fn oracle_of(family: &Family, packing: Packing) -> Manifest {
    let dir = tempfile::tempdir().unwrap();
    oracle::manifest(&family.write(dir.path(), packing).unwrap()).unwrap()
}

/// An ext4 filesystem with these layers, extracted by GNU tar through the kernel.
pub(crate) fn image(dir: &Path, layers: &[PathBuf]) -> PathBuf {
    let image = dir.join("image");
    let point = dir.join("mounted");
    std::fs::create_dir(&point).unwrap();
    std::fs::File::create(&image)
        .unwrap()
        .set_len(64 << 20)
        .unwrap();
    run(Command::new("mke2fs")
        .args(["-q", "-t", "ext4"])
        .arg(&image));
    run(Command::new("mount")
        .args(["-o", "loop"])
        .arg(&image)
        .arg(&point));
    extract(layers, &point);
    run(Command::new("umount").arg(&point));
    image
}

/// One layer with something of everything and nothing that GNU tar takes differently.
fn everything() -> Family {
    let long = "n".repeat(90);
    Family::builder("images/everything")
        .layer(|l| {
            l.dir("./", 0o750)
                .owner(7, 8)
                .dir("d", 0o2775)
                .file(
                    "d/file",
                    Content::Noise {
                        seed: 9,
                        length: 100_001,
                    },
                )
                .mode(0o6755)
                .owner(70_000, 80_000)
                .xattr("user.text", b"two\nlines = ok")
                .xattr(
                    "security.capability",
                    &[1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                )
                .hardlink("d/again", "d/file")
                .file("d/new\nline", "x")
                .file(&format!("d/{long}/{long}"), "deep")
                .symlink("fast", "d/file")
                .symlink("slow", &format!("d/{long}/{long}"))
                .hardlink("fast-again", "fast")
                .chardev("tty", 5, 300)
                .blockdev("disk", 253, 1)
                .fifo("pipe")
                .file("empty", "")
                .mtime(-86_400, 500_000_000)
                .file("late", Content::Zeros(9000))
                .mtime(7_258_118_400, 999_999_999)
                .dir("d", 0o2775)
                .mtime(5, 6)
                .dir(&format!("d/{long}"), 0o700)
                .dir("./", 0o750)
                .owner(7, 8)
                .mtime(1, 2)
        })
        .build()
}

#[test]
fn the_oracle_agrees_with_gnu_tar() {
    if !root_for("owners and devices as GNU tar extracts them") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layers = everything().write(dir.path(), Packing::Plain).unwrap();
    let root = dir.path().join("root");
    std::fs::create_dir(&root).unwrap();
    extract(&layers, &root);
    let expected = oracle::manifest(&layers).unwrap();
    assert_eq!(
        expected.get("d/again").unwrap().group.as_deref(),
        Some(&b"d/again"[..])
    );
    expected.assert_same(&readback::directory(&root).unwrap());
}

#[test]
fn kernel_debugfs_and_oracle_tell_the_same_of_an_image() {
    if !root_for("an image written through the kernel") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layers = everything().write(dir.path(), Packing::Gzip).unwrap();
    let image = image(dir.path(), &layers);
    readback::fsck(&image).unwrap();
    let expected = oracle::manifest(&layers).unwrap();
    expected.assert_same(&readback::by_mount(&image).unwrap());
    expected.assert_same(&readback::by_debugfs(&image).unwrap());
}

#[test]
fn debugfs_reads_what_mke2fs_wrote_without_root() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    std::fs::create_dir_all(root.join("usr/bin")).unwrap();
    std::fs::write(root.join("usr/bin/sh"), "#!").unwrap();
    std::os::unix::fs::symlink("usr/bin", root.join("bin")).unwrap();
    let image = dir.path().join("image");
    run(Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-d"])
        .arg(&root)
        .arg(&image)
        .arg("8M"));
    let manifest = readback::by_debugfs(&image).unwrap();
    let paths: Vec<_> = manifest
        .iter()
        .map(|(path, _)| path.escape_ascii().to_string())
        .collect();
    assert_eq!(paths, ["", "bin", "usr", "usr/bin", "usr/bin/sh"]);
    assert_eq!(
        manifest.get("bin").unwrap().kind,
        Kind::Symlink(b"usr/bin".to_vec())
    );
    assert!(matches!(
        manifest.get("usr/bin/sh").unwrap().kind,
        Kind::File { size: 2, .. }
    ));
}

#[test]
fn fsck_finds_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("image");
    run(Command::new("mke2fs")
        .args(["-q", "-t", "ext4"])
        .arg(&image)
        .arg("8M"));
    readback::fsck(&image).unwrap();
    run(Command::new("debugfs")
        .args(["-w", "-R", "clri <11>"])
        .arg(&image));
    let error = readback::fsck(&image).unwrap_err().to_string();
    assert!(
        error.contains("e2fsck") && error.contains("exit status: 4"),
        "{error}"
    );
}

#[test]
fn umoci_agrees_about_whiteouts_and_order() {
    if !root_for("umoci") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layers = demo().write(dir.path(), Packing::Gzip).unwrap();
    let expected = oracle::manifest(&layers).unwrap();
    let got = readback::umoci(&layers).unwrap();
    // umoci gives directories that no entry describes, and where it makes them, the time of day.
    let undescribed = ["usr/share", "usr/share/empty", "usr/share/empty/deep"];
    let differences = expected.diff(&got);
    assert_eq!(differences.len(), undescribed.len(), "{differences:#?}");
    for (line, path) in differences.iter().zip(undescribed) {
        assert!(line.starts_with(&format!("\"{path}\": mtime: ")), "{line}");
    }
}

#[test]
fn whiteouts_hide_lower_layers_only_wherever_they_stand() {
    let family = Family::builder("images/x")
        .layer(|l| {
            l.file("a/lower", "1")
                .file("b/lower", "1")
                .file("c", "1")
                .whiteout("absent")
        })
        .layer(|l| {
            l.file("a/new", "2")
                .opaque("a")
                .file("a/newer", "2")
                .file("b/lower", "2")
                .whiteout("b/lower")
                .whiteout("c")
                .file(".wh..wh.aufs", "")
                .file(".wh..wh.plnk/x", "")
        })
        .build();
    let manifest = oracle_of(&family, Packing::Plain);
    let paths: Vec<_> = manifest
        .iter()
        .map(|(path, _)| path.escape_ascii().to_string())
        .collect();
    assert_eq!(paths, ["", "a", "a/new", "a/newer", "b", "b/lower"]);
    assert!(matches!(
        manifest.get("b/lower").unwrap().kind,
        Kind::File { size: 1, .. }
    ));
    let root = manifest.get("").unwrap();
    assert_eq!(
        (root.mode, root.uid, root.gid, root.mtime),
        (0o755, 0, 0, (0, 0))
    );
}

#[test]
fn links_are_resolved_inside_and_the_last_component_is_not_followed() {
    let family = Family::builder("images/x")
        .layer(|l| {
            l.dir("usr/lib", 0o700)
                .symlink("lib", "/usr/lib")
                .symlink("up", "../../usr")
        })
        .layer(|l| {
            l.file("lib/a", "a")
                .file("up/b", "b")
                .hardlink("lib-again", "lib")
                .hardlink("c", "up/lib/a")
                .mode(0o777)
                .symlink("lib/abs", "/lib")
                .file("lib/abs", "replaced")
        })
        .build();
    let manifest = oracle_of(&family, Packing::Plain);
    assert!(matches!(
        manifest.get("usr/lib/a").unwrap().kind,
        Kind::File { .. }
    ));
    assert!(matches!(
        manifest.get("usr/b").unwrap().kind,
        Kind::File { .. }
    ));
    assert_eq!(
        manifest.get("lib-again").unwrap().group.as_deref(),
        Some(&b"lib"[..])
    );
    let hard = manifest.get("c").unwrap();
    assert_eq!((hard.group.as_deref(), hard.mode), (Some(&b"c"[..]), 0o644));
    assert!(matches!(
        manifest.get("usr/lib/abs").unwrap().kind,
        Kind::File { size: 8, .. }
    ));
    assert_eq!(manifest.get("usr/lib").unwrap().mode, 0o700);
}

#[test]
fn a_file_of_a_lower_layer_gives_way_and_one_of_the_same_layer_does_not() {
    let lower = Family::builder("images/x")
        .layer(|l| l.file("f", "1").dir("d", 0o700).file("d/x", "1"))
        .layer(|l| l.file("f/below", "2").file("d", "2"))
        .layer(|l| l.dir("d", 0o711))
        .build();
    let manifest = oracle_of(&lower, Packing::Plain);
    assert_eq!(manifest.get("f").unwrap().kind, Kind::Directory);
    assert_eq!(manifest.get("d").unwrap().mode, 0o711);
    assert_eq!(manifest.get("d/x"), None);
    let dir = tempfile::tempdir().unwrap();
    let same = hostile::through_a_file()
        .write(dir.path(), Packing::Plain)
        .unwrap();
    assert!(
        oracle::manifest(&same)
            .unwrap_err()
            .to_string()
            .contains("same layer")
    );
}

#[test]
fn a_name_that_is_replaced_leaves_the_other_names_of_its_inode_alone() {
    let family = Family::builder("images/x")
        .layer(|l| l.file("a", "old").hardlink("b", "a").hardlink("c", "a"))
        .layer(|l| {
            l.file("a", "newer")
                .dir("d", 0o700)
                .file("d/x", "")
                .hardlink("e", "c")
        })
        .layer(|l| l.file("d", "a file now").dir("e", 0o711))
        .build();
    let manifest = oracle_of(&family, Packing::Plain);
    let paths: Vec<_> = manifest
        .iter()
        .map(|(path, _)| path.escape_ascii().to_string())
        .collect();
    assert_eq!(paths, ["", "a", "b", "c", "d", "e"]);
    assert_eq!(manifest.get("e").unwrap().kind, Kind::Directory);
    assert!(matches!(
        manifest.get("a").unwrap().kind,
        Kind::File { size: 5, .. }
    ));
    assert!(matches!(
        manifest.get("b").unwrap().kind,
        Kind::File { size: 3, .. }
    ));
    let groups = ["a", "b", "c"].map(|path| manifest.get(path).unwrap().group.as_deref());
    assert_eq!(groups, [None, Some(&b"b"[..]), Some(&b"b"[..])]);
}

#[test]
fn a_hard_link_does_not_lead_to_what_gave_way_for_it() {
    let parent = Family::builder("images/x")
        .layer(|l| l.file("a", "1"))
        .layer(|l| l.hardlink("a/b", "a"))
        .build();
    let place = Family::builder("images/x")
        .layer(|l| l.dir("d", 0o700).file("d/x", "1"))
        .layer(|l| l.hardlink("d", "d/x"))
        .build();
    for family in [parent, place] {
        let dir = tempfile::tempdir().unwrap();
        let layers = family.write(dir.path(), Packing::Plain).unwrap();
        assert!(oracle::manifest(&layers).is_err());
    }
}

#[test]
fn the_oracle_refuses_what_is_to_be_rejected() {
    let dir = tempfile::tempdir().unwrap();
    for hostile in hostile::all() {
        // The tar crate stops at a zero block and takes a lone one, so these are not its to judge.
        if matches!(
            hostile.name,
            "empty-object" | "body-on-a-symlink" | "gzip-bomb"
        ) {
            continue;
        }
        let layers = hostile.family.write(dir.path(), Packing::Plain).unwrap();
        let judged = oracle::manifest(&layers);
        let builds = !matches!(hostile.verdict, hostile::Verdict::Rejected(_));
        assert_eq!(judged.is_ok(), builds, "{}: {judged:?}", hostile.name);
    }
}

#[test]
fn unwanted_attributes_are_dropped_and_late_times_held_back() {
    let family = Family::builder("images/x")
        .layer(|l: Layer| {
            l.file("f", "x")
                .xattr("trusted.overlay.opaque", b"y")
                .xattr("user.kept", b"\0\n")
                .mtime(1 << 40, 7)
                .file("g", "x")
                .mtime(-(1 << 40), 7)
        })
        .build();
    let manifest = oracle_of(&family, Packing::Plain);
    let file = manifest.get("f").unwrap();
    assert_eq!(
        file.xattrs.keys().collect::<Vec<_>>(),
        [&b"user.kept".to_vec()]
    );
    assert_eq!(file.mtime, (15_032_385_535, 999_999_999));
    assert_eq!(manifest.get("g").unwrap().mtime, (-2_147_483_648, 0));
}

#[test]
fn the_oracle_and_umoci_agree_on_real_layers() {
    let Some(dir) = std::env::var_os(real::READY).filter(|_| root_for("umoci")) else {
        println!("skipped: {} names no bucket of real layers", real::READY);
        return;
    };
    let bucket = real::small().unwrap_or_else(|why| panic!("{}: {why}", dir.display()));
    let differences = oracle::manifest(&bucket.layers)
        .unwrap()
        .diff(&readback::umoci(&bucket.layers).unwrap());
    // As in the made family: times of directories that umoci touched by itself.
    let others: Vec<_> = differences
        .iter()
        .filter(|line| !line.contains(": mtime: "))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(differences.len() < 10, "{differences:#?}");
}
