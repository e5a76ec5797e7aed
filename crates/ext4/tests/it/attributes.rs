//! Extended attributes of every size, in inodes and in blocks of their own.

use std::ffi::CString;

use longshore_ext4::{Device, Error, Filesystem, Format, InodeNumber, New, Xattrs};

use crate::{
    kernel::{ACL, CAPABILITY},
    mount::Mount,
    support::{
        FileDevice, MIB, assert_clean, assert_device_clean, bytes_in_use, content, debugfs,
        directory, file, memory, mode, noise, scratch,
    },
};

fn xattr(name: &str, value: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (name.as_bytes().to_vec(), value.to_vec())
}

/// An ACL as `setxattr(2)` takes it, of that many named users: 8 bytes each.
fn acl(users: u32) -> Vec<u8> {
    let mut acl = ACL[..12].to_vec();
    for user in 0..users {
        acl.extend(b"\x02\0\x05\0");
        acl.extend((1000 + user).to_le_bytes());
    }
    acl.extend(&ACL[20..]);
    acl
}

/// What goes into the inode, into a block, and into both.
fn sets() -> Vec<Xattrs> {
    vec![
        vec![xattr("security.capability", CAPABILITY)],
        vec![xattr("user.long", &noise(1, 4000))],
        vec![
            xattr("security.capability", CAPABILITY),
            xattr("system.posix_acl_access", &acl(100)),
            xattr("user.empty", b""),
        ],
        vec![
            xattr("system.posix_acl_access", ACL),
            xattr("trusted.overlay.opaque", &noise(9, 90)),
            xattr("user.mime_type", b"text/plain"),
        ],
        (0..100)
            .map(|n| xattr(&format!("user.{n:0>3}"), &noise(n, n as usize % 30)))
            .collect(),
    ]
}

/// An inode of each kind with each set, below `all`.
fn build<D: Device>(filesystem: &mut Filesystem<D>) -> Vec<(String, InodeNumber, Xattrs)> {
    let root = filesystem.root();
    let all = directory(filesystem, root, "all");
    let kinds = [
        ("file", New::File { size: 1000 }),
        ("dir", New::Directory),
        ("fast", New::Symlink(b"target")),
        ("slow", New::Symlink(&[b's'; 1000])),
        ("device", New::BlockDevice { major: 8, minor: 1 }),
        ("pipe", New::Fifo),
    ];
    let mut made = Vec::new();
    for (nth, xattrs) in sets().into_iter().enumerate() {
        for (name, new) in kinds {
            let user = |(name, _): &(Vec<u8>, Vec<u8>)| {
                name.starts_with(b"user.") || name.starts_with(b"system.")
            };
            let mut metadata = mode(0o750);
            metadata.xattrs = xattrs.clone();
            // A kernel has no such attributes on others.
            if !matches!(new, New::File { .. } | New::Directory) {
                metadata.xattrs.retain(|xattr| !user(xattr));
            }
            let name = format!("{name}{nth}");
            let inode = filesystem
                .create(all, name.as_bytes(), new, &metadata)
                .unwrap();
            if matches!(new, New::File { .. }) {
                filesystem.write(inode, 0, b"content").unwrap();
            }
            made.push((name, inode, metadata.xattrs));
        }
    }
    made
}

#[test]
fn attributes_of_every_kind_of_inode_come_back() {
    let mut filesystem = memory(64 * MIB);
    let before = filesystem.usage();
    let made = build(&mut filesystem);
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    let mut filesystem = Filesystem::open(filesystem.into_device()).unwrap();
    for (name, inode, xattrs) in &made {
        assert_eq!(filesystem.xattrs(*inode).unwrap(), *xattrs, "{name}");
    }
    // The first set has no block, the second one has; others count it.
    let allocated = |nth: usize| filesystem.stat(made[nth].1).unwrap().allocated;
    assert_eq!([allocated(0), allocated(1), allocated(2)], [4096, 4096, 0]);
    assert_eq!([allocated(6), allocated(7), allocated(8)], [8192, 8192, 0]);
    let root = filesystem.root();
    let all = filesystem.lookup(root, b"all").unwrap().unwrap();
    for (name, _, _) in &made {
        filesystem.unlink(all, name.as_bytes()).unwrap();
    }
    filesystem.unlink(root, b"all").unwrap();
    assert_eq!(filesystem.usage(), before);
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
}

