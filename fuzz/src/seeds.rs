//! What a corpus begins with, made here: archives that are good, and bytes to draw from.

use std::path::PathBuf;
use std::{env, fs};

use crate::advisories::sealed;
use crate::builder::{Head, Tar, gzip, pax_body};
use crate::rpm_file::Tag;
use crate::{elf_file, rpm_file};

/// Writes the inputs that a target's corpus begins with into the folder that `LONGSHORE_FUZZ_SEEDS` names,
/// if it names one. The target calls it before it reads its corpus, of which that folder is a part.
///
/// # Panics
/// If they cannot be written.
pub fn seed(target: &str) {
    let Some(dir) = env::var_os("LONGSHORE_FUZZ_SEEDS").map(PathBuf::from) else {
        return;
    };
    fs::create_dir_all(&dir).expect("the folder for seeds can be made");
    for (nth, seed) in seeds(target).iter().enumerate() {
        fs::write(dir.join(format!("seed-{nth:03}")), seed).expect("there is room for seeds");
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "archive" => {
            let mut seeds: Vec<_> = archives().iter().map(|it| with(1, it)).collect();
            seeds.extend(archives().iter().map(|it| with(0, it)));
            seeds.extend(noise(3, 64, 300).iter().map(|it| with(2, it)));
            seeds
        }
        "compressed" => {
            let mut seeds = Vec::new();
            for archive in archives() {
                let frame = zstd::bulk::compress(&archive, 1).expect("memory is not full");
                seeds.push(with(0, &gzip(&archive)));
                seeds.push(with(1, &gzip(&archive)[10..]));
                seeds.push(with(0, &frame));
                seeds.push(with(2, &frame[4..]));
            }
            for way in 4..8 {
                seeds.extend(noise(way.into(), 16, 300).iter().map(|it| with(way, it)));
            }
            seeds
        }
        "layers" => noise(5, 96, 120),
        "damaged" => noise(6, 96, 60),
        "ext4" => noise(7, 64, 400),
        "dpkg" => texts(&[DPKG, "Package: a\nStatus: deinstall ok config-files\n\n"]),
        "apk" => texts(&["C:Q1=\nP:musl\nV:1.2.4-r1\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld\n\n"]),
        "os_release" => texts(&[
            "ID=debian\nVERSION_ID='12'\nPRETTY_NAME=\"Debian \\\"12\\\"\" # x\n",
            "ID=x\nID_LIKE=\"rhel fedora\"\n",
        ]),
        "rpm" => databases(),
        "elf" => executables(),
        "advisories" => advisories(),
        "versions" => VERSIONS
            .iter()
            .zip(0..)
            .map(|(text, scheme)| with(scheme, text.as_bytes()))
            .collect(),
        other => panic!("no target {other}"),
    }
}

const DPKG: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n\
                    Source: glibc (2.36-9)\nVersion: 2.36-9+b1\nDescription: C\n library\n\n";

const OSV: &str = r#"{"id":"ALSA-2022:1","summary":"Low: nodejs:18 update","related":["CVE-2022-1"],"affected":[
{"package":{"ecosystem":"AlmaLinux:8","name":"nodejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},
{"fixed":"1:18-1.module_el8"}]}]},{"package":{"ecosystem":"PyPI","name":"A_b"},"versions":["1.0"],
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}]}"#;
const SECDB: &str = r#"{"distroversion":"v3.19","packages":[{"pkg":{"name":"xen","secfixes":{"1-r0":["CVE-1-1 XSA-1"]}}}]}"#;
const TRACKER: &str = r#"{"a":{"CVE-1-1":{"releases":{"trixie":{"status":"open","nodsa_reason":"postponed"},
"bookworm":{"status":"resolved","fixed_version":"1:2-3","urgency":"low"}}}}}"#;

/// One of each scheme, in the order of the target's.
const VERSIONS: [&str; 5] = [
    "1.2.3b_alpha1-r1\n1.2.3_p1~ab1\n1.02-r0",
    "1:1.2~rc1-1+b1\n1.2-3\n0:1.2a",
    "1!1.0a1.dev1+l.1\n1.0.post1\n1.0rc1",
    "1:3.0.7^git1-24.el9_2\n3.0~rc1-1\n3",
    "v1.2.3-rc.1+x\n1.24rc1\n1.2.3-0.20220101000000-ab",
];

/// What publishers and ourselves write, one of each; the last as the bodies of shards.
fn advisories() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        with(0, OSV.as_bytes()),
        with(2, SECDB.as_bytes()),
        with(3, TRACKER.as_bytes()),
        with(4, &sealed(&[0; 3])),
        // Texts: "", "a" and "b". A record, a package, and its entry.
        with(
            5,
            b"\x03\0\x01\x01ab\x01\x01\x01\x02\0\0\x01\x01\x01\0\x03\0\0\0\x01\0\x01\x02\x01\x02",
        ),
    ];
    seeds.extend(noise(8, 16, 120).iter().map(|it| with(5, it)));
    seeds
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    let once = texts.iter().map(|text| text.as_bytes().to_vec());
    once.chain([texts.concat().into_bytes()]).collect()
}

