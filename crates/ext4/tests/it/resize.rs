//! Made larger by others: offline, and under a running kernel.
//!
//! Nothing is reserved for it: resize2fs moves what is in the way of more descriptors, and a kernel
//! turns `meta_bg` on, so that they can stand elsewhere.

use std::{fs, path::Path};

use longshore_ext4::{Filesystem, Format, New};

use crate::{
    mount::{Loop, Mount},
    support::{FileDevice, MIB, assert_clean, debugfs, directory, file, mode, noise, run, scratch},
};

const DATA: usize = 5_000_000;
const NAMES: u32 = 2000;

fn build(image: &Path, size: u64) {
    let device = FileDevice::create(image, size);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    file(&mut filesystem, root, "data", &noise(2, DATA));
    let dir = directory(&mut filesystem, root, "dir");
    for n in 0..NAMES {
        let mut metadata = mode(0o600);
        metadata.xattrs = vec![(b"user.long".to_vec(), noise(n, 200))];
        filesystem
            .create(dir, format!("{n}").as_bytes(), New::Fifo, &metadata)
            .unwrap();
    }
    filesystem.commit().unwrap();
}

fn set_len(image: &Path, size: u64) {
    let file = fs::File::options().write(true).open(image).unwrap();
    file.set_len(size).unwrap();
}

fn assert_larger(image: &Path, size: u64) {
    assert_clean(image);
    let header = run("dumpe2fs", &["-h", image.to_str().unwrap()]).stdout;
    let header = String::from_utf8(header).unwrap();
    let count = header
        .lines()
        .find_map(|line| line.strip_prefix("Block count:"));
    assert_eq!(count.unwrap().trim(), (size / 4096).to_string());
    assert!(debugfs(image, "cat /data") == noise(2, DATA));
    let names = debugfs(image, "ls -p /dir");
    let names = String::from_utf8(names).unwrap();
    let names = names.lines().filter(|line| line.starts_with('/')).count();
    assert_eq!(names, NAMES as usize + 2);
}

/// Within a group, to more groups, and to more blocks of descriptors.
#[test]
fn resize2fs_makes_it_larger() {
    let (_dir, image) = scratch();
    build(&image, 100 * MIB);
    for size in [120 * MIB, 3 << 30, 12 << 30] {
        set_len(&image, size);
        let output = run("resize2fs", &["-f", image.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        assert_larger(&image, size);
    }
}

#[test]
fn what_resize2fs_made_larger_is_still_ours() {
    let (_dir, image) = scratch();
    build(&image, 100 * MIB);
    set_len(&image, 1 << 30);
    let output = run("resize2fs", &["-f", image.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let mut filesystem = Filesystem::open(FileDevice::open(&image)).unwrap();
    assert_eq!(filesystem.usage().blocks, (1 << 30) / 4096);
    let root = filesystem.root();
    file(&mut filesystem, root, "more", &noise(3, 150 << 20));
    filesystem.commit().unwrap();
    drop(filesystem);
    assert_larger(&image, 1 << 30);
}

/// What `resize2fs /dev/vda` does in a guest whose disk was enlarged. It asks for
/// `CAP_SYS_RESOURCE`, which even root need not have.
#[test]
fn a_running_kernel_makes_it_larger() {
    for (from, to) in [(100 * MIB, 5 << 30), (8 << 30, 20 << 30)] {
        let (_dir, image) = scratch();
        build(&image, from);
        let Some(device) = Loop::new(&image) else {
            return;
        };
        let Some(mount) = Mount::on(&device, "rw") else {
            return;
        };
        set_len(&image, to);
        device.resize();
        let output = run("resize2fs", &[device.device().to_str().unwrap()]);
        if String::from_utf8_lossy(&output.stderr).contains("Permission denied") {
            println!("skipped, this root may not resize: {output:?}");
            return;
        }
        assert!(output.status.success(), "{output:?}");
        fs::write(mount.at("more"), noise(3, 50 << 20)).unwrap();
        drop(mount);
        drop(device);
        assert_larger(&image, to);
    }
}
