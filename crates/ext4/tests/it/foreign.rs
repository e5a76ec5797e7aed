//! Filesystems that other tools made, with each feature there is: the reader against the kernel
//! where it can be asked, and against the tree that was copied where not.

use std::{fs, path::Path};

use longshore_ext4::{Error, Follow, Open, ReadAt, Reader};

use crate::{
    listing::{Listing, assert_equal, by_kernel, by_reader},
    mount::Mount,
    population::{Wanted, populate},
    support::{FileDevice, assert_clean, run, scratch},
};

/// A way to make a filesystem, and what cannot be kept in it.
struct Make {
    options: &'static str,
    wanted: Wanted,
    /// Whether a kernel with small pages mounts it.
    mounts: bool,
}

const fn make(options: &'static str, longest_xattr: usize, fine_times: bool) -> Make {
    Make {
        options,
        wanted: Wanted {
            longest_xattr,
            fine_times,
        },
        mounts: true,
    }
}

fn open(image: &Path) -> Reader<FileDevice> {
    Reader::open(FileDevice::open(image), Open::default()).unwrap()
}

fn portable(listing: &Listing) -> Listing {
    listing
        .iter()
        .filter(|(path, _)| !path.is_empty() && *path != "lost+found")
        .map(|(path, node)| (path.clone(), node.portable()))
        .collect()
}

/// Makes the filesystem, fills it by mke2fs and then by the kernel, and compares all of it.
fn check(make: &Make) {
    let (dir, image) = scratch();
    let source = dir.path().join("source");
    fs::create_dir(&source).unwrap();
    let few = make.wanted.longest_xattr.min(700);
    populate(
        &source,
        Wanted {
            longest_xattr: few,
            ..make.wanted
        },
    );
    fs::File::create(&image)
        .unwrap()
        .set_len(256 << 20)
        .unwrap();
    let mut args: Vec<&str> = "-q -F -N 8192 -L label -U 6c6f6e67-7368-6f72-652d-666f72656967"
        .split(' ')
        .chain(make.options.split(' '))
        .collect();
    args.extend(["-d", source.to_str().unwrap(), image.to_str().unwrap()]);
    let output = run("mke2fs", &args);
    assert!(output.status.success(), "{}: {output:?}", make.options);
    let reader = open(&image);
    assert_eq!(reader.label(), b"label");
    assert_eq!(reader.uuid(), *b"longshore-foreig");
    let found = portable(&by_reader(&reader));
    assert_equal(make.options, &found, &portable(&by_kernel(&source)));
    check_paths(&reader);
    if !make.mounts {
        return;
    }
    {
        let Some(mount) = Mount::if_known(&image, "rw") else {
            return;
        };
        let below = mount.at("").join("by the kernel");
        fs::create_dir(&below).unwrap();
        populate(&below, make.wanted);
        unwritten(&below);
    }
    assert_clean(&image);
    let mut found = by_reader(&open(&image));
    let mount = Mount::new(&image, "ro").unwrap();
    let mut expected = by_kernel(&mount.at(""));
    if make.options.contains("inline_data") {
        // The kernel counts sectors for content that takes none, for the sake of tar.
        let nodes = found.values_mut().chain(expected.values_mut());
        nodes.for_each(|node| node.allocated = 0);
    }
    assert_equal(make.options, &found, &expected);
}

/// Room that was allocated and not written, and a file that has lost its middle.
fn unwritten(root: &Path) {
    use rustix::fs::FallocateFlags;
    use std::os::unix::fs::FileExt;
    let file = fs::File::create(root.join("unwritten")).unwrap();
    // Maps of blocks have no way to say it.
    if rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, 1 << 20).is_ok() {
        file.write_all_at(b"written", 300_000).unwrap();
        file.set_len((1 << 20) - 77).unwrap();
    }
    let file = fs::File::options()
        .write(true)
        .open(root.join("file-3000001"))
        .unwrap();
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let _ = rustix::fs::fallocate(&file, punch, 65536, 1 << 20);
}

fn check_paths<D: ReadAt>(reader: &Reader<D>) {
    let lead = |path: &str| reader.resolve(path.as_bytes(), Follow::Last);
    let file = lead("file-100").unwrap();
    for path in [
        "/file-100",
        "//many///again",
        "many/../again",
        "../../file-100",
        "absolute",
        "upwards",
        "deep/0/1/../../../absolute",
    ] {
        assert_eq!(lead(path).unwrap(), file, "{path}");
    }
    for path in ["", "/", ".", "..", "many/.."] {
        assert_eq!(lead(path).unwrap(), reader.root(), "{path}");
    }
    assert!(matches!(
        lead("loop"),
        Err(Error::TooManySymlinks { max: 40 })
    ));
    assert!(matches!(lead("link-1"), Err(Error::NotFound { .. })));
    assert!(matches!(lead("file-100/"), Err(Error::WrongKind { .. })));
    assert!(matches!(lead("file-100/x"), Err(Error::WrongKind { .. })));
    assert!(matches!(lead("many/none"), Err(Error::NotFound { .. })));
    let link = reader.resolve(b"absolute", Follow::NotLast).unwrap();
    assert_eq!(reader.read_link(link).unwrap(), b"/file-100");
    assert!(reader.resolve(b"absolute/", Follow::NotLast).is_err());
}

