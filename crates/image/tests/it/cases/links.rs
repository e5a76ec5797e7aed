//! Hard links: to what the tree has at that moment.

use longshore_image::Code;

use super::case::{Case, accepted, one, refused};
use crate::builder::{Head, Tar};

pub(crate) fn cases() -> Vec<Case> {
    [missing(), directories(), many(), kept()].concat()
}

fn missing() -> Vec<Case> {
    let code = Code::HardLinkMissing;
    let link = |tar: Tar, target: &str| tar.hard_link("b", target);
    let lower = || Tar::new().file("a", b"").file("d/x", b"");
    vec![
        refused(code, "a link to nothing", link(Tar::new(), "a")).at("b"),
        refused(code, "a link into nothing", link(Tar::new(), "no/where")).at("b"),
        refused(
            code,
            "a link to a host's file",
            link(Tar::new(), "/etc/passwd"),
        )
        .at("b"),
        refused(
            code,
            "a link to itself, which is not there",
            link(Tar::new(), "b"),
        )
        .at("b"),
        refused(
            code,
            "a link before its target",
            link(Tar::new(), "a").file("a", b""),
        )
        .at("b"),
        refused(
            code,
            "a link to what is below a file",
            link(Tar::new(), "a/x"),
        )
        .on(Tar::new().file("a", b""))
        .at("b"),
        refused(
            code,
            "a link through a symlink to nothing",
            link(Tar::new().symlink("s", "gone"), "s/x"),
        )
        .at("b"),
        refused(
            code,
            "a link to what is whited out",
            link(Tar::new().file(".wh.a", b""), "a"),
        )
        .on(lower())
        .at("b"),
        refused(
            code,
            "a link to what an opaque whiteout hides",
            link(Tar::new().file("d/.wh..wh..opq", b""), "d/x"),
        )
        .on(lower())
        .at("b"),
        refused(
            code,
            "a link to what was in a directory",
            link(Tar::new().file("d", b"").dir("d"), "d/x"),
        )
        .on(lower())
        .at("b"),
        refused(
            code,
            "a link over the directory of its target",
            Tar::new().file("d/x", b"").hard_link("d", "d/x"),
        )
        .at("d"),
        refused(
            code,
            "a link to AUFS's own that is not there",
            link(Tar::new(), ".wh..wh.plnk/1.2"),
        )
        .at("b"),
        refused(
            code,
            "a link to AUFS's own of a lower layer",
            link(Tar::new(), ".wh..wh.plnk/1.2"),
        )
        .on(Tar::new().file(".wh..wh.plnk/1.2", b""))
        .at("b"),
    ]
}

fn directories() -> Vec<Case> {
    let code = Code::HardLinkToDirectory;
    let link = |tar: Tar, target: &str| tar.hard_link("b", target);
    vec![
        refused(
            code,
            "a link to a directory",
            link(Tar::new().dir("a"), "a"),
        )
        .at("b"),
        refused(
            code,
            "a link to a directory with a slash",
            link(Tar::new().dir("a"), "a/"),
        )
        .at("b"),
        refused(code, "a link to a lower directory", link(Tar::new(), "a"))
            .on(Tar::new().dir("a"))
            .at("b"),
        refused(
            code,
            "a link to a parent that was made",
            link(Tar::new().file("a/x", b""), "a"),
        )
        .at("b"),
        refused(code, "a link to the root", link(Tar::new(), "/")).at("b"),
        refused(code, "a link to .", link(Tar::new(), ".")).at("b"),
        refused(
            code,
            "a link from a directory to itself",
            Tar::new().dir("b").hard_link("b", "b"),
        )
        .at("b"),
    ]
}

fn many() -> Vec<Case> {
    let code = Code::HardLinkTooMany;
    let two = || Tar::new().file("a", b"").hard_link("b", "a");
    vec![
        refused(
            code,
            "a third name, of which two are allowed",
            two().hard_link("c", "a"),
        )
        .limited(|limits| limits.links = 2)
        .at("c"),
        refused(code, "a third name by another", two().hard_link("c", "b"))
            .limited(|limits| limits.links = 2)
            .at("c"),
        refused(
            code,
            "a third name in a higher layer",
            Tar::new().hard_link("c", "a"),
        )
        .on(two())
        .limited(|limits| limits.links = 2)
        .at("c"),
        accepted("a second name again", two().hard_link("b", "a"))
            .limited(|limits| limits.links = 2)
            .counts(|it| it.duplicates = 1)
            .tree(&["/a file 644", "/b file 644 = /a"]),
        accepted(
            "a third name after one is gone",
            two().file("b", b"").hard_link("c", "a"),
        )
        .limited(|limits| limits.links = 2)
        .counts(|it| it.duplicates = 1)
        .tree(&["/a file 644", "/b file 644", "/c file 644 = /a"]),
    ]
}

fn kept() -> Vec<Case> {
    let head = Head::new(b'1', b"b")
        .link(b"a")
        .mode(0o6777)
        .owner(5, 5)
        .mtime(9);
    vec![
        accepted("a link", Tar::new().file("a", b"1").hard_link("b", "a"))
            .tree(&["/a file 644 1", "/b file 644 1 = /a"]),
        accepted("a link to a lower file", Tar::new().hard_link("b", "a"))
            .on(Tar::new().file("a", b"1"))
            .tree(&["/a file 644 1", "/b file 644 1 = /a"]),
        accepted(
            "a link with other metadata, which does not count",
            one(&head),
        )
        .on(Tar::new().file("a", b""))
        .tree(&["/a file 644", "/b file 644 = /a"]),
        accepted(
            "a link to a symlink, which is not followed",
            Tar::new()
                .file("t", b"")
                .symlink("a", "t")
                .hard_link("b", "a"),
        )
        .tree(&["/a -> t", "/b -> t = /a", "/t file 644"]),
        accepted(
            "a link to a device",
            one(&Head::new(b'3', b"a").device(1, 3)).hard_link("b", "a"),
        )
        .tree(&["/a char 1:3 644", "/b char 1:3 644 = /a"]),
        accepted(
            "a link to ./a",
            Tar::new().file("a", b"").hard_link("b", "./a"),
        )
        .tree(&["/a file 644", "/b file 644 = /a"]),
        accepted(
            "a link to /a",
            Tar::new().file("a", b"").hard_link("b", "/a"),
        )
        .tree(&["/a file 644", "/b file 644 = /a"]),
        accepted(
            "a link of a file to itself",
            Tar::new().file("a", b"1").hard_link("a", "a"),
        )
        .counts(|it| it.duplicates = 1)
        .tree(&["/a file 644 1"]),
        accepted(
            "a link through a symlink",
            Tar::new()
                .dir("d")
                .file("d/x", b"")
                .symlink("s", "d")
                .hard_link("b", "s/x"),
        )
        .tree(&["/b file 644", "/d dir 700", "/d/x file 644 = /b", "/s -> d"]),
        accepted(
            "a target that is replaced after the link",
            Tar::new()
                .file("a", b"1")
                .hard_link("b", "a")
                .file("a", b"2"),
        )
        .counts(|it| it.duplicates = 1)
        .tree(&["/a file 644 2", "/b file 644 1"]),
        accepted(
            "a link over a lower directory",
            Tar::new().file("t", b"").hard_link("d", "t"),
        )
        .on(Tar::new().file("d/x", b""))
        .tree(&["/d file 644", "/t file 644 = /d"]),
    ]
}
