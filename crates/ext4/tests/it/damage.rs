//! Damaged images: every operation ends, with an error or without, and none panics.
//!
//! A changed byte is caught by a checksum. So the images here get bytes changed and then the
//! checksums of what was changed made right again, as someone would do who means harm.

use longshore_ext4::{Device, Error, Filesystem, InodeNumber, MemoryDevice, New, Place};

use crate::{
    kernel::ACL,
    support::{MIB, directory, file, memory, mode, noise},
};

// Where things are on a device of one group (a superblock, a block of descriptors, two bitmaps,
// the inodes), and the seed of checksums.
const SUPERBLOCK: u64 = 1024;
const DESCRIPTOR: u64 = 4096;
const BLOCK_BITMAP: u64 = 2 * 4096;
const INODE_BITMAP: u64 = 3 * 4096;
const INODES: u64 = 4 * 4096;
const SEED: u32 = u32::from_le_bytes(*b"long");

/// CRC-32C as ext4 uses it: nothing is inverted.
fn crc(seed: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!seed, bytes)
}

fn inode_seed(inode: u32) -> u32 {
    crc(crc(SEED, &inode.to_le_bytes()), &[0; 4])
}

/// Numbers without end that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A part of an image that has a checksum of its own.
#[derive(Debug, Clone, Copy)]
enum Part {
    Superblock,
    Descriptor,
    BlockBitmap,
    InodeBitmap,
    Inode(u32),
    /// A block of a directory, or a node of a tree: the block, the inode, and the bytes that
    /// the checksum after them covers.
    Block(u64, u32, usize),
    /// The root of a directory's index: the block and the inode.
    IndexRoot(u64, u32),
    /// A block of extended attributes.
    Xattrs(u64),
}

fn read(device: &MemoryDevice, at: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    device.read_at(at, &mut bytes).unwrap();
    bytes
}

/// Changes bytes of a part, and makes its checksum right again.
fn damage(device: &mut MemoryDevice, part: Part, dice: &mut Dice) {
    let (at, len) = match part {
        Part::Superblock => (SUPERBLOCK, 1020),
        Part::Descriptor => (DESCRIPTOR, 64),
        Part::BlockBitmap => (BLOCK_BITMAP, 4096),
        Part::InodeBitmap => (INODE_BITMAP, 512),
        Part::Inode(inode) => (INODES + u64::from(inode - 1) * 256, 256),
        Part::Block(at, _, covered) => (at, covered),
        Part::IndexRoot(at, _) => (at, 4092),
        Part::Xattrs(at) => (at, 4096),
    };
    let mut bytes = read(device, at, len);
    // Most of what matters is at the front.
    let reach = [16, 64, 200, len][usize::try_from(dice.roll(4)).unwrap()].min(len);
    for _ in 0..=dice.roll(3) {
        let at = usize::try_from(dice.roll(reach as u64)).unwrap();
        bytes[at] = match dice.roll(4) {
            0 => 0,
            1 => 0xff,
            2 => bytes[at] ^ 1 << dice.roll(8),
            _ => u8::try_from(dice.roll(256)).unwrap(),
        };
    }
    match part {
        Part::Superblock => bytes.extend(crc(u32::MAX, &bytes).to_le_bytes()),
        Part::Descriptor => seal_descriptor(&mut bytes),
        Part::BlockBitmap => reseal_bitmap(device, 0x18, crc(SEED, &bytes)),
        Part::InodeBitmap => {
            let covered = read(device, SUPERBLOCK + 0x28, 4);
            let inodes = u32::from_le_bytes(covered.try_into().unwrap());
            let covered = bytes.len().min(inodes as usize / 8);
            reseal_bitmap(device, 0x1a, crc(SEED, &bytes[..covered]));
        }
        Part::Inode(inode) => {
            bytes[0x7c..0x7e].fill(0);
            bytes[0x82..0x84].fill(0);
            let generation = crc(crc(SEED, &inode.to_le_bytes()), &bytes[0x64..0x68]);
            let sum = crc(generation, &bytes).to_le_bytes();
            bytes[0x7c..0x7e].copy_from_slice(&sum[..2]);
            bytes[0x82..0x84].copy_from_slice(&sum[2..]);
        }
        Part::Block(at, inode, _) => {
            let sum = crc(inode_seed(inode), &bytes).to_le_bytes();
            device.write_at(at + 4092, &sum).unwrap();
        }
        Part::IndexRoot(at, inode) => {
            let count = usize::from(u16::from_le_bytes([bytes[34], bytes[35]]));
            let list = crc(inode_seed(inode), &bytes[..32 + count.min(507) * 8]);
            let sum = crc(crc(list, &bytes[4088..]), &[0; 4]).to_le_bytes();
            device.write_at(at + 4092, &sum).unwrap();
        }
        Part::Xattrs(at) => {
            bytes[16..20].fill(0);
            let sum = crc(crc(SEED, &(at / 4096).to_le_bytes()), &bytes);
            bytes[16..20].copy_from_slice(&sum.to_le_bytes());
        }
    }
    device.write_at(at, &bytes).unwrap();
}