/// Every way that mke2fs knows, near enough. One test for each, so that they run at once.
macro_rules! made_with {
    ($($name:ident: $make:expr;)*) => {
        $(#[test]
        fn $name() {
            check(&$make);
        })*
    };
}

#[test]
fn our_own_are_read_too() {
    let (_dir, image) = scratch();
    drop(crate::kernel::build(&image));
    let found = by_reader(&open(&image));
    assert!(found.len() > 2500);
    let Some(mount) = Mount::new(&image, "ro") else {
        return;
    };
    assert_equal("ours", &found, &by_kernel(&mount.at("")));
}

made_with! {
    ext2_of_1k: make("-t ext2 -b 1024 -I 128", 700, false);
    ext2_of_2k: make("-t ext2 -b 2048 -I 256", 1500, true);
    ext2_without_kinds: make("-t ext2 -b 4096 -I 128 -O ^filetype,^dir_index", 3000, false);
    ext2_without_features: make("-t ext2 -b 1024 -I 128 -O none", 0, false);
    ext3_of_1k: make("-t ext3 -b 1024 -I 256", 700, true);
    ext3_of_4k: make("-t ext3 -b 4096 -I 128", 3000, false);
    ext4_plain: make("-t ext4 -b 4096", 3000, true);
    ext4_of_1k: make("-t ext4 -b 1024 -I 128 -O 64bit,metadata_csum", 700, false);
    ext4_of_2k: make("-t ext4 -b 2048 -I 512 -O ^64bit,metadata_csum,metadata_csum_seed", 1500, true);
    ext4_of_64k: Make { mounts: false, ..make("-t ext4 -b 65536 -O ^has_journal", 3000, true) };
    ext4_with_gdt_csum: make("-t ext4 -b 4096 -O ^metadata_csum,uninit_bg,^64bit", 3000, true);
    ext4_with_gdt_csum_of_64_bits: make("-t ext4 -b 1024 -O ^metadata_csum,uninit_bg,64bit", 700, true);
    ext4_without_checksums: make("-t ext4 -b 1024 -O ^metadata_csum,^uninit_bg", 700, true);
    ext4_with_meta_bg: make("-t ext4 -b 1024 -O meta_bg,^resize_inode", 700, true);
    ext4_with_meta_bg_of_small_groups: make("-t ext4 -b 1024 -g 512 -O meta_bg,^resize_inode,^flex_bg", 700, true);
    ext4_with_two_superblocks: make("-t ext4 -b 1024 -O sparse_super2,meta_bg,^resize_inode", 700, true);
    ext4_with_all_superblocks: make("-t ext4 -b 1024 -O ^sparse_super,^flex_bg,meta_bg,^resize_inode", 700, true);
    ext4_of_small_flex_groups: make("-t ext4 -b 1024 -G 4 -g 2048", 700, true);
    ext4_with_inline_data: make("-t ext4 -b 4096 -O inline_data", 3000, true);
    ext4_with_inline_data_and_large_inodes: make("-t ext4 -b 4096 -I 1024 -O inline_data", 3000, true);
    ext4_with_values_in_inodes: make("-t ext4 -b 4096 -O ea_inode", 60_000, true);
    ext4_with_all_of_that: make("-t ext4 -b 1024 -I 512 -O ea_inode,inline_data,large_dir,metadata_csum_seed", 60_000, true);
    ext4_without_extents: make("-t ext4 -b 4096 -O ^extent,^64bit", 3000, true);
    ext4_with_clusters: make("-t ext4 -b 4096 -O bigalloc -C 65536", 3000, true);
    ext4_with_clusters_of_1k: make("-t ext4 -b 1024 -O bigalloc -C 16384", 700, true);
    ext4_without_huge_file: make("-t ext4 -b 4096 -O ^huge_file,^dir_nlink,^extra_isize", 3000, true);
    ext4_without_regard_for_case: make("-t ext4 -b 4096 -O casefold -E encoding=utf8", 3000, true);
    ext4_with_much_else: make("-t ext4 -b 4096 -O quota,project,encrypt,verity,mmp,orphan_file,stable_inodes", 3000, true);
    ext4_without_a_journal: make("-t ext4 -b 4096 -O ^has_journal,^dir_index", 3000, true);
}
