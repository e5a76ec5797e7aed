//! Sparse files: GNU's four forms, their maps, and forms that are not read.

use longshore_image::Code;

use super::case::{Case, PAX, accepted, one, refused};
use crate::builder::{Head, Tar};

pub(crate) fn cases() -> Vec<Case> {
    [
        unread(),
        maps_in_records(),
        maps_in_text(),
        maps_in_headers(),
        well_written(),
    ]
    .concat()
}

fn records(records: &[(&str, &[u8])], body: &[u8]) -> Tar {
    let prefixed: Vec<_> = records
        .iter()
        .map(|(key, value)| (format!("GNU.sparse.{key}"), *value))
        .collect();
    let records: Vec<_> = prefixed
        .iter()
        .map(|(key, value)| (key.as_str(), *value))
        .collect();
    Tar::new().pax(&records).file("a", body)
}

fn unread() -> Vec<Case> {
    let code = Code::SparseUnsupported;
    let kind = |magic: &[u8; 8]| one(&Head::new(b'S', b"a").with(257, magic));
    let both = Tar::new()
        .pax(&[("GNU.sparse.size", b"0")])
        .put(&Head::gnu(b'S', b"a"), b"");
    let solaris = Tar::new().pax(&[("SUN.holesdata", b" 0 1")]).file("a", b"");
    vec![
        refused(code, "type S of ustar", kind(b"ustar\x0000")).at("a"),
        refused(code, "type S of v7", kind(&[0; 8])).at("a"),
        refused(code, "type S with records", both).at("a"),
        refused(code, "Solaris's form", solaris).at(PAX),
    ]
}

fn maps_in_records() -> Vec<Case> {
    let code = Code::SparseMap;
    let map = |map: &'static [u8], size: &'static [u8], body: &[u8]| {
        records(&[("map", map), ("size", size)], body)
    };
    vec![
        refused(
            code,
            "a map for more than the body",
            map(b"0,2", b"9", b"x"),
        )
        .at("a"),
        refused(
            code,
            "a map for less than the body",
            map(b"0,1", b"9", b"xy"),
        )
        .at("a"),
        refused(code, "a map beyond the size", map(b"9,1", b"9", b"x")).at("a"),
        refused(code, "a hole beyond the size", map(b"10,0", b"9", b"")).at("a"),
        refused(
            code,
            "a map that is not sorted",
            map(b"5,1,0,1", b"9", b"xy"),
        )
        .at("a"),
        refused(code, "a map that overlaps", map(b"0,2,1,1", b"9", b"xyz")).at("a"),
        refused(
            code,
            "a map that overflows",
            map(b"18446744073709551615,2", b"9", b"xy"),
        )
        .at("a"),
        refused(
            code,
            "the records of a sparse file on a symlink",
            Tar::new()
                .pax(&[("GNU.sparse.name", b"b")])
                .symlink("a", "t"),
        )
        .at("b"),
        refused(
            code,
            "the records of a sparse file on a directory",
            Tar::new().pax(&[("GNU.sparse.size", b"9")]).dir("a"),
        )
        .at("a"),
        refused(
            code,
            "a map without its size",
            records(&[("map", b"0,1")], b"x"),
        )
        .at("a"),
        refused(code, "a map of an odd number", map(b"0,1,2", b"9", b"x")).at(PAX),
        refused(code, "a map of words", map(b"a,b", b"9", b"x")).at(PAX),
        refused(code, "a map with a gap", map(b"0,1,,", b"9", b"x")).at(PAX),
        refused(code, "a size that is no number", map(b"", b"x", b"")).at(PAX),
        refused(
            code,
            "another count than the map's",
            records(
                &[("size", b"9"), ("numblocks", b"2"), ("map", b"0,1")],
                b"x",
            ),
        )
        .at("a"),
        refused(
            code,
            "a length without its offset",
            records(&[("size", b"9"), ("numbytes", b"1")], b"x"),
        )
        .at(PAX),
        refused(
            code,
            "an offset without its length",
            records(&[("size", b"9"), ("offset", b"1")], b""),
        )
        .at("a"),
        refused(
            code,
            "two offsets",
            records(&[("size", b"9"), ("offset", b"1"), ("offset", b"2")], b""),
        )
        .at(PAX),
        refused(
            code,
            "an unknown record",
            records(&[("size", b"9"), ("shape", b"1")], b""),
        )
        .at(PAX),
        refused(
            code,
            "version 2.0",
            records(&[("major", b"2"), ("minor", b"0"), ("size", b"9")], b""),
        )
        .at("a"),
        refused(
            code,
            "version 1.0 with a map in the records",
            records(
                &[
                    ("major", b"1"),
                    ("minor", b"0"),
                    ("size", b"9"),
                    ("map", b"0,1"),
                ],
                b"x",
            ),
        )
        .at("a"),
    ]
}

