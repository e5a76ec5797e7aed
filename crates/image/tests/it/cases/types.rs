//! Types of entries, and which of them may have a body, of how many bytes.

use longshore_image::Code;

use super::case::{Case, accepted, file, one, refused};
use crate::builder::{Head, Tar};

pub(crate) fn cases() -> Vec<Case> {
    [unknown(), bodies(), sizes(), kinds()].concat()
}

fn unknown() -> Vec<Case> {
    let code = Code::HeaderType;
    let case = |kind: u8| {
        let name = format!("type {}", kind.escape_ascii());
        refused(code, name, one(&Head::new(kind, b"a"))).at("a")
    };
    let mut cases: Vec<_> = b"ADIMNVXZaz89 -\x01\xff"
        .iter()
        .copied()
        .map(case)
        .collect();
    let extensions: [(u8, &[u8]); 4] = [(b'x', b""), (b'g', b""), (b'L', b"name"), (b'K', b"name")];
    for (kind, body) in extensions {
        let head = Head::new(kind, b"h")
            .with(257, &[0; 8])
            .size(body.len() as u64);
        let name = format!("v7 with type {}", char::from(kind));
        cases.push(refused(code, name, Tar::new().put(&head, body).file("a", b"")).at("h"));
    }
    cases
}

fn bodies() -> Vec<Case> {
    let code = Code::UnexpectedBody;
    let whats = [
        (b'1', "a hard link"),
        (b'2', "a symlink"),
        (b'3', "a character device"),
        (b'4', "a block device"),
        (b'5', "a directory"),
        (b'6', "a fifo"),
    ];
    let mut cases = Vec::new();
    for (kind, what) in whats {
        let head = Head::new(kind, b"a").link(b"t").device(1, 3);
        let target = || Tar::new().file("t", b"");
        let own = target().put(&head.clone().size(5), b"hello");
        cases.push(refused(code, format!("{what} with a body"), own).at("a"));
        let records = target().pax(&[("size", b"5")]).put(&head, b"hello");
        cases.push(refused(code, format!("{what} with a size in its records"), records).at("a"));
    }
    let v7 = |kind| Tar::new().put(&Head::new(kind, b"a/").size(1), b"x");
    cases.push(refused(code, "a directory of v7 with a body", v7(0)).at("a/"));
    cases.push(refused(code, "a directory by its slash with a body", v7(b'0')).at("a/"));
    cases
}

fn sizes() -> Vec<Case> {
    let code = Code::SizeMismatch;
    let sized = |records: &[u8], size: u64, body: &[u8]| {
        let head = file("a").size(size);
        Tar::new().pax(&[("size", records)]).put(&head, body)
    };
    // What one reader skips as a body, another reads as entries (TARmageddon).
    let hidden = Tar::new().file("hidden", b"").bytes;
    vec![
        refused(code, "records say more", sized(b"2", 1, b"xy")).at("a"),
        refused(code, "records say less", sized(b"1", 2, b"xy")).at("a"),
        refused(
            code,
            "records say a block more",
            sized(b"1024", 512, &[1; 1024]),
        )
        .at("a"),
        refused(
            code,
            "records say 0, the body is an entry",
            sized(b"0", 512, &hidden),
        )
        .at("a"),
        accepted("records and header say the same", sized(b"2", 2, b"xy"))
            .tree(&["/a file 644 xy"]),
        accepted("only the records have a size", sized(b"2", 0, b"xy")).tree(&["/a file 644 xy"]),
        accepted(
            "records give a link no size",
            Tar::new().pax(&[("size", b"0")]).symlink("a", "b"),
        )
        .tree(&["/a -> b"]),
    ]
}

fn kinds() -> Vec<Case> {
    let head = |kind, name: &[u8]| Head::new(kind, name).mode(0o4751);
    vec![
        accepted("a file", Tar::new().file("a", b"1")).tree(&["/a file 644 1"]),
        accepted("an empty file", Tar::new().file("a", b"")).tree(&["/a file 644"]),
        accepted(
            "a file by the old type",
            Tar::new().put(&Head::new(0, b"a").size(1), b"1"),
        )
        .tree(&["/a file 644 1"]),
        accepted(
            "a contiguous file",
            Tar::new().put(&Head::new(b'7', b"a").size(1), b"1"),
        )
        .tree(&["/a file 644 1"]),
        accepted("a directory", Tar::new().dir("a/")).tree(&["/a dir 700"]),
        accepted("a directory of v7", one(&Head::new(0, b"a/"))).tree(&["/a dir 644"]),
        accepted("a directory by its slash", one(&Head::new(b'0', b"a/"))).tree(&["/a dir 644"]),
        accepted("a symlink", Tar::new().symlink("a", "../../b")).tree(&["/a -> ../../b"]),
        accepted("a fifo", one(&head(b'6', b"a"))).tree(&["/a fifo 4751"]),
        accepted("a character device", one(&head(b'3', b"a").device(1, 3)))
            .tree(&["/a char 1:3 4751"]),
        accepted("a block device", one(&head(b'4', b"a").device(7, 0)))
            .tree(&["/a block 7:0 4751"]),
        accepted("setuid, setgid and sticky", one(&file("a").mode(0o7755))).tree(&["/a file 7755"]),
    ]
}
