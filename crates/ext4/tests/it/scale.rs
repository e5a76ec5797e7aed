//! Many of everything: nothing may take time that grows with the square.

use longshore_ext4::{Filesystem, Format, New};

use crate::support::{FileDevice, assert_clean, directory, file, is_soak, mode, noise, scratch};

#[test]
fn many_names_that_are_replaced_and_many_small_files() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, longshore_ext4::DEFAULT_SIZE);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let big = directory(&mut filesystem, root, "big");
    let plain = mode(0o600);
    for n in 0..30_000 {
        let name = format!("entry-{n}");
        filesystem
            .create(big, name.as_bytes(), New::Fifo, &plain)
            .unwrap();
    }
    let content = noise(1, 1024);
    for n in 0..40 {
        let dir = directory(&mut filesystem, root, &format!("dir-{n}"));
        for m in 0..500 {
            file(&mut filesystem, dir, &format!("file-{m}"), &content);
        }
    }
    filesystem.commit().unwrap();
    drop(filesystem);

    let mut filesystem = Filesystem::open(FileDevice::open(&image)).unwrap();
    for n in (0..30_000).step_by(5) {
        let name = format!("entry-{n}");
        filesystem.unlink(big, name.as_bytes()).unwrap();
        let name = format!("replaced-{n}");
        filesystem
            .create(big, name.as_bytes(), New::Fifo, &plain)
            .unwrap();
    }
    filesystem.commit().unwrap();
    assert_eq!(filesystem.children(big).unwrap().len(), 30_000);
    assert_clean(&image);
}

/// More than any distribution has. The whole number takes minutes where the tests are not
/// optimised, so it is for the long form only.
#[test]
fn two_million_inodes() {
    let count: u32 = if is_soak() { 2_000_000 } else { 60_000 };
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, longshore_ext4::DEFAULT_SIZE);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let plain = mode(0o644);
    let mut dir = root;
    for n in 0..count {
        if n % 2000 == 0 {
            dir = directory(&mut filesystem, root, &format!("directory-{n}"));
        }
        let new = if n % 10 == 0 {
            New::Symlink(b"../somewhere/else")
        } else {
            New::File { size: 0 }
        };
        filesystem
            .create(
                dir,
                format!("a-name-as-they-are-{n}").as_bytes(),
                new,
                &plain,
            )
            .unwrap();
    }
    filesystem.commit().unwrap();
    let usage = filesystem.usage();
    assert_eq!(usage.inodes - usage.free_inodes, 11 + count + count / 2000);
    drop(filesystem);
    assert_clean(&image);
    let mut filesystem = Filesystem::open(FileDevice::open(&image)).unwrap();
    assert_eq!(filesystem.usage(), usage);
    let last = format!("a-name-as-they-are-{}", count - 1);
    filesystem.unlink(dir, last.as_bytes()).unwrap();
    filesystem.commit().unwrap();
}
