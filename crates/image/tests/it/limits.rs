//! Limits: what is at one passes, what is over it is stopped at once.

use std::num::NonZeroU64;

use longshore_image::{Code, Limits};

use crate::builder::{Image, Tar, gzip};

/// The codes that are tested here.
pub(crate) const COVERED: [Code; 8] = [
    Code::LimitFile,
    Code::LimitImage,
    Code::LimitStream,
    Code::LimitRatio,
    Code::LimitEntries,
    Code::LimitLayers,
    Code::LimitDuplicates,
    Code::HardLinkTooMany,
];

fn limited(change: impl FnOnce(&mut Limits)) -> Image {
    let mut image = Image::new();
    change(&mut image.limits);
    image
}

fn code(image: &mut Image, layer: &[u8]) -> Option<Code> {
    image.layer(layer).err().map(|rejected| rejected.code)
}

#[test]
fn a_file_and_all_files_of_an_image_are_bounded() {
    let layer = |name: &str, size: usize| Tar::new().file(name, &vec![1; size]).end();
    let mut image = limited(|limits| (limits.file_bytes, limits.image_bytes) = (100, 250));
    assert_eq!(code(&mut image, &layer("a", 101)), Some(Code::LimitFile));
    assert_eq!(image.paths(), [""; 0], "nothing of it was made");
    assert_eq!(code(&mut image, &layer("a", 100)), None);
    assert_eq!(code(&mut image, &layer("a", 100)), None);
    assert_eq!(code(&mut image, &layer("b", 51)), Some(Code::LimitImage));
    assert_eq!(code(&mut image, &layer("b", 50)), None);
    assert_eq!(image.totals.content_bytes, 250);
}

#[test]
fn the_holes_of_a_sparse_file_count() {
    let records: [(&str, &[u8]); 2] = [("GNU.sparse.map", b""), ("GNU.sparse.size", b"101")];
    let layer = Tar::new().pax(&records).file("a", b"").end();
    let mut image = limited(|limits| limits.file_bytes = 100);
    assert_eq!(code(&mut image, &layer), Some(Code::LimitFile));
}

#[test]
fn what_is_only_read_is_bounded_over_all_layers() {
    let mut image = limited(|limits| limits.stream_bytes = 5_000);
    let padded = |zeros: usize| [Tar::new().end(), vec![0; zeros]].concat();
    assert_eq!(code(&mut image, &padded(1_976)), None);
    assert_eq!(image.totals.stream_bytes, 3_000);
    assert_eq!(code(&mut image, &padded(976)), None);
    assert_eq!(code(&mut image, &padded(0)), Some(Code::LimitStream));
}

#[test]
fn a_bomb_is_stopped_while_it_is_inflated() {
    let bomb = gzip(&Tar::new().file("a", &vec![0; 4 << 20]).end());
    let ratio = |limits: &mut Limits, from| {
        limits.ratio = NonZeroU64::new(10).unwrap();
        limits.ratio_from_bytes = from;
    };
    assert_eq!(
        code(&mut limited(|limits| ratio(limits, 1 << 20)), &bomb),
        Some(Code::LimitRatio)
    );
    // Below the size from which it counts, any ratio passes; plain archives have none.
    assert_eq!(
        code(&mut limited(|limits| ratio(limits, 8 << 20)), &bomb),
        None
    );
    let plain = Tar::new().file("a", &vec![0; 4 << 20]).end();
    assert_eq!(code(&mut limited(|limits| ratio(limits, 0)), &plain), None);
}

#[test]
fn entries_and_the_inodes_made_of_them_are_bounded() {
    let mut image = limited(|limits| limits.entries = 3);
    assert_eq!(code(&mut image, &Tar::new().file("a/b/c", b"").end()), None);
    assert_eq!(
        code(&mut image, &Tar::new().file("d", b"").end()),
        Some(Code::LimitEntries)
    );
    let mut image = limited(|limits| limits.entries = 3);
    let whiteouts = Tar::new()
        .file(".wh.a", b"")
        .file(".wh.a", b"")
        .file(".wh.a", b"");
    assert_eq!(code(&mut image, &whiteouts.end()), None);
    assert_eq!(
        code(&mut image, &Tar::new().file(".wh.a", b"").end()),
        Some(Code::LimitEntries)
    );
}

#[test]
fn layers_are_bounded() {
    let mut image = limited(|limits| limits.layers = 2);
    let layer = Tar::new().end();
    assert_eq!(code(&mut image, &layer), None);
    assert_eq!(code(&mut image, &layer), None);
    assert_eq!(code(&mut image, &layer), Some(Code::LimitLayers));
}

#[test]
fn one_path_occurs_only_so_often() {
    let times = |count: usize| {
        (0..count)
            .fold(Tar::new(), |tar, _| tar.file("a", b""))
            .end()
    };
    assert_eq!(code(&mut Image::new(), &times(1_000)), None);
    assert_eq!(
        code(&mut Image::new(), &times(1_001)),
        Some(Code::LimitDuplicates)
    );
    // A directory in between does not begin the count anew, and does not count itself.
    let turns = |count: usize| {
        (0..count)
            .fold(Tar::new(), |tar, _| tar.file("a", b"").dir("a").dir("a"))
            .end()
    };
    assert_eq!(code(&mut Image::new(), &turns(1_000)), None);
    assert_eq!(
        code(&mut Image::new(), &turns(1_001)),
        Some(Code::LimitDuplicates)
    );
}

#[test]
fn one_inode_has_only_so_many_names() {
    let mut image = limited(|limits| limits.links = 3);
    let layer = Tar::new()
        .file("a", b"")
        .hard_link("b", "a")
        .hard_link("c", "a");
    assert_eq!(code(&mut image, &layer.end()), None);
    let again = Tar::new().hard_link("c", "a").end();
    assert_eq!(
        code(&mut image, &again),
        None,
        "a name it has already is no new one"
    );
    let over = Tar::new().hard_link("d", "c").end();
    assert_eq!(code(&mut image, &over), Some(Code::HardLinkTooMany));
}

#[test]
fn what_is_at_a_limit_of_names_passes() {
    let deep = format!("{}x", "d/".repeat(255));
    let records = |path: &[u8]| Tar::new().pax(&[("path", path)]).file("a", b"").end();
    assert_eq!(code(&mut Image::new(), &records(deep.as_bytes())), None);
    assert_eq!(code(&mut Image::new(), &records(&[b'n'; 255])), None);
    let target = vec![b't'; 4_095];
    let link = Tar::new()
        .pax(&[("linkpath", &target[..])])
        .symlink("a", "")
        .end();
    assert_eq!(code(&mut Image::new(), &link), None);
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let chain = |length: usize| {
        let links = (1..length).fold(Tar::new().dir("l0"), |tar, n| {
            tar.symlink(&format!("l{n}"), &format!("l{}", n - 1))
        });
        links.file(&format!("l{}/x", length - 1), b"").end()
    };
    assert_eq!(code(&mut Image::new(), &chain(41)), None);
    assert_eq!(code(&mut Image::new(), &chain(42)), Some(Code::SymlinkLoop));
}

#[test]
fn links_do_not_make_a_tree_deeper_than_the_limit() {
    let down = "d/".repeat(200);
    let layer = Tar::new()
        .pax(&[("path", down.as_bytes())])
        .dir("x")
        .pax(&[("linkpath", down.as_bytes())])
        .symlink("s", "")
        .pax(&[("path", format!("s/{}x", "e/".repeat(60)).as_bytes())])
        .file("x", b"")
        .end();
    assert_eq!(code(&mut Image::new(), &layer), Some(Code::NameTooDeep));
}
