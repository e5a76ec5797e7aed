//! Whiteouts, and the files of AUFS's own.

use longshore_image::Code;

use super::case::{Case, accepted, refused};
use crate::builder::{Head, Tar};

const OPAQUE: &str = ".wh..wh..opq";

pub(crate) fn cases() -> Vec<Case> {
    [names(), ambiguous(), hidden(), opaque(), nothing(), aufs()].concat()
}

fn names() -> Vec<Case> {
    let code = Code::WhiteoutName;
    let mut cases = Vec::new();
    for name in [".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh..", "a/.wh..."] {
        let layer = || Tar::new().file(name, b"");
        cases.push(refused(code, format!("the whiteout {name}"), layer()).at(name));
        let again = format!("the whiteout {name} in a higher layer");
        cases.push(
            refused(code, again, layer())
                .on(Tar::new().dir("a"))
                .at(name),
        );
    }
    cases.push(refused(code, "a directory .wh./", Tar::new().dir(".wh./")).at(".wh./"));
    cases.push(refused(code, "a symlink .wh..", Tar::new().symlink(".wh..", "x")).at(".wh.."));
    cases
}

/// What a whiteout hides must not depend on where in its layer it stands.
fn ambiguous() -> Vec<Case> {
    let code = Code::WhiteoutAmbiguous;
    let lower = || Tar::new().file("e/x", b"").symlink("d", "e");
    let deep = || Tar::new().symlink("s/d", "../e");
    let inner = |name: &str| format!("d/{name}");
    let case =
        |name: &str, entry: &str, layer: Tar| refused(code, name, layer).on(lower()).at(entry);
    let on_deep =
        |name: &str, entry: &str, layer: Tar| refused(code, name, layer).on(deep()).at(entry);
    vec![
        case(
            "a whiteout of a symlink that was used",
            ".wh.d",
            Tar::new().file("d/f", b"").file(".wh.d", b""),
        ),
        case(
            "an opaque whiteout over a symlink that was used",
            OPAQUE,
            Tar::new().file("d/f", b"").file(OPAQUE, b""),
        ),
        case(
            "a whiteout of a symlink that a whiteout used",
            ".wh.d",
            Tar::new().file("d/.wh.x", b"").file(".wh.d", b""),
        ),
        case(
            "a directory over a symlink that a whiteout used",
            "d",
            Tar::new().file(&inner(OPAQUE), b"").dir("d"),
        ),
        case(
            "a file over a symlink that a whiteout used",
            "d",
            Tar::new().file(&inner(".wh.x"), b"").file("d", b""),
        ),
        case(
            "a whiteout of a symlink that was used and replaced",
            ".wh.d",
            Tar::new().file("d/f", b"").dir("d").file(".wh.d", b""),
        ),
        case(
            "a whiteout through a symlink that was used and replaced",
            "d/.wh.x",
            Tar::new().file("d/f", b"").dir("d").file("d/.wh.x", b""),
        ),
        case(
            "a whiteout through a symlink of its own layer",
            "f/.wh.x",
            Tar::new().symlink("f", "e").file("f/.wh.x", b""),
        ),
        case(
            "an opaque whiteout through a symlink of its own layer",
            "f/.wh..wh..opq",
            Tar::new().symlink("f", "e").file("f/.wh..wh..opq", b""),
        ),
        on_deep(
            "a whiteout of what was below a replaced directory",
            "s/.wh.d",
            Tar::new()
                .file("s/d/f", b"")
                .file("s", b"")
                .dir("s")
                .file("s/.wh.d", b""),
        ),
        on_deep(
            "a whiteout of a replaced directory of a used symlink",
            ".wh.s",
            Tar::new()
                .file("s/d/f", b"")
                .file("s", b"")
                .file(".wh.s", b""),
        ),
        accepted(
            "a whiteout through a lower symlink",
            Tar::new().file("d/.wh.x", b""),
        )
        .on(lower())
        .counts(|it| it.whiteouts = 1)
        .tree(&["/d -> e", "/e dir 755"]),
        accepted(
            "a whiteout of a symlink that nothing uses",
            Tar::new().file(".wh.d", b""),
        )
        .on(lower())
        .counts(|it| it.whiteouts = 1)
        .tree(&["/e dir 755", "/e/x file 644"]),
    ]
}

