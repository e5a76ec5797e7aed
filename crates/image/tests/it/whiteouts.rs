//! What whiteouts do to a tree, and what they leave alone.

use crate::builder::{Head, Image, Tar};

#[test]
fn a_hidden_directory_that_stays_is_as_if_made_for_what_it_holds() {
    let lower = Tar::new().dir("d").file("d/x", b"").end();
    let before = Tar::new().file(".wh.d", b"").file("d/z", b"").end();
    let after = Tar::new().file("d/z", b"").file(".wh.d", b"").end();
    let (before, after) = (Image::of(&[&lower, &before]), Image::of(&[&lower, &after]));
    assert_eq!(before.listing(), after.listing());
    assert_eq!(after.listing()[&b"/d"[..]].mode, 0o755);
    // One that is itself an entry keeps what the entry says.
    let named = Tar::new()
        .dir("d")
        .file("d/z", b"")
        .file(".wh.d", b"")
        .file(".wh.d", b"")
        .end();
    let named = Image::of(&[&lower, &named]);
    assert_eq!(named.listing()[&b"/d"[..]].mode, 0o700);
    assert_eq!(named.paths(), ["/d", "/d/z"]);
}

#[test]
fn aufs_keeps_nothing_but_its_links() {
    let layer = Tar::new()
        .dir(".wh..wh.plnk/")
        .put(
            &Head::new(b'0', b".wh..wh.plnk/12.34").mode(0o4755).size(1),
            b"x",
        )
        .hard_link("a", ".wh..wh.plnk/12.34")
        .hard_link("b", "/.wh..wh.plnk/12.34")
        .file(".wh..wh.aufs", b"")
        .dir(".wh..wh.orph")
        .file(".wh..wh.orph/x", b"gone")
        .hard_link(".wh.c", ".wh..wh.aufs")
        .end();
    let mut image = Image::new();
    let report = image.layer(&layer[..]).unwrap();
    assert_eq!(image.paths(), ["/a", "/b"]);
    assert_eq!(image.content("a"), b"x");
    assert_eq!(report.counters.aufs_entries, 5);
    assert_eq!(
        report.special_modes.names,
        [b"a"[..].into(), b"b"[..].into()]
    );
}

#[test]
fn numbers_of_removed_nodes_may_be_used_again() {
    let lower = Tar::new().symlink("d/l", "../e").end();
    let upper = Tar::new()
        .file("d/l/f", b"")
        .file("d", b"takes the number of the directory")
        .file("p", b"")
        .hard_link("d", "p")
        .dir("n")
        .file("n/.wh.l", b"")
        .end();
    let mut image = Image::of(&[&lower]);
    let report = image.layer(&upper[..]).unwrap();
    assert_eq!(
        report.counters.whiteouts_missing, 1,
        "n has nothing of d's past"
    );
}

/// What it leads through is what there is when it is read: here a directory that the layer has hidden and
/// made again.
#[test]
fn a_whiteout_leads_through_what_is_there_by_then() {
    let lower = Tar::new()
        .dir("a")
        .file("b/b", b"")
        .symlink("d", "/a/..")
        .end();
    let upper = Tar::new()
        .file(".wh.a", b"")
        .file("a/new", b"")
        .file("d/b/.wh.b", b"")
        .end();
    assert_eq!(
        Image::of(&[&lower, &upper]).paths(),
        ["/a", "/a/new", "/b", "/d"]
    );
}