#[test]
fn attributes_move_in_and_out_of_the_block() {
    let mut filesystem = memory(16 * MIB);
    let root = filesystem.root();
    let inode = file(&mut filesystem, root, "file", b"content");
    let free = filesystem.usage().free_blocks;
    let mut metadata = mode(0o644);
    let sizes = [0, 10, 200, 4000, 64, 65, 4036, 0, 300, 20];
    for (round, len) in (0..).zip(sizes) {
        metadata.xattrs = vec![xattr("user.abcd", &noise(round, len))];
        filesystem.set_metadata(inode, &metadata).unwrap();
        assert_eq!(filesystem.xattrs(inode).unwrap(), metadata.xattrs);
        // 68 bytes go into the inode with that name.
        let block = u64::from(len > 68);
        assert_eq!(filesystem.usage().free_blocks, free - block, "{len}");
        let allocated = filesystem.stat(inode).unwrap().allocated;
        assert_eq!(allocated, (1 + block) * 4096);
        filesystem.commit().unwrap();
        assert_device_clean(filesystem.device());
    }
    metadata.xattrs = vec![xattr("user.abcd", &noise(1, 4041))];
    assert!(matches!(
        filesystem.set_metadata(inode, &metadata),
        Err(Error::XattrsDoNotFit {
            needed: 4064,
            available: 4060
        })
    ));
    assert_eq!(content(&filesystem, inode), b"content");
    filesystem.commit().unwrap();
}

/// Whatever a block was before: content, names, other attributes.
#[test]
fn a_block_that_is_used_again_shows_nothing_of_what_it_was() {
    let mut filesystem = memory(16 * MIB);
    let root = filesystem.root();
    let secret = [0xaa; 32];
    let mut metadata = mode(0o644);
    for round in 0..3 {
        metadata.xattrs = vec![xattr("user.secret", &secret.repeat(100))];
        let name = [&b"name"[..], &secret.repeat(7)].concat();
        for n in 0..40 {
            let name = [&name[..], &[b'a' + n]].concat();
            filesystem
                .create(root, &name, New::Fifo, &metadata)
                .unwrap();
        }
        file(&mut filesystem, root, "secret", &secret.repeat(5000));
        let target = secret.repeat(100);
        filesystem
            .create(root, b"link", New::Symlink(&target), &mode(0o777))
            .unwrap();
        filesystem.commit().unwrap();
        let stored = bytes_in_use(&filesystem);
        assert!(stored.windows(32).any(|window| window == secret));
        for child in filesystem.children(root).unwrap() {
            if child.name != b"lost+found" {
                filesystem.unlink(root, &child.name).unwrap();
            }
        }
        // As many blocks again, each with little in it.
        metadata.xattrs = vec![xattr("user.plain", &[7; 90])];
        for n in 0..100 {
            let new = New::Symlink(&[b't'; 100]);
            let name = format!("plain-{round}-{n}");
            filesystem
                .create(root, name.as_bytes(), new, &metadata)
                .unwrap();
            file(&mut filesystem, root, &format!("file-{round}-{n}"), b"x");
        }
        filesystem.commit().unwrap();
        let stored = bytes_in_use(&filesystem);
        assert!(!stored.windows(32).any(|window| window == secret));
        assert_device_clean(filesystem.device());
        for child in filesystem.children(root).unwrap() {
            if child.name != b"lost+found" {
                filesystem.unlink(root, &child.name).unwrap();
            }
        }
    }
}

#[test]
fn debugfs_reads_both_places() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 64 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let made = build(&mut filesystem);
    filesystem.commit().unwrap();
    drop(filesystem);
    assert_clean(&image);
    for (name, _, xattrs) in made {
        let list = debugfs(&image, &format!("ea_list /all/{name}"));
        let list = String::from_utf8_lossy(&list).into_owned();
        let count = list.lines().filter(|line| line.starts_with("  ")).count();
        assert_eq!(count, xattrs.len(), "{name} in {list}");
        for (key, value) in xattrs {
            let key = String::from_utf8(key).unwrap();
            if !key.contains("acl") {
                let line = format!("  {key} ({})", value.len());
                assert!(list.contains(&line), "{line} in {list}");
            }
        }
    }
}

