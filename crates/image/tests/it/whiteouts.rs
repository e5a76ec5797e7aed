//! What whiteouts do to a tree, and what they leave alone.

use crate::builder::{Head, Image, Tar};

#[test]
fn a_whiteout_hides_lower_layers_wherever_it_stands() {
    let lower = Tar::new()
        .file("f", b"old")
        .file("d/x", b"")
        .file("d/sub/y", b"")
        .end();
    for upper in [
        Tar::new()
            .file(".wh.f", b"")
            .file("f", b"new")
            .file(".wh.d", b"")
            .file("d/z", b""),
        Tar::new()
            .file("f", b"new")
            .file(".wh.f", b"")
            .file("d/z", b"")
            .file(".wh.d", b""),
        Tar::new()
            .file("d/z", b"")
            .dir(".wh.d")
            .file("f", b"new")
            .symlink(".wh.f", "x"),
    ] {
        let mut image = Image::of(&[&lower]);
        image.layer(&upper.end()[..]).unwrap();
        assert_eq!(image.paths(), ["/d", "/d/z", "/f"]);
        assert_eq!(image.content("f"), b"new");
    }
}

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
fn an_opaque_whiteout_hides_children_and_nothing_of_its_own_layer() {
    let lower = Tar::new()
        .dir("d")
        .file("d/x", b"")
        .file("d/e/y", b"")
        .file("k", b"")
        .end();
    let opaque = "d/.wh..wh..opq";
    for upper in [
        Tar::new()
            .file(opaque, b"")
            .file("d/e/n", b"")
            .file("d/x", b"new"),
        Tar::new()
            .file("d/e/n", b"")
            .file("d/x", b"new")
            .file(opaque, b"")
            .file(opaque, b""),
    ] {
        let mut image = Image::of(&[&lower]);
        image.layer(&upper.end()[..]).unwrap();
        assert_eq!(image.paths(), ["/d", "/d/e", "/d/e/n", "/d/x", "/k"]);
        assert_eq!(image.content("d/x"), b"new");
        assert_eq!(
            image.listing()[&b"/d"[..]].mode,
            0o700,
            "it is not hidden itself"
        );
        assert_eq!(image.listing()[&b"/d/e"[..]].mode, 0o755);
    }
    let mut image = Image::of(&[&lower]);
    image
        .layer(&Tar::new().file("new", b"").file(".wh..wh..opq", b"").end()[..])
        .unwrap();
    assert_eq!(image.paths(), ["/new"]);
}

#[test]
fn a_link_to_a_lower_file_is_a_name_of_this_layer() {
    let lower = Tar::new().file("a", b"1").end();
    let upper = Tar::new()
        .hard_link("b", "a")
        .file(".wh.a", b"")
        .file(".wh.b", b"")
        .end();
    let image = Image::of(&[&lower, &upper]);
    assert_eq!(image.paths(), ["/b"]);
}

#[test]
fn whiteouts_of_nothing_are_counted() {
    let mut image = Image::new();
    let layer = Tar::new()
        .file(".wh.a", b"")
        .file("b/.wh..wh..opq", b"")
        .file("c", b"")
        .end();
    let report = image.layer(&layer[..]).unwrap();
    assert_eq!(report.counters.whiteouts_first_layer, 2);
    assert_eq!(image.paths(), ["/c"]);
    let layer = Tar::new()
        .file(".wh.a", b"")
        .file("b/.wh.a", b"")
        .file("c/.wh.a", b"")
        .end();
    let report = image.layer(&layer[..]).unwrap();
    assert_eq!(report.counters.whiteouts_missing, 3);
    assert_eq!(image.paths(), ["/c"]);
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
fn what_replaced_a_lower_directory_is_not_hidden_with_it() {
    let lower = Tar::new().file("d/a", b"").file("d/b", b"").end();
    let upper = Tar::new()
        .file("d/a", b"mine")
        .file("d", b"flat")
        .dir("e")
        .file("e/b", b"1")
        .file(".wh.d", b"")
        .file("e/.wh.b", b"")
        .end();
    let image = Image::of(&[&lower, &upper]);
    assert_eq!(image.paths(), ["/d", "/e", "/e/b"]);
    assert_eq!(image.content("d"), b"flat");
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