fn seal_descriptor(bytes: &mut [u8]) {
    bytes[0x1e..0x20].fill(0);
    let sum = crc(crc(SEED, &[0; 4]), bytes).to_le_bytes();
    bytes[0x1e..0x20].copy_from_slice(&sum[..2]);
}

fn reseal_bitmap(device: &mut MemoryDevice, at: usize, sum: u32) {
    let mut descriptor = read(device, DESCRIPTOR, 64);
    descriptor[at..at + 2].copy_from_slice(&sum.to_le_bytes()[..2]);
    descriptor[at + 0x20..at + 0x22].copy_from_slice(&sum.to_le_bytes()[2..]);
    seal_descriptor(&mut descriptor);
    device.write_at(DESCRIPTOR, &descriptor).unwrap();
}

/// An image with a directory of several blocks, a tree of extents, links of both kinds and
/// attributes; and its parts.
fn victim() -> (MemoryDevice, Vec<Part>) {
    let mut filesystem = memory(16 * MIB);
    let root = filesystem.root();
    let dir = directory(&mut filesystem, root, "dir");
    for n in 0..60 {
        file(&mut filesystem, dir, &format!("file-{n:0>120}"), b"content");
    }
    let data = file(&mut filesystem, root, "data", &noise(1, 100_000));
    filesystem.link(dir, b"again", data).unwrap();
    let mut metadata = mode(0o700);
    metadata.xattrs = vec![
        (b"system.posix_acl_access".to_vec(), ACL.to_vec()),
        (b"user.a".to_vec(), b"value".to_vec()),
        (b"user.b".to_vec(), noise(2, 200)),
        (b"user.c".to_vec(), noise(3, 300)),
    ];
    filesystem.set_metadata(data, &metadata).unwrap();
    let fast = New::Symlink(b"target");
    filesystem
        .create(root, b"fast", fast, &mode(0o777))
        .unwrap();
    let slow = New::Symlink(&[b'x'; 200]);
    filesystem
        .create(root, b"slow", slow, &mode(0o777))
        .unwrap();
    let size = 1000 * 8192;
    let new = New::File { size };
    let comb = filesystem.create(root, b"comb", new, &mode(0o600)).unwrap();
    for n in 0..700 {
        filesystem.write(comb, n * 8192, b"tooth").unwrap();
    }
    filesystem.commit().unwrap();
    let device = filesystem.into_device();
    let mut parts = vec![
        Part::Superblock,
        Part::Descriptor,
        Part::BlockBitmap,
        Part::InodeBitmap,
    ];
    for inode in [2, 11, 12, 13, 73, 74, 75, 76, 8] {
        parts.push(Part::Inode(inode));
    }
    let entry = |inode: u32, nth: u64, at: u64| {
        let at = INODES + u64::from(inode - 1) * 256 + 0x28 + 12 + nth * 12 + at;
        u64::from(u32::from_le_bytes(read(&device, at, 4).try_into().unwrap()))
    };
    let (of_root, of_dir) = (root.get(), dir.get());
    parts.push(Part::Block(entry(of_root, 0, 8) * 4096, of_root, 4084));
    parts.push(Part::IndexRoot(entry(of_dir, 0, 8) * 4096, of_dir));
    parts.push(Part::Block(entry(of_dir, 1, 8) * 4096, of_dir, 4084));
    parts.push(Part::Xattrs(xattrs_of(&device, data.get())));
    // The first two leaves of the comb.
    for nth in 0..2 {
        parts.push(Part::Block(
            entry(comb.get(), nth, 4) * 4096,
            comb.get(),
            4092,
        ));
    }
    (device, parts)
}

/// Where an inode's block of extended attributes is, in bytes.
fn xattrs_of(device: &MemoryDevice, inode: u32) -> u64 {
    let at = INODES + u64::from(inode - 1) * 256 + 0x68;
    let place = u32::from_le_bytes(read(device, at, 4).try_into().unwrap());
    assert!(place > 0);
    u64::from(place) * 4096
}

/// Does everything there is to do; tells the first error.
fn exercise(device: MemoryDevice) -> Result<(), Error> {
    let mut filesystem = Filesystem::open(device)?;
    let mut first = Ok(());
    let mut note = |result: Result<(), Error>| {
        if first.is_ok() {
            first = result;
        }
    };
    let mut names: Vec<(InodeNumber, Vec<u8>)> = Vec::new();
    let mut todo = vec![filesystem.root()];
    while let Some(dir) = todo.pop() {
        let children = match filesystem.children(dir) {
            Ok(children) => children,
            Err(error) => {
                note(Err(error));
                continue;
            }
        };
        for child in children {
            if names.len() > 2000 {
                break;
            }
            note(look_at(&filesystem, child.inode));
            let is_dir = filesystem
                .stat(child.inode)
                .is_ok_and(|stat| stat.kind == longshore_ext4::Kind::Directory);
            if is_dir {
                todo.push(child.inode);
            }
            names.push((dir, child.name));
        }
    }
    assert!(filesystem.used_extents().count() < 10_000);
    let root = filesystem.root();
    note(filesystem.link(root, b"new link", root));
    let made = filesystem.create(root, b"new", New::File { size: 100_000 }, &mode(0o600));
    note(made.and_then(|inode| filesystem.write(inode, 0, &noise(1, 100_000))));
    for (dir, name) in names.iter().rev() {
        note(filesystem.unlink(*dir, name));
    }
    note(filesystem.commit());
    first
}

