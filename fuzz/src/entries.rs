//! Archives drawn entry by entry: well-formed enough to get past the checksums, and odd everywhere else.

use crate::builder::{Head, Tar, pax_body};
use crate::draw::Draw;

/// Headers of an archive at most.
const MOST: usize = 14;

/// Components that meet, and such as mean something.
const COMPONENTS: [&[u8]; 24] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"a",
    b"b",
    b"c",
    b"d",
    b"a",
    b"b",
    b"e",
    b".",
    b"",
    b"..",
    b".wh.a",
    b".wh.b",
    b".wh..wh..opq",
    b".wh..wh.plnk",
    b".wh..wh.aufs",
    b".wh.",
    b".wh..",
    b"\xff\xfe",
    b"...",
    b"\xc3\xa9 \n",
];

const KEYS: [&str; 27] = [
    "path",
    "linkpath",
    "size",
    "uid",
    "gid",
    "mtime",
    "atime",
    "comment",
    "SCHILY.xattr.user.a",
    "SCHILY.xattr.user.b",
    "SCHILY.xattr.user.",
    "SCHILY.xattr.trusted.a",
    "SCHILY.xattr.security.capability",
    "SCHILY.xattr.system.posix_acl_access",
    "SCHILY.xattr.system.posix_acl_default",
    "LIBARCHIVE.xattr.user.%61",
    "SCHILY.acl.access",
    "SCHILY.acl.default",
    "GNU.sparse.name",
    "GNU.sparse.realsize",
    "GNU.sparse.size",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.numblocks",
    "GNU.sparse.offset",
    "GNU.sparse.numbytes",
    "GNU.sparse.map",
];

const ACL_PARTS: [&str; 14] = [
    "user::rwx",
    "group::r-x",
    "other::---",
    "mask::r--",
    "user:7:rw-",
    "group:8:r--",
    "user:ann:rw-:7",
    "user:ann:rw-",
    "u::7",
    "g::5",
    "o::0",
    "default:user::rwx",
    "user::rwx #effective:r--",
    "\n",
];

/// A path in an archive.
pub(crate) fn name(draw: &mut Draw<'_>) -> Vec<u8> {
    let shape = draw.byte();
    let count = usize::from(shape % 4) + 1;
    let mut name: Vec<u8> = match shape >> 4 {
        13 => b"/".to_vec(),
        14 => b"./".to_vec(),
        _ => Vec::new(),
    };
    for nth in 0..count {
        if nth > 0 {
            name.push(b'/');
        }
        match draw.byte() {
            byte @ 0..240 => name.extend(COMPONENTS[usize::from(byte) % COMPONENTS.len()]),
            byte @ 240..248 => name.extend(vec![b'n'; 90 + usize::from(byte % 8) * 24]),
            _ => name.extend(draw.bytes(12)),
        }
    }
    if shape >> 4 == 12 {
        name.push(b'/');
    }
    name
}

/// An archive.
pub(crate) fn odd_archive(draw: &mut Draw<'_>) -> Vec<u8> {
    let mut tar = Tar::new();
    for _ in 0..MOST {
        if draw.is_empty() {
            break;
        }
        tar = match draw.below(12) {
            0..=5 => entry(tar, draw),
            6 | 7 => {
                let body = records(draw);
                let tar = tar.extension(if draw.one_in(8) { b'g' } else { b'x' }, &body);
                entry(tar, draw)
            }
            8 => {
                let mut long = name(draw);
                long.extend(vec![0; draw.below(3)]);
                tar.extension(draw.pick(b"LLLKK"), &long)
            }
            9 => sparse(tar, draw),
            10 => special(tar, draw),
            _ => {
                let kind = draw.byte();
                let head = head(draw, kind);
                tar.put(&head, draw.bytes(40))
            }
        };
    }
    let mut bytes = tar.bytes;
    match draw.byte() % 16 {
        0..=9 => bytes.extend([0; 1024]),
        10 => bytes.extend([0; 512]),
        11 => bytes.extend([0; 3000]),
        12 => {
            bytes.extend([0; 1024]);
            bytes.extend(draw.rest());
        }
        13 => bytes.truncate(bytes.len().saturating_sub(draw.below(2000))),
        _ => {}
    }
    bytes
}

