//! Many of everything: nothing may take time that grows with the square.

use longshore_ext4::{Filesystem, Format, New};

use crate::support::{FileDevice, assert_clean, directory, file, mode, noise, scratch};

#[test]
fn a_directory_of_100000_entries_and_many_small_files() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, longshore_ext4::DEFAULT_SIZE);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let big = directory(&mut filesystem, root, "big");
    let plain = mode(0o600);
    for n in 0..100_000 {
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
    for n in (0..100_000).step_by(5) {
        let name = format!("entry-{n}");
        filesystem.unlink(big, name.as_bytes()).unwrap();
        let name = format!("replaced-{n}");
        filesystem
            .create(big, name.as_bytes(), New::Fifo, &plain)
            .unwrap();
    }
    filesystem.commit().unwrap();
    assert_eq!(filesystem.children(big).unwrap().len(), 100_000);
    assert_clean(&image);
}
