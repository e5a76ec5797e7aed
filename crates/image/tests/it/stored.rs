//! Stored bytes: formats, compression, ends, and readers that fail.

use std::io::{self, Read};

use longshore_image::{ApplyError, Code, Digest, Limits, MemoryTree, Timestamp, Totals, apply};

use crate::builder::{Head, Image, Tar, code, gzip, pax_body};

/// A reader that gives one byte at a time, and some interruptions.
struct Dribble<'a>(&'a [u8], bool);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = self.0.len().min(buffer.len()).min(1);
        let (now, later) = self.0.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.0 = later;
        Ok(count)
    }
}

/// A reader that fails after some bytes.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the cable was pulled")),
            count => Ok(count),
        }
    }
}

fn sample() -> Vec<u8> {
    let body: Vec<u8> = (0..700_000u32)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    Tar::new()
        .file("a/b", &body)
        .file("c", b"")
        .file("d", &body[..513])
        .end()
}

#[test]
fn the_diff_id_is_over_the_whole_stream_however_it_is_stored() {
    let plain = [sample(), vec![0; 12_345]].concat();
    let half = plain.len() / 2;
    let members = [gzip(&plain[..half]), gzip(b""), gzip(&plain[half..])].concat();
    for stored in [&plain, &gzip(&plain), &members] {
        let mut image = Image::new();
        let report = image.layer(&stored[..]).unwrap();
        assert_eq!(*report.diff_id.digest(), Digest::of(&plain));
        assert_eq!(report.stored_bytes, stored.len() as u64);
        assert_eq!(report.stream_bytes, plain.len() as u64);
        assert_eq!(image.paths(), ["/a", "/a/b", "/c", "/d"]);
    }
}

#[test]
fn how_a_reader_cuts_its_bytes_changes_nothing() {
    for stored in [sample(), gzip(&sample())] {
        let (mut whole, mut pieces) = (Image::new(), Image::new());
        let expected = whole.layer(&stored[..]).unwrap();
        assert_eq!(pieces.layer(Dribble(&stored, false)).unwrap(), expected);
        assert_eq!(pieces.listing(), whole.listing());
    }
}

#[test]
fn an_unclosed_archive_is_accepted_and_counted() {
    let open = Tar::new().file("a", b"1").bytes;
    let half_closed = [&open[..], &[0; 512]].concat();
    let closed = [&open[..], &[0; 1_024], &[0; 77]].concat();
    for (archive, unclosed) in [(open, 1), (half_closed, 1), (closed, 0), (vec![0; 512], 1)] {
        let report = Image::new().layer(&archive[..]).unwrap();
        assert_eq!(report.counters.unclosed, unclosed);
    }
}

#[test]
fn a_failing_reader_is_not_the_archives_fault() {
    for stored in [sample(), gzip(&sample())] {
        for length in [0, 1, 3, 17, 600, stored.len() - 5, stored.len()] {
            let (mut tree, mut totals) = (MemoryTree::new(), Totals::default());
            let reader = Failing(&stored[..length]);
            let error = apply(&mut tree, reader, &Limits::default(), &mut totals).unwrap_err();
            let ApplyError::Read(error) = error else {
                panic!("{error:?}")
            };
            assert_eq!(error.to_string(), "the cable was pulled");
        }
    }
}

#[test]
fn no_prefix_of_a_gzip_layer_is_accepted() {
    let stored = gzip(&Tar::new().file("a", b"some content").end());
    for length in 1..stored.len() {
        assert!(
            code(&[&stored[..length]]).is_some(),
            "{length} of {}",
            stored.len()
        );
    }
}

#[test]
fn all_dialects_are_read() {
    let long = format!("{}/{}", "d".repeat(120), "n".repeat(130));
    let prefix = Head::new(b'0', b"name").with(345, b"some/prefix");
    let star = Head::new(b'0', b"star")
        .with(345, b"short")
        .with(476, b"times")
        .with(508, b"tar\0");
    let unversioned = prefix.clone().with(0, b"other").with(263, &[0, 0]);
    let gnu = Head::gnu(b'0', b"gnu").with(345, b"not a prefix");
    let old = Head::new(b'0', b"v7")
        .with(257, &[0; 8])
        .with(345, b"not a prefix");
    let layer = Tar::new()
        .put(&prefix, b"")
        .put(&star, b"")
        .put(&unversioned, b"")
        .put(&gnu, b"")
        .put(&old, b"")
        .extension(b'L', format!("{long}\0").as_bytes())
        .extension(b'K', format!("{long}-target\0").as_bytes())
        .put(&Head::gnu(b'2', b"cut").link(b"cut"), b"")
        .pax(&[
            ("path", b"pax\xff"),
            ("linkpath", b"t"),
            ("uid", b"4294967294"),
            ("mtime", b"-0.5"),
        ])
        .put(&Head::new(b'2', b"cut").link(b"cut"), b"")
        .end();
    let mut image = Image::new();
    image.layer(&layer[..]).unwrap();
    let listing = image.listing();
    for path in [
        "/some/prefix/name",
        "/some/prefix/other",
        "/short/star",
        "/gnu",
        "/v7",
        &format!("/{long}"),
    ] {
        assert!(listing.contains_key(path.as_bytes()), "{path}");
    }
    let pax = &listing[&b"/pax\xff"[..]];
    assert_eq!(
        (pax.uid, pax.mtime),
        (
            u32::MAX - 1,
            Timestamp {
                seconds: -1,
                nanoseconds: 500_000_000
            }
        )
    );
}

