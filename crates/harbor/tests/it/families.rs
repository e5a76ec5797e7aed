//! Families: the same bytes every time, and read by GNU tar and gzip as they are meant.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use longshore_harbor::family::{
    Content, Family, Layer, Packing, demo, golang, hostile, node, python,
};

fn gnu_tar(args: &[&str], archive: &Path) -> (bool, String) {
    let output = Command::new("tar")
        .args(args)
        .arg(archive)
        .output()
        .expect("GNU tar is here");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text)
}

#[test]
fn a_family_is_the_same_bytes_twice_plain_and_gzipped() {
    for packing in [Packing::Plain, Packing::Gzip] {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = demo().write(one.path(), packing).unwrap();
        let second = demo().write(two.path(), packing).unwrap();
        assert_eq!(first.len(), 3);
        for (first, second) in first.iter().zip(&second) {
            assert!(
                fs::read(first).unwrap() == fs::read(second).unwrap(),
                "{}",
                first.display()
            );
        }
    }
}

#[test]
fn the_ready_families_are_archives_to_gnu_tar() {
    let dir = tempfile::tempdir().unwrap();
    for packing in [Packing::Plain, Packing::Gzip] {
        for file in demo().write(dir.path(), packing).unwrap() {
            assert!(gnu_tar(&["-tvf"], &file).0, "{}", file.display());
        }
    }
    let third = dir.path().join("images/demo/3.tar");
    let (_, listing) = gnu_tar(&["--quoting-style=literal", "--full-time", "-tvf"], &third);
    let has = |text: &str| assert!(listing.contains(text), "{text} in\n{listing}");
    has(&format!("usr/share/doc/{}name", "long-".repeat(30)));
    has("4000000000/1000");
}

#[test]
fn the_language_families_share_their_layers() {
    let dir = tempfile::tempdir().unwrap();
    let [golang, node, python] = [golang(), node(), python()].map(|family| {
        let files = family.write(dir.path(), Packing::Plain).unwrap();
        files
            .iter()
            .map(|file| fs::read(file).unwrap())
            .collect::<Vec<_>>()
    });
    assert!(golang[..3] == node[..3] && golang[..3] == python[..3] && node[3] == python[3]);
    assert!(golang[3] != node[3] && golang[4] != node[4] && node[4] != python[4]);
    let size: usize = golang.iter().map(Vec::len).sum();
    assert!((10 << 20..40 << 20).contains(&size), "{size}");
}

#[test]
fn a_bomb_is_small_and_holds_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let family = hostile::gzip_bomb(96 << 20);
    let file = family
        .write(dir.path(), Packing::Plain)
        .unwrap()
        .pop()
        .unwrap();
    assert!(file.ends_with("images/gzip-bomb/2.tar.gz"));
    let mut inflated = flate2::read::GzDecoder::new(File::open(&file).unwrap());
    let mut header = [0; 512];
    inflated.read_exact(&mut header).unwrap();
    assert_eq!(
        tar::Header::from_byte_slice(&header).entry_size().unwrap(),
        96 << 20
    );
    // Reading to the end checks the CRC and the length.
    let rest = std::io::copy(&mut inflated, &mut std::io::sink()).unwrap();
    assert_eq!(rest, (96 << 20) + 1024);
    assert!(fs::metadata(&file).unwrap().len() * 500 < 96 << 20);
}

#[test]
fn large_files_of_zeros_take_no_room() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let file = hostile::file_of_size(3 << 30)
        .write(dir.path(), Packing::Plain)
        .unwrap()
        .pop()
        .unwrap();
    let meta = fs::metadata(&file).unwrap();
    assert_eq!(meta.len(), (3 << 30) + 512 + 1024);
    assert!(meta.blocks() * 512 < 1 << 20, "{} blocks", meta.blocks());
    assert!(gnu_tar(&["-tf"], &file).1.contains("usr/huge"));
}

#[test]
fn hostile_families_are_named_and_wrong() {
    let dir = tempfile::tempdir().unwrap();
    for hostile in hostile::all() {
        assert_eq!(hostile.family.prefix(), format!("images/{}", hostile.name));
        let files = hostile.family.write(dir.path(), Packing::Plain).unwrap();
        assert!(
            gnu_tar(&["-tf"], &files[0]).0,
            "{}: its first layer is honest",
            hostile.name
        );
    }
    for unreadable in ["not-an-archive", "truncated", "truncated-gzip"] {
        let file = dir.path().join(format!("images/{unreadable}/2.tar"));
        assert!(!gnu_tar(&["-tf"], &file).0, "{unreadable}");
    }
    let keys = hostile::gap().keys(Packing::Plain);
    assert_eq!(keys, ["images/gap/1.tar", "images/gap/3.tar"]);
}

#[test]
fn an_archive_can_be_cut_and_left_open() {
    let dir = tempfile::tempdir().unwrap();
    let layer = || {
        Layer::new().file(
            "a",
            Content::Noise {
                seed: 7,
                length: 1000,
            },
        )
    };
    let family = Family::builder("images/x")
        .add("1", layer())
        .add("2", layer().unclosed())
        .add("3", layer().cut(700))
        .build();
    let files = family.write(dir.path(), Packing::Plain).unwrap();
    let lengths: Vec<_> = files
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .collect();
    assert_eq!(lengths, [512 + 1024 + 1024, 512 + 1024, 700]);
}