/// Databases of rpm with one level and with two, with chains and without; and a header alone.
fn databases() -> Vec<Vec<u8>> {
    let header = |len: usize| rpm_file::plain(&"p".repeat(len), "1");
    let whole = rpm_file::header(&[
        Tag::Text(rpm_file::NAME, "nodejs"),
        Tag::Text(rpm_file::VERSION, "18.20.2"),
        Tag::Text(rpm_file::RELEASE, "1"),
        Tag::Number(rpm_file::EPOCH, 1),
        Tag::Text(rpm_file::SOURCE_RPM, "nodejs-18.20.2-1.src.rpm"),
        Tag::Text(rpm_file::MODULARITY_LABEL, "nodejs:18:9040020240610:rhel9"),
    ]);
    let few = [header(3)];
    let more = [header(9), header(300), header(40), header(500)];
    let databases = [(&few[..], 0), (&more[..], 0), (&more[..], 32)];
    let made = databases.map(|(headers, reserved)| rpm_file::database(headers, 512, reserved));
    let mut seeds: Vec<_> = made.iter().map(|it| with(0, it)).collect();
    seeds.push(with(1, &whole));
    seeds
}

/// Executables of every shape; and lines about modules alone.
fn executables() -> Vec<Vec<u8>> {
    let lines = "path\tx\nmod\tx\t(devel)\t\ndep\ta.b/c\tv1.0.0\n=>\ta.b/d\tv1.2.0\th1:y=\n";
    let shapes = (0..16_u8).map(|bits| elf_file::Shape {
        wide: bits & 1 != 0,
        big_endian: bits & 2 != 0,
        inline: bits & 4 != 0,
        sections: bits & 8 != 0,
    });
    let made = shapes.map(|shape| with(0, &elf_file::go(shape, "go1.24.4", lines)));
    made.chain([with(1, lines.as_bytes())]).collect()
}

fn with(first: u8, rest: &[u8]) -> Vec<u8> {
    [&[first], rest].concat()
}

/// Archives with one of everything.
fn archives() -> Vec<Vec<u8>> {
    let pax: [(&str, &[u8]); 5] = [
        ("path", b"a/long/name"),
        ("mtime", b"-1.5"),
        ("uid", b"70000"),
        ("SCHILY.xattr.user.a", b"\n\0"),
        ("SCHILY.acl.access", b"user::rwx,group::r-x,other::---"),
    ];
    let sparse: [(&str, &[u8]); 3] = [
        ("GNU.sparse.size", b"900"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"0,2,700,3"),
    ];
    let map = b"1\n5\n3\n";
    let head = |kind: u8, name: &str| Head::new(kind, name.as_bytes());
    vec![
        Tar::new()
            .dir("a/")
            .file("a/f", b"content")
            .symlink("s", "a")
            .end(),
        Tar::new()
            .file("f", b"1")
            .hard_link("g", "f")
            .file("f", b"2")
            .end(),
        Tar::new().pax(&pax).file("cut", b"x").end(),
        Tar::new()
            .extension(b'g', &pax_body(&[("comment", b"c")]))
            .dir("d")
            .end(),
        Tar::new()
            .extension(b'L', b"a/name\0")
            .extension(b'K', b"t\0")
            .symlink("x", "y")
            .end(),
        Tar::new().pax(&sparse).file("sparse", b"abcde").end(),
        Tar::new()
            .pax(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"n"),
                ("GNU.sparse.realsize", b"9"),
            ])
            .put(
                &head(b'0', "x").size(515),
                &[&map[..], &[0; 506], b"abc"].concat(),
            )
            .end(),
        Tar::new()
            .put(
                &Head::gnu(b'S', b"old")
                    .size(2)
                    .with(386, b"00000000003\x0000000000002\0")
                    .with(483, b"00000000009\0"),
                b"ab",
            )
            .end(),
        Tar::new()
            .put(&head(b'3', "c").device(1, 3), b"")
            .put(&head(b'6', "p"), b"")
            .end(),
        Tar::new()
            .file("a/.wh.b", b"")
            .file("a/.wh..wh..opq", b"")
            .file(".wh..wh.plnk/1", b"x")
            .hard_link("h", ".wh..wh.plnk/1")
            .end(),
    ]
}

/// Bytes that are the same in every run: `count` times up to `most` of them.
fn noise(seed: u64, count: usize, most: usize) -> Vec<Vec<u8>> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (1..=count)
        .map(|nth| (0..nth * most / count).map(|_| next()).collect())
        .collect()
}
