//! What every [`Rootfs`] must do, over one sample that each implementation makes for itself.

use super::{Enough, FileKind, Rootfs, RootfsError, read_file, read_some};

/// A thing of the [`SAMPLE`].
#[derive(Debug, Clone, Copy)]
pub enum Sample {
    /// A file that nobody may execute.
    File(&'static str, &'static [u8]),
    /// A file that anyone may execute.
    Executable(&'static str, &'static [u8]),
    /// A directory.
    Dir(&'static str),
    /// A symbolic link, and where it leads.
    Symlink(&'static str, &'static str),
    /// A pipe that nobody writes to.
    Fifo(&'static str),
}

/// What an implementation makes before it is looked into, in this order.
pub const SAMPLE: &[Sample] = &[
    Sample::Dir("dir"),
    Sample::File("dir/file", b"0123456789"),
    Sample::File("dir/empty", b""),
    Sample::Executable("dir/run", b"#!/bin/sh\n"),
    Sample::Dir("dir/deeper"),
    Sample::File("dir/deeper/x", b"x"),
    Sample::Symlink("absolute", "/dir/file"),
    Sample::Symlink("dir/deeper/up", "../../../../dir/file"),
    Sample::Symlink("through", "dir/deeper"),
    Sample::Symlink("loop", "loop"),
    Sample::Symlink("nowhere", "/not/there"),
    Sample::Symlink("outside", "/../../../../../../etc/hostname-of-the-host"),
    Sample::Fifo("dir/pipe"),
];

/// Looks into a root filesystem that holds [`SAMPLE`] and nothing else.
///
/// # Panics
/// Where it does not do what [`Rootfs`] says.
pub fn rootfs_conforms(rootfs: &dyn Rootfs) {
    opens_files_and_nothing_else(rootfs);
    lists_directories(rootfs);
    walks_over_everything(rootfs);
}

fn opens_files_and_nothing_else(rootfs: &dyn Rootfs) {
    let read = |path: &str| read_file(rootfs, path.as_bytes(), 100);
    for path in [
        "dir/file",
        "/dir/file",
        "//dir/./deeper/../file",
        "absolute",
        "dir/deeper/up",
        "through/up",
        "through/../file",
    ] {
        assert_eq!(read(path).expect(path), b"0123456789", "{path}");
    }
    assert_eq!(read("dir/empty").expect("it is there"), b"");
    assert_eq!(read("/through/x").expect("it is there"), b"x");
    for path in [
        "not",
        "dir/not",
        "dir/file/x",
        "dir/run/..",
        "loop",
        "loop/x",
        "nowhere",
        "outside",
        "dir/pipe/x",
    ] {
        let missing = matches!(read(path), Err(RootfsError::Missing));
        assert!(missing, "{path}: {:?}", read(path));
    }
    for (path, found) in [
        ("", FileKind::Directory),
        ("/", FileKind::Directory),
        ("dir", FileKind::Directory),
        ("through", FileKind::Directory),
        ("../..", FileKind::Directory),
        ("dir/pipe", FileKind::Special),
    ] {
        match read(path) {
            Err(RootfsError::WrongKind {
                found: is,
                expected,
            }) => {
                assert_eq!((is, expected), (found, FileKind::File), "{path}");
            }
            other => panic!("{path}: {other:?}"),
        }
    }
    let too_large = read_file(rootfs, b"dir/file", 9);
    assert!(
        matches!(too_large, Err(RootfsError::TooLarge { size: 10, limit: 9 })),
        "{too_large:?}"
    );
    let file = rootfs.open(b"dir/file").expect("it is there");
    assert_eq!(file.size(), 10);
    for (offset, len, expected) in [
        (0, 3, &b"012"[..]),
        (7, 9, b"789"),
        (10, 4, b""),
        (u64::MAX, 4, b""),
    ] {
        let some = read_some(&*file, offset, len).expect("it is whole");
        assert_eq!(some, expected, "{offset}+{len}");
    }
}

fn lists_directories(rootfs: &dyn Rootfs) {
    let list = |path: &str| -> Vec<(String, FileKind)> {
        let entries = rootfs.list(path.as_bytes(), 10).expect(path);
        let text = |name: Vec<u8>| String::from_utf8(name).expect("the sample's names are text");
        entries
            .into_iter()
            .map(|entry| (text(entry.name), entry.kind))
            .collect()
    };
    let dir = [
        ("deeper", FileKind::Directory),
        ("empty", FileKind::File),
        ("file", FileKind::File),
        ("pipe", FileKind::Special),
        ("run", FileKind::File),
    ];
    let own = |entries: &[(&str, FileKind)]| -> Vec<(String, FileKind)> {
        entries
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect()
    };
    assert_eq!(list("dir"), own(&dir));
    assert_eq!(list("through/.."), own(&dir));
    let deeper = [("up", FileKind::Symlink), ("x", FileKind::File)];
    assert_eq!(list("through"), own(&deeper));
    assert_eq!(list("").len(), 6, "dir and five links");
    assert!(matches!(
        rootfs.list(b"dir", 4),
        Err(RootfsError::TooMany { limit: 4 })
    ));
    assert!(matches!(rootfs.list(b"not", 4), Err(RootfsError::Missing)));
    assert!(matches!(
        rootfs.list(b"absolute", 4),
        Err(RootfsError::WrongKind {
            found: FileKind::File,
            expected: FileKind::Directory
        })
    ));
}

fn walks_over_everything(rootfs: &dyn Rootfs) {
    let mut seen = Vec::new();
    let walked = rootfs.walk(&mut |visited| {
        let path = String::from_utf8(visited.path.to_vec()).expect("the sample's names are text");
        let size = if visited.kind == FileKind::File {
            visited.size
        } else {
            0
        };
        seen.push((
            path,
            visited.kind,
            visited.executable && visited.kind == FileKind::File,
            size,
        ));
        Enough::No
    });
    walked.expect("it is whole");
    for (at, (path, ..)) in seen.iter().enumerate() {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let before = seen[..at].iter().any(|(other, ..)| other == parent);
        assert!(
            parent.is_empty() || before,
            "{path} is before its directory"
        );
    }
    let mut expected: Vec<_> = SAMPLE
        .iter()
        .map(|sample| match *sample {
            Sample::File(path, bytes) => (path, FileKind::File, false, bytes.len() as u64),
            Sample::Executable(path, bytes) => (path, FileKind::File, true, bytes.len() as u64),
            Sample::Dir(path) => (path, FileKind::Directory, false, 0),
            Sample::Symlink(path, _) => (path, FileKind::Symlink, false, 0),
            Sample::Fifo(path) => (path, FileKind::Special, false, 0),
        })
        .map(|(path, kind, executable, size)| (path.to_owned(), kind, executable, size))
        .collect();
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(seen, expected);
    let mut count = 0;
    let stopped = rootfs.walk(&mut |_| {
        count += 1;
        if count == 3 { Enough::Yes } else { Enough::No }
    });
    stopped.expect("it is whole");
    assert_eq!(count, 3);
}
