//! Layers compressed with zstd: the same tree as plain, however they are cut.

use std::io;

use longshore_image::{Code, Rejected};

use crate::builder::{Image, Tar};
use crate::cases::zstd::{empty_frame, frame, skippable};

fn archive() -> Vec<u8> {
    Tar::new()
        .dir("a")
        .file("a/f", &b"some text that repeats itself, ".repeat(9_000))
        .symlink("s", "a/f")
        .end()
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

pub(crate) struct OneByOne<'a>(pub(crate) &'a [u8]);

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
