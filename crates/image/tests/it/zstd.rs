//! Layers compressed with zstd: the same tree as plain, and every way to break a frame.

use std::io::{self, Write};

use longshore_image::{Code, Rejected};

use crate::builder::{Image, Tar};
use crate::malformed::{Case, case};

fn archive() -> Vec<u8> {
    Tar::new()
        .dir("a")
        .file("a/f", &b"some text that repeats itself, ".repeat(9_000))
        .symlink("s", "a/f")
        .end()
}

/// One frame with a checksum of its content.
fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A frame without content that asks for a window of 2 to this power (RFC 8878, 3.1.1.1.2).
fn empty_frame(window_log: u8) -> Vec<u8> {
    let (head, last_block) = ([0x28, 0xb5, 0x2f, 0xfd, 0], [1, 0, 0]);
    [&head[..], &[(window_log - 10) << 3], &last_block].concat()
}

/// A skippable frame (RFC 8878, 3.1.2).
fn skippable(nibble: u8, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[0x50 | nibble, 0x2a, 0x4d, 0x18], &size[..], body].concat()
}

fn changed(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 0x40;
    bytes
}

/// Every broken frame, with the code it is rejected with.
pub(crate) fn zstd() -> Vec<Case> {
    let good = frame(&archive());
    let with_dictionary = {
        let mut encoder =
            zstd::Encoder::with_dictionary(Vec::new(), 1, &b"some text ".repeat(99)).unwrap();
        encoder.write_all(&archive()).unwrap();
        encoder.finish().unwrap()
    };
    vec![
        case(
            Code::ZstdCorrupt,
            None,
            changed(good.clone(), good.len() - 1),
        ),
        case(Code::ZstdCorrupt, None, changed(good.clone(), 20)),
        // A bit of the frame's descriptor that is reserved.
        case(
            Code::ZstdCorrupt,
            None,
            [&good[..4], &[good[4] | 8], &good[5..]].concat(),
        ),
        case(Code::ZstdCorrupt, None, with_dictionary),
        case(Code::ZstdTruncated, None, good[..4].to_vec()),
        case(Code::ZstdTruncated, None, good[..good.len() - 1].to_vec()),
        case(Code::ZstdTruncated, None, good[..good.len() / 2].to_vec()),
        case(
            Code::ZstdTruncated,
            None,
            skippable(3, b"abc")[..9].to_vec(),
        ),
        case(Code::ZstdTrailingData, None, [&good[..], b"x"].concat()),
        case(
            Code::ZstdTrailingData,
            None,
            [&good[..], &[0; 512]].concat(),
        ),
        case(
            Code::ZstdTrailingData,
            None,
            [good.clone(), crate::builder::gzip(&archive())].concat(),
        ),
        case(Code::ZstdWindow, None, empty_frame(28)),
        case(Code::ZstdWindow, None, [good, empty_frame(41)].concat()),
    ]
}

fn of(stored: impl io::Read) -> Result<Image, Rejected> {
    let mut image = Image::new();
    image.layer(stored).map(|_| image)
}

#[test]
fn frames_and_skippable_frames_are_one_archive() {
    let bytes = archive();
    let plain = of(&bytes[..]).unwrap().listing();
    let (one, two) = bytes.split_at(700);
    for stored in [
        frame(&bytes),
        [frame(one), frame(two)].concat(),
        [
            skippable(0, b"before"),
            frame(one),
            skippable(15, &[7; 9_000]),
            frame(two),
        ]
        .concat(),
        [frame(&bytes), empty_frame(27), skippable(9, b"")].concat(),
    ] {
        assert_eq!(of(&stored[..]).unwrap().listing(), plain);
        // However it is cut into reads.
        let by_bytes = OneByOne(&stored);
        assert_eq!(of(by_bytes).unwrap().listing(), plain);
    }
}

struct OneByOne<'a>(&'a [u8]);

impl io::Read for OneByOne<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(buffer.len()).min(1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn the_window_is_what_the_limit_says() {
    let mut image = Image::new();
    image.limits.zstd_window_log = 20;
    let code = |image: &mut Image, log| image.layer(&empty_frame(log)[..]).unwrap_err().code;
    // A frame without content is let through, and is then no archive.
    assert_eq!(code(&mut image, 20), Code::Empty);
    assert_eq!(code(&mut image, 21), Code::ZstdWindow);
    image.limits.zstd_window_log = 27;
    assert_eq!(code(&mut image, 27), Code::Empty);
}

#[test]
fn the_ratio_holds_for_zstd() {
    let mut image = Image::new();
    image.limits.ratio_from_bytes = 1 << 20;
    let zeros = Tar::new().file("z", &vec![0; 8 << 20]).end();
    let rejected = image.layer(&frame(&zeros)[..]).unwrap_err();
    assert_eq!(rejected.code, Code::LimitRatio);
}

#[test]
fn what_is_inside_is_not_inflated_again() {
    let twice = frame(&frame(&archive()));
    let code = of(&twice[..]).unwrap_err().code;
    assert!(
        matches!(code, Code::Truncated | Code::HeaderChecksum),
        "{code}"
    );
}