/// A header with anything in its numbers, once in a while.
fn head(draw: &mut Draw<'_>, kind: u8) -> Head {
    let mut path = name(draw);
    path.truncate(100);
    let mut head = match draw.below(8) {
        0..=3 => Head::new(kind, &path),
        4..=6 => Head::gnu(kind, &path),
        _ => Head::new(kind, &path).with(257, &[0; 8]),
    };
    let odd = draw.byte();
    if odd & 1 != 0 {
        head = head
            .mode(draw.word() & 0o7777)
            .owner(u32::from(draw.word()), u32::from(draw.byte() & 3));
    }
    if odd & 2 != 0 {
        head = head.mtime(draw.long() >> 31);
    }
    if odd & 0xe0 == 0xe0 {
        // A field as it may not be.
        let (at, len) = draw.pick(&[
            (100, 8),
            (108, 8),
            (116, 8),
            (124, 12),
            (136, 12),
            (257, 8),
            (329, 8),
            (345, 20),
            (508, 4),
        ]);
        let bytes = match draw.below(5) {
            0 => draw.bytes(len).to_vec(),
            1 => [&[0x80], &vec![0; len - 2][..], &[draw.byte()]].concat(),
            2 => vec![0xff; len],
            3 => b"77777777777777777777"[..len].to_vec(),
            _ => b" 1 \0 tar\0           "[..len].to_vec(),
        };
        head = head.with(at, &bytes);
    }
    head
}

/// An entry of a kind that there is.
fn entry(tar: Tar, draw: &mut Draw<'_>) -> Tar {
    match draw.below(8) {
        0..=2 => {
            let kind = draw.pick(b"0000\0\x007");
            let head = head(draw, kind);
            let body = draw.bytes(24);
            // The size, at times, is another.
            let size = if draw.one_in(16) {
                u64::from(draw.word())
            } else {
                body.len() as u64
            };
            tar.put(&head.size(size), body)
        }
        3 | 4 => tar.put(&head(draw, b'5'), b""),
        _ => {
            let kind = draw.pick(b"1122");
            let head = head(draw, kind);
            let mut target = name(draw);
            target.truncate(100);
            tar.put(&head.link(&target), b"")
        }
    }
}

fn special(tar: Tar, draw: &mut Draw<'_>) -> Tar {
    let kind = draw.pick(b"346");
    let head = head(draw, kind);
    let (major, minor) = (u32::from(draw.word()) >> 3, u32::from(draw.word()) << 3);
    tar.put(&head.device(major & 0xfff, minor), b"")
}

/// PAX records, a few of them torn.
fn records(draw: &mut Draw<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..=draw.below(4) {
        let key = draw.pick(&KEYS);
        let value = value(draw, key);
        body.extend(pax_body(&[(key, &value)]));
    }
    if draw.one_in(16) {
        let at = draw.below(body.len());
        body[at] = draw.byte();
    }
    body
}

fn value(draw: &mut Draw<'_>, key: &str) -> Vec<u8> {
    if draw.one_in(8) {
        return draw.bytes(30).to_vec();
    }
    match key {
        "path" | "linkpath" | "GNU.sparse.name" => name(draw),
        "mtime" | "atime" => {
            let (sign, whole, part) = (draw.pick(&["", "-"]), draw.long() >> 30, draw.word());
            match part % 3 {
                0 => format!("{sign}{whole}"),
                _ => format!("{sign}{whole}.{part}"),
            }
            .into_bytes()
        }
        "SCHILY.acl.access" | "SCHILY.acl.default" => {
            let parts: Vec<&str> = (0..draw.below(7)).map(|_| draw.pick(&ACL_PARTS)).collect();
            parts.join(draw.pick(&[",", "\n"])).into_bytes()
        }
        "SCHILY.xattr.system.posix_acl_access" | "SCHILY.xattr.system.posix_acl_default" => {
            let mut value = 2u32.to_le_bytes().to_vec();
            for tag in [1u8, 2, 4, 8, 0x10, 0x20] {
                let drawn = draw.byte();
                if drawn < 200 {
                    value.extend([tag, 0, drawn & 7, 0]);
                    let id: u32 = if matches!(tag, 2 | 8) { 5 } else { u32::MAX };
                    value.extend(id.to_le_bytes());
                }
            }
            value
        }
        "SCHILY.xattr.security.capability" => {
            let (word, len) = draw.pick(&[(1u32, 12), (2, 20), (3, 24), (2, 12)]);
            let mut value = (word << 24).to_le_bytes().to_vec();
            value.resize(len, draw.byte());
            value
        }
        "GNU.sparse.map" => map_text(draw).into_bytes(),
        key if key.starts_with("SCHILY") || key.starts_with("LIBARCHIVE") || key == "comment" => {
            draw.bytes(60).to_vec()
        }
        _ => match draw.below(4) {
            0..=2 => draw.below(40).to_string(),
            _ => draw.long().to_string(),
        }
        .into_bytes(),
    }
}

