//! What is refused, and that nothing changes by it; what is full, and how many there may be.

use longshore_ext4::{Device, Error, MemoryDevice, Metadata, New};

use crate::support::{MIB, assert_device_clean, content, directory, file, memory, mode, noise};

#[test]
fn requests_that_cannot_be_met_change_nothing() {
    let mut filesystem = memory(16 * MIB);
    let root = filesystem.root();
    let taken = file(&mut filesystem, root, "taken", b"x");
    let dir = directory(&mut filesystem, root, "dir");
    filesystem.commit().unwrap();
    let before = filesystem.device().clone();
    let fifo = New::Fifo;
    let plain = mode(0o644);
    let mut create = |dir, name: &[u8], new, metadata: &Metadata| {
        filesystem.create(dir, name, new, metadata).unwrap_err()
    };
    assert!(matches!(
        create(root, b"taken", fifo, &plain),
        Error::AlreadyExists { .. }
    ));
    assert!(matches!(
        create(root, &[b'x'; 256], fifo, &plain),
        Error::NameTooLong { len: 256 }
    ));
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0b"] {
        assert!(matches!(
            create(root, name, fifo, &plain),
            Error::InvalidName { .. }
        ));
    }
    assert!(matches!(
        create(taken, b"x", fifo, &plain),
        Error::WrongKind { .. }
    ));
    for target in [&b""[..], b"a\0b", &[b'x'; 4096]] {
        assert!(matches!(
            create(root, b"link", New::Symlink(target), &plain),
            Error::SymlinkTarget { .. }
        ));
    }
    let size = 16 << 40;
    assert!(matches!(
        create(root, b"huge", New::File { size }, &plain),
        Error::FileTooLarge { .. }
    ));
    let device = New::CharDevice {
        major: 0,
        minor: 1 << 20,
    };
    assert!(matches!(
        create(root, b"device", device, &plain),
        Error::DeviceNumber { .. }
    ));
    let metadata = Metadata {
        xattrs: vec![(b"user.x".to_vec(), vec![0; 4041])],
        ..plain
    };
    assert!(matches!(
        create(root, b"xattrs", fifo, &metadata),
        Error::XattrsDoNotFit { .. }
    ));
    assert!(matches!(
        filesystem.set_metadata(taken, &metadata),
        Err(Error::XattrsDoNotFit { .. })
    ));
    assert!(matches!(
        filesystem.link(root, b"again", dir),
        Err(Error::IsADirectory { .. })
    ));
    assert!(matches!(
        filesystem.unlink(root, b"nothing"),
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        filesystem.write(taken, 0, b"x"),
        Err(Error::NotOpen { .. })
    ));
    assert!(matches!(filesystem.set_uuid([0; 16]), Err(Error::NullUuid)));
    filesystem.commit().unwrap();
    assert_same_pages(&before, filesystem.device());
}

fn assert_same_pages(left: &MemoryDevice, right: &MemoryDevice) {
    let pages: Vec<u64> = left.written_pages().collect();
    assert_eq!(pages, right.written_pages().collect::<Vec<_>>());
    for page in pages {
        let (mut a, mut b) = (vec![0; 4096], vec![0; 4096]);
        left.read_at(page, &mut a).unwrap();
        right.read_at(page, &mut b).unwrap();
        assert!(a == b, "page at {page}");
    }
}

#[test]
fn an_open_file_takes_ascending_writes_within_its_size() {
    let mut filesystem = memory(16 * MIB);
    let root = filesystem.root();
    let new = New::File { size: 10 };
    let inode = filesystem.create(root, b"file", new, &mode(0o600)).unwrap();
    filesystem.write(inode, 2, b"ab").unwrap();
    assert!(matches!(
        filesystem.write(inode, 3, b"c"),
        Err(Error::NotAscending { written: 4, .. })
    ));
    assert!(matches!(
        filesystem.write(inode, 9, b"cd"),
        Err(Error::PastEnd { end: 11, .. })
    ));
    assert!(matches!(
        filesystem.read(inode, 0, &mut [0]),
        Err(Error::StillOpen { .. })
    ));
    filesystem.write(inode, 9, b"z").unwrap();
    filesystem.close(inode).unwrap();
    filesystem.close(inode).unwrap();
    assert_eq!(content(&filesystem, inode), b"\0\0ab\0\0\0\0\0z");
    assert!(filesystem.write(inode, 10, b"").is_err());
    // A file removed while it is open is gone.
    let new = New::File { size: 8192 };
    let inode = filesystem.create(root, b"gone", new, &mode(0o600)).unwrap();
    filesystem.write(inode, 0, &[1; 5000]).unwrap();
    filesystem.unlink(root, b"gone").unwrap();
    assert!(filesystem.write(inode, 5000, b"x").is_err());
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
}

#[test]
fn a_full_filesystem_says_so_and_takes_no_more() {
    let mut filesystem = memory(8 * MIB);
    let root = filesystem.root();
    let new = New::File { size: 8 * MIB };
    let inode = filesystem.create(root, b"big", new, &mode(0o600)).unwrap();
    let written = filesystem.write(inode, 0, &noise(3, 8 << 20));
    assert!(matches!(written, Err(Error::NoSpace)), "{written:?}");
    assert!(matches!(filesystem.commit(), Err(Error::Poisoned)));
    assert!(matches!(
        filesystem.create(root, b"x", New::Fifo, &mode(0o600)),
        Err(Error::Poisoned)
    ));

    let mut filesystem = memory(8 * MIB);
    let inodes = filesystem.usage().free_inodes;
    for n in 0..inodes {
        filesystem
            .create(root, format!("{n}").as_bytes(), New::Fifo, &mode(0o600))
            .unwrap();
    }
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    assert!(matches!(
        filesystem.create(root, b"one more", New::Fifo, &mode(0o600)),
        Err(Error::NoInodes)
    ));
}

#[test]
fn an_inode_has_up_to_65000_links() {
    let mut filesystem = memory(64 * MIB);
    let root = filesystem.root();
    let inode = file(&mut filesystem, root, "link0", b"shared");
    for n in 1..65_000 {
        filesystem
            .link(root, format!("link{n}").as_bytes(), inode)
            .unwrap();
    }
    assert!(matches!(
        filesystem.link(root, b"one more", inode),
        Err(Error::TooManyLinks { .. })
    ));
    filesystem.commit().unwrap();
    assert_device_clean(filesystem.device());
    assert_eq!(filesystem.stat(inode).unwrap().links, 65_000);
}
