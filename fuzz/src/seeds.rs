//! What a corpus begins with, made here: archives that are good, and bytes to draw from.

use std::path::PathBuf;
use std::{env, fs};

use crate::builder::{Head, Tar, gzip, pax_body};

/// Writes the inputs that a target's corpus begins with into the folder that `LONGSHORE_FUZZ_SEEDS` names,
/// if it names one. The target calls it before it reads its corpus, of which that folder is a part.
///
/// # Panics
/// If they cannot be written.
pub fn seed(target: &str) {
    let Some(dir) = env::var_os("LONGSHORE_FUZZ_SEEDS").map(PathBuf::from) else {
        return;
    };
    fs::create_dir_all(&dir).expect("the folder for seeds can be made");
    for (nth, seed) in seeds(target).iter().enumerate() {
        fs::write(dir.join(format!("seed-{nth:03}")), seed).expect("there is room for seeds");
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "archive" => {
            let mut seeds: Vec<_> = archives().iter().map(|it| with(1, it)).collect();
            seeds.extend(archives().iter().map(|it| with(0, it)));
            seeds.extend(noise(3, 64, 300).iter().map(|it| with(2, it)));
            seeds
        }
        "compressed" => {
            let mut seeds = Vec::new();
            for archive in archives() {
                let frame = zstd::bulk::compress(&archive, 1).expect("memory is not full");
                seeds.push(with(0, &gzip(&archive)));
                seeds.push(with(1, &gzip(&archive)[10..]));
                seeds.push(with(0, &frame));
                seeds.push(with(2, &frame[4..]));
            }
            for way in 4..8 {
                seeds.extend(noise(way.into(), 16, 300).iter().map(|it| with(way, it)));
            }
            seeds
        }
        "layers" => noise(5, 96, 120),
        "damaged" => noise(6, 96, 60),
        "ext4" => noise(7, 64, 400),
        other => panic!("no target {other}"),
    }
}

fn with(first: u8, rest: &[u8]) -> Vec<u8> {
    [&[first], rest].concat()
}

/// Archives with one of everything.
fn archives() -> Vec<Vec<u8>> {
    let pax: [(&str, &[u8]); 5] = [
        ("path", b"a/long/name"),
        ("mtime", b"-1.5"),
        ("uid", b"70000"),
        ("SCHILY.xattr.user.a", b"\n\0"),
        ("SCHILY.acl.access", b"user::rwx,group::r-x,other::---"),
    ];
    let sparse: [(&str, &[u8]); 3] = [
        ("GNU.sparse.size", b"900"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"0,2,700,3"),
    ];
    let map = b"1\n5\n3\n";
    let head = |kind: u8, name: &str| Head::new(kind, name.as_bytes());
    vec![
        Tar::new()
            .dir("a/")
            .file("a/f", b"content")
            .symlink("s", "a")
            .end(),
        Tar::new()
            .file("f", b"1")
            .hard_link("g", "f")
            .file("f", b"2")
            .end(),
        Tar::new().pax(&pax).file("cut", b"x").end(),
        Tar::new()
            .extension(b'g', &pax_body(&[("comment", b"c")]))
            .dir("d")
            .end(),
        Tar::new()
            .extension(b'L', b"a/name\0")
            .extension(b'K', b"t\0")
            .symlink("x", "y")
            .end(),
        Tar::new().pax(&sparse).file("sparse", b"abcde").end(),
        Tar::new()
            .pax(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"n"),
                ("GNU.sparse.realsize", b"9"),
            ])
            .put(
                &head(b'0', "x").size(515),
                &[&map[..], &[0; 506], b"abc"].concat(),
            )
            .end(),
        Tar::new()
            .put(
                &Head::gnu(b'S', b"old")
                    .size(2)
                    .with(386, b"00000000003\x0000000000002\0")
                    .with(483, b"00000000009\0"),
                b"ab",
            )
            .end(),
        Tar::new()
            .put(&head(b'3', "c").device(1, 3), b"")
            .put(&head(b'6', "p"), b"")
            .end(),
        Tar::new()
            .file("a/.wh.b", b"")
            .file("a/.wh..wh..opq", b"")
            .file(".wh..wh.plnk/1", b"x")
            .hard_link("h", ".wh..wh.plnk/1")
            .end(),
    ]
}

/// Bytes that are the same in every run: `count` times up to `most` of them.
fn noise(seed: u64, count: usize, most: usize) -> Vec<Vec<u8>> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (1..=count)
        .map(|nth| (0..nth * most / count).map(|_| next()).collect())
        .collect()
}
