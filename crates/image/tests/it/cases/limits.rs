//! Limits: what is at one passes, what is over it is stopped.

use std::num::NonZeroU64;

use longshore_image::{Code, Limits};

use super::case::{Case, accepted, refused};
use crate::builder::{Tar, gzip};

pub(crate) fn cases() -> Vec<Case> {
    [contents(), streams(), counts(), duplicates()].concat()
}

fn sized(name: &str, bytes: usize) -> Tar {
    Tar::new().file(name, &vec![1; bytes])
}

fn contents() -> Vec<Case> {
    let (one, all) = (Code::LimitFile, Code::LimitImage);
    let hole: [(&str, &[u8]); 2] = [("GNU.sparse.map", b""), ("GNU.sparse.size", b"101")];
    let hole = || Tar::new().pax(&hole).file("a", b"");
    let limited = |limits: &mut Limits| limits.file_bytes = 100;
    let image = |limits: &mut Limits| limits.image_bytes = 100;
    vec![
        refused(one, "a file of 101 bytes, 100 are allowed", sized("a", 101))
            .limited(limited)
            .at("a"),
        refused(one, "a hole of 101 bytes, 100 are allowed", hole())
            .limited(limited)
            .at("a"),
        refused(
            all,
            "files of 101 bytes, 100 are allowed",
            sized("a", 50).file("b", &[1; 51]),
        )
        .limited(image)
        .at("b"),
        refused(all, "holes of 101 bytes, 100 are allowed", hole())
            .limited(image)
            .at("a"),
        refused(all, "a file again, and 101 bytes", sized("a", 51))
            .on(sized("a", 50))
            .limited(image)
            .at("a"),
        accepted("a file of 100 bytes", sized("a", 100))
            .limited(limited)
            .tree(&["/a file 644 #100"]),
        accepted("files of 100 bytes in two layers", sized("a", 50))
            .on(sized("a", 50))
            .limited(image)
            .tree(&["/a file 644 #50"]),
        accepted(
            "a body that is not kept counts for nothing",
            sized(".wh.a", 101),
        )
        .limited(limited)
        .counts(|it| it.whiteouts_first_layer = 1),
    ]
}

fn streams() -> Vec<Case> {
    let padded = |zeros: usize| [Tar::new().end(), vec![0; zeros]].concat();
    let stream = |limits: &mut Limits| limits.stream_bytes = 3_000;
    let ratio = |limits: &mut Limits| {
        limits.ratio = NonZeroU64::new(10).unwrap();
        limits.ratio_from_bytes = 1 << 20;
    };
    let mib = 1 << 20;
    let file = Tar::new().file("a", &vec![0; 2 * mib]).end();
    vec![
        refused(
            Code::LimitStream,
            "3,001 bytes, 3,000 are allowed",
            padded(1_977),
        )
        .limited(stream),
        refused(Code::LimitStream, "3,001 bytes in two layers", padded(0))
            .on(padded(953))
            .limited(stream),
        refused(
            Code::LimitStream,
            "3,001 bytes, packed",
            gzip(&padded(1_977)),
        )
        .limited(stream),
        accepted("3,000 bytes", padded(1_976)).limited(stream),
        // What is too much of it is behind the archive's end, where nothing is lost without it.
        refused(
            Code::LimitRatio,
            "zeros behind the end",
            gzip(&padded(3 * mib)),
        )
        .limited(ratio),
        refused(Code::LimitRatio, "zeros in two members", {
            [gzip(&padded(mib)), gzip(&vec![0; 2 * mib])].concat()
        })
        .limited(ratio),
        refused(Code::LimitRatio, "a file of zeros", gzip(&file))
            .limited(ratio)
            .at("a")
            .or_else(Code::Truncated),
        accepted("zeros that are not packed", padded(3 * mib)).limited(ratio),
        accepted("few zeros", gzip(&padded(mib / 2))).limited(ratio),
    ]
}

fn counts() -> Vec<Case> {
    let code = Code::LimitEntries;
    let three = |limits: &mut Limits| limits.entries = 3;
    let files =
        |count: usize| (0..count).fold(Tar::new(), |tar, n| tar.file(&format!("f{n}"), b""));
    let layers = |limits: &mut Limits| limits.layers = 2;
    let tree = ["/f0 file 644", "/f1 file 644", "/f2 file 644"];
    vec![
        refused(code, "four entries, three are allowed", files(4))
            .limited(three)
            .at("f3"),
        refused(
            code,
            "four whiteouts, three are allowed",
            Tar::new()
                .file(".wh.a", b"")
                .file(".wh.b", b"")
                .file(".wh.c", b"")
                .file(".wh.d", b""),
        )
        .limited(three)
        .at(".wh.d"),
        refused(
            code,
            "four entries in two layers",
            Tar::new().file("x", b""),
        )
        .on(files(3))
        .limited(three)
        .at("x"),
        refused(
            code,
            "four inodes of one entry",
            Tar::new().file("a/b/c/d", b""),
        )
        .limited(three)
        .at("a/b/c/d"),
        accepted("three entries", files(3))
            .limited(three)
            .tree(&tree),
        refused(
            Code::LimitLayers,
            "three layers, two are allowed",
            Tar::new(),
        )
        .on(Tar::new())
        .on(Tar::new())
        .limited(layers),
        refused(Code::LimitLayers, "a layer, none is allowed", files(1))
            .limited(|limits| limits.layers = 0),
        accepted("two layers", files(3))
            .on(Tar::new())
            .limited(layers)
            .tree(&tree),
    ]
}

fn duplicates() -> Vec<Case> {
    let code = Code::LimitDuplicates;
    let times = |count: usize| (0..count).fold(Tar::new(), |tar, _| tar.file("a", b""));
    let turns =
        |count: usize| (0..count).fold(Tar::new(), |tar, _| tar.file("a", b"").dir("a").dir("a"));
    let links =
        |count: usize| (0..count).fold(Tar::new().file("t", b""), |tar, _| tar.hard_link("a", "t"));
    let two = |limits: &mut Limits| limits.duplicates = 2;
    vec![
        refused(code, "a path 1,001 times", times(1_001)).at("a"),
        refused(code, "a path three times, two are allowed", times(3))
            .limited(two)
            .at("a"),
        refused(code, "a link three times, two are allowed", links(3))
            .limited(two)
            .at("a"),
        refused(code, "a file that is a directory in between", turns(3))
            .limited(two)
            .at("a"),
        accepted("a path 1,000 times", times(1_000))
            .counts(|it| it.duplicates = 999)
            .tree(&["/a file 644"]),
        accepted("a directory in between counts for nothing", turns(2))
            .limited(two)
            .counts(|it| it.duplicates = 5)
            .tree(&["/a dir 700"]),
        accepted("a path twice in each of two layers", times(2))
            .on(times(2))
            .limited(two)
            .counts(|it| it.duplicates = 1)
            .tree(&["/a file 644"]),
    ]
}
