//! What reaches the device: that it is no more than what changed, and that what is free is let go.

use std::{collections::BTreeSet, io, ops::Range};

use longshore_ext4::{Device, Filesystem, Format, MemoryDevice, New};

use crate::support::{MIB, directory, file, memory, mode, noise};

/// A device that remembers what it was told.
#[derive(Debug)]
struct Recorder {
    device: MemoryDevice,
    written: u64,
    discarded: Vec<Range<u64>>,
}

impl Recorder {
    const fn new(device: MemoryDevice) -> Self {
        Self {
            device,
            written: 0,
            discarded: Vec::new(),
        }
    }
}

impl Device for Recorder {
    fn size(&self) -> u64 {
        self.device.size()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.device.read_at(offset, buf)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        assert!(offset.is_multiple_of(4096) && bytes.len().is_multiple_of(4096));
        self.written += bytes.len() as u64;
        self.device.write_at(offset, bytes)
    }

    fn discard(&mut self, offset: u64, len: u64) -> io::Result<()> {
        assert!(offset.is_multiple_of(4096) && len.is_multiple_of(4096));
        self.discarded.push(offset..offset + len);
        self.device.discard(offset, len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.device.flush()
    }
}

/// The bytes of pages that differ.
fn differing(left: &MemoryDevice, right: &MemoryDevice) -> u64 {
    let pages: BTreeSet<u64> = left.written_pages().chain(right.written_pages()).collect();
    let differ = |page: &&u64| {
        let (mut a, mut b) = ([0; 4096], [0; 4096]);
        left.read_at(**page, &mut a).unwrap();
        right.read_at(**page, &mut b).unwrap();
        a != b
    };
    pages.iter().filter(differ).count() as u64 * 4096
}

/// A volume with a few layers on it, on which there is much that does not change.
fn lower() -> MemoryDevice {
    let mut filesystem = memory(512 * MIB);
    let root = filesystem.root();
    for n in 0..20 {
        let dir = directory(&mut filesystem, root, &format!("dir-{n}"));
        for m in 0..200 {
            file(&mut filesystem, dir, &format!("file-{m}"), &noise(m, 3000));
        }
    }
    filesystem.commit().unwrap();
    filesystem.into_device()
}

/// A file in a directory is its block, the directory's, the inode's, two bitmaps, the descriptors
/// and the superblock.
#[test]
fn a_small_layer_writes_what_it_changes_and_nothing_else() {
    let before = lower();
    for (what, add, bound) in [
        ("a file of a block", 1, 7),
        ("100 files of a block", 100, 7 + 99 + 100 / 16 + 1 + 3),
    ] {
        let mut filesystem = Filesystem::open(Recorder::new(before.clone())).unwrap();
        let root = filesystem.root();
        let dir = filesystem.lookup(root, b"dir-7").unwrap().unwrap();
        for n in 0..add {
            file(&mut filesystem, dir, &format!("new-{n}"), &noise(n, 4000));
        }
        filesystem.commit().unwrap();
        let after = filesystem.into_device();
        let differs = differing(&before, &after.device);
        println!("{what}: {} bytes written, {differs} differ", after.written);
        assert_eq!(after.written, differs, "{what}");
        assert!(after.written <= bound * 4096, "{what}: {}", after.written);
        assert_eq!(after.discarded, []);
    }
}

#[test]
fn metadata_that_changes_is_one_inode() {
    let before = lower();
    let mut filesystem = Filesystem::open(Recorder::new(before.clone())).unwrap();
    let root = filesystem.root();
    let dir = filesystem.lookup(root, b"dir-3").unwrap().unwrap();
    filesystem.set_metadata(dir, &mode(0o1777)).unwrap();
    filesystem.commit().unwrap();
    let after = filesystem.into_device();
    assert_eq!(after.written, 4096);
    assert_eq!(differing(&before, &after.device), 4096);
}

#[test]
fn a_commit_without_changes_writes_nothing() {
    let mut filesystem = Filesystem::open(Recorder::new(lower())).unwrap();
    filesystem.commit().unwrap();
    assert_eq!(filesystem.device().written, 0);
}

/// Data, names, extents, targets and attributes: all that was freed, and nothing that was not.
#[test]
fn what_becomes_free_is_discarded() {
    let device = Recorder::new(MemoryDevice::new(64 * MIB));
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let kept = file(&mut filesystem, root, "kept", &noise(1, 50_000));
    filesystem.commit().unwrap();
    assert_eq!(filesystem.device().discarded, []);
    let before: BTreeSet<u64> = blocks_in_use(&filesystem);
    let dir = directory(&mut filesystem, root, "dir");
    let mut metadata = mode(0o600);
    metadata.xattrs = vec![(b"user.long".to_vec(), noise(3, 300))];
    for n in 0..300 {
        let new = New::Symlink(&[b't'; 100]);
        filesystem
            .create(dir, format!("{n}").as_bytes(), new, &metadata)
            .unwrap();
    }
    let size = 1000 * 8192;
    let comb = filesystem
        .create(dir, b"comb", New::File { size }, &metadata)
        .unwrap();
    for n in 0..1000 {
        filesystem.write(comb, n * 8192, b"tooth").unwrap();
    }
    filesystem.commit().unwrap();
    let used = blocks_in_use(&filesystem);
    for child in filesystem.children(dir).unwrap() {
        filesystem.unlink(dir, &child.name).unwrap();
    }
    filesystem.unlink(root, b"dir").unwrap();
    // Some of it is in use again by the time it would be discarded.
    let again = file(&mut filesystem, root, "again", &noise(4, 100_000));
    filesystem.commit().unwrap();
    let left = blocks_in_use(&filesystem);
    let expected: BTreeSet<u64> = used.difference(&left).copied().collect();
    assert!(expected.len() > 1500, "{}", expected.len());
    let discarded: Vec<u64> = filesystem
        .device()
        .discarded
        .iter()
        .flat_map(|range| range.clone().step_by(4096))
        .collect();
    // Inode tables shrink too, and are not discarded for it.
    let tables = |block: &u64| before.contains(block) || *block < 5 * MIB;
    let expected: Vec<u64> = expected
        .into_iter()
        .filter(|block| !tables(block))
        .collect();
    assert_eq!(discarded, expected);
    assert!(crate::support::content(&filesystem, again) == noise(4, 100_000));
    assert!(crate::support::content(&filesystem, kept) == noise(1, 50_000));
}

fn blocks_in_use<D: Device>(filesystem: &Filesystem<D>) -> BTreeSet<u64> {
    filesystem
        .used_extents()
        .flat_map(|range| range.step_by(4096))
        .collect()
}
