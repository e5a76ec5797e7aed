//! The headers that stand before an entry: PAX records, global ones, GNU's long names.

use longshore_image::Code;

use super::case::{Case, LONG, PAX, accepted, refused, with_records};
use crate::builder::{Head, Tar, pax_body};

pub(crate) fn cases() -> Vec<Case> {
    [
        records(),
        globals(),
        several(),
        orphans(),
        sizes(),
        long_names(),
        well_written(),
    ]
    .concat()
}

fn file(tar: Tar) -> Tar {
    tar.file("a", b"")
}

fn records() -> Vec<Case> {
    let bodies: [&[u8]; 16] = [
        b"10 path=ab\n",
        b"8 path=b\n",
        b"11 path=b\n",
        b"9 path=b ",
        b"7 path\n",
        b"5 =b\n",
        b" path=b\n",
        b"-1 path=b\n",
        b"+9 path=b\n",
        b"0x9 path=b\n",
        b"99999999999999999999 a=b\n",
        b"0 path=b\n",
        b"3 b",
        b"9 path=b\n\0\0\0",
        b"8 a\0b=c\n",
        b"path=b\n",
    ];
    let case = |body: &[u8]| {
        let name = format!("records {}", body.escape_ascii());
        refused(
            Code::PaxRecord,
            name,
            file(Tar::new().extension(b'x', body)),
        )
        .at(PAX)
    };
    bodies.into_iter().map(case).collect()
}

fn globals() -> Vec<Case> {
    let records: [(&str, &[u8]); 5] = [
        ("path", b"x"),
        ("linkpath", b"x"),
        ("size", b"1"),
        ("GNU.sparse.size", b"1"),
        ("GNU.sparse.name", b"x"),
    ];
    let case = |record: (&str, &[u8])| {
        let body = pax_body(&[record]);
        let name = format!("a global header with {}", record.0);
        refused(
            Code::PaxGlobal,
            name,
            file(Tar::new().extension(b'g', &body)),
        )
        .at(PAX)
    };
    let mut cases: Vec<_> = records.into_iter().map(case).collect();
    let ignored = pax_body(&[
        ("comment", b"0123456789abcdef"),
        ("mtime", b"5"),
        ("uid", b"7"),
        ("SCHILY.xattr.user.a", b"1"),
    ]);
    cases.extend([
        refused(
            Code::PaxRecord,
            "a global header that is malformed",
            file(Tar::new().extension(b'g', b"9 a=b\n")),
        )
        .at(PAX),
        accepted(
            "a global header",
            file(Tar::new().extension(b'g', &ignored)),
        )
        .counts(|it| it.global_headers = 1)
        .tree(&["/a file 644"]),
        accepted(
            "a global header at the end",
            Tar::new().extension(b'g', &ignored),
        )
        .counts(|it| it.global_headers = 1),
    ]);
    cases
}

fn several() -> Vec<Case> {
    let (repeated, conflict) = (Code::ExtensionRepeated, Code::ExtensionConflict);
    let pax = |tar: Tar| tar.pax(&[("comment", b"c")]);
    let path = |tar: Tar| tar.pax(&[("path", b"p")]);
    let link = |tar: Tar| tar.pax(&[("linkpath", b"p")]);
    let long = |tar: Tar| tar.extension(b'L', b"l\0");
    let long_link = |tar: Tar| tar.extension(b'K', b"k\0");
    let new = Tar::new;
    vec![
        refused(repeated, "records twice", file(pax(pax(new())))).at(PAX),
        refused(
            repeated,
            "records around a long name",
            file(pax(long(pax(new())))),
        )
        .at(PAX),
        refused(repeated, "a long name twice", file(long(long(new())))).at(LONG),
        refused(
            repeated,
            "a long link twice",
            long_link(long_link(new())).symlink("a", "t"),
        )
        .at(LONG),
        refused(
            conflict,
            "a path, then a long name",
            file(long(path(new()))),
        )
        .at("a"),
        refused(
            conflict,
            "a long name, then a path",
            file(path(long(new()))),
        )
        .at("a"),
        refused(
            conflict,
            "a linkpath, then a long link",
            long_link(link(new())).symlink("a", "t"),
        )
        .at("a"),
        refused(
            conflict,
            "a long link, then a linkpath",
            link(long_link(new())).symlink("a", "t"),
        )
        .at("a"),
        refused(
            conflict,
            "a sparse file's name and a long name",
            file(long(new().pax(&[
                ("GNU.sparse.name", b"p"),
                ("GNU.sparse.size", b"0"),
            ]))),
        )
        .at("a"),
        accepted("records and a long name", file(long(pax(new()))))
            .counts(|it| it.pax_ignored = 1)
            .tree(&["/l file 644"]),
        accepted(
            "a long name and a long link",
            long_link(long(new())).symlink("a", "t"),
        )
        .tree(&["/l -> k"]),
        accepted(
            "a path and a long link",
            long_link(path(new())).symlink("a", "t"),
        )
        .tree(&["/p -> k"]),
    ]
}

