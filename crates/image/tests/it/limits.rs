//! Limits over the layers of an image, and that what is over one is not begun.

use longshore_image::Code;

use crate::builder::{Image, Tar};

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
