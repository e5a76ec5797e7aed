//! Archives that are not what a writer should write: ends, headers, extended headers.

use longshore_image::Code;

use crate::builder::{Head, Tar, gzip, pax_body};

/// A layer, perhaps on a lower one, and the entry it must be rejected at.
pub(crate) struct Case {
    pub(crate) code: Code,
    pub(crate) lower: Vec<u8>,
    pub(crate) layer: Vec<u8>,
    pub(crate) entry: Option<&'static str>,
}

pub(crate) fn case(code: Code, entry: impl Into<Option<&'static str>>, layer: Vec<u8>) -> Case {
    Case {
        code,
        lower: Tar::new().end(),
        layer,
        entry: entry.into(),
    }
}

pub(crate) fn on(code: Code, entry: &'static str, lower: Tar, layer: Tar) -> Case {
    Case {
        code,
        lower: lower.end(),
        layer: layer.end(),
        entry: Some(entry),
    }
}

pub(crate) fn file(name: &[u8]) -> Head {
    Head::new(b'0', name)
}

pub(crate) fn one(head: &Head) -> Vec<u8> {
    Tar::new().put(head, b"").end()
}

fn with(mut archive: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    archive[at] ^= byte;
    archive
}

pub(crate) fn ends() -> Vec<Case> {
    let good = Tar::new().file("a", b"body").end();
    let longer = |tail: &[u8]| [&good[..], tail].concat();
    let lone = [&Tar::new().file("a", b"").bytes[..], &[0; 512], &good[..]].concat();
    let bad_crc = with(gzip(&good), gzip(&good).len() - 6, 1);
    vec![
        case(Code::Empty, None, Vec::new()),
        case(Code::Empty, None, gzip(b"")),
        case(Code::Truncated, None, good[..511].to_vec()),
        case(Code::Truncated, "a", good[..514].to_vec()),
        case(Code::Truncated, None, good[..700].to_vec()),
        case(
            Code::Truncated,
            "PaxHeaders/x",
            Tar::new().pax(&[("path", b"a")]).bytes[..600].to_vec(),
        ),
        case(Code::LoneZeroBlock, None, lone),
        case(Code::TrailingData, None, longer(b"x")),
        case(Code::TrailingData, None, longer(&good)),
        case(Code::GzipCorrupt, None, bad_crc),
        case(Code::GzipCorrupt, None, b"\x1f\x8b\x07".repeat(9)),
        case(Code::GzipTruncated, None, gzip(&good)[..40].to_vec()),
        case(
            Code::GzipTrailingData,
            None,
            [gzip(&good), vec![0; 9]].concat(),
        ),
        case(
            Code::GzipCorrupt,
            None,
            [gzip(&good), vec![0x1f; 29]].concat(),
        ),
    ]
}

pub(crate) fn headers() -> Vec<Case> {
    let name = b"a";
    let big = Head::new(b'3', name).device(0x1000, 0);
    vec![
        case(Code::HeaderChecksum, None, with(one(&file(name)), 0, 1)),
        case(Code::HeaderChecksum, None, b"no archive at all".repeat(60)),
        case(
            Code::HeaderMagic,
            None,
            one(&file(name).with(257, b"ustar  x")),
        ),
        case(
            Code::HeaderMagic,
            None,
            one(&file(name).with(257, b"Ustar\x0000")),
        ),
        case(
            Code::HeaderNumber,
            "a",
            one(&file(name).with(100, b"0000648\0")),
        ),
        case(
            Code::HeaderNumber,
            "a",
            one(&file(name).with(124, &[0xff; 12])),
        ),
        case(
            Code::HeaderNumber,
            "a",
            one(&file(name).with(136, b"-0000000001\0")),
        ),
        case(
            Code::HeaderNumber,
            "a",
            one(&Head::new(b'3', name).with(329, b"x")),
        ),
        case(Code::HeaderType, "a", one(&Head::new(b'V', name))),
        case(Code::HeaderType, "a", one(&Head::new(b'D', name))),
        case(
            Code::HeaderType,
            "a",
            one(&Head::new(b'L', name).with(257, &[0; 8])),
        ),
        case(
            Code::UnexpectedBody,
            "a",
            Tar::new()
                .put(&Head::new(b'2', name).link(b"b").size(1), b"x")
                .end(),
        ),
        case(
            Code::UnexpectedBody,
            "a",
            Tar::new().put(&Head::new(b'5', name).size(1), b"x").end(),
        ),
        case(
            Code::UnexpectedBody,
            "a/",
            Tar::new().put(&file(b"a/").size(1), b"x").end(),
        ),
        case(
            Code::UnexpectedBody,
            "a",
            Tar::new()
                .put(&Head::new(b'1', name).link(b"b").size(1), b"x")
                .end(),
        ),
        case(
            Code::UnexpectedBody,
            "a",
            Tar::new().put(&Head::new(b'6', name).size(1), b"x").end(),
        ),
        case(Code::DeviceNumber, "a", one(&big)),
        case(
            Code::DeviceNumber,
            "a",
            one(&Head::new(b'4', name).with(337, b"4000000\0")),
        ),
        case(
            Code::Owner,
            "a",
            one(&file(name).with(108, &[0x80, 0, 0, 0, 255, 255, 255, 255])),
        ),
        case(
            Code::Owner,
            "a",
            Tar::new()
                .pax(&[("gid", b"4294967295")])
                .file("a", b"")
                .end(),
        ),
        case(Code::SymlinkTarget, "a", one(&Head::new(b'2', name))),
        case(
            Code::SymlinkTarget,
            "a",
            Tar::new()
                .pax(&[("linkpath", &[b'x'; 4096])])
                .put(&Head::new(b'2', name), b"")
                .end(),
        ),
    ]
}