#[test]
fn a_size_may_stand_in_the_record_alone() {
    let layer = Tar::new()
        .pax(&[("size", b"5")])
        .put(&Head::new(b'0', b"a"), b"hello")
        .file("b", b"")
        .end();
    let image = Image::of(&[&layer]);
    assert_eq!(image.content("a"), b"hello");
    assert_eq!(image.paths(), ["/a", "/b"]);
}

#[test]
fn times_are_clamped_to_what_is_stored() {
    let layer = Tar::new()
        .pax(&[("mtime", b"15032385536.5")])
        .file("late", b"")
        .put(
            &Head::new(b'0', b"early").with(136, &[0xff, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0]),
            b"",
        )
        .pax(&[("mtime", b"15032385535.9")])
        .file("last", b"")
        .end();
    let mut image = Image::new();
    let report = image.layer(&layer[..]).unwrap();
    let listing = image.listing();
    let at = |path: &str| {
        (
            listing[path.as_bytes()].mtime.seconds,
            listing[path.as_bytes()].mtime.nanoseconds,
        )
    };
    assert_eq!(at("/late"), (15_032_385_535, 0));
    assert_eq!(at("/early"), (-(1 << 31), 0));
    assert_eq!(at("/last"), (15_032_385_535, 900_000_000));
    assert_eq!(report.counters.times_clamped, 2);
}

#[test]
fn global_headers_are_ignored_and_counted() {
    let global = pax_body(&[("comment", b"a commit"), ("mtime", b"5")]);
    let mut image = Image::new();
    let layer = Tar::new().extension(b'g', &global).file("a", b"").end();
    assert_eq!(image.layer(&layer[..]).unwrap().counters.global_headers, 1);
    assert_eq!(image.listing()[&b"/a"[..]].mtime, Timestamp::default());
}

#[test]
fn all_forms_of_sparse_files_are_read() {
    let stored = [&[b'1'; 512][..], &[b'2'; 512]].concat();
    let expected = [
        &[0; 512][..],
        &[b'1'; 512],
        &[0; 1024],
        &[b'2'; 512],
        &[0; 512],
    ]
    .concat();
    let old: [(&str, &[u8]); 6] = [
        ("GNU.sparse.size", b"3072"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.offset", b"512"),
        ("GNU.sparse.numbytes", b"512"),
        ("GNU.sparse.offset", b"2048"),
        ("GNU.sparse.numbytes", b"512"),
    ];
    let middle: [(&str, &[u8]); 3] = [
        ("GNU.sparse.name", b"a"),
        ("GNU.sparse.size", b"3072"),
        ("GNU.sparse.map", b"512,512,2048,512,3072,0"),
    ];
    let new: [(&str, &[u8]); 4] = [
        ("GNU.sparse.name", b"a"),
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.realsize", b"3072"),
    ];
    let map = b"3\n512\n512\n2048\n512\n3072\n0\n";
    let new_body = [&map[..], &vec![0; 512 - map.len()], &stored].concat();
    let pair = |offset: u64, length: u64| format!("{offset:011o}\0{length:011o}\0");
    let gnu = Head::gnu(b'S', b"a").size(1024).with(483, b"00000006000\0");
    let inline = gnu
        .clone()
        .with(386, pair(512, 512).as_bytes())
        .with(410, pair(2048, 512).as_bytes());
    let full = [pair(0, 0), pair(512, 256), pair(768, 256), pair(1024, 0)].concat();
    let extended = gnu.with(386, full.as_bytes()).with(482, &[1]);
    let mut block = pair(2048, 512).into_bytes();
    block.resize(512, 0);
    let sized = |name: &[u8], body: &[u8]| Head::new(b'0', name).size(body.len() as u64);
    let layers = [
        Tar::new().pax(&old).put(&sized(b"a", &stored), &stored),
        Tar::new().pax(&middle).put(&sized(b"x", &stored), &stored),
        Tar::new().pax(&new).put(&sized(b"x", &new_body), &new_body),
        Tar::new().put(&inline, &stored),
        Tar::new().put(&extended, &[&block[..], &stored].concat()),
    ];
    for layer in layers {
        let mut image = Image::new();
        let report = image.layer(&layer.file("next", b"").end()[..]).unwrap();
        assert_eq!(image.content("a"), expected);
        assert_eq!(image.paths(), ["/a", "/next"]);
        assert_eq!((report.counters.sparse, report.content_bytes), (1, 3_072));
    }
}

#[test]
fn extended_attributes_come_in_two_spellings() {
    let capability = [&[1, 0, 0, 2][..], &[0; 16]].concat();
    let layer = Tar::new()
        .pax(&[
            ("SCHILY.xattr.user.a", b"\x00\n="),
            ("LIBARCHIVE.xattr.user.b%20c", b"dmFsdWU"),
            ("SCHILY.xattr.security.capability", &capability),
            ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
            (
                "SCHILY.acl.access",
                b"user::rwx,user:lisa:rwx,group::---,mask::rwx,other::---",
            ),
        ])
        .file("a", b"")
        .end();
    let mut image = Image::new();
    let report = image.layer(&layer[..]).unwrap();
    let shown: Vec<_> = image.listing()[&b"/a"[..]]
        .xattrs
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(shown, ["security.capability", "user.a", "user.b c"]);
    assert_eq!(
        (report.counters.xattrs_dropped, report.counters.acls_dropped),
        (1, 1)
    );
    assert_eq!(report.capabilities.count, 1);
}

#[test]
fn a_rejected_layer_says_so_and_why() {
    let error = apply(
        &mut MemoryTree::new(),
        &b""[..],
        &Limits::default(),
        &mut Totals::default(),
    );
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), "the layer is rejected");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.starts_with(Code::Empty.as_str()), "{source}");
}
