//! Small trees of everything there is, read back by ourselves and judged by e2fsck.

use longshore_ext4::{
    Device, Error, Filesystem, Format, Kind, MemoryDevice, Metadata, New, Permissions, Timestamp,
};

use crate::support::{
    FileDevice, MIB, assert_clean, assert_device_clean, bytes_in_use, content, directory, file,
    memory, mode, noise, scratch,
};

#[test]
fn an_empty_filesystem_of_every_size_is_clean() {
    for mib in [8, 9, 64, 127, 128, 129, 133, 500, 2048, 2049, 2060] {
        println!("{mib} MiB");
        assert_device_clean(memory(mib * MIB + 512).device());
    }
}

#[test]
fn a_default_volume_is_clean_and_takes_next_to_nothing() {
    use std::os::unix::fs::MetadataExt;
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, longshore_ext4::DEFAULT_SIZE);
    drop(Filesystem::make(device, &Format::default()).unwrap());
    let allocated = std::fs::metadata(&image).unwrap().blocks() * 512;
    assert!(allocated < 2 * MIB, "{allocated}");
    assert_clean(&image);
    let filesystem = Filesystem::open(FileDevice::open(&image)).unwrap();
    assert_eq!(filesystem.usage().inodes, 4 << 20);
}

#[test]
fn everything_that_is_stored_comes_back() {
    let mut filesystem = memory(64 * MIB);
    let root = filesystem.root();
    let big = noise(1, 3_000_001);
    let sub = directory(&mut filesystem, root, "sub");
    let data = file(&mut filesystem, sub, "data", &big);
    let nodes = [
        ("short", New::Symlink(b"data"), Kind::Symlink),
        ("fast", New::Symlink(&[b'f'; 59]), Kind::Symlink),
        ("slow", New::Symlink(&[b's'; 60]), Kind::Symlink),
        ("longest", New::Symlink(&[b'l'; 4095]), Kind::Symlink),
        (
            "null",
            New::CharDevice { major: 1, minor: 3 },
            Kind::CharDevice { major: 1, minor: 3 },
        ),
        (
            "disk",
            New::BlockDevice {
                major: 4095,
                minor: 1_048_575,
            },
            Kind::BlockDevice {
                major: 4095,
                minor: 1_048_575,
            },
        ),
        ("pipe", New::Fifo, Kind::Fifo),
        ("socket", New::Socket, Kind::Socket),
    ];
    for (name, new, _) in nodes {
        filesystem
            .create(sub, name.as_bytes(), new, &mode(0o7777))
            .unwrap();
    }
    let longest_name = [b'n'; 255];
    filesystem.link(root, &longest_name, data).unwrap();
    filesystem.commit().unwrap();
    let device = filesystem.into_device();
    assert_device_clean(&device);

    let filesystem = Filesystem::open(device).unwrap();
    let names: Vec<_> = filesystem.children(sub).unwrap();
    assert_eq!(names.len(), 9);
    assert_eq!(names[0].name, b"data");
    for (name, new, kind) in nodes {
        let inode = filesystem.lookup(sub, name.as_bytes()).unwrap().unwrap();
        let stat = filesystem.stat(inode).unwrap();
        assert_eq!(stat.kind, kind);
        assert_eq!(stat.permissions.bits(), 0o7777);
        assert_eq!((stat.uid, stat.gid, stat.links), (1000, 70_000, 1));
        assert_eq!(stat.mtime, mode(0).mtime);
        if let New::Symlink(target) = new {
            assert_eq!(filesystem.read_link(inode).unwrap(), target);
        }
    }
    let again = filesystem.lookup(root, &longest_name).unwrap();
    assert_eq!(again, Some(data));
    assert_eq!(filesystem.stat(data).unwrap().links, 2);
    assert_eq!(content(&filesystem, data), big);
    assert_eq!(filesystem.stat(root).unwrap().links, 4);
    assert_eq!(filesystem.lookup(root, b".").unwrap(), None);
    assert_eq!(filesystem.lookup(root, b"..").unwrap(), None);
}

#[test]
fn metadata_is_replaced_as_a_whole() {
    let mut filesystem = memory(16 * MIB);
    let root = filesystem.root();
    let inode = file(&mut filesystem, root, "file", b"content");
    let xattrs = vec![
        (b"security.capability".to_vec(), vec![1; 20]),
        (b"user.empty".to_vec(), Vec::new()),
    ];
    let metadata = Metadata {
        permissions: Permissions::new(0o4755).unwrap(),
        uid: u32::MAX - 1,
        gid: 0,
        mtime: Timestamp::new(Timestamp::MIN_SECS, 999_999_999).unwrap(),
        xattrs: xattrs.clone(),
    };
    filesystem.set_metadata(inode, &metadata).unwrap();
    filesystem.set_metadata(root, &mode(0o1777)).unwrap();
    filesystem.commit().unwrap();
    let device = filesystem.into_device();
    assert_device_clean(&device);
    let mut filesystem = Filesystem::open(device).unwrap();
    let stat = filesystem.stat(inode).unwrap();
    assert_eq!(stat.permissions, metadata.permissions);
    assert_eq!((stat.uid, stat.gid), (metadata.uid, 0));
    assert_eq!(stat.mtime, metadata.mtime);
    assert_eq!(filesystem.xattrs(inode).unwrap(), xattrs);
    assert_eq!(content(&filesystem, inode), b"content");
    filesystem.set_metadata(inode, &mode(0o600)).unwrap();
    assert_eq!(filesystem.xattrs(inode).unwrap(), []);
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
}

