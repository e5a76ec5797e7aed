//! What entries do to a tree: kinds, names, replacements, links.

use longshore_image::{Code, DeviceNumber, ListingContent, Timestamp};

use crate::builder::{Head, Image, Tar, code};

#[test]
fn every_kind_of_entry_is_what_it_says() {
    let head = |kind, name: &[u8]| Head::new(kind, name).mode(0o4751).owner(7, 8).mtime(99);
    let layer = Tar::new()
        .put(&head(b'0', b"file").size(3), b"abc")
        .put(&head(b'5', b"dir/"), b"")
        .put(&head(b'2', b"link").link(b"../../anywhere"), b"")
        .put(&head(b'3', b"null").device(1, 3), b"")
        .put(&head(b'4', b"disk").device(0xfff, 0xf_ffff), b"")
        .put(&head(b'6', b"fifo"), b"")
        .put(&head(b'7', b"contiguous").size(1), b"x")
        .put(&head(0, b"old").size(1), b"y")
        .put(&head(b'0', b"olddir/"), b"")
        .end();
    let mut image = Image::new();
    let report = image.layer(&layer[..]).unwrap();
    let listing = image.listing();
    for (path, row) in &listing {
        if path != b"/" {
            assert_eq!((row.mode, row.uid, row.gid), (0o4751, 7, 8));
            assert_eq!(
                row.mtime,
                Timestamp {
                    seconds: 99,
                    nanoseconds: 0
                }
            );
        }
    }
    let device = |major, minor| DeviceNumber { major, minor };
    let expected = [
        ("/contiguous", None),
        ("/dir", Some(ListingContent::Directory)),
        (
            "/disk",
            Some(ListingContent::BlockDevice(device(0xfff, 0xf_ffff))),
        ),
        ("/fifo", Some(ListingContent::Fifo)),
        ("/file", None),
        (
            "/link",
            Some(ListingContent::Symlink(b"../../anywhere"[..].into())),
        ),
        ("/null", Some(ListingContent::CharDevice(device(1, 3)))),
        ("/old", None),
        ("/olddir", Some(ListingContent::Directory)),
    ];
    assert_eq!(
        image.paths(),
        expected.iter().map(|(path, _)| *path).collect::<Vec<_>>()
    );
    for (path, content) in expected {
        if let Some(content) = content {
            assert_eq!(listing[path.as_bytes()].content, content, "{path}");
        }
    }
    assert_eq!(image.content("file"), b"abc");
    assert_eq!((report.entries, report.content_bytes), (9, 5));
    assert_eq!((report.devices.count, report.special_modes.count), (3, 8));
    assert_eq!(report.devices.names[0].to_string(), "null");
}

#[test]
fn names_are_normalised_and_parents_made() {
    let layer = Tar::new()
        .file("/a//b/./c", b"1")
        .file("./d", b"2")
        .dir("e/")
        .end();
    let mut image = Image::new();
    let report = image.layer(&layer[..]).unwrap();
    assert_eq!(image.paths(), ["/a", "/a/b", "/a/b/c", "/d", "/e"]);
    assert_eq!(
        (
            report.counters.names_normalised,
            report.counters.parents_created
        ),
        (2, 2)
    );
    let parent = &image.listing()[&b"/a"[..]];
    assert_eq!(
        (parent.mode, parent.uid, parent.mtime),
        (0o755, 0, Timestamp::default())
    );
}

#[test]
fn the_root_takes_metadata_only() {
    let image = Image::of(&[&Tar::new()
        .put(&Head::new(b'5', b"./").mode(0o711), b"")
        .end()]);
    assert_eq!(image.listing()[&b"/"[..]].mode, 0o711);
    assert!(image.tree.is_empty());
}

#[test]
fn parents_are_followed_inside_the_tree() {
    let layer = Tar::new()
        .dir("usr/lib")
        .symlink("lib", "usr/lib")
        .symlink("up", "../../../usr")
        .symlink("abs", "/usr/./lib//")
        .symlink("chain", "abs")
        .symlink("deep/er/abs", "/usr")
        .symlink("dangling", "made/up")
        .file("lib/1", b"1")
        .file("up/2", b"2")
        .file("abs/3", b"3")
        .file("chain/4", b"4")
        .file("dangling/5", b"5")
        .file("deep/er/abs/6", b"6")
        .end();
    let image = Image::of(&[&layer]);
    for path in [
        "usr/lib/1",
        "usr/2",
        "usr/lib/3",
        "usr/lib/4",
        "made/up/5",
        "usr/6",
    ] {
        assert_eq!(
            image.content(path),
            &path.as_bytes()[path.len() - 1..],
            "{path}"
        );
    }
}

#[test]
fn the_last_component_is_never_followed() {
    let lower = Tar::new()
        .file("target", b"kept")
        .symlink("a", "target")
        .symlink("b", "dir")
        .end();
    let upper = Tar::new()
        .file("a", b"new")
        .dir("b")
        .hard_link("c", "target")
        .end();
    let image = Image::of(&[&lower, &upper]);
    assert_eq!(image.content("target"), b"kept");
    assert_eq!(image.content("a"), b"new");
    assert_eq!(image.paths(), ["/a", "/b", "/c", "/target"]);
}

