//! Owners, times, device numbers.

use longshore_image::Code;

use super::case::{Case, PAX, accepted, file, one, refused, with_records};
use crate::builder::Head;

pub(crate) fn cases() -> Vec<Case> {
    [owners(), devices(), times()].concat()
}

fn owners() -> Vec<Case> {
    let code = Code::Owner;
    let base = |high: u8, low: u8| [0x80, 0, 0, high, low, low, low, low];
    let most = |at| one(&file("a").with(at, &base(0, 255)));
    let record = |key, value: &[u8]| with_records(&[(key, value)]);
    vec![
        refused(code, "owner 2^32-1", most(108)).at("a"),
        refused(code, "group 2^32-1", most(116)).at("a"),
        refused(code, "owner 2^32", one(&file("a").with(108, &base(1, 0)))).at("a"),
        refused(
            code,
            "owner 2^32-1 in a record",
            record("uid", b"4294967295"),
        )
        .at("a"),
        refused(code, "group 2^32 in a record", record("gid", b"4294967296")).at("a"),
        refused(code, "owner 2^64-1", record("uid", b"18446744073709551615")).at("a"),
        refused(
            Code::PaxValue,
            "owner 2^64",
            record("uid", b"18446744073709551616"),
        )
        .at(PAX),
        refused(Code::PaxValue, "owner -1", record("uid", b"-1")).at(PAX),
        refused(Code::PaxValue, "group +1", record("gid", b"+1")).at(PAX),
        refused(Code::PaxValue, "group 0x1", record("gid", b"0x1")).at(PAX),
        refused(
            Code::PaxValue,
            "an owner without digits",
            record("uid", b""),
        )
        .at(PAX),
        refused(Code::PaxValue, "a size of -1", record("size", b"-1")).at(PAX),
        refused(Code::PaxValue, "a size with a space", record("size", b" 1")).at(PAX),
        accepted("the largest owner", record("uid", b"4294967294"))
            .tree(&["/a file 644 4294967294:0"]),
        accepted(
            "the largest group",
            one(&file("a").with(116, &[0x80, 0, 0, 0, 255, 255, 255, 254])),
        )
        .tree(&["/a file 644 0:4294967294"]),
        accepted(
            "a record goes before its field",
            crate::builder::Tar::new()
                .pax(&[("uid", b"5"), ("gid", b"6")])
                .put(&file("a").owner(7, 8), b""),
        )
        .tree(&["/a file 644 5:6"]),
    ]
}

fn devices() -> Vec<Case> {
    let code = Code::DeviceNumber;
    let device = |kind, major, minor| one(&Head::new(kind, b"a").device(major, minor));
    let huge = [0x80, 0, 0, 1, 0, 0, 0, 1];
    vec![
        refused(code, "major 4096", device(b'3', 0x1000, 0)).at("a"),
        refused(code, "minor 2^20", device(b'4', 0, 0x10_0000)).at("a"),
        refused(code, "both too large", device(b'3', 0x1f_ffff, 0x1f_ffff)).at("a"),
        refused(
            code,
            "major over 32 bits",
            one(&Head::new(b'3', b"a").with(329, &huge)),
        )
        .at("a"),
        accepted("the largest device", device(b'4', 0xfff, 0xf_ffff))
            .tree(&["/a block 4095:1048575 644"]),
        accepted(
            "a fifo with a device's numbers",
            device(b'6', 0x1f_ffff, 0x1f_ffff),
        )
        .tree(&["/a fifo 644"]),
    ]
}

fn times() -> Vec<Case> {
    let code = Code::PaxValue;
    let time = |value: &[u8]| with_records(&[("mtime", value)]);
    let values = [
        "",
        "now",
        "-",
        "--1",
        ".5",
        "1.2.3",
        "1.x",
        "1e9",
        " 1",
        "9223372036854775808",
    ];
    let mut cases: Vec<_> = values
        .iter()
        .map(|value| refused(code, format!("time '{value}'"), time(value.as_bytes())).at(PAX))
        .collect();
    let kept = |value: &str, row: &str| {
        accepted(format!("time {value}"), time(value.as_bytes())).tree(&[row])
    };
    let clamped = |value: &str, row: &str| kept(value, row).counts(|it| it.times_clamped = 1);
    cases.extend([
        kept("1350244992.023960108", "/a file 644 @1350244992.023960108"),
        kept("1.5", "/a file 644 @1.500000000"),
        kept("5.", "/a file 644 @5"),
        kept("1.0000000019", "/a file 644 @1.000000001"),
        kept("-1", "/a file 644 @-1"),
        kept("-0.25", "/a file 644 @-1.750000000"),
        kept("15032385535.5", "/a file 644 @15032385535.500000000"),
        kept("-2147483648", "/a file 644 @-2147483648"),
        clamped("15032385536", "/a file 644 @15032385535"),
        clamped("99999999999.5", "/a file 644 @15032385535"),
        clamped("-2147483649", "/a file 644 @-2147483648"),
        accepted(
            "a time long before 1901",
            one(&file("a").with(136, &[0xff, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0])),
        )
        .counts(|it| it.times_clamped = 1)
        .tree(&["/a file 644 @-2147483648"]),
    ]);
    cases
}