/// Offsets and lengths that ascend, mostly.
fn map(draw: &mut Draw<'_>) -> Vec<(u64, u64)> {
    let mut at = 0;
    let mut map = Vec::new();
    for _ in 0..draw.below(6) {
        let (gap, length) = (draw.below(700) as u64, draw.below(9) as u64);
        at += gap;
        map.push((at, length));
        at += length;
        if draw.one_in(32) {
            at = draw.below(64) as u64;
        }
    }
    map
}

fn map_text(draw: &mut Draw<'_>) -> String {
    let numbers: Vec<String> = map(draw)
        .iter()
        .map(|(offset, length)| format!("{offset},{length}"))
        .collect();
    numbers.join(",")
}

/// A sparse file in one of GNU's four forms.
fn sparse(tar: Tar, draw: &mut Draw<'_>) -> Tar {
    let map = map(draw);
    let data: u64 = map.iter().map(|(_, length)| length).sum();
    let end = map.last().map_or(0, |(offset, length)| offset + length);
    let size = (end + draw.below(9) as u64).to_string();
    let mut body = Vec::new();
    let numbers = |map: &[(u64, u64)]| map.len().to_string();
    let mut records: Vec<(&str, Vec<u8>)> = Vec::new();
    let form = draw.below(4);
    match form {
        0 => {
            records.push(("GNU.sparse.size", size.clone().into_bytes()));
            records.push(("GNU.sparse.numblocks", numbers(&map).into_bytes()));
            for (offset, length) in &map {
                records.push(("GNU.sparse.offset", offset.to_string().into_bytes()));
                records.push(("GNU.sparse.numbytes", length.to_string().into_bytes()));
            }
        }
        1 => {
            let text: Vec<String> = map.iter().map(|(at, len)| format!("{at},{len}")).collect();
            records.push(("GNU.sparse.size", size.clone().into_bytes()));
            records.push(("GNU.sparse.numblocks", numbers(&map).into_bytes()));
            records.push(("GNU.sparse.map", text.join(",").into_bytes()));
        }
        2 => {
            records.push(("GNU.sparse.major", b"1".to_vec()));
            records.push(("GNU.sparse.minor", b"0".to_vec()));
            records.push(("GNU.sparse.name", name(draw)));
            records.push(("GNU.sparse.realsize", size.clone().into_bytes()));
            body.extend(format!("{}\n", map.len()).bytes());
            for (offset, length) in &map {
                body.extend(format!("{offset}\n{length}\n").bytes());
            }
            body.resize(body.len().next_multiple_of(512), 0);
        }
        _ => {}
    }
    body.resize(body.len() + usize::try_from(data).unwrap_or(0), b'd');
    if draw.one_in(16) {
        body.push(b'x');
    }
    if form < 3 {
        let records: Vec<(&str, &[u8])> = records
            .iter()
            .map(|(key, value)| (*key, &value[..]))
            .collect();
        let tar = tar.pax(&records);
        let head = head(draw, b'0');
        return tar.put(&head.size(body.len() as u64), &body);
    }
    let mut path = name(draw);
    path.truncate(100);
    let octal = |number: u64| format!("{number:011o}\0").into_bytes();
    let mut head = Head::gnu(b'S', &path)
        .size(body.len() as u64)
        .with(483, &octal(size.parse().unwrap_or(0)));
    let pair = |(offset, length): &(u64, u64)| [octal(*offset), octal(*length)].concat();
    let (first, more) = map.split_at(map.len().min(4));
    for (nth, run) in first.iter().enumerate() {
        head = head.with(386 + nth * 24, &pair(run));
    }
    if more.is_empty() {
        return tar.put(&head, &body);
    }
    let mut tar = tar;
    tar.bytes.extend(head.with(482, &[1]).sealed());
    let mut block: Vec<u8> = more.iter().flat_map(pair).collect();
    block.resize(512, 0);
    block[504] = draw.pick(&[0, 0, 0, 1]);
    tar.bytes.extend(block);
    tar.body(&body)
}