fn look_at(filesystem: &Filesystem<MemoryDevice>, inode: InodeNumber) -> Result<(), Error> {
    let stat = filesystem.stat(inode)?;
    filesystem.xattrs(inode)?;
    match stat.kind {
        longshore_ext4::Kind::Symlink => {
            filesystem.read_link(inode)?;
        }
        longshore_ext4::Kind::File => {
            let mut buf = [0; 9000];
            for at in [0, 5000, stat.size / 2, stat.size.saturating_sub(5000)] {
                filesystem.read(inode, at, &mut buf)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[test]
fn damage_with_right_checksums_is_survived() {
    let (device, parts) = victim();
    exercise(device.clone()).unwrap_err(); // the link to a directory
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let mut found = 0;
    for case in 0..600u64 {
        let part = parts[usize::try_from(case).unwrap() % parts.len()];
        let mut damaged = device.clone();
        damage(&mut damaged, part, &mut dice);
        let result = exercise(damaged);
        found += u32::from(matches!(
            result,
            Err(Error::Corrupt { .. } | Error::Unsupported { .. } | Error::ForeignFormat { .. })
        ));
    }
    // What is left is harmless: other times, other content, other counts.
    assert!(found > 120, "{found}");
}

#[test]
fn a_changed_byte_of_metadata_is_found() {
    let (device, _) = victim();
    let data = InodeNumber::new(73).unwrap();
    let places = [
        (SUPERBLOCK + 0x10, Place::Superblock),
        (DESCRIPTOR + 0xc, Place::Group(0)),
        (BLOCK_BITMAP + 4095, Place::Group(0)),
        (INODE_BITMAP + 20, Place::Group(0)),
        (INODES + 72 * 256 + 4, Place::Inode(data)),
        (xattrs_of(&device, 73) + 2000, Place::Xattrs(data)),
    ];
    for (at, expected) in places {
        let mut damaged = device.clone();
        let mut byte = read(&damaged, at, 1);
        byte[0] ^= 0x10;
        damaged.write_at(at, &byte).unwrap();
        let error = Filesystem::open(damaged)
            .and_then(|filesystem| filesystem.xattrs(data))
            .unwrap_err();
        assert!(
            matches!(error, Error::Corrupt { place, .. } if place == expected),
            "{at}: {error}"
        );
    }
}

#[test]
fn other_formats_are_told_apart() {
    let (device, _) = victim();
    let change = |at: u64, bytes: &[u8]| {
        let mut other = device.clone();
        other.write_at(SUPERBLOCK + at, bytes).unwrap();
        let raw = read(&other, SUPERBLOCK, 1020);
        let sum = crc(u32::MAX, &raw).to_le_bytes();
        other.write_at(SUPERBLOCK + 1020, &sum).unwrap();
        Filesystem::open(other).unwrap_err()
    };
    // The hash seed, the format version in it, and features.
    assert!(matches!(
        change(0xec, &[1, 2, 3]),
        Error::ForeignFormat { found: None }
    ));
    assert!(matches!(
        change(0xf8, &[77, 0, 0, 0]),
        Error::ForeignFormat { found: Some(77) }
    ));
    assert!(matches!(change(0x60, &[0xff]), Error::Unsupported { .. }));
    assert!(matches!(change(0x62, &[1]), Error::Unsupported { .. }));
    assert!(matches!(change(0x38, &[0]), Error::Corrupt { .. }));
    assert!(matches!(
        Filesystem::open(MemoryDevice::new(MIB)),
        Err(Error::Corrupt { .. })
    ));
    assert!(matches!(
        Filesystem::open(MemoryDevice::new(0)),
        Err(Error::DeviceSize { size: 0 })
    ));
}

#[test]
fn a_shorter_device_is_refused() {
    let filesystem = memory(16 * MIB);
    let mut short = MemoryDevice::new(9 * MIB);
    let mut page = vec![0; 4096];
    for offset in filesystem.device().written_pages() {
        if offset < short.size() {
            filesystem.device().read_at(offset, &mut page).unwrap();
            short.write_at(offset, &page).unwrap();
        }
    }
    assert!(matches!(
        Filesystem::open(short),
        Err(Error::Corrupt {
            place: Place::Superblock,
            ..
        })
    ));
}