#[test]
fn holes_and_zeros_are_not_stored() {
    let mut filesystem = memory(64 * MIB);
    let root = filesystem.root();
    let before = filesystem.usage().free_blocks;
    let size = 5 << 30;
    let new = New::File { size };
    let sparse = filesystem
        .create(root, b"sparse", new, &mode(0o600))
        .unwrap();
    filesystem.write(sparse, 100, b"early").unwrap();
    filesystem.write(sparse, 8192, &[0; 1 << 20]).unwrap();
    filesystem.write(sparse, size - 4, b"last").unwrap();
    filesystem.close(sparse).unwrap();
    assert_eq!(before - filesystem.usage().free_blocks, 2);
    assert_eq!(filesystem.stat(sparse).unwrap().allocated, 8192);
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    let mut buf = [1; 10];
    assert_eq!(filesystem.read(sparse, 97, &mut buf).unwrap(), 10);
    assert_eq!(&buf, b"\0\0\0early\0\0");
    assert_eq!(filesystem.read(sparse, size - 6, &mut buf).unwrap(), 6);
    assert_eq!(&buf[..6], b"\0\0last");
    assert_eq!(filesystem.read(sparse, size, &mut buf).unwrap(), 0);
    assert_eq!(filesystem.read(sparse, u64::MAX, &mut buf).unwrap(), 0);
}

#[test]
fn a_file_of_many_pieces_has_a_tree_of_extents() {
    let mut filesystem = memory(128 * MIB);
    let root = filesystem.root();
    // Every other block: 5000 extents, 15 leaves, one more level than the root holds.
    let pieces = 5000u64;
    let new = New::File {
        size: pieces * 8192,
    };
    let inode = filesystem.create(root, b"comb", new, &mode(0o600)).unwrap();
    for piece in 0..pieces {
        filesystem
            .write(inode, piece * 8192, &(piece + 1).to_be_bytes())
            .unwrap();
    }
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    let allocated = filesystem.stat(inode).unwrap().allocated / 4096;
    assert_eq!(allocated, pieces + 15 + 1);
    let mut buf = [0; 8];
    for piece in (0..pieces).rev() {
        filesystem.read(inode, piece * 8192, &mut buf).unwrap();
        assert_eq!(buf, (piece + 1).to_be_bytes());
    }
    let free = filesystem.usage().free_blocks;
    filesystem.unlink(root, b"comb").unwrap();
    assert_eq!(filesystem.usage().free_blocks, free + allocated);
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
}

#[test]
fn what_was_removed_leaves_room_and_no_trace() {
    let mut filesystem = memory(32 * MIB);
    let root = filesystem.root();
    let before = filesystem.usage();
    let dir = directory(&mut filesystem, root, "dir");
    let secret = [0xaa; 20_000];
    let inode = file(&mut filesystem, dir, "secret", &secret);
    filesystem.link(root, b"other", inode).unwrap();
    filesystem.commit().unwrap();
    assert!(matches!(
        filesystem.unlink(root, b"dir"),
        Err(Error::NotEmpty { .. })
    ));
    filesystem.unlink(dir, b"secret").unwrap();
    assert_eq!(content(&filesystem, inode), secret);
    filesystem.unlink(root, b"other").unwrap();
    filesystem.unlink(root, b"dir").unwrap();
    assert_eq!(filesystem.usage(), before);
    assert!(matches!(
        filesystem.stat(inode),
        Err(Error::NoSuchInode { .. })
    ));
    // Blocks that held the secret are used again; their ends and holes are zeros.
    let again = file(&mut filesystem, root, "again", b"short");
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    let stored = bytes_in_use(&filesystem);
    assert!(!stored.windows(16).any(|window| window == [0xaa; 16]));
    assert_eq!(content(&filesystem, again), b"short");
}

#[test]
fn used_extents_are_all_that_is_not_zero() {
    let mut filesystem = memory(300 * MIB);
    let root = filesystem.root();
    for n in 0..100 {
        file(&mut filesystem, root, &format!("file{n}"), &noise(n, 9000));
    }
    filesystem.commit().unwrap();
    let used: Vec<_> = filesystem.used_extents().collect();
    assert!(used.windows(2).all(|pair| pair[0].end < pair[1].start));
    let len: u64 = used.iter().map(|range| range.end - range.start).sum();
    assert!(len < 2 * MIB, "{len}");
    let device = filesystem.device();
    let outside = device
        .written_pages()
        .filter(|page| !used.iter().any(|range| range.contains(page)));
    assert_eq!(outside.collect::<Vec<_>>(), []);
}

#[test]
fn the_uuid_stands_in_the_superblocks_only() {
    let mut filesystem = memory(300 * MIB);
    let root = filesystem.root();
    file(&mut filesystem, root, "file", b"content");
    filesystem.commit().unwrap();
    let before = filesystem.device().clone();
    filesystem.set_uuid(*b"0123456789abcdef").unwrap();
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    let device = filesystem.into_device();
    let changed = changed_pages(&before, &device);
    assert_eq!(changed, [0, 128 * MIB]);
    assert_eq!(
        Filesystem::open(device).unwrap().uuid(),
        *b"0123456789abcdef"
    );
}

fn changed_pages(left: &MemoryDevice, right: &MemoryDevice) -> Vec<u64> {
    right
        .written_pages()
        .filter(|page| {
            let (mut a, mut b) = (vec![0; 4096], vec![0; 4096]);
            left.read_at(*page, &mut a).unwrap();
            right.read_at(*page, &mut b).unwrap();
            a != b
        })
        .collect()
}
