//! Layers compressed with zstd: every way to break a frame.

use std::io::Write;

use longshore_image::Code;

use super::case::{Case, accepted, refused};
use crate::builder::{Tar, gzip};

fn archive() -> Vec<u8> {
    Tar::new()
        .file("a", &b"some text that repeats itself, ".repeat(9_000))
        .end()
}

/// One frame with a checksum of its content.
pub(crate) fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A frame without content that asks for a window of 2 to this power (RFC 8878, 3.1.1.1.2).
pub(crate) fn empty_frame(window_log: u8) -> Vec<u8> {
    let (head, last_block) = ([0x28, 0xb5, 0x2f, 0xfd, 0], [1, 0, 0]);
    [&head[..], &[(window_log - 10) << 3], &last_block].concat()
}

/// A skippable frame (RFC 8878, 3.1.2).
pub(crate) fn skippable(nibble: u8, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[0x50 | nibble, 0x2a, 0x4d, 0x18], &size[..], body].concat()
}

fn changed(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = bytes.len() - from_end;
    bytes[at] ^= 0x40;
    bytes
}

pub(crate) fn cases() -> Vec<Case> {
    [damaged(), whole()].concat()
}

fn damaged() -> Vec<Case> {
    let good = frame(&archive());
    let followed = |tail: &[u8]| [&good[..], tail].concat();
    let cut = |count: usize| good[..good.len() - count].to_vec();
    let reserved = [&good[..4], &[good[4] | 8], &good[5..]].concat();
    let with_dictionary = {
        let words = b"some text ".repeat(99);
        let mut encoder = zstd::Encoder::with_dictionary(Vec::new(), 1, &words).unwrap();
        encoder.write_all(&archive()).unwrap();
        encoder.finish().unwrap()
    };
    let (corrupt, truncated) = (Code::ZstdCorrupt, Code::ZstdTruncated);
    let (trailing, window) = (Code::ZstdTrailingData, Code::ZstdWindow);
    vec![
        refused(corrupt, "a wrong checksum", changed(good.clone(), 1))
            .at("a")
            .or_else(Code::Truncated),
        refused(
            corrupt,
            "a wrong checksum in its first byte",
            changed(good.clone(), 4),
        )
        .at("a")
        .or_else(Code::Truncated),
        refused(corrupt, "a second frame with a wrong checksum", {
            followed(&changed(frame(b""), 1))
        }),
        refused(corrupt, "a second frame with a reserved bit", {
            followed(&[&good[..4], &[good[4] | 8], &good[5..]].concat())
        }),
        refused(corrupt, "a second frame that needs a dictionary", {
            followed(&with_dictionary)
        }),
        refused(corrupt, "a reserved bit of a frame's descriptor", reserved).or_else(Code::Empty),
        refused(corrupt, "a frame that needs a dictionary", with_dictionary).or_else(Code::Empty),
        refused(corrupt, "a block of a reserved type", {
            [&good[..6], &[7, 0, 0], &good[6..]].concat()
        })
        .or_else(Code::Empty),
        refused(truncated, "zstd cut in its checksum", cut(1)),
        refused(truncated, "zstd cut before its checksum", cut(4)),
        refused(truncated, "zstd cut in its magic alone", good[..4].to_vec()).or_else(Code::Empty),
        refused(
            truncated,
            "zstd cut in a second frame",
            followed(&good[..7]),
        ),
        refused(truncated, "cut in a skippable frame", {
            followed(&skippable(3, b"abc")[..9])
        }),
        refused(trailing, "a byte behind the frame", followed(b"x")),
        refused(trailing, "zeros behind the frame", followed(&[0; 512])),
        refused(trailing, "a gzip member behind the frame", {
            followed(&gzip(&archive()))
        }),
        refused(
            window,
            "a second frame with a window of 256 MiB",
            followed(&empty_frame(28)),
        ),
        refused(
            window,
            "a second frame with a window of 2 TiB",
            followed(&empty_frame(41)),
        ),
        refused(window, "a window of 256 MiB", empty_frame(28)).or_else(Code::Empty),
    ]
}

fn whole() -> Vec<Case> {
    let bytes = Tar::new().file("a", b"body").end();
    let (first, second) = bytes.split_at(700);
    let tree = ["/a file 644 body"];
    vec![
        accepted("zstd", frame(&bytes)).tree(&tree),
        accepted("zstd in two frames, cut within a block", {
            [frame(first), frame(second)].concat()
        })
        .tree(&tree),
        accepted("zstd with skippable frames around and within it", {
            let skipped = skippable(15, &[7; 9_000]);
            [
                skippable(0, b"before"),
                frame(first),
                skipped,
                frame(second),
                skippable(9, b""),
            ]
            .concat()
        })
        .tree(&tree),
        accepted(
            "zstd with a window of 128 MiB",
            [frame(&bytes), empty_frame(27)].concat(),
        )
        .tree(&tree),
    ]
}
