//! Every rule, broken once: the code and the entry.

use std::collections::BTreeSet;

use longshore_image::Code;

use crate::acls::acls;
use crate::builder::{Head, Image, Tar};
use crate::malformed::{Case, case, ends, extensions, file, headers, on, one};
use crate::zstd::zstd;

fn names() -> Vec<Case> {
    let deep = format!("{}x", "d/".repeat(256));
    let long = "n".repeat(256);
    let path = |path: &str| {
        Tar::new()
            .pax(&[("path", path.as_bytes())])
            .file("a", b"")
            .end()
    };
    let loops = Tar::new().symlink("a", "b").symlink("b", "a");
    let walk = format!("{}x", "w/".repeat(250));
    let wide_target = "./".repeat(2_000);
    let wider = Tar::new()
        .pax(&[("linkpath", wide_target.as_bytes())])
        .symlink("w", "");
    vec![
        case(Code::NameEmpty, "", one(&file(b""))),
        case(
            Code::NameParent,
            "a/../b",
            Tar::new().file("a/../b", b"").end(),
        ),
        case(Code::NameParent, "..", Tar::new().dir("..").end()),
        case(
            Code::NameParent,
            "b",
            Tar::new().file("a", b"").hard_link("b", "../a").end(),
        ),
        case(Code::NameComponentTooLong, None, path(&long)),
        case(Code::NameTooLong, None, path(&"x/".repeat(2_049))),
        case(Code::NameTooDeep, None, path(&deep)),
        case(
            Code::RootNotDirectory,
            ".",
            Tar::new().symlink(".", "x").end(),
        ),
        case(
            Code::RootNotDirectory,
            "/",
            Tar::new().hard_link("/", "x").end(),
        ),
        case(Code::RootNotDirectory, "./", one(&Head::new(b'6', b"./"))),
        case(
            Code::ParentNotDirectory,
            "a/b",
            Tar::new().file("a", b"").file("a/b", b"").end(),
        ),
        case(Code::SymlinkLoop, "a/x", loops.file("a/x", b"").end()),
        case(
            Code::WalkTooLong,
            None,
            wider.pax(&[("path", walk.as_bytes())]).file("x", b"").end(),
        ),
        case(
            Code::HardLinkMissing,
            "b",
            Tar::new().hard_link("b", "a").end(),
        ),
        case(
            Code::HardLinkMissing,
            "b",
            Tar::new().hard_link("b", "no/where").end(),
        ),
        case(
            Code::HardLinkToDirectory,
            "b",
            Tar::new().dir("a").hard_link("b", "a").end(),
        ),
        case(
            Code::HardLinkToDirectory,
            "b",
            Tar::new().hard_link("b", "/").end(),
        ),
        case(Code::NameEmpty, "b", Tar::new().hard_link("b", "").end()),
        case(
            Code::WhiteoutName,
            ".wh.",
            Tar::new().file(".wh.", b"").end(),
        ),
        case(
            Code::WhiteoutName,
            "a/.wh..",
            Tar::new().file("a/.wh..", b"").end(),
        ),
        case(
            Code::WhiteoutName,
            ".wh...",
            Tar::new().file(".wh...", b"").end(),
        ),
        on(
            Code::HardLinkMissing,
            "b",
            Tar::new().file("a", b""),
            Tar::new().file(".wh.a", b"").hard_link("b", "a"),
        ),
    ]
}

fn ambiguous() -> Vec<Case> {
    let lower = || Tar::new().file("e/x", b"").symlink("d", "e");
    let code = Code::WhiteoutAmbiguous;
    let opaque = "d/.wh..wh..opq";
    vec![
        on(
            code,
            ".wh.d",
            lower(),
            Tar::new().file("d/f", b"").file(".wh.d", b""),
        ),
        on(
            code,
            ".wh..wh..opq",
            lower(),
            Tar::new().file("d/f", b"").file(".wh..wh..opq", b""),
        ),
        on(
            code,
            ".wh.d",
            lower(),
            Tar::new().file("d/.wh.x", b"").file(".wh.d", b""),
        ),
        on(code, "d", lower(), Tar::new().file(opaque, b"").dir("d")),
        on(
            code,
            ".wh.d",
            lower(),
            Tar::new().file("d/f", b"").dir("d").file(".wh.d", b""),
        ),
        on(
            code,
            "s/.wh.d",
            Tar::new().symlink("s/d", "../e"),
            Tar::new()
                .file("s/d/f", b"")
                .file("s", b"")
                .dir("s")
                .file("s/.wh.d", b""),
        ),
        on(
            code,
            ".wh.s",
            Tar::new().symlink("s/d", "../e"),
            Tar::new()
                .file("s/d/f", b"")
                .file("s", b"")
                .file(".wh.s", b""),
        ),
        on(
            code,
            "f/.wh.x",
            lower(),
            Tar::new().symlink("f", "e").file("f/.wh.x", b""),
        ),
    ]
}

#[test]
fn every_broken_rule_has_its_code_and_names_its_entry() {
    let cases = [
        ends(),
        headers(),
        extensions(),
        names(),
        ambiguous(),
        zstd(),
        acls(),
    ];
    for Case {
        code,
        lower,
        layer,
        entry,
    } in cases.iter().flatten()
    {
        let rejected = Image::of(&[lower])
            .layer(&layer[..])
            .expect_err(code.as_str());
        assert_eq!(rejected.code, *code, "{rejected}");
        if let Some(entry) = entry {
            let found = rejected.entry.as_ref().map(ToString::to_string);
            assert_eq!(found.as_deref(), Some(*entry), "{rejected}");
        }
    }
}

#[test]
fn no_code_is_without_a_case() {
    let cases = [
        ends(),
        headers(),
        extensions(),
        names(),
        ambiguous(),
        zstd(),
        acls(),
    ];
    let mut covered: BTreeSet<_> = cases.iter().flatten().map(|case| case.code).collect();
    covered.extend(crate::limits::COVERED);
    covered.insert(Code::Device);
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !covered.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
