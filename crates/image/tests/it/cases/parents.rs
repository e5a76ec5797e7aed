//! The way to an entry's directory: parents that are missing, files, or symlinks.

use longshore_image::Code;

use super::case::{Case, accepted, one, refused, with_records};
use crate::builder::{Head, Tar};

pub(crate) fn cases() -> Vec<Case> {
    [blocked(), loops(), targets(), ways(), replaced()].concat()
}

fn blocked() -> Vec<Case> {
    let code = Code::ParentNotDirectory;
    let below = |tar: Tar| tar.file("a/b", b"");
    vec![
        refused(code, "below a file", below(Tar::new().file("a", b""))).at("a/b"),
        refused(
            code,
            "below a hard link",
            below(Tar::new().file("t", b"").hard_link("a", "t")),
        )
        .at("a/b"),
        refused(code, "below a fifo", below(one(&Head::new(b'6', b"a")))).at("a/b"),
        refused(code, "below a device", below(one(&Head::new(b'3', b"a")))).at("a/b"),
        refused(
            code,
            "below a symlink to a file",
            below(Tar::new().file("t", b"").symlink("a", "t")),
        )
        .at("a/b"),
        refused(
            code,
            "far below a file",
            Tar::new().file("a", b"").dir("a/b/c"),
        )
        .at("a/b/c"),
        refused(
            code,
            "a whiteout below a file",
            Tar::new().file("a", b"").file("a/.wh.b", b""),
        )
        .at("a/.wh.b")
        .on(Tar::new()),
        refused(
            code,
            "below a file over a lower directory",
            below(Tar::new().file("a", b"")),
        )
        .at("a/b")
        .on(Tar::new().dir("a")),
    ]
}

fn chain(length: usize) -> Tar {
    (1..=length).fold(Tar::new().dir("l0"), |tar, n| {
        tar.symlink(&format!("l{n}"), &format!("l{}", n - 1))
    })
}

fn loops() -> Vec<Case> {
    let (code, walk) = (Code::SymlinkLoop, Code::WalkTooLong);
    let two = Tar::new().symlink("a", "b").symlink("b", "a");
    let grows = Tar::new().symlink("a", "a/a");
    let wide = "./".repeat(2_000);
    let wide = Tar::new()
        .pax(&[("linkpath", wide.as_bytes())])
        .symlink("w", "");
    let rows: Vec<String> = (1..=40).map(|n| format!("/l{n} -> l{}", n - 1)).collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    rows.extend(["/l0 dir 700", "/l0/x file 644"]);
    rows.sort_by_key(|row| row.split(' ').next());
    vec![
        refused(code, "two symlinks in a circle", two.file("a/x", b""))
            .at("a/x")
            .or_else(walk),
        refused(
            code,
            "a symlink to itself",
            Tar::new().symlink("a", "a").file("a/x", b""),
        )
        .at("a/x")
        .or_else(walk),
        refused(code, "a symlink into itself", grows.file("a/x", b""))
            .at("a/x")
            .or_else(walk),
        refused(code, "41 symlinks", chain(41).file("l41/x", b"")).at("l41/x"),
        refused(
            code,
            "41 symlinks to a hard link's target",
            chain(41).file("l0/x", b"").hard_link("h", "l41/x"),
        )
        .at("h"),
        refused(
            code,
            "41 symlinks to a whiteout",
            Tar::new().file("l41/.wh.x", b""),
        )
        .at("l41/.wh.x")
        .on(chain(41)),
        refused(
            code,
            "two symlinks, of which one is allowed",
            chain(2).file("l2/x", b""),
        )
        .limited(|limits| limits.hops = 1)
        .at("l2/x"),
        refused(
            walk,
            "6,000 components in three symlinks",
            wide.clone().file("w/w/w/x", b""),
        )
        .at("w/w/w/x"),
        refused(
            walk,
            "6,000 components to a hard link's target",
            wide.clone().file("x", b"").hard_link("h", "w/w/w/x"),
        )
        .at("h"),
        refused(
            walk,
            "more components than a limit that is set",
            Tar::new().file("a/b/c/d", b""),
        )
        .limited(|limits| limits.steps = 2)
        .at("a/b/c/d"),
        refused(
            walk,
            "a circle of wide symlinks",
            wide.file(&format!("{}x", "w/".repeat(45)), b""),
        )
        .at(format!("{}x", "w/".repeat(45)))
        .or_else(code),
        accepted("40 symlinks", chain(40).file("l40/x", b"")).tree(&rows),
        accepted(
            "a circle that nothing goes through",
            Tar::new().symlink("a", "b").symlink("b", "a"),
        )
        .tree(&["/a -> b", "/b -> a"]),
    ]
}

