//! A directory with everything in it that a filesystem can be asked to keep.

use std::{
    fs::{self, File, Permissions},
    os::unix::{
        fs::{FileExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
    time::{Duration, SystemTime},
};

use rustix::fs::{CWD, FileType, Mode, XattrFlags};

use crate::{kernel::ACL, support::noise};

/// What of it is wanted, where not every filesystem takes all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Bytes of the longest value of an attribute; 0 for no attributes.
    pub(crate) longest_xattr: usize,
    /// Whether there is room for nanoseconds and times after 2038.
    pub(crate) fine_times: bool,
}

/// Fills an empty directory.
pub(crate) fn populate(root: &Path, wanted: Wanted) {
    files(root);
    directories(root);
    links(root);
    nodes(root);
    if wanted.longest_xattr > 0 {
        xattrs(root, wanted.longest_xattr);
    }
    times(root, wanted.fine_times);
}

fn files(root: &Path) {
    fs::write(root.join("empty"), b"").unwrap();
    for len in [
        1, 59, 60, 61, 100, 150, 160, 700, 1023, 1025, 4095, 4096, 4097, 65536, 3_000_001,
    ] {
        let seed = u32::try_from(len).unwrap();
        fs::write(root.join(format!("file-{len}")), noise(seed, len)).unwrap();
    }
    // Holes of many widths, and far apart: every level of either kind of map.
    let file = File::create(root.join("comb")).unwrap();
    for n in 0..700 {
        file.write_all_at(b"tooth", n * 20_480 + 100).unwrap();
    }
    let file = File::create(root.join("far")).unwrap();
    for shift in 10..34 {
        file.write_all_at(b"far", (1 << shift) + 17).unwrap();
    }
    // Where a block of numbers begins behind one that is not there, in blocks of each size.
    for block in [1024, 2048, 4096] {
        let first = 12 + block / 4 + block / 4 * 40;
        file.write_all_at(b"first", first * block).unwrap();
    }
    file.set_len(1 << 34).unwrap();
    let file = File::create(root.join("hole")).unwrap();
    file.set_len(1_000_001).unwrap();
    fs::set_permissions(root.join("file-61"), Permissions::from_mode(0o6711)).unwrap();
    fs::set_permissions(root.join("file-60"), Permissions::from_mode(0o0)).unwrap();
    std::os::unix::fs::lchown(root.join("file-1"), Some(70_000), Some(4_000_000_000)).unwrap();
}

fn directories(root: &Path) {
    let many = root.join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..1500 {
        let name = format!("entry-{n:0>width$}", width = 4 + n % 60);
        fs::write(many.join(name), b"").unwrap();
    }
    for n in 0..40 {
        fs::create_dir(root.join(format!("directory-{n}"))).unwrap();
    }
    fs::write(root.join("directory-3/one"), b"1").unwrap();
    for n in 0..12 {
        fs::write(root.join(format!("directory-4/name-{n}")), b"n").unwrap();
    }
    let mut deep = root.join("deep");
    for n in 0..60 {
        fs::create_dir(&deep).unwrap();
        deep = deep.join(format!("{n}"));
    }
    fs::write(deep.parent().unwrap().join("bottom"), b"bottom").unwrap();
    for name in [
        &b"\xff\xfe\n\t\x1b[31m"[..],
        &[b'x'; 255],
        "snowman-\u{2603}".as_bytes(),
    ] {
        use std::os::unix::ffi::OsStrExt;
        // Those without regard for case want names to be text, and say so.
        let _ = fs::write(root.join(std::ffi::OsStr::from_bytes(name)), b"name");
    }
    fs::set_permissions(root.join("directory-1"), Permissions::from_mode(0o1777)).unwrap();
}

fn links(root: &Path) {
    for len in [1, 58, 59, 60, 61, 130, 400, 1000] {
        symlink("t".repeat(len), root.join(format!("link-{len}"))).unwrap();
    }
    symlink("/file-100", root.join("absolute")).unwrap();
    symlink("../../../many/..//file-100", root.join("upwards")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    fs::hard_link(root.join("file-100"), root.join("many/again")).unwrap();
    fs::hard_link(root.join("file-100"), root.join("again")).unwrap();
    fs::hard_link(root.join("link-60"), root.join("link-again")).unwrap();
}

fn nodes(root: &Path) {
    for (name, kind, major, minor) in [
        ("null", FileType::CharacterDevice, 1, 3),
        ("disk", FileType::BlockDevice, 300, 80_000),
        ("zero", FileType::CharacterDevice, 0, 0),
        ("pipe", FileType::Fifo, 0, 0),
    ] {
        let device = rustix::fs::makedev(major, minor);
        rustix::fs::mknodat(CWD, root.join(name), kind, Mode::from(0o640), device).unwrap();
    }
    // A path for a socket is short, and a temporary directory's need not be.
    let short = tempfile::tempdir_in("/tmp").unwrap();
    symlink(root, short.path().join("r")).unwrap();
    drop(UnixListener::bind(short.path().join("r/socket")).unwrap());
}

fn set(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::lsetxattr(path, name, value, XattrFlags::empty())
        .unwrap_or_else(|error| panic!("{} {name}: {error}", path.display()));
}

fn xattrs(root: &Path, longest: usize) {
    let small = root.join("file-150");
    set(&small, "user.a", b"1");
    set(&small, "user.empty", b"");
    set(&small, "trusted.t", b"trusted");
    set(
        &small,
        "security.capability",
        b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    );
    // The same everywhere, so that one block can serve all.
    for n in 5..25 {
        let path = root.join(format!("directory-{n}"));
        set(&path, "user.shared", &noise(1, 400));
        set(&path, "user.other", b"other");
    }
    set(&root.join("directory-2"), "system.posix_acl_access", ACL);
    set(&root.join("directory-2"), "system.posix_acl_default", ACL);
    set(&root.join("file-160"), "system.posix_acl_access", ACL);
    set(&root.join("link-130"), "trusted.link", b"of a link");
    set(&root.join("link-59"), "trusted.link", &noise(2, 300));
    set(&root.join("file-4096"), "user.long", &noise(3, longest));
    set(&root.join("file-4097"), "user.long", &noise(3, longest));
    set(&root.join("null"), "trusted.null", b"device");
}

fn times(root: &Path, fine: bool) {
    let at = |secs: i64, nanos: u32| {
        let after = Duration::new(secs.unsigned_abs(), 0);
        let time = if secs < 0 {
            SystemTime::UNIX_EPOCH - after
        } else {
            SystemTime::UNIX_EPOCH + after
        };
        time + Duration::from_nanos(if fine { nanos.into() } else { 0 })
    };
    let latest = if fine {
        15_000_000_000
    } else {
        i32::MAX.into()
    };
    for (name, secs, nanos) in [
        ("file-700", -1_000_000_000, 1),
        ("file-1023", 0, 0),
        ("file-1025", 1_700_000_000, 999_999_999),
        ("file-4095", latest, 123_456_789),
    ] {
        let file = File::options().write(true).open(root.join(name)).unwrap();
        file.set_times(
            fs::FileTimes::new()
                .set_modified(at(secs, nanos))
                .set_accessed(at(secs, nanos)),
        )
        .unwrap();
    }
}

/// Fills an empty directory with a little of everything.
pub(crate) fn small(root: &Path) {
    for (name, len) in [("a", 1), ("b", 100), ("c", 3000), ("d", 40_000)] {
        fs::write(root.join(name), noise(9, len)).unwrap();
    }
    let comb = File::create(root.join("comb")).unwrap();
    for n in 0..60 {
        comb.write_all_at(b"tooth", n * 8192).unwrap();
    }
    let many = root.join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..60 {
        fs::write(many.join(format!("entry-{n:0>80}")), b"").unwrap();
    }
    fs::create_dir_all(root.join("directory/sub/below")).unwrap();
    fs::write(root.join("directory/sub/one"), b"1").unwrap();
    fs::hard_link(root.join("b"), root.join("directory/again")).unwrap();
    symlink("directory/again", root.join("link")).unwrap();
    symlink("x".repeat(300), root.join("long")).unwrap();
    let device = rustix::fs::makedev(1, 3);
    let null = root.join("null");
    rustix::fs::mknodat(
        CWD,
        null,
        FileType::CharacterDevice,
        Mode::from(0o600),
        device,
    )
    .unwrap();
    let attributes = root.join("attributes");
    fs::write(&attributes, b"content").unwrap();
    set(&attributes, "user.small", b"value");
    set(&attributes, "user.large", &noise(3, 600));
    set(&attributes, "system.posix_acl_access", ACL);
}