fn get(path: &std::path::Path, name: &[u8]) -> Vec<u8> {
    let mut found = [0; 5000];
    let name = CString::new(name).unwrap();
    let len = rustix::fs::lgetxattr(path, &name, &mut found[..])
        .unwrap_or_else(|error| panic!("{name:?} of {}: {error}", path.display()));
    found[..len].to_vec()
}

#[test]
fn the_kernel_reads_both_places() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 64 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let made = build(&mut filesystem);
    filesystem.commit().unwrap();
    drop(filesystem);
    let Some(mount) = Mount::new(&image, "ro") else {
        return;
    };
    for (name, _, xattrs) in made {
        let path = mount.at("all").join(&name);
        let mut list = [0; 10_000];
        let len = rustix::fs::llistxattr(&path, &mut list[..]).unwrap();
        let mut names: Vec<Vec<u8>> = list[..len]
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        names.sort();
        let expected: Vec<Vec<u8>> = xattrs.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, expected, "{name}");
        for (key, value) in xattrs {
            assert_eq!(get(&path, &key), value, "{name}");
        }
    }
}

/// A kernel lets inodes with the same attributes share a block.
#[test]
fn blocks_that_a_kernel_shares_are_counted_down() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 64 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let mut metadata = mode(0o644);
    metadata.xattrs = vec![xattr("user.own", &noise(2, 300))];
    let ours = file(&mut filesystem, root, "ours", b"ours");
    filesystem.set_metadata(ours, &metadata).unwrap();
    for name in ["a", "b", "c"] {
        file(&mut filesystem, root, name, name.as_bytes());
    }
    filesystem.commit().unwrap();
    drop(filesystem);
    let value = noise(1, 1000);
    {
        let Some(mount) = Mount::new(&image, "rw") else {
            return;
        };
        let set = |file: &str, name: &str, value: &[u8]| {
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::lsetxattr(mount.at(file), name, value, flags).unwrap();
        };
        // The kernel finds our block by its hash, and shares it.
        assert_eq!(get(&mount.at("ours"), b"user.own"), noise(2, 300));
        set("a", "user.own", &noise(2, 300));
        set("b", "user.shared", &value);
        set("c", "user.shared", &value);
    }
    assert_clean(&image);
    let shared = String::from_utf8(debugfs(&image, "stat /c")).unwrap();
    let block = |stat: &str| {
        let (_, rest) = stat.split_once("File ACL: ").unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let of =
        |name: &str| block(&String::from_utf8(debugfs(&image, &format!("stat /{name}"))).unwrap());
    assert_eq!(of("b"), block(&shared));
    assert_eq!(of("a"), of("ours"), "the hash is not the kernel's");

    let mut filesystem = Filesystem::open(FileDevice::open(&image)).unwrap();
    let inode = |filesystem: &Filesystem<FileDevice>, name: &[u8]| {
        filesystem.lookup(root, name).unwrap().unwrap()
    };
    let (b, c) = (inode(&filesystem, b"b"), inode(&filesystem, b"c"));
    let expected = [xattr("user.shared", &value)];
    assert_eq!(filesystem.xattrs(b).unwrap(), expected);
    let mut metadata = mode(0o600);
    metadata.xattrs = vec![xattr("user.other", &[1; 500])];
    filesystem.set_metadata(b, &metadata).unwrap();
    assert_eq!(filesystem.xattrs(c).unwrap(), expected);
    filesystem.unlink(root, b"ours").unwrap();
    filesystem.commit().unwrap();
    assert_clean(&image);
    filesystem.unlink(root, b"c").unwrap();
    filesystem.unlink(root, b"a").unwrap();
    filesystem.commit().unwrap();
    assert_eq!(filesystem.xattrs(b).unwrap(), metadata.xattrs);
    drop(filesystem);
    assert_clean(&image);
}