pub(crate) fn extensions() -> Vec<Case> {
    let head = "PaxHeaders/x";
    let long = "././@LongLink";
    let size = |size: &'static str| Tar::new().pax(&[("size", size.as_bytes())]);
    let many: Vec<_> = (0..257).map(|n| format!("SCHILY.xattr.user.{n}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|key| (key.as_str(), &b""[..])).collect();
    let file = |tar: Tar| tar.file("a", b"").end();
    vec![
        case(
            Code::PaxRecord,
            head,
            file(Tar::new().extension(b'x', b"9 path=ab\n")),
        ),
        case(
            Code::PaxValue,
            head,
            file(Tar::new().pax(&[("mtime", b"now")])),
        ),
        case(Code::PaxValue, head, file(size("-1"))),
        case(
            Code::PaxGlobal,
            head,
            file(Tar::new().extension(b'g', &pax_body(&[("path", b"x")]))),
        ),
        case(
            Code::PaxGlobal,
            head,
            file(Tar::new().extension(b'g', &pax_body(&[("size", b"1")]))),
        ),
        case(Code::SizeMismatch, "a", size("2").file("a", b"x").end()),
        case(Code::SizeMismatch, "a", size("0").file("a", b"x").end()),
        case(Code::ExtensionRepeated, head, file(size("1").pax(&[]))),
        case(
            Code::ExtensionRepeated,
            long,
            file(Tar::new().extension(b'L', b"a\0").extension(b'L', b"a\0")),
        ),
        case(
            Code::ExtensionConflict,
            "a",
            file(Tar::new().pax(&[("path", b"x")]).extension(b'L', b"y\0")),
        ),
        case(
            Code::ExtensionConflict,
            "a",
            file(
                Tar::new()
                    .extension(b'K', b"y\0")
                    .pax(&[("linkpath", b"x")]),
            ),
        ),
        case(Code::ExtensionOrphan, None, size("1").end()),
        case(Code::ExtensionOrphan, None, size("1").bytes),
        case(
            Code::ExtensionOrphan,
            head,
            file(size("1").extension(b'g', b"")),
        ),
        case(
            Code::ExtensionTooLarge,
            head,
            file(Tar::new().extension(b'x', &vec![b'x'; (1 << 20) + 1])),
        ),
        case(
            Code::ExtensionTooLarge,
            long,
            file(
                Tar::new()
                    .pax(&[("c", &vec![0; 600_000])])
                    .extension(b'L', &vec![b'x'; 600_000]),
            ),
        ),
        case(
            Code::LongNameMalformed,
            long,
            file(Tar::new().extension(b'L', b"\0")),
        ),
        case(
            Code::NameNul,
            long,
            file(Tar::new().extension(b'L', b"a\0b\0")),
        ),
        case(
            Code::NameNul,
            head,
            file(Tar::new().pax(&[("path", b"a\0b")])),
        ),
        case(
            Code::XattrName,
            head,
            file(Tar::new().pax(&[("SCHILY.xattr.", b"x")])),
        ),
        case(
            Code::Capability,
            head,
            file(Tar::new().pax(&[("SCHILY.xattr.security.capability", b"x")])),
        ),
        case(Code::XattrTooMany, "a", file(Tar::new().pax(&many))),
        case(
            Code::XattrTooLarge,
            "a",
            file(Tar::new().pax(&[("SCHILY.xattr.user.a", &[0; 4096])])),
        ),
        case(Code::SparseUnsupported, "a", one(&Head::new(b'S', b"a"))),
        case(
            Code::SparseUnsupported,
            head,
            file(Tar::new().pax(&[("SUN.holesdata", b" 0 1")])),
        ),
        case(
            Code::SparseMap,
            "a",
            file(Tar::new().pax(&[("GNU.sparse.map", b"0,1"), ("GNU.sparse.size", b"1")])),
        ),
        case(
            Code::SparseMap,
            "a",
            file(Tar::new().pax(&[("GNU.sparse.map", b"9,0,1,0"), ("GNU.sparse.size", b"9")])),
        ),
        case(
            Code::SparseMap,
            head,
            file(Tar::new().pax(&[("GNU.sparse.map", b"9")])),
        ),
        case(
            Code::SparseMap,
            "a",
            one(&Head::gnu(b'S', b"a").with(386, b"00000000002\x0000000000002\0")),
        ),
    ]
}