fn hidden() -> Vec<Case> {
    let lower = || {
        Tar::new()
            .file("f", b"old")
            .dir("d")
            .file("d/x", b"")
            .file("d/s/y", b"")
    };
    let case = |name: &str, layer: Tar| accepted(name, layer).on(lower());
    let all = [
        "/d dir 700",
        "/d/s dir 755",
        "/d/s/y file 644",
        "/d/x file 644",
    ];
    let mut cases = Vec::new();
    let whiteouts = [
        ("a file", Head::new(b'0', b".wh.f")),
        ("a directory", Head::new(b'5', b".wh.f")),
        ("a symlink", Head::new(b'2', b".wh.f").link(b"x")),
        ("a device", Head::new(b'3', b".wh.f")),
        ("a hard link", Head::new(b'1', b".wh.f").link(b"nothing")),
    ];
    for (what, head) in whiteouts {
        let name = format!("a whiteout that is {what}");
        let layer = Tar::new().put(&head, b"");
        cases.push(case(&name, layer).counts(|it| it.whiteouts = 1).tree(&all));
    }
    let new = |row: &'static str| {
        let mut rows = all.to_vec();
        rows.push(row);
        rows
    };
    let both = |name: &str, layer: Tar| {
        case(name, layer)
            .counts(|it| it.whiteouts = 1)
            .tree(&new("/f file 644 new"))
    };
    cases.extend([
        both(
            "a whiteout, then the file anew",
            Tar::new().file(".wh.f", b"").file("f", b"new"),
        ),
        case(
            "a file anew, then its whiteout",
            Tar::new().file("f", b"new").file(".wh.f", b""),
        )
        .counts(|it| it.whiteouts_missing = 1)
        .tree(&new("/f file 644 new")),
        case("a whiteout of a directory", Tar::new().file(".wh.d", b""))
            .counts(|it| it.whiteouts = 1)
            .tree(&["/f file 644 old"]),
        case(
            "a whiteout of a directory, then a file in it",
            Tar::new().file(".wh.d", b"").file("d/z", b""),
        )
        .counts(|it| (it.whiteouts, it.parents_created) = (1, 1))
        .tree(&["/d dir 755", "/d/z file 644", "/f file 644 old"]),
        case(
            "a file in a directory, then its whiteout",
            Tar::new().file("d/z", b"").file(".wh.d", b""),
        )
        .counts(|it| (it.whiteouts, it.directories_reset) = (1, 1))
        .tree(&["/d dir 755", "/d/z file 644", "/f file 644 old"]),
        case(
            "a directory anew, then its whiteout",
            Tar::new().dir("d").file("d/z", b"").file(".wh.d", b""),
        )
        .counts(|it| it.whiteouts = 1)
        .tree(&["/d dir 700", "/d/z file 644", "/f file 644 old"]),
        case(
            "a directory over a directory keeps what no whiteout hides",
            Tar::new().dir("d").file("d/.wh.x", b""),
        )
        .counts(|it| it.whiteouts = 1)
        .tree(&[
            "/d dir 700",
            "/d/s dir 755",
            "/d/s/y file 644",
            "/f file 644 old",
        ]),
        case("a whiteout with a body", Tar::new().file(".wh.f", b"body"))
            .counts(|it| it.whiteouts = 1)
            .tree(&all),
        case(
            "a link to a lower file outlives the file",
            Tar::new().hard_link("g", "f").file(".wh.f", b""),
        )
        .counts(|it| it.whiteouts = 1)
        .tree(&new("/g file 644 old")),
        case(
            "a whiteout of .f and of ....",
            Tar::new().file(".wh..f", b"").file(".wh.....", b""),
        )
        .counts(|it| it.whiteouts_missing = 2)
        .tree(&new("/f file 644 old")),
        accepted(
            "a file over a directory, then the directory's whiteout",
            Tar::new().file("d", b"flat").file(".wh.d", b""),
        )
        .on(lower())
        .counts(|it| it.whiteouts_missing = 1)
        .tree(&["/d file 644 flat", "/f file 644 old"]),
    ]);
    cases
}

