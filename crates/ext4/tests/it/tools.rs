//! What debugfs and dumpe2fs say.

use std::{fs, path::Path};

use longshore_ext4::{Filesystem, Format, New};

use crate::kernel::ACL;
use crate::support::{
    FileDevice, MIB, assert_clean, debugfs, directory, file, mode, noise, run, scratch,
};

fn text(image: &Path, request: &str) -> String {
    String::from_utf8_lossy(&debugfs(image, request)).into_owned()
}

#[test]
fn debugfs_reads_what_was_written() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 64 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let content = noise(1, 1_234_567);
    let sub = directory(&mut filesystem, root, "sub");
    let inode = file(&mut filesystem, sub, "data", &content);
    let size = 40 << 20;
    let comb = filesystem
        .create(root, b"comb", New::File { size }, &mode(0o600))
        .unwrap();
    for n in 0..2000 {
        filesystem.write(comb, n * 20_000, b"tooth").unwrap();
    }
    let mut metadata = mode(0o4755);
    metadata.xattrs = vec![
        (b"system.posix_acl_access".to_vec(), ACL.to_vec()),
        (b"user.name".to_vec(), b"value".to_vec()),
    ];
    filesystem.set_metadata(inode, &metadata).unwrap();
    for (name, target) in [("fast", &b"sub/data"[..]), ("slow", &[b's'; 3000])] {
        filesystem
            .create(root, name.as_bytes(), New::Symlink(target), &mode(0o777))
            .unwrap();
    }
    let disk = New::BlockDevice {
        major: 259,
        minor: 70_000,
    };
    filesystem
        .create(root, b"disk", disk, &mode(0o660))
        .unwrap();
    filesystem.commit().unwrap();
    drop(filesystem);
    assert_clean(&image);

    assert!(debugfs(&image, "cat /sub/data") == content);
    assert_eq!(debugfs(&image, "cat /comb").len(), 40 << 20);
    let stat = text(&image, "stat /sub/data");
    for part in [
        "Type: regular    Mode:  04755",
        "User:  1000   Group: 70000",
        "Size: 1234567",
        "Links: 1",
        "mtime: 0x6553f100:1d6f3454",
        "ctime: 0x6553f100:1d6f3454",
        "atime: 0x6553f100:1d6f3454",
        "crtime: 0x6553f100:1d6f3454",
        "user.name (5) = \"value\"",
        "(0-301):",
    ] {
        assert!(stat.contains(part), "{part} in {stat}");
    }
    let dir = image.parent().unwrap();
    let value = dir.join("acl");
    let request = format!(
        "ea_get -f {} /sub/data system.posix_acl_access",
        value.to_str().unwrap()
    );
    debugfs(&image, &request);
    // Ids that mean nothing are zeros to debugfs.
    let acl: Vec<u8> = ACL
        .iter()
        .map(|byte| if *byte == 0xff { 0 } else { *byte })
        .collect();
    assert_eq!(fs::read(&value).unwrap(), acl);
    assert!(text(&image, "stat /fast").contains("Fast link dest: \"sub/data\""));
    assert!(debugfs(&image, "cat /slow") == [b's'; 3000]);
    assert!(text(&image, "stat /disk").contains("Device major/minor number: 259:70000"));
    let list = text(&image, "ls -p /");
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split('/').nth(5))
        .collect();
    assert_eq!(
        names,
        [
            ".",
            "..",
            "lost+found",
            "sub",
            "comb",
            "fast",
            "slow",
            "disk"
        ]
    );
}

#[test]
fn dumpe2fs_describes_a_default_volume() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, longshore_ext4::DEFAULT_SIZE);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    filesystem.set_uuid([0x11; 16]).unwrap();
    filesystem.commit().unwrap();
    let output = run("dumpe2fs", &[image.to_str().unwrap()]);
    let dump = String::from_utf8_lossy(&output.stdout);
    for line in [
        "Filesystem UUID:          11111111-1111-1111-1111-111111111111",
        "Filesystem features:      has_journal ext_attr dir_index filetype extent 64bit flex_bg \
         metadata_csum_seed sparse_super large_file huge_file dir_nlink extra_isize metadata_csum",
        "Filesystem state:         clean",
        "Inode count:              4194304",
        "Block count:              8388608",
        "Free inodes:              4194293",
        "Block size:               4096",
        "Inodes per group:         16384",
        "Flex block group size:    16",
        "Inode size:\t          256",
        "Required extra isize:     32",
        "Journal backup:           inode blocks",
        "Checksum seed:            0x676e6f6c",
        "Total journal size:       64M",
        "Directory Hash Seed:      6c6f6e67-7368-6f72-652d-667302000000",
        "Group 255: (Blocks 8355840-8388607) csum 0xdead [INODE_UNINIT, ITABLE_ZEROED]",
        "Group 2: (Blocks 65536-98303) csum 0xdead [INODE_UNINIT, BLOCK_UNINIT, ITABLE_ZEROED]",
    ] {
        let (start, end) = line.split_once("0xdead").unwrap_or((line, ""));
        assert!(
            dump.lines()
                .any(|found| found.starts_with(start) && found.ends_with(end)),
            "{line} in {dump:.4000}"
        );
    }
}

/// All that `dumpe2fs -h` tells of a small image, but for what depends on its version.
#[test]
fn dumpe2fs_tells_the_same_on_any_machine() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 64 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let dir = directory(&mut filesystem, root, "dir");
    file(&mut filesystem, dir, "file", &noise(1, 100_000));
    filesystem.commit().unwrap();
    drop(filesystem);
    let output = run("dumpe2fs", &["-h", image.to_str().unwrap()]);
    let found: String = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        // Not every version tells these.
        .filter(|line| {
            !line.starts_with("Fast commit") && !line.starts_with("Total journal blocks")
        })
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/dumpe2fs.txt");
    if std::env::var_os("LONGSHORE_TEST_BLESS").is_some() {
        fs::write(&golden, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(golden).unwrap());
}
