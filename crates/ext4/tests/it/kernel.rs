//! What the kernel says, where the tests may mount.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

use longshore_ext4::{Filesystem, Format, New};

use crate::{
    mount::{Loop, Mount},
    support::{
        FileDevice, MIB, NODES, assert_clean, content, directory, file, mode, noise, run, scratch,
    },
};

/// A tree with everything in it, on a new image.
pub(crate) fn build(image: &Path) -> Filesystem<FileDevice> {
    let device = FileDevice::create(image, 300 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let many = directory(&mut filesystem, root, "many");
    for n in 0..3000 {
        let name = format!("file-{n:05}");
        file(&mut filesystem, many, &name, name.as_bytes());
    }
    for n in (0..3000).step_by(7) {
        let name = format!("file-{n:05}");
        filesystem.unlink(many, name.as_bytes()).unwrap();
    }
    let data = file(&mut filesystem, root, "data", &noise(3, 10_000_001));
    filesystem.link(many, b"again", data).unwrap();
    let mut metadata = mode(0o6711);
    metadata.xattrs = vec![
        (b"security.capability".to_vec(), CAPABILITY.to_vec()),
        (b"user.name".to_vec(), b"value".to_vec()),
    ];
    filesystem.set_metadata(data, &metadata).unwrap();
    for (name, len) in [("link", 59), ("long", 4095)] {
        let target = vec![b'x'; len];
        filesystem
            .create(root, name.as_bytes(), New::Symlink(&target), &mode(0o777))
            .unwrap();
    }
    let mut metadata = mode(0o640);
    metadata.xattrs = vec![(b"system.posix_acl_access".to_vec(), ACL.to_vec())];
    for (name, new) in NODES {
        filesystem
            .create(root, name.as_bytes(), new, &metadata)
            .unwrap();
    }
    let size = 6 << 30;
    let comb = filesystem
        .create(root, b"comb", New::File { size }, &mode(0o600))
        .unwrap();
    for n in 0..1500 {
        filesystem.write(comb, n * 4_000_000, b"tooth").unwrap();
    }
    filesystem.commit().unwrap();
    filesystem
}

/// `cap_net_raw+ep`, revision 2.
pub(crate) const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// An ACL as `setxattr(2)` takes it: owner, user 1000, group, mask, others.
pub(crate) const ACL: &[u8] = b"\x02\0\0\0\
    \x01\0\x07\0\xff\xff\xff\xff\
    \x02\0\x05\0\xe8\x03\0\0\
    \x04\0\x05\0\xff\xff\xff\xff\
    \x10\0\x05\0\xff\xff\xff\xff\
    \x20\0\x05\0\xff\xff\xff\xff";

#[test]
fn the_kernel_reads_what_was_written() {
    let (_dir, image) = scratch();
    drop(build(&image));
    assert_clean(&image);
    let Some(mount) = Mount::new(&image, "ro") else {
        return;
    };
    let at = |name: &str| mount.at(name);
    let data = fs::symlink_metadata(at("data")).unwrap();
    assert_eq!(data.mode(), 0o106_711);
    assert_eq!((data.uid(), data.gid(), data.nlink()), (1000, 70_000, 2));
    assert_eq!(
        (data.mtime(), data.mtime_nsec()),
        (1_700_000_000, 123_456_789)
    );
    assert!(fs::read(at("data")).unwrap() == noise(3, 10_000_001));
    let again = fs::symlink_metadata(at("many/again")).unwrap();
    assert_eq!(again.ino(), data.ino());
    for (name, len) in [("link", 59), ("long", 4095)] {
        let target = fs::read_link(at(name)).unwrap();
        assert_eq!(target.as_os_str().len(), len);
    }
    let disk = fs::symlink_metadata(at("disk")).unwrap();
    assert!(disk.file_type().is_block_device());
    // makedev(300, 80000), as the C library does it.
    let rdev = (300 & 0xfff) << 8 | (80_000 & 0xff) | (80_000 & !0xff) << 12;
    assert_eq!(disk.rdev(), rdev);
    assert!(
        fs::symlink_metadata(at("pipe"))
            .unwrap()
            .file_type()
            .is_fifo()
    );
    assert!(
        fs::symlink_metadata(at("socket"))
            .unwrap()
            .file_type()
            .is_socket()
    );
    let names = fs::read_dir(at("many")).unwrap().count();
    assert_eq!(names, 3000 - 429 + 1);
    for n in (1..3000).step_by(7) {
        let name = format!("file-{n:05}");
        assert_eq!(fs::read(at("many").join(&name)).unwrap(), name.as_bytes());
    }
    let comb = fs::File::open(at("comb")).unwrap();
    assert_eq!(comb.metadata().unwrap().blocks(), (1500 + 5 + 1) * 8);
    let mut tooth = [0; 7];
    let mut check = |offset| {
        use std::os::unix::fs::FileExt;
        comb.read_exact_at(&mut tooth, offset).unwrap();
        assert_eq!(&tooth, b"\0tooth\0");
    };
    for n in 1..1500 {
        check(n * 4_000_000 - 1);
    }
    let xattrs = [
        ("security.capability", CAPABILITY),
        ("user.name", b"value"),
        ("system.posix_acl_access", ACL),
    ];
    for (name, value) in xattrs {
        let mut found = [0; 100];
        let path = at(if name.contains("acl") { "null" } else { "data" });
        let len = rustix::fs::lgetxattr(&path, name, &mut found[..]).unwrap();
        assert_eq!(&found[..len], value, "{name}");
    }
}

#[test]
fn the_kernel_writes_and_leaves_it_clean() {
    let (_dir, image) = scratch();
    drop(build(&image));
    {
        let Some(mount) = Mount::new(&image, "rw") else {
            return;
        };
        let at = |name: &str| mount.at(name);
        for n in 0..2000 {
            fs::write(at("many").join(format!("more-{n}")), b"more").unwrap();
        }
        fs::remove_file(at("data")).unwrap();
        fs::remove_file(at("comb")).unwrap();
        fs::create_dir(at("new")).unwrap();
        for n in 0..2000 {
            fs::write(at("new").join(format!("{n}")), noise(n, 3000)).unwrap();
        }
    }
    assert_clean(&image);
    // What the kernel added to a directory of ours is read back.
    let filesystem = Filesystem::open(FileDevice::open(&image)).unwrap();
    let many = filesystem
        .lookup(filesystem.root(), b"many")
        .unwrap()
        .unwrap();
    let names = filesystem.children(many).unwrap().len();
    assert_eq!(names, 3000 - 429 + 1 + 2000);
    let more = filesystem.lookup(many, b"more-7").unwrap().unwrap();
    assert_eq!(content(&filesystem, more), b"more");
}

/// The superblock and the journal's, a few times over; no inode table and no bitmap. What is not
/// marked as zeros a kernel writes some time later, so the marks are looked at themselves.
#[test]
fn a_first_mount_writes_next_to_nothing() {
    let (_dir, image) = scratch();
    drop(build(&image));
    let dump = run("dumpe2fs", &[image.to_str().unwrap()]).stdout;
    let dump = String::from_utf8_lossy(&dump);
    let groups = dump.lines().filter(|line| line.contains(": (Blocks "));
    let (zeroed, others): (Vec<_>, Vec<_>) =
        groups.partition(|line| line.contains("ITABLE_ZEROED"));
    assert_eq!((zeroed.len(), others), (3, vec![]));
    let Some(device) = Loop::new(&image) else {
        return;
    };
    let before = device.bytes_written();
    let Some(mount) = Mount::on(&device, "rw") else {
        return;
    };
    drop(mount);
    let written = device.bytes_written() - before;
    println!("a first mount writes {written} bytes");
    assert!(written > 0 && written <= 64 << 10, "{written}");
    drop(device);
    assert_clean(&image);
}