fn opaque() -> Vec<Case> {
    let lower = || {
        Tar::new()
            .dir("d")
            .file("d/x", b"")
            .file("d/e/y", b"")
            .file("k", b"")
    };
    let inner = format!("d/{OPAQUE}");
    let own = |tar: Tar| tar.file("d/x", b"new").file("d/n", b"");
    let tree = [
        "/d dir 700",
        "/d/n file 644",
        "/d/x file 644 new",
        "/k file 644",
    ];
    let case =
        |name: &str, layer: Tar| accepted(name, layer).on(lower()).counts(|it| it.opaque = 1);
    vec![
        case(
            "an opaque whiteout, then its layer's own",
            own(Tar::new().file(&inner, b"")),
        )
        .tree(&tree),
        case(
            "its layer's own, then an opaque whiteout",
            own(Tar::new()).file(&inner, b""),
        )
        .tree(&tree),
        case(
            "an opaque whiteout between its layer's own",
            Tar::new()
                .file("d/x", b"new")
                .file(&inner, b"")
                .file("d/n", b""),
        )
        .tree(&tree),
        case(
            "an opaque whiteout below a directory's own entry",
            own(Tar::new().dir("d").file(&inner, b"")),
        )
        .tree(&tree),
        case(
            "an opaque whiteout that keeps a lower directory for what is new in it",
            Tar::new().file("d/e/n", b"").file(&inner, b""),
        )
        .counts(|it| it.directories_reset = 1)
        .tree(&[
            "/d dir 700",
            "/d/e dir 755",
            "/d/e/n file 644",
            "/k file 644",
        ]),
        case(
            "an opaque whiteout of the root",
            Tar::new().file("n", b"").file(OPAQUE, b""),
        )
        .tree(&["/n file 644"]),
        case(
            "an opaque whiteout of what is not there",
            Tar::new().file(&format!("no/{OPAQUE}"), b""),
        )
        .tree(&[
            "/d dir 700",
            "/d/e dir 755",
            "/d/e/y file 644",
            "/d/x file 644",
            "/k file 644",
        ]),
        accepted(
            "an opaque whiteout twice",
            own(Tar::new().file(&inner, b"")).file(&inner, b""),
        )
        .on(lower())
        .counts(|it| it.opaque = 2)
        .tree(&tree),
    ]
}

fn nothing() -> Vec<Case> {
    let tree = ["/k file 644"];
    let lower = || Tar::new().file("k", b"");
    let missing = |name: &str, entry: &str| {
        accepted(name, Tar::new().file(entry, b""))
            .on(lower())
            .counts(|it| it.whiteouts_missing = 1)
            .tree(&tree)
    };
    vec![
        missing("a whiteout of nothing that is there", ".wh.a"),
        missing("a whiteout in nothing that is there", "a/b/.wh.c"),
        missing("a whiteout below a lower file", "k/.wh.c"),
        accepted(
            "a whiteout in the first layer",
            Tar::new().file(".wh.k", b"").file("k", b""),
        )
        .counts(|it| it.whiteouts_first_layer = 1)
        .tree(&tree),
        accepted(
            "an opaque whiteout in the first layer",
            Tar::new().file("k", b"").file(OPAQUE, b""),
        )
        .counts(|it| it.whiteouts_first_layer = 1)
        .tree(&tree),
    ]
}

fn aufs() -> Vec<Case> {
    vec![
        accepted(
            "AUFS's own",
            Tar::new()
                .file(".wh..wh.aufs", b"")
                .dir(".wh..wh.orph/")
                .file(".wh..wh.orph/x", b"gone")
                .dir(".wh..wh.plnk/"),
        )
        .counts(|it| it.aufs_entries = 4),
        accepted(
            "AUFS's links",
            Tar::new()
                .file(".wh..wh.plnk/12.34", b"x")
                .hard_link("a", ".wh..wh.plnk/12.34")
                .hard_link("b", "/.wh..wh.plnk/12.34"),
        )
        .counts(|it| (it.aufs_entries, it.parents_created) = (1, 1))
        .tree(&["/a file 644 x", "/b file 644 x = /a"]),
        accepted(
            "AUFS's links that nothing links to",
            Tar::new().file(".wh..wh.plnk/12.34", b"x"),
        )
        .counts(|it| (it.aufs_entries, it.parents_created) = (1, 1)),
        accepted(
            "AUFS's own in a directory",
            Tar::new().dir("d").file("d/.wh..wh.aufs", b""),
        )
        .counts(|it| it.aufs_entries = 1)
        .tree(&["/d dir 700"]),
        accepted(
            "a file below a directory .wh.d",
            Tar::new().file(".wh.d/a", b""),
        )
        .counts(|it| it.parents_created = 1)
        .tree(&["/.wh.d dir 755", "/.wh.d/a file 644"]),
    ]
}