#[test]
fn a_replacement_does_not_write_through_a_link() {
    let lower = Tar::new().file("a", b"old").hard_link("b", "a").end();
    let upper = Tar::new().file("a", b"new").end();
    let image = Image::of(&[&lower, &upper]);
    assert_eq!(
        (image.content("a"), image.content("b")),
        (&b"new"[..], &b"old"[..])
    );
    assert_eq!(image.listing()[&b"/b"[..]].link_group, None);
}

#[test]
fn directories_merge_and_other_kinds_replace() {
    let lower = Tar::new()
        .file("d/x", b"")
        .file("f", b"")
        .symlink("s", "d")
        .end();
    let upper = Tar::new().dir("d").dir("f").dir("s").file("s/y", b"").end();
    let image = Image::of(&[&lower, &upper]);
    assert_eq!(image.paths(), ["/d", "/d/x", "/f", "/s", "/s/y"]);
    assert_eq!(image.listing()[&b"/d"[..]].mode, 0o700);
    let flat = Tar::new()
        .file("d", b"now a file")
        .symlink("s", "nowhere")
        .end();
    let image = Image::of(&[&lower, &upper, &flat]);
    assert_eq!(image.paths(), ["/d", "/f", "/s"]);
}

#[test]
fn a_lower_file_gives_way_to_what_lies_in_it() {
    let mut image = Image::of(&[&Tar::new().file("a", b"").end()]);
    let report = image.layer(&Tar::new().file("a/b", b"").end()[..]).unwrap();
    assert_eq!(image.paths(), ["/a", "/a/b"]);
    assert_eq!(
        (
            report.counters.parents_replaced,
            report.counters.parents_created
        ),
        (1, 0)
    );
}

#[test]
fn the_last_of_several_entries_wins() {
    let mut image = Image::new();
    let layer = Tar::new()
        .file("a", b"1")
        .file("a", b"2")
        .dir("d")
        .dir("d")
        .file("a", b"3")
        .end();
    let report = image.layer(&layer[..]).unwrap();
    assert_eq!(image.content("a"), b"3");
    assert_eq!(report.counters.duplicates, 3);
}

#[test]
fn hard_links_are_to_what_is_there_now() {
    let layer = Tar::new()
        .file("a", b"1")
        .hard_link("b", "a")
        .file("a", b"2")
        .hard_link("c", "./a")
        .symlink("s", "a")
        .hard_link("t", "s")
        .hard_link("a", "a")
        .end();
    let mut image = Image::new();
    let report = image.layer(&layer[..]).unwrap();
    assert_eq!(
        (image.content("a"), image.content("b")),
        (&b"2"[..], &b"1"[..])
    );
    assert_eq!(image.content("c"), b"2");
    let listing = image.listing();
    assert_eq!(
        listing[&b"/t"[..]].content,
        ListingContent::Symlink(b"a"[..].into())
    );
    assert_eq!(listing[&b"/t"[..]].link_group, Some(b"/s"[..].into()));
    assert_eq!(listing[&b"/c"[..]].link_group, Some(b"/a"[..].into()));
    assert_eq!(report.counters.duplicates, 2);
}

#[test]
fn a_hard_link_does_not_apply_its_metadata() {
    let lower = Tar::new().file("a", b"").end();
    let link = Head::new(b'1', b"b").link(b"a").mode(0o6777).owner(5, 5);
    let image = Image::of(&[&lower, &Tar::new().put(&link, b"").end()]);
    let row = &image.listing()[&b"/a"[..]];
    assert_eq!((row.mode, row.uid), (0o644, 0));
}

#[test]
fn a_link_over_the_directory_that_holds_its_target_finds_it_gone() {
    let layer = Tar::new().file("d/x", b"").hard_link("d", "d/x").end();
    assert_eq!(code(&[&layer]), Some(Code::HardLinkMissing));
}

#[test]
fn a_directory_made_anew_has_nothing_of_the_one_before() {
    let again = Tar::new().file("d/x", b"").file("d", b"").dir("d");
    let layer = again.clone().hard_link("h", "d/x").end();
    assert_eq!(code(&[&layer]), Some(Code::HardLinkMissing));
    let layer = again.file("d/x", b"new").end();
    let mut image = Image::new();
    let report = image.layer(&layer[..]).unwrap();
    assert_eq!(image.content("d/x"), b"new");
    assert_eq!(
        report.counters.duplicates, 2,
        "d twice, and x only once in this d"
    );
}

#[test]
fn a_way_that_an_entry_took_is_not_taken_for_granted() {
    // The second entry replaces the link that both it and the third one go through.
    let layer = Tar::new()
        .symlink("d/l", ".")
        .file("d/l/x", b"")
        .file("d/l/l", b"");
    let image = Image::of(&[&layer.clone().end()]);
    assert_eq!(image.paths(), ["/d", "/d/l", "/d/x"]);
    assert_eq!(
        code(&[&layer.file("d/l/y", b"").end()]),
        Some(Code::ParentNotDirectory)
    );
}
