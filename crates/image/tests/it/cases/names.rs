//! Names of entries, and of what links lead to.

use longshore_image::Code;

use super::case::{Case, LONG, PAX, accepted, file, one, refused, with_records};
use crate::builder::{Head, Tar};

/// `/lost+found`, which is the filesystem's.
fn reserved() -> Vec<Case> {
    let code = Code::NameReserved;
    let at = |case: Case| case.at("lost+found");
    vec![
        at(refused(
            code,
            "a file at /lost+found",
            Tar::new().file("lost+found", b"x"),
        )),
        at(refused(
            code,
            "a symlink at /lost+found",
            Tar::new().symlink("lost+found", "x"),
        )),
        at(refused(code, "a hard link at /lost+found", {
            Tar::new().file("a", b"").hard_link("lost+found", "a")
        })),
        refused(code, "a file at /lost+found through a symlink", {
            Tar::new().symlink("root", "/").file("root/lost+found", b"")
        })
        .at("root/lost+found"),
        accepted("a directory at /lost+found", Tar::new().dir("lost+found"))
            .tree(&["/lost+found dir 700"]),
        accepted(
            "a file of that name elsewhere",
            Tar::new().dir("a").file("a/lost+found", b""),
        )
        .tree(&["/a dir 700", "/a/lost+found file 644"]),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    [
        empty(),
        parents(),
        nuls(),
        long(),
        reserved(),
        roots(),
        spellings(),
    ]
    .concat()
}

fn path(path: &str) -> Tar {
    with_records(&[("path", path.as_bytes())])
}

fn empty() -> Vec<Case> {
    let code = Code::NameEmpty;
    let linked = |record: (&str, &[u8])| Tar::new().pax(&[record]).symlink("a", "t");
    vec![
        refused(
            code,
            "a directory without a name",
            one(&Head::new(b'5', b"")),
        )
        .at(""),
        refused(code, "a file without a name", one(&file("")))
            .at("")
            .or_else(Code::RootNotDirectory),
        refused(code, "an empty path", path("")).at(PAX),
        refused(code, "an empty linkpath", linked(("linkpath", b""))).at(PAX),
        refused(
            code,
            "a hard link to no name",
            Tar::new().hard_link("b", ""),
        )
        .at("b")
        .or_else(Code::HardLinkToDirectory),
        refused(
            code,
            "a sparse file without a name",
            with_records(&[("GNU.sparse.name", b""), ("GNU.sparse.size", b"0")]),
        )
        .at("")
        .or_else(Code::RootNotDirectory),
    ]
}

fn parents() -> Vec<Case> {
    let code = Code::NameParent;
    let names = [
        "../a",
        "a/../b",
        "/../a",
        "a/b/../../../c",
        "./../a",
        "a/..b/../c",
    ];
    let mut cases: Vec<_> = names
        .iter()
        .map(|name| refused(code, format!("the name {name}"), Tar::new().file(name, b"")).at(*name))
        .collect();
    cases.extend([
        refused(code, "a directory ..", Tar::new().dir("..")).at(".."),
        refused(code, "a directory a/..", Tar::new().dir("a/..")).at("a/.."),
        refused(code, "a path with ..", path("x/../../y")).at("x/../../y"),
        refused(code, "a file ..", Tar::new().file("..", b""))
            .at("..")
            .or_else(Code::RootNotDirectory),
        refused(
            code,
            "a whiteout beside the root",
            Tar::new().file("../.wh.a", b""),
        )
        .at("../.wh.a"),
        refused(
            code,
            "a hard link to ../a",
            Tar::new().file("a", b"").hard_link("b", "../a"),
        )
        .at("b"),
        refused(
            code,
            "a hard link to d/../a",
            Tar::new().file("d/a", b"").hard_link("b", "d/../a"),
        )
        .at("b")
        .on(Tar::new().file("d/a", b"")),
    ]);
    cases
}

fn nuls() -> Vec<Case> {
    let code = Code::NameNul;
    let linked = |tar: Tar| tar.symlink("a", "t");
    vec![
        refused(code, "a path with a NUL", path("b\0c")).at(PAX),
        refused(code, "a path that ends with a NUL", path("b\0")).at(PAX),
        refused(
            code,
            "a linkpath with a NUL",
            linked(Tar::new().pax(&[("linkpath", b"b\0c")])),
        )
        .at(PAX),
        refused(
            code,
            "a long name with a NUL",
            Tar::new().extension(b'L', b"b\0c\0").file("a", b""),
        )
        .at(LONG),
        refused(
            code,
            "a long link with a NUL",
            linked(Tar::new().extension(b'K', b"b\0c\0")),
        )
        .at(LONG),
        refused(
            code,
            "a sparse file's name with a NUL",
            with_records(&[("GNU.sparse.name", b"b\0c"), ("GNU.sparse.size", b"0")]),
        )
        .at("b\\x00c"),
    ]
}

fn long() -> Vec<Case> {
    let component = Code::NameComponentTooLong;
    let most = "n".repeat(255);
    let long = "n".repeat(256);
    let link = |target: &str| Tar::new().pax(&[("linkpath", target.as_bytes())]);
    let wide = vec!["w".repeat(250); 17].join("/");
    let deep = "d/".repeat(256) + "x";
    let down = "d/".repeat(200);
    let up = Tar::new()
        .pax(&[("path", down.as_bytes())])
        .dir("x")
        .pax(&[("linkpath", down.as_bytes())])
        .symlink("s", "");
    let beyond = format!("s/{}x", "e/".repeat(60));
    let through = up.pax(&[("path", beyond.as_bytes())]).file("x", b"");
    vec![
        refused(component, "a component of 256 bytes", path(&long)).at(&*long),
        refused(
            component,
            "a parent of 256 bytes",
            path(&format!("{long}/x")),
        )
        .at(format!("{long}/x")),
        refused(
            component,
            "a hard link to a component of 256 bytes",
            path(&most)
                .pax(&[("linkpath", long.as_bytes())])
                .hard_link("b", ""),
        )
        .at("b"),
        refused(
            component,
            "a symlink to a component of 256 bytes on the way",
            link(&long).symlink("s", "").file("s/x", b""),
        )
        .at("s/x"),
        refused(Code::NameTooLong, "a name of 4,266 bytes", path(&wide)).at(&*wide),
        refused(
            Code::NameTooLong,
            "a name of many slashes",
            path(&("a".to_owned() + &"/".repeat(4_096))),
        )
        .at("a".to_owned() + &"/".repeat(4_096)),
        refused(
            Code::NameTooLong,
            "a name of 2,049 levels",
            path(&"x/".repeat(2_049)),
        )
        .at("x/".repeat(2_049))
        .or_else(Code::NameTooDeep),
        refused(
            Code::NameTooLong,
            "a hard link to a name of 4,266 bytes",
            link(&wide).hard_link("b", ""),
        )
        .at("b")
        .or_else(Code::HardLinkMissing),
        refused(Code::NameTooDeep, "257 levels", path(&deep)).at(&*deep),
        refused(
            Code::NameTooDeep,
            "a deep hard link's target",
            link(&deep).hard_link("b", ""),
        )
        .at("b")
        .or_else(Code::HardLinkMissing),
        refused(Code::NameTooDeep, "too deep through a symlink", through).at(&*beyond),
        refused(
            Code::NameTooDeep,
            "too deep for a limit that is set",
            Tar::new().file("a/b/c", b""),
        )
        .limited(|limits| limits.depth = 2)
        .at("a/b/c"),
        accepted("a component of 255 bytes", path(&most)).tree(&[&format!("/{most} file 644")]),
        accepted(
            "a symlink to a component of 256 bytes",
            link(&long).symlink("s", ""),
        )
        .tree(&[&format!("/s -> {long}")]),
        accepted(
            "as deep as a limit that is set",
            Tar::new().file("a/b", b""),
        )
        .limited(|limits| limits.depth = 2)
        .counts(|it| it.parents_created = 1)
        .tree(&["/a dir 755", "/a/b file 644"]),
    ]
}

fn roots() -> Vec<Case> {
    let code = Code::RootNotDirectory;
    let kinds = [
        (b'1', "a hard link"),
        (b'2', "a symlink"),
        (b'3', "a character device"),
        (b'4', "a block device"),
        (b'6', "a fifo"),
    ];
    let mut cases = Vec::new();
    for (kind, what) in kinds {
        for root in [".", "/", "./", "././/"] {
            let head = Head::new(kind, root.as_bytes()).link(b"t");
            cases.push(refused(code, format!("{what} as {root}"), one(&head)).at(root));
        }
    }
    cases.push(refused(code, "a file as .", Tar::new().file(".", b"x")).at("."));
    for root in [".", "./", "/"] {
        let head = Head::new(b'5', root.as_bytes()).mode(0o711).owner(1, 2);
        cases.push(accepted(format!("a directory as {root}"), one(&head)).tree(&["/ dir 711 1:2"]));
    }
    cases.push(accepted("a directory of v7 as ./", one(&file("./"))).tree(&["/ dir 644"]));
    cases.push(
        accepted("the root twice", Tar::new().dir(".").dir("./"))
            .counts(|it| it.duplicates = 1)
            .tree(&["/ dir 700"]),
    );
    cases
}

fn spellings() -> Vec<Case> {
    let mut cases = Vec::new();
    for name in ["/a", "./a", "a/", "//a", "a/.", "/./a", "a//"] {
        let layer = Tar::new().symlink(name, "t");
        cases.push(
            accepted(format!("the name {name} of a symlink"), layer)
                .counts(|it| it.names_normalised = 1)
                .tree(&["/a -> t"]),
        );
    }
    for name in ["a//", "./a/", "/a/", "a/./"] {
        cases.push(
            accepted(
                format!("the name {name} of a directory"),
                Tar::new().dir(name),
            )
            .counts(|it| it.names_normalised = 1)
            .tree(&["/a dir 700"]),
        );
    }
    let odd: [(&str, &[u8], &str); 10] = [
        ("three dots", b"...", "/... file 644"),
        ("a space", b" ", "/  file 644"),
        ("a backslash", b"\\", "/\\\\ file 644"),
        ("a drive", b"C:", "/C: file 644"),
        ("two dots before a letter", b"..a", "/..a file 644"),
        ("a tilde", b"~", "/~ file 644"),
        ("an option", b"--help", "/--help file 644"),
        ("bytes beyond UTF-8", b"\xff\xfe", "/\\xff\\xfe file 644"),
        ("an escape for a terminal", b"\x1b[2J", "/\\x1b[2J file 644"),
        (
            "letters beyond ASCII",
            "\u{fc}".as_bytes(),
            "/\u{fc} file 644",
        ),
    ];
    for (what, name, row) in odd {
        let layer = with_records(&[("path", name)]);
        cases.push(accepted(format!("{what} as a name"), layer).tree(&[row]));
    }
    cases
}