fn orphans() -> Vec<Case> {
    let code = Code::ExtensionOrphan;
    let pax = || Tar::new().pax(&[("mtime", b"1")]);
    let long = |kind| Tar::new().extension(kind, b"l\0");
    let zero = |tar: Tar| [tar.bytes, vec![0; 512]].concat();
    vec![
        refused(code, "records and the end", pax()),
        refused(code, "records and one zero block", zero(pax())),
        refused(code, "records and no more", pax().bytes),
        refused(code, "a long name and the end", long(b'L')),
        refused(code, "a long name and no more", long(b'L').bytes),
        refused(code, "a long link and the end", long(b'K')),
        refused(
            code,
            "records before a global header",
            file(pax().extension(b'g', b"")),
        )
        .at(PAX),
        refused(
            code,
            "a long name before a global header",
            file(long(b'L').extension(b'g', b"")),
        )
        .at(PAX),
    ]
}

fn sizes() -> Vec<Case> {
    let code = Code::ExtensionTooLarge;
    let comment = |bytes: usize| pax_body(&[("c", &vec![0; bytes])]);
    let mib = 1 << 20;
    let announced = Head::new(b'x', PAX.as_bytes()).size(8 << 30);
    vec![
        refused(
            code,
            "records over 1 MiB",
            file(Tar::new().extension(b'x', &comment(mib))),
        )
        .at(PAX),
        refused(code, "records and a long link over 1 MiB", {
            file(
                Tar::new()
                    .extension(b'x', &comment(600_000))
                    .extension(b'K', &vec![b'l'; 600_000]),
            )
        })
        .at(LONG),
        refused(
            code,
            "a global header over 1 MiB",
            file(Tar::new().extension(b'g', &comment(mib))),
        )
        .at(PAX),
        refused(
            code,
            "records of 8 GiB, announced only",
            Tar::new().put(&announced, b""),
        )
        .at(PAX)
        .or_else(Code::Truncated),
        refused(
            code,
            "records over a limit that is set",
            with_records(&[("c", &[0; 90])]),
        )
        .limited(|limits| limits.extension_bytes = 90)
        .at(PAX),
        accepted(
            "records of just 1 MiB",
            file(Tar::new().extension(b'x', &comment(mib - 11))),
        )
        .counts(|it| it.pax_ignored = 1)
        .tree(&["/a file 644"]),
    ]
}

fn long_names() -> Vec<Case> {
    let code = Code::LongNameMalformed;
    let long = |kind, body: &[u8]| file(Tar::new().extension(kind, body));
    vec![
        refused(code, "a long name of a NUL", long(b'L', b"\0")).at(LONG),
        refused(code, "a long name of NULs", long(b'L', &[0; 600])).at(LONG),
        refused(code, "a long name of nothing", long(b'L', b"")).at(LONG),
        refused(code, "a long link of nothing", long(b'K', b"")).at(LONG),
        accepted("a long name", long(b'L', b"b\0")).tree(&["/b file 644"]),
        accepted("a long name without a NUL", long(b'L', b"b")).tree(&["/b file 644"]),
        accepted("a long name with NULs after it", long(b'L', b"b\0\0\0")).tree(&["/b file 644"]),
        accepted("a long link that is no link's", long(b'K', b"b\0")).tree(&["/a file 644"]),
    ]
}

fn well_written() -> Vec<Case> {
    vec![
        accepted(
            "the same record twice",
            with_records(&[("path", b"b"), ("path", b"c")]),
        )
        .counts(|it| it.pax_repeated = 1)
        .tree(&["/c file 644"]),
        accepted(
            "records that mean nothing here",
            with_records(&[
                ("atime", b"1"),
                ("ctime", b"1"),
                ("LIBARCHIVE.creationtime", b"1"),
                ("uname", b"root"),
                ("hdrcharset", b"BINARY"),
                ("SCHILY.fflags", b"nodump"),
            ]),
        )
        .counts(|it| it.pax_ignored = 6)
        .tree(&["/a file 644"]),
        accepted(
            "a path with an equals sign",
            with_records(&[("path", b"b=c")]),
        )
        .tree(&["/b=c file 644"]),
        accepted("a path with a line end", with_records(&[("path", b"b\nc")]))
            .tree(&["/b\\x0ac file 644"]),
        accepted("no records", file(Tar::new().extension(b'x', b""))).tree(&["/a file 644"]),
        accepted("an empty value", with_records(&[("comment", b"")]))
            .counts(|it| it.pax_ignored = 1)
            .tree(&["/a file 644"]),
    ]
}
