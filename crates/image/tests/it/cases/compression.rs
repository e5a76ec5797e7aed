//! How a layer is packed.

use longshore_image::Code;

use super::case::{Case, accepted, refused};
use crate::builder::{Tar, gzip};

fn plain() -> Vec<u8> {
    Tar::new().file("a", b"body").end()
}

/// A gzip member with one byte of its end changed: four of the CRC, four of the length.
fn spoilt(from_end: usize) -> Vec<u8> {
    let mut bytes = gzip(&plain());
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    bytes
}

/// Bytes that do not pack.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(count).collect()
}

pub(crate) fn cases() -> Vec<Case> {
    [damaged(), whole(), unread()].concat()
}

fn damaged() -> Vec<Case> {
    let packed = gzip(&plain());
    let twice = gzip(&Tar::new().file("a", &noise(3_000)).end());
    let cut = |count: usize| packed[..packed.len() - count].to_vec();
    let followed = |tail: &[u8]| [&packed[..], tail].concat();
    let bent = [&twice[..500], &[0xff; 40], &twice[540..]].concat();
    let (corrupt, truncated) = (Code::GzipCorrupt, Code::GzipTruncated);
    let trailing = Code::GzipTrailingData;
    vec![
        refused(corrupt, "a wrong CRC", spoilt(6)),
        refused(corrupt, "a wrong CRC in its first byte", spoilt(8)),
        refused(corrupt, "a wrong length", spoilt(1)),
        refused(
            corrupt,
            "a second member that is none",
            followed(&[0x1f; 29]),
        ),
        refused(
            corrupt,
            "a second member with a wrong CRC",
            followed(&{
                let mut empty = gzip(b"");
                let at = empty.len() - 8;
                empty[at] ^= 1;
                empty
            }),
        ),
        refused(corrupt, "another method", b"\x1f\x8b\x07".repeat(9)).or_else(Code::Empty),
        refused(corrupt, "a damaged stream", bent).or_else(Code::Empty),
        refused(truncated, "cut in its length", cut(1)),
        refused(truncated, "cut in its CRC", cut(6)),
        refused(truncated, "cut before its CRC", cut(8)),
        refused(truncated, "cut in a second member", followed(b"\x1f")),
        refused(
            truncated,
            "cut in a second member's header",
            followed(b"\x1f\x8b\x08\0"),
        ),
        refused(truncated, "cut in its header", packed[..9].to_vec()).or_else(Code::Empty),
        refused(truncated, "cut in its stream", twice[..1_000].to_vec())
            .at("a")
            .or_else(Code::Truncated),
        refused(trailing, "zeros behind the member", followed(&[0; 9])),
        refused(trailing, "text behind the member", followed(b"signed\n")),
        refused(trailing, "an archive behind the member", followed(&plain())),
        refused(
            trailing,
            "a zstd frame behind the member",
            followed(b"\x28\xb5\x2f\xfd"),
        ),
    ]
}

fn whole() -> Vec<Case> {
    let tree = ["/a file 644 body"];
    let bytes = plain();
    let (first, second) = bytes.split_at(700);
    let packed = gzip(&bytes);
    // A name, a comment and an extra field (RFC 1952, 2.3).
    let described = [
        &[0x1f, 0x8b, 8, 4 | 8 | 16][..],
        &packed[4..10],
        b"\x04\0SGab",
        b"layer.tar\0a comment\0",
        &packed[10..],
    ]
    .concat();
    vec![
        accepted("not packed", bytes.clone()).tree(&tree),
        accepted("gzip", packed.clone()).tree(&tree),
        accepted(
            "gzip in two members, cut within a block",
            [gzip(first), gzip(second)].concat(),
        )
        .tree(&tree),
        accepted(
            "gzip with empty members around it",
            [gzip(b""), packed, gzip(b"")].concat(),
        )
        .tree(&tree),
        accepted("gzip with a name and a comment", described).tree(&tree),
    ]
}

/// What is no archive to us.
fn unread() -> Vec<Case> {
    let padded = |magic: &[u8]| [magic, &noise(2_048)].concat()[..2_048].to_vec();
    let inner = gzip(&padded(b"\0"));
    let none = |name: &str, bytes: Vec<u8>| {
        refused(Code::HeaderChecksum, name, bytes).or_else(Code::HeaderMagic)
    };
    vec![
        none("bzip2", [&b"BZh9"[..], &noise(2_044)].concat()),
        none("xz", [&b"\xfd7zXZ\0"[..], &noise(2_042)].concat()),
        none("gzip within gzip", gzip(&inner)),
    ]
}
