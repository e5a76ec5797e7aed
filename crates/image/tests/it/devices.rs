//! What becomes of devices, by policy.

use longshore_image::{Code, DevicePolicy};

use crate::builder::{Head, Image, Tar};

fn layer() -> Vec<u8> {
    Tar::new()
        .put(&Head::new(b'3', b"null").device(1, 3), b"")
        .put(&Head::new(b'4', b"disk").device(8, 0), b"")
        .put(&Head::new(b'6', b"pipe"), b"")
        .file("f", b"")
        .end()
}

fn under(devices: DevicePolicy) -> Image {
    let mut image = Image::new();
    image.limits.devices = devices;
    image
}

#[test]
fn they_are_kept_and_listed() {
    let mut image = under(DevicePolicy::Keep);
    let report = image.layer(&layer()[..]).unwrap();
    assert_eq!(image.paths(), ["/disk", "/f", "/null", "/pipe"]);
    assert_eq!(
        (report.devices.count, report.counters.devices_dropped),
        (3, 0)
    );
}

#[test]
fn they_are_left_out_and_counted() {
    let mut image = under(DevicePolicy::Drop);
    let report = image.layer(&layer()[..]).unwrap();
    assert_eq!(image.paths(), ["/f", "/pipe"]);
    assert_eq!(
        (report.devices.count, report.counters.devices_dropped),
        (1, 2)
    );
    // As if the entry were not there: what a lower layer has stays, and nothing links to it.
    let over = Tar::new()
        .put(&Head::new(b'3', b"f").device(1, 3), b"")
        .end();
    image.layer(&over[..]).unwrap();
    assert_eq!(image.content("f"), b"");
    let link = Tar::new().hard_link("g", "null").end();
    assert_eq!(
        image.layer(&link[..]).unwrap_err().code,
        Code::HardLinkMissing
    );
}

#[test]
fn a_layer_that_has_one_is_rejected() {
    let mut image = under(DevicePolicy::Reject);
    let pipe = Tar::new().put(&Head::new(b'6', b"pipe"), b"").end();
    image.layer(&pipe[..]).unwrap();
    let rejected = image.layer(&layer()[..]).unwrap_err();
    assert_eq!(
        (rejected.code, rejected.entry),
        (Code::Device, Some(b"null"[..].into()))
    );
}
