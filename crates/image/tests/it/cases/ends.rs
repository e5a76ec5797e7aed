//! Where an archive ends, and what may stand behind it.

use longshore_image::Code;

use super::case::{Case, LONG, PAX, accepted, refused};
use crate::builder::{Head, Tar, gzip};

pub(crate) fn cases() -> Vec<Case> {
    [cut(), behind(), open()].concat()
}

fn good() -> Vec<u8> {
    Tar::new().file("a", b"body").end()
}

/// Archives that end within something.
fn cut() -> Vec<Case> {
    let records = || Tar::new().pax(&[("comment", b"c")]).bytes;
    let long = || Tar::new().extension(b'L', b"name\0").bytes;
    let hidden = Tar::new().file(".wh.a", &[b'x'; 600]).bytes;
    let second = Tar::new().file("a", b"").file("b", b"").bytes;
    let big = Tar::new().file("a", &[1; 400_000]).bytes;
    let map = Tar::new()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.realsize", b"0"),
        ])
        .put(&Head::new(b'0', b"a").size(512), b"0\n");
    let continued = Head::gnu(b'S', b"a").with(482, &[1]);
    let continued = Tar::new().put(&continued, b"").bytes;
    let code = Code::Truncated;
    vec![
        refused(Code::Empty, "no bytes", Vec::new()),
        refused(Code::Empty, "a gzip member of no bytes", gzip(b"")),
        refused(Code::Empty, "gzip members of no bytes", gzip(b"").repeat(3)),
        refused(code, "cut in its only header", good()[..511].to_vec()),
        refused(code, "cut after the first byte", good()[..1].to_vec()),
        refused(code, "cut in its second header", second[..600].to_vec()),
        refused(code, "cut before a body", good()[..512].to_vec()).at("a"),
        refused(code, "cut in a body", good()[..514].to_vec()).at("a"),
        refused(code, "cut in a long body", big[..300_000].to_vec()).at("a"),
        refused(code, "cut in the padding of a body", good()[..700].to_vec()),
        refused(
            code,
            "cut in a body that is not kept",
            hidden[..700].to_vec(),
        ),
        refused(
            code,
            "cut in the second zero block",
            good()[..good().len() - 1].to_vec(),
        ),
        refused(code, "cut in records", records()[..600].to_vec())
            .at(PAX)
            .or_else(Code::ExtensionOrphan),
        refused(code, "cut before records", records()[..512].to_vec())
            .at(PAX)
            .or_else(Code::ExtensionOrphan),
        refused(code, "cut in a long name", long()[..514].to_vec())
            .at(LONG)
            .or_else(Code::LongNameMalformed),
        refused(
            code,
            "cut in the map of a sparse file",
            map.bytes[..map.bytes.len() - 500].to_vec(),
        )
        .at("a"),
        refused(code, "cut in a continued map", continued).at("a"),
        refused(code, "cut in a body, and packed", gzip(&good()[..514])).at("a"),
    ]
}

/// What stands behind the end.
fn behind() -> Vec<Case> {
    let longer = |tail: &[u8]| [&good()[..], tail].concat();
    let spaced = |tail: &[u8]| longer(&[&[0; 10_000], tail].concat());
    let lone = |tail: &[u8]| {
        let entry = Tar::new().file("a", b"").bytes;
        [&entry[..], &[0; 512], tail].concat()
    };
    let code = Code::TrailingData;
    vec![
        refused(code, "a byte behind the end", longer(b"x")),
        refused(code, "a line behind the end", longer(b"\n")),
        refused(code, "an archive behind the end", longer(&good())),
        refused(code, "a byte far behind the end", spaced(b"x")),
        refused(code, "an entry far behind the end", spaced(&good())),
        refused(code, "a byte behind the end, packed", gzip(&longer(b"x"))),
        refused(
            Code::LoneZeroBlock,
            "a zero block and another entry",
            lone(&good()),
        ),
        refused(
            Code::LoneZeroBlock,
            "a zero block and the same entry",
            lone(&Tar::new().file("a", b"").bytes),
        ),
        refused(
            Code::LoneZeroBlock,
            "a zero block and no header",
            lone(&[b'x'; 512]),
        ),
        refused(
            Code::LoneZeroBlock,
            "a zero block before all entries",
            [&[0; 512][..], &good()].concat(),
        ),
    ]
}

/// Archives that end in another way than they should, and are accepted.
fn open() -> Vec<Case> {
    let tree = ["/a file 644 body"];
    let entry = Tar::new().file("a", b"body").bytes;
    let with = |tail: usize| [&entry[..], &vec![0; tail]].concat();
    vec![
        accepted("two zero blocks", with(1_024)).tree(&tree),
        accepted("twenty blocks", with(10_240)).tree(&tree),
        accepted("zeros that are no blocks", with(1_101)).tree(&tree),
        accepted("no zero block", with(0))
            .counts(|it| it.unclosed = 1)
            .tree(&tree),
        accepted("one zero block", with(512))
            .counts(|it| it.unclosed = 1)
            .tree(&tree),
        accepted("nothing but zeros", vec![0; 1_024]),
        accepted("nothing but a zero block", vec![0; 512]).counts(|it| it.unclosed = 1),
        accepted("no zero block, packed", gzip(&with(0)))
            .counts(|it| it.unclosed = 1)
            .tree(&tree),
    ]
}