/// The beginning of a body that has its map in it, padded to blocks.
fn text(map: &str, data: &[u8]) -> Tar {
    let map = map.as_bytes();
    let padding = vec![0; map.len().next_multiple_of(512) - map.len()];
    let keys: [(&str, &[u8]); 3] = [("major", b"1"), ("minor", b"0"), ("realsize", b"2048")];
    records(&keys, &[map, &padding, data].concat())
}

fn maps_in_text() -> Vec<Case> {
    let code = Code::SparseMap;
    let long = format!("60\n{}", "100000\n0\n".repeat(60));
    vec![
        refused(code, "a text map of words", text("x\n", b"")).at("a"),
        refused(
            code,
            "a text map of a long number",
            text(&"1".repeat(30), b""),
        )
        .at("a"),
        refused(
            code,
            "a text map that overlaps",
            text("2\n0\n9\n1\n1\n", &[1; 10]),
        )
        .at("a"),
        refused(code, "a text map longer than its file", text("9\n", b"")).at("a"),
        refused(
            code,
            "a text map without a body",
            records(&[("major", b"1"), ("minor", b"0"), ("realsize", b"9")], b""),
        )
        .at("a"),
        refused(
            code,
            "a text map over a limit that is set",
            text(&long, b""),
        )
        .limited(|limits| limits.sparse_map_bytes = 512)
        .at("a"),
    ]
}

fn pair(offset: u64, length: u64) -> String {
    format!("{offset:011o}\0{length:011o}\0")
}

fn maps_in_headers() -> Vec<Case> {
    let code = Code::SparseMap;
    let head = |map: &str, size: u64| {
        let size = format!("{size:011o}\0");
        Head::gnu(b'S', b"a")
            .with(386, map.as_bytes())
            .with(483, size.as_bytes())
    };
    let full = [pair(0, 1), pair(1, 1), pair(2, 1), pair(3, 1)].concat();
    let half = [pair(0, 1), "\0".repeat(72)].concat();
    let continued = |map: &str, more: &str, again: u8| {
        let mut block = [0; 512];
        block[..more.len()].copy_from_slice(more.as_bytes());
        block[504] = again;
        let head = head(map, 9).with(482, &[1]).size(5);
        let mut tar = one(&head);
        tar.bytes.extend(block);
        tar
    };
    let with_body = |mut tar: Tar| {
        tar.bytes.extend([1; 512]);
        tar
    };
    vec![
        refused(
            code,
            "a header's map beyond the size",
            one(&head(&pair(2, 2), 1)),
        )
        .at("a"),
        refused(
            code,
            "a header's map for more than the body",
            one(&head(&pair(0, 2), 9)),
        )
        .at("a"),
        refused(
            code,
            "a header's map that overlaps",
            one(&head(&[pair(2, 0), pair(1, 0)].concat(), 9)),
        )
        .at("a"),
        refused(
            code,
            "a header's map with a gap",
            with_body(continued(&half, &pair(1, 4), 0)),
        )
        .at("a"),
        refused(
            code,
            "a header's map over a limit that is set",
            with_body(continued(&full, &pair(4, 1), 1)),
        )
        .limited(|limits| limits.sparse_map_bytes = 512)
        .at("a"),
        accepted(
            "a header's map that is continued",
            with_body(continued(&full, &pair(4, 1), 0)),
        )
        .counts(|it| it.sparse = 1)
        .tree(&["/a file 644 \\x01\\x01\\x01\\x01\\x01\\x00\\x00\\x00\\x00"]),
    ]
}

fn well_written() -> Vec<Case> {
    let tree = ["/a file 644 \\x00\\x00xy\\x00\\x00z\\x00"];
    let old = records(
        &[
            ("size", b"8"),
            ("numblocks", b"2"),
            ("offset", b"2"),
            ("numbytes", b"2"),
            ("offset", b"6"),
            ("numbytes", b"1"),
        ],
        b"xyz",
    );
    let middle = records(&[("size", b"8"), ("map", b"2,2,6,1,8,0")], b"xyz");
    let gnu = Head::gnu(b'S', b"a")
        .size(3)
        .with(386, [pair(2, 2), pair(6, 1)].concat().as_bytes())
        .with(483, b"00000000010\0");
    let named = records(&[("name", b"b"), ("size", b"3"), ("map", b"")], b"");
    let sparse = |name: &str, tar: Tar| accepted(name, tar).counts(|it| it.sparse = 1);
    vec![
        sparse("sparse by records, format 0.0", old).tree(&tree),
        sparse("sparse by records, format 0.1", middle).tree(&tree),
        sparse(
            "sparse by a text map, format 1.0",
            text("2\n2\n2\n6\n1\n", b"xyz"),
        )
        .tree(&["/a file 644 #2048"]),
        sparse("sparse by its header", Tar::new().put(&gnu, b"xyz")).tree(&tree),
        sparse("sparse and nothing but a hole, with a name", named)
            .tree(&["/b file 644 \\x00\\x00\\x00"]),
    ]
}