fn targets() -> Vec<Case> {
    let code = Code::SymlinkTarget;
    let target = |length: usize| {
        Tar::new()
            .pax(&[("linkpath", &vec![b't'; length])])
            .symlink("a", "")
    };
    vec![
        refused(code, "a symlink to nothing", Tar::new().symlink("a", "")).at("a"),
        refused(
            code,
            "a symlink to nothing, by GNU",
            one(&Head::gnu(b'2', b"a")),
        )
        .at("a"),
        refused(code, "a target of 4,096 bytes", target(4_096)).at("a"),
        refused(code, "a target over a limit that is set", target(9))
            .limited(|limits| limits.symlink_bytes = 8)
            .at("a"),
        accepted("a target of 4,095 bytes", target(4_095))
            .tree(&[&format!("/a -> {}", "t".repeat(4_095))]),
        accepted(
            "a target that leads out",
            Tar::new().symlink("a", "../../../etc/passwd"),
        )
        .tree(&["/a -> ../../../etc/passwd"]),
        accepted(
            "a target on the host",
            Tar::new().symlink("a", "/proc/self/root"),
        )
        .tree(&["/a -> /proc/self/root"]),
        accepted(
            "a target of odd bytes",
            Tar::new().pax(&[("linkpath", b"\xff\n")]).symlink("a", ""),
        )
        .tree(&["/a -> \\xff\\x0a"]),
    ]
}

/// Symlinks on the way lead on inside the image, and the last component is what it is.
fn ways() -> Vec<Case> {
    let link = |target: &str| Tar::new().dir("usr/lib").symlink("lib", target);
    let made = |name: &str, tar: Tar, rows: &[&str]| {
        let mut all = vec!["/usr dir 755", "/usr/lib dir 700"];
        all.extend(rows);
        all.sort_by_key(|row| row.split(' ').next());
        accepted(name, tar)
            .counts(|it| it.parents_created = 1)
            .tree(&all)
    };
    let x = "/usr/lib/x file 644";
    vec![
        made(
            "through a symlink",
            link("usr/lib").file("lib/x", b""),
            &["/lib -> usr/lib", x],
        ),
        made(
            "through an absolute symlink",
            link("/usr/lib").file("lib/x", b""),
            &["/lib -> /usr/lib", x],
        ),
        made(
            "through a symlink above the root",
            link("../../usr/lib").file("lib/x", b""),
            &["/lib -> ../../usr/lib", x],
        ),
        made(
            "through an untidy symlink",
            link("usr//./lib/").file("lib/x", b""),
            &["/lib -> usr//./lib/", x],
        ),
        made(
            "through two symlinks",
            link("usr/lib").symlink("l", "lib").file("l/x", b""),
            &["/l -> lib", "/lib -> usr/lib", x],
        ),
        accepted(
            "through a symlink to nothing, which is made",
            Tar::new().symlink("s", "made/up").file("s/x", b""),
        )
        .counts(|it| it.parents_created = 2)
        .tree(&[
            "/made dir 755",
            "/made/up dir 755",
            "/made/up/x file 644",
            "/s -> made/up",
        ]),
        accepted(
            "through a lower layer's symlink",
            Tar::new().file("lib/x", b""),
        )
        .on(Tar::new()
            .dir("usr")
            .dir("usr/lib")
            .symlink("lib", "usr/lib"))
        .tree(&["/lib -> usr/lib", "/usr dir 700", "/usr/lib dir 700", x]),
        accepted(
            "through a symlink to /proc of the host",
            Tar::new()
                .symlink("s", "/proc/self/root/tmp")
                .file("s/x", b""),
        )
        .counts(|it| it.parents_created = 4)
        .tree(&[
            "/proc dir 755",
            "/proc/self dir 755",
            "/proc/self/root dir 755",
            "/proc/self/root/tmp dir 755",
            "/proc/self/root/tmp/x file 644",
            "/s -> /proc/self/root/tmp",
        ]),
        accepted(
            "a file over a symlink does not go through it",
            Tar::new().file("s", b"new"),
        )
        .on(Tar::new().file("t", b"old").symlink("s", "t"))
        .tree(&["/s file 644 new", "/t file 644 old"]),
        accepted(
            "a directory over a symlink replaces it",
            Tar::new().dir("s").file("s/x", b""),
        )
        .on(Tar::new().dir("d").symlink("s", "d"))
        .tree(&["/d dir 700", "/s dir 700", "/s/x file 644"]),
    ]
}

