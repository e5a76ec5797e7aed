//! Limits over the layers of an image, and that what is over one is not begun.

use std::io::Read;

use longshore_image::Code;

use crate::builder::{Image, Tar, gzip};
use crate::cases::zstd::frame;
use crate::zstd::OneByOne;

fn code(image: &mut Image, layer: &[u8]) -> Option<Code> {
    image.layer(layer).err().map(|rejected| rejected.code)
}

#[test]
fn a_file_over_a_limit_is_not_begun() {
    let layer = |name: &str, size: usize| Tar::new().file(name, &vec![1; size]).end();
    let mut image = Image::new();
    (image.limits.file_bytes, image.limits.image_bytes) = (100, 250);
    assert_eq!(code(&mut image, &layer("a", 101)), Some(Code::LimitFile));
    assert_eq!(image.paths(), [""; 0]);
    assert_eq!(code(&mut image, &layer("a", 100)), None);
    assert_eq!(code(&mut image, &layer("a", 100)), None);
    assert_eq!(code(&mut image, &layer("b", 51)), Some(Code::LimitImage));
    assert_eq!(image.paths(), ["/a"]);
    assert_eq!(code(&mut image, &layer("b", 50)), None);
    assert_eq!(image.totals.content_bytes, 250);
}

#[test]
fn what_is_only_buffered_does_not_count_for_the_ratio() {
    // All of the stored bytes stand in a reader's buffer before the first is inflated.
    let noise: Vec<u8> = (0..40_000u32)
        .map(|n| n.wrapping_mul(0x9e37_79b9).to_be_bytes()[0])
        .collect();
    let zeros_first = Tar::new()
        .file("z", &vec![0; 3 << 20])
        .file("n", &noise)
        .end();
    for stored in [gzip(&zeros_first), frame(&zeros_first)] {
        let verdict = |image: &mut Image, stored: &mut dyn Read| {
            image.limits.ratio_from_bytes = 1 << 20;
            image.layer(stored).err().map(|rejected| rejected.code)
        };
        let whole = verdict(&mut Image::new(), &mut &stored[..]);
        let pieces = verdict(&mut Image::new(), &mut OneByOne(&stored));
        assert_eq!(
            (whole, pieces),
            (Some(Code::LimitRatio), Some(Code::LimitRatio))
        );
    }
}

#[test]
fn the_totals_of_an_image_are_those_of_its_layers() {
    let mut image = Image::new();
    let layer = Tar::new().file("a/b/c", b"12345").file(".wh.x", b"").end();
    for layers in 1..4 {
        image.layer(&layer[..]).unwrap();
        let totals = image.totals;
        assert_eq!(u64::from(totals.layers), layers);
        assert_eq!(
            (totals.entries, totals.content_bytes),
            (2 * layers, 5 * layers)
        );
        assert_eq!(
            totals.inodes,
            2 + layers,
            "the parents once, the file each time"
        );
        assert_eq!(totals.stream_bytes, layers * 2_560);
    }
}
