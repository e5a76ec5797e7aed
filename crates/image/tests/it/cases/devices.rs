//! Devices under each policy.

use longshore_image::{Code, DevicePolicy};

use super::case::{Case, accepted, one, refused};
use crate::builder::{Head, Tar};

pub(crate) fn cases() -> Vec<Case> {
    let device = |kind| one(&Head::new(kind, b"d").device(1, 3));
    let under = |devices| move |limits: &mut longshore_image::Limits| limits.devices = devices;
    let over = || Tar::new().file("d", b"x");
    vec![
        refused(
            Code::Device,
            "a character device where none is wanted",
            device(b'3'),
        )
        .at("d")
        .limited(under(DevicePolicy::Reject)),
        refused(
            Code::Device,
            "a block device where none is wanted",
            device(b'4'),
        )
        .at("d")
        .limited(under(DevicePolicy::Reject)),
        accepted(
            "a fifo where no devices are wanted",
            one(&Head::new(b'6', b"d")),
        )
        .tree(&["/d fifo 644"])
        .limited(under(DevicePolicy::Reject)),
        accepted("a device that is kept", device(b'3')).tree(&["/d char 1:3 644"]),
        accepted("a device that is left out", device(b'3'))
            .counts(|counters| counters.devices_dropped = 1)
            .limited(under(DevicePolicy::Drop)),
        accepted("a device that is left out over a file", device(b'4'))
            .on(over())
            .tree(&["/d file 644 x"])
            .counts(|counters| counters.devices_dropped = 1)
            .limited(under(DevicePolicy::Drop)),
    ]
}