/// What stands where an entry belongs gives way to it.
fn replaced() -> Vec<Case> {
    let lower = || {
        Tar::new()
            .dir("d")
            .file("d/x", b"")
            .file("f", b"")
            .symlink("s", "d")
    };
    vec![
        accepted("parents that no entry makes", Tar::new().file("a/b/c", b""))
            .counts(|it| it.parents_created = 2)
            .tree(&["/a dir 755", "/a/b dir 755", "/a/b/c file 644"]),
        accepted(
            "a parent that comes later",
            Tar::new().file("a/b", b"").dir("a"),
        )
        .counts(|it| it.parents_created = 1)
        .tree(&["/a dir 700", "/a/b file 644"]),
        accepted("below a lower layer's file", Tar::new().file("f/y", b""))
            .on(lower())
            .counts(|it| it.parents_replaced = 1)
            .tree(&[
                "/d dir 700",
                "/d/x file 644",
                "/f dir 755",
                "/f/y file 644",
                "/s -> d",
            ]),
        accepted("below a lower layer's fifo", Tar::new().file("p/y", b""))
            .on(one(&Head::new(b'6', b"p")))
            .counts(|it| it.parents_replaced = 1)
            .tree(&["/p dir 755", "/p/y file 644"]),
        accepted(
            "a directory over a directory",
            one(&Head::new(b'5', b"d").mode(0o711)),
        )
        .on(lower())
        .tree(&["/d dir 711", "/d/x file 644", "/f file 644", "/s -> d"]),
        accepted("a file over a directory", Tar::new().file("d", b""))
            .on(lower())
            .tree(&["/d file 644", "/f file 644", "/s -> d"]),
        accepted("a symlink over a directory", Tar::new().symlink("d", "f"))
            .on(lower())
            .tree(&["/d -> f", "/f file 644", "/s -> d"]),
        accepted("a directory over a file", Tar::new().dir("f"))
            .on(lower())
            .tree(&["/d dir 700", "/d/x file 644", "/f dir 700", "/s -> d"]),
        accepted(
            "a file three times",
            Tar::new().file("a", b"1").file("a", b"2").file("a", b"3"),
        )
        .counts(|it| it.duplicates = 2)
        .tree(&["/a file 644 3"]),
        accepted(
            "a directory three times",
            Tar::new().dir("a").dir("a").dir("a"),
        )
        .counts(|it| it.duplicates = 2)
        .tree(&["/a dir 700"]),
        accepted(
            "a file, then a directory, then what is in it",
            with_records(&[("mtime", b"1")]).dir("a").file("a/x", b""),
        )
        .counts(|it| it.duplicates = 1)
        .tree(&["/a dir 700", "/a/x file 644"]),
    ]
}
