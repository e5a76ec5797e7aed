//! One header block: checksum, magic, numbers, and who wrote it.

use longshore_image::Code;

use super::case::{Case, LONG, PAX, accepted, file, one, refused};
use crate::builder::{Head, Tar};

pub(crate) fn cases() -> Vec<Case> {
    [sums(), magics(), numbers(), well_written()].concat()
}

/// A header, with bytes of it changed after its checksum was taken.
fn changed(head: &Head, at: usize, bytes: &[u8]) -> Tar {
    let mut block = head.sealed();
    block[at..at + bytes.len()].copy_from_slice(bytes);
    Tar {
        bytes: block.to_vec(),
    }
}

fn sums() -> Vec<Case> {
    let code = Code::HeaderChecksum;
    let a = || file("a");
    let body = Tar::new().put(&a().size(512), b"").bytes;
    vec![
        refused(code, "another name", changed(&a(), 0, b"b")),
        refused(code, "another mode", changed(&a(), 106, b"5")),
        refused(code, "another type", changed(&a(), 156, b"5")),
        refused(code, "another byte at the end", changed(&a(), 511, b"x")),
        refused(code, "no checksum", changed(&a(), 148, &[b' '; 8])),
        refused(code, "a checksum of NULs", changed(&a(), 148, &[0; 8])),
        refused(code, "no number", changed(&a(), 148, b"check!!!")),
        refused(code, "a negative checksum", changed(&a(), 148, &[0xff; 8])),
        refused(
            code,
            "a block more than the size says",
            [body, vec![b'x'; 1_024]].concat(),
        )
        .or_else(Code::HeaderMagic),
        refused(code, "text", b"no archive at all".repeat(60)).or_else(Code::HeaderMagic),
    ]
}

fn magics() -> Vec<Case> {
    let magics: [&[u8; 8]; 9] = [
        b"ustar  x",
        b"Ustar\x0000",
        b"ustar\x0001",
        b"ustar\x0010",
        b"ustar 00",
        b"ustar   ",
        b"GNUtar \0",
        b"\0\0\0\0\0\x0000",
        b"u\0\0\0\0\0\0\0",
    ];
    let case = |magic: &[u8; 8]| {
        let name = format!("magic {}", magic.escape_ascii());
        refused(Code::HeaderMagic, name, one(&file("a").with(257, magic)))
    };
    magics.into_iter().map(case).collect()
}

fn numbers() -> Vec<Case> {
    let code = Code::HeaderNumber;
    let fields = [
        ("mode", 100, 8),
        ("owner", 108, 8),
        ("group", 116, 8),
        ("size", 124, 12),
        ("time", 136, 12),
    ];
    let texts: [&[u8]; 7] = [
        b"0000648\0",
        b"-000001\0",
        b"+000001\0",
        b"12 34\0",
        b"1\x002",
        b"0x1f\0",
        b"\x001",
    ];
    let mut cases = Vec::new();
    for (field, at, length) in fields {
        let mut add = |how: String, bytes: &[u8]| {
            let head = file("a").with(at, &vec![0; length]).with(at, bytes);
            cases.push(refused(code, format!("{field} {how}"), one(&head)).at("a"));
        };
        for text in texts {
            add(text.escape_ascii().to_string(), text);
        }
        // The largest number of so many bytes is more than 63 bits, where there are eight or more.
        if length == 12 {
            add("in base-256, too large".into(), &vec![0xbf; length]);
        }
        if field != "time" {
            add("in base-256, negative".into(), &vec![0xff; length]);
        }
    }
    let device = |at: usize, bytes: &[u8]| one(&Head::new(b'3', b"a").device(1, 3).with(at, bytes));
    let bad = b"0000008\0";
    let records = |kind, name: &[u8]| {
        let head = Head::gnu(kind, name).with(124, b"00000000009\0");
        Tar::new().put(&head, b"").file("a", b"")
    };
    let map = Head::gnu(b'S', b"a").with(386, b"00000000008\0");
    let size = Head::gnu(b'S', b"a").with(483, b"0000000000x\0");
    cases.extend([
        refused(code, "a device's major number", device(329, bad)).at("a"),
        refused(code, "a device's minor number", device(337, bad)).at("a"),
        refused(code, "a device's number, negative", device(329, &[0xff; 8])).at("a"),
        refused(code, "the size of records", records(b'x', PAX.as_bytes())).at(PAX),
        refused(
            code,
            "the size of a long name",
            records(b'K', LONG.as_bytes()),
        )
        .at(LONG)
        .or_else(Code::LongNameMalformed),
        refused(code, "the map of a sparse file", one(&map)).at("a"),
        refused(code, "the size of a sparse file", one(&size)).at("a"),
    ]);
    cases
}

fn well_written() -> Vec<Case> {
    let blank = (100..148)
        .step_by(4)
        .fold(file("a"), |head, at| head.with(at, b"    "));
    let zero = file("a").with(100, &[0; 48]);
    let star = file("star")
        .with(345, b"short")
        .with(476, b"times")
        .with(508, b"tar\0");
    let signed = {
        // Old writers summed signed bytes: a name beyond ASCII has another sum then.
        let mut block = file("\u{e9}").0;
        block[148..156].fill(b' ');
        let sum: i32 = block.iter().map(|byte| i32::from(byte.cast_signed())).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        [&block[..], &[0; 1024]].concat()
    };
    vec![
        accepted("blank numbers", one(&blank)).tree(&["/a file 0"]),
        accepted("numbers of NULs", one(&zero)).tree(&["/a file 0"]),
        accepted(
            "spaces before a number",
            one(&file("a").with(100, b"   640 \0")),
        )
        .tree(&["/a file 640"]),
        accepted(
            "a number to the last byte",
            one(&file("a").with(100, b"00000600")),
        )
        .tree(&["/a file 600"]),
        accepted(
            "an owner in base-256",
            one(&file("a").with(108, &[0x80, 0, 0, 0, 1, 0, 0, 2])),
        )
        .tree(&["/a file 644 16777218:0"]),
        accepted("a time before 1970", one(&file("a").with(136, &[0xff; 12])))
            .tree(&["/a file 644 @-1"]),
        accepted(
            "more bits than a mode has",
            one(&file("a").with(100, b"0100644\0")),
        )
        .tree(&["/a file 644"]),
        accepted(
            "junk for a device on a file",
            one(&file("a").with(329, b"junk")),
        )
        .tree(&["/a file 644"]),
        accepted("a signed checksum", signed).tree(&["/\u{e9} file 644"]),
        accepted("ustar with a prefix", one(&file("a").with(345, b"p/q")))
            .counts(|it| it.parents_created = 2)
            .tree(&["/p dir 755", "/p/q dir 755", "/p/q/a file 644"]),
        accepted(
            "ustar without a version",
            one(&file("a").with(263, &[0, 0])),
        )
        .tree(&["/a file 644"]),
        accepted("star, whose prefix is shorter", one(&star))
            .counts(|it| it.parents_created = 1)
            .tree(&["/short dir 755", "/short/star file 644"]),
        accepted(
            "GNU, which has no prefix",
            one(&Head::gnu(b'0', b"a").with(345, b"x")),
        )
        .tree(&["/a file 644"]),
        accepted(
            "v7, which has no prefix",
            one(&file("a").with(257, &[0; 8]).with(345, b"x")),
        )
        .tree(&["/a file 644"]),
        accepted("a name of a hundred bytes", one(&file(&"n".repeat(100))))
            .tree(&[&format!("/{} file 644", "n".repeat(100))]),
    ]
}
