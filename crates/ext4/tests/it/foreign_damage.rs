//! Damage in filesystems of any make, mostly without checksums, so that nothing but the reader
//! itself stands in its way: reading ends, after a bounded number of bytes, and nothing panics.

use std::{
    cell::Cell,
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use longshore_ext4::{Error, Follow, InodeNumber, Kind, Open, Place, ReadAt, Reader};

use crate::{
    population::small,
    support::{noise, run, scratch},
};

const SIZE: usize = 2 << 20;
const SUPERBLOCK: usize = 1024;

/// An image in memory that counts what is read of it.
#[derive(Debug, Clone)]
struct Bytes {
    bytes: Vec<u8>,
    read: Cell<u64>,
}

impl ReadAt for &Bytes {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + buf.len() as u64);
        let start = usize::try_from(offset).unwrap();
        let found = self.bytes.get(start..start + buf.len());
        buf.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Bytes {
    fn get(&self, at: usize, len: usize) -> usize {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&self.bytes[at..at + len]);
        usize::try_from(u64::from_le_bytes(bytes)).unwrap()
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn block_size(&self) -> usize {
        1024 << self.get(SUPERBLOCK + 0x18, 4)
    }

    fn inode_size(&self) -> usize {
        self.get(SUPERBLOCK + 0x58, 2)
    }

    /// Where an inode of the first group is.
    fn inode(&self, number: u32) -> usize {
        let block_size = self.block_size();
        let descriptors = if block_size == 1024 { 2 } else { 1 } * block_size;
        let table = self.get(descriptors + 8, 4) * block_size;
        table + usize::try_from(number - 1).unwrap() * self.inode_size()
    }

    fn open(&self) -> Result<Reader<&Self>, Error> {
        Reader::open(self, Open { unclean: true })
    }

    fn number(&self, path: &str) -> InodeNumber {
        let reader = self.open().unwrap();
        reader.resolve(path.as_bytes(), Follow::NotLast).unwrap()
    }
}

/// An image that mke2fs made with these options, of a small tree.
fn image(options: &str, then: &[&str]) -> Bytes {
    let (dir, image) = scratch();
    let source = dir.path().join("source");
    fs::create_dir(&source).unwrap();
    small(&source);
    fs::File::create(&image)
        .unwrap()
        .set_len(SIZE as u64)
        .unwrap();
    let mut args: Vec<&str> = "-q -F -N 256 -d".split(' ').collect();
    args.push(source.to_str().unwrap());
    args.extend(options.split(' '));
    args.push(image.to_str().unwrap());
    let output = run("mke2fs", &args);
    assert!(output.status.success(), "{options}: {output:?}");
    for request in then {
        let output = run("debugfs", &["-w", "-R", request, image.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
    }
    index(&image);
    Bytes {
        bytes: fs::read(&image).unwrap(),
        read: Cell::new(0),
    }
}

/// Gives directories an index, where they can have one.
fn index(image: &Path) {
    let output = run("e2fsck", &["-fyD", image.to_str().unwrap()]);
    assert!(
        output.status.code().is_some_and(|code| code < 4),
        "{output:?}"
    );
}

/// Reads all there is; counts the errors.
fn exercise(image: &Bytes) -> u32 {
    let started = Instant::now();
    image.read.set(0);
    let mut errors = 0;
    let mut note = |failed: bool| errors += u32::from(failed);
    let Ok(reader) = image.open() else {
        return 1;
    };
    let mut steps = 0u64;
    let mut walk = reader.walk(reader.root());
    while let Some(step) = walk.next() {
        steps += 1;
        let Ok(step) = step else {
            note(true);
            continue;
        };
        let inode = step.entry.inode;
        note(reader.times(inode).is_err());
        note(reader.xattrs(inode).is_err());
        match step.stat.kind {
            Kind::Symlink => {
                note(reader.read_link(inode).is_err());
                note(reader.resolve(walk.path(), Follow::Last).is_err());
            }
            Kind::File => {
                let mut buf = [0; 3000];
                for at in [
                    0,
                    5000,
                    step.stat.size / 2,
                    step.stat.size.saturating_sub(99),
                ] {
                    note(reader.read(inode, at, &mut buf).is_err());
                }
                let Ok(segments) = reader.segments(inode) else {
                    note(true);
                    continue;
                };
                let mut stored = 0;
                for segment in segments {
                    steps += 1;
                    let Ok(segment) = segment else {
                        note(true);
                        break;
                    };
                    if segment.stored {
                        stored += segment.len;
                        note(reader.read(inode, segment.offset, &mut buf).is_err());
                    }
                }
                // A file in its inode is larger than what is there says; all else is in blocks.
                assert!(stored <= SIZE as u64, "{stored}");
            }
            _ => {}
        }
    }
    assert!(steps < 1_000_000, "{steps}");
    let read = image.read.get();
    assert!(read < 64 * SIZE as u64, "{read} bytes read");
    let took = started.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    errors
}

/// Numbers without end that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn bytes(&mut self) -> [u8; 8] {
        self.roll(1);
        self.0.to_le_bytes()
    }
}

/// Changes a number of two or four bytes into one that is likely to hurt.
fn change(image: &mut Bytes, at: usize, len: usize, blocks: u32, dice: &mut Dice) {
    let old = u32::try_from(image.get(at, len)).unwrap();
    let random = dice.bytes();
    let new = match dice.roll(10) {
        0 => 0,
        1 => u32::MAX,
        2 => old.wrapping_add(1),
        3 => old.wrapping_sub(1),
        4 => old ^ 1 << dice.roll(len * 8),
        5 => blocks - u32::from(random[0] & 1),
        6 => u32::from(random[0]),
        7 => u32::from_le_bytes([random[0], random[1], 0, 0]) % blocks,
        8 => 1 << dice.roll(len * 8),
        _ => u32::from_le_bytes([random[0], random[1], random[2], random[3]]),
    };
    image.put(at, &new.to_le_bytes()[..len]);
}

/// Fields of an inode that decide what is read: mode, size, links, flags, map, generation, block of
/// attributes, upper half of the size, extra fields, and the first attributes.
const INODE_FIELDS: [(usize, usize); 30] = [
    (0x0, 2),
    (0x4, 4),
    (0x4, 4),
    (0x1a, 2),
    (0x1c, 4),
    (0x20, 4),
    (0x20, 4),
    (0x28, 2),
    (0x2a, 2),
    (0x2c, 2),
    (0x2e, 2),
    (0x34, 4),
    (0x38, 4),
    (0x38, 2),
    (0x3a, 2),
    (0x3c, 4),
    (0x40, 4),
    (0x44, 2),
    (0x48, 4),
    (0x58, 4),
    (0x5c, 4),
    (0x60, 4),
    (0x64, 4),
    (0x68, 4),
    (0x6c, 4),
    (0x80, 2),
    (0xa0, 4),
    (0xa4, 4),
    (0xa8, 4),
    (0xac, 4),
];

/// Changes a few things of an image that was whole before.
fn mutate(image: &mut Bytes, whole: &Bytes, used: &[usize], dice: &mut Dice) {
    let blocks = u32::try_from(SIZE / whole.block_size()).unwrap();
    for _ in 0..=dice.roll(3) {
        match dice.roll(8) {
            0 => {
                let at = SUPERBLOCK + dice.roll(256) * 4;
                change(image, at, 4, blocks, dice);
            }
            1 => {
                let at = used[dice.roll(used.len())] + dice.roll(whole.block_size());
                image.bytes[at] ^= 1 << dice.roll(8);
            }
            2..=4 => {
                let inode = u32::try_from(2 + dice.roll(60)).unwrap();
                let fields = if whole.inode_size() == 128 {
                    25
                } else {
                    INODE_FIELDS.len()
                };
                let (at, len) = INODE_FIELDS[dice.roll(fields)];
                change(image, whole.inode(inode) + at, len, blocks, dice);
            }
            _ => {
                // Anything in a block that is in use, most of all at its front.
                let block = used[dice.roll(used.len())];
                let reach = [4, 16, whole.block_size() / 4][dice.roll(3)];
                let at = block + dice.roll(reach) * 4;
                let len = [2, 4][dice.roll(2)];
                change(image, at + (4 - len) * dice.roll(2), len, blocks, dice);
            }
        }
    }
}

/// Where the blocks are that hold something, but for those that are noise.
fn used(image: &Bytes) -> Vec<usize> {
    let block_size = image.block_size();
    let data = noise(9, 64);
    image
        .bytes
        .chunks(block_size)
        .enumerate()
        .filter(|(_, block)| block.iter().any(|byte| *byte != 0))
        .filter(|(_, block)| block[..64] != data[..])
        .map(|(nth, _)| nth * block_size)
        .collect()
}

/// Damages an image over and over again; tells how often that was noticed.
fn survive(options: &str, cases: u32) -> u32 {
    let whole = image(options, &[]);
    assert_eq!(exercise(&whole), 1, "only the link that leads nowhere");
    let used = used(&whole);
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let mut found = 0;
    for _ in 0..cases {
        let mut damaged = whole.clone();
        mutate(&mut damaged, &whole, &used, &mut dice);
        found += u32::from(exercise(&damaged) > 1);
    }
    found
}

#[test]
fn maps_of_blocks_are_survived() {
    let found = survive("-t ext2 -b 1024 -I 128", 1500);
    assert!(found > 180, "{found}");
}

#[test]
fn extents_are_survived() {
    let found = survive(
        "-t ext4 -b 1024 -O ^has_journal,^metadata_csum,^uninit_bg",
        2000,
    );
    assert!(found > 260, "{found}");
}

#[test]
fn content_in_inodes_is_survived() {
    let features = "^has_journal,^metadata_csum,^uninit_bg,inline_data,ea_inode";
    let found = survive(&format!("-t ext4 -b 2048 -I 512 -O {features}"), 1500);
    assert!(found > 210, "{found}");
}

#[test]
fn large_blocks_are_survived() {
    let features = "^has_journal,^metadata_csum,^uninit_bg,^resize_inode,bigalloc,meta_bg";
    let found = survive(&format!("-t ext4 -b 4096 -C 8192 -O {features}"), 1000);
    assert!(found > 120, "{found}");
}

#[test]
fn with_checksums_more_is_found() {
    let found = survive("-t ext4 -b 1024 -O ^has_journal,metadata_csum", 1000);
    assert!(found > 370, "{found}");
}

fn plain() -> Bytes {
    image(
        "-t ext4 -b 1024 -O ^has_journal,^metadata_csum,^uninit_bg",
        &[],
    )
}

fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, Error>, expected: &str) {
    match result {
        Err(Error::Corrupt { what, .. }) if what.contains(expected) => {}
        other => panic!("{other:?} instead of {expected}"),
    }
}

#[test]
fn superblocks_that_cannot_be_are_refused() {
    let whole = plain();
    let changed = |at: usize, bytes: &[u8]| {
        let mut damaged = whole.clone();
        damaged.put(SUPERBLOCK + at, bytes);
        damaged.open().map(|_| ())
    };
    for (at, bytes, expected) in [
        (0x0, &[0xff; 4][..], "inode count"),
        (0x4, &[0; 4], "no blocks"),
        (0x4, &[0xff; 4], "larger than the device"),
        (0xc, &[0xff; 4], "more is free"),
        (0x14, &[0; 4], "first data block"),
        (0x18, &[7, 0, 0, 0], "block size"),
        (0x20, &[0; 4], "number of blocks"),
        (0x28, &[0; 4], "number of inodes"),
        (0x28, &[0xff; 4], "number of inodes"),
        (0x38, &[0; 2], "magic number"),
        (0x54, &[0; 4], "first inode"),
        (0x58, &[0; 2], "inode size"),
        (0x58, &[0, 8], "inode size"),
        (0xfe, &[0; 2], "descriptor size"),
        (0x150, &[0xff; 4], "larger than the device"),
    ] {
        assert_corrupt(changed(at, bytes), expected);
    }
    for (at, bytes, expected) in [
        (0x4c, &[2, 0, 0, 0][..], "revision"),
        (0x60, &[0x4a, 0, 0, 0], "journal_dev"),
        (0x60, &[0x42, 0, 0, 0x10], "0x10000000"),
    ] {
        match changed(at, bytes) {
            Err(Error::Unsupported { what }) if what.contains(expected) => {}
            other => panic!("{other:?} instead of {expected}"),
        }
    }
    let mut short = whole.clone();
    short.bytes.truncate(SIZE - 1024);
    assert_corrupt(short.open(), "larger than the device");
    short.bytes.truncate(1500);
    assert_corrupt(short.open(), "too small");
}

#[test]
fn what_was_not_left_clean_is_read_only_if_that_is_asked_for() {
    let whole = plain();
    for (at, bit, expected) in [
        (0x60, 4, "journal"),
        (0x3a, 1, "unmounted"),
        (0x3a, 2, "errors"),
    ] {
        let mut unclean = whole.clone();
        unclean.bytes[SUPERBLOCK + at] ^= bit;
        match Reader::open(&unclean, Open::default()) {
            Err(Error::Unclean { why }) if why.contains(expected) => {}
            other => panic!("{other:?} instead of {expected}"),
        }
        let reader = unclean.open().unwrap();
        assert!(reader.unclean().is_some_and(|why| why.contains(expected)));
        assert_eq!(exercise(&unclean), 1);
    }
}

#[test]
fn a_directory_below_itself_is_walked_once() {
    let looping = image(
        "-t ext4 -b 1024 -O ^has_journal,^metadata_csum,^uninit_bg",
        &[],
    );
    let (_dir, path) = scratch();
    fs::write(&path, &looping.bytes).unwrap();
    let request = "ln /directory /directory/sub/loop";
    let output = run("debugfs", &["-w", "-R", request, path.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let looping = Bytes {
        bytes: fs::read(&path).unwrap(),
        read: Cell::new(0),
    };
    let reader = looping.open().unwrap();
    let errors: Vec<_> = reader.walk(reader.root()).filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1);
    assert_corrupt::<()>(Err(errors.into_iter().next().unwrap()), "below itself");
    // A path through it is as long as it says and no longer.
    let path = b"directory/sub/loop/sub/loop/sub/one";
    assert!(reader.resolve(path, Follow::Last).is_ok());
}

#[test]
fn a_tree_of_extents_cannot_lead_back() {
    let whole = plain();
    let comb = whole.number("comb");
    let at = whole.inode(comb.get()) + 0x28;
    assert_eq!(whole.get(at + 6, 2), 1, "the tree has one level of nodes");
    let read = |image: &Bytes| {
        let reader = image.open().unwrap();
        let mut buf = [0; 16];
        reader.read(comb, 0, &mut buf).map(|_| buf)
    };
    read(&whole).unwrap();
    let child = whole.get(at + 12 + 4, 4) * 1024;
    // The node below says that it is on its parent's level, and leads to itself.
    let mut cyclic = whole.clone();
    cyclic.put(child + 6, &[1, 0]);
    let own = u32::try_from(child / 1024).unwrap();
    cyclic.put(child + 12 + 4, &own.to_le_bytes());
    assert_corrupt(read(&cyclic), "another level");
    let mut deep = whole.clone();
    deep.put(at + 6, &[6, 0]);
    assert_corrupt(read(&deep), "too deep");
    let mut full = whole.clone();
    full.put(at + 2, &[9, 0]);
    assert_corrupt(read(&full), "more entries");
    let mut shifted = whole.clone();
    shifted.put(child + 12, &[1, 0, 0, 0]);
    assert_corrupt(read(&shifted), "not in order");
    let mut outside = whole.clone();
    outside.put(at + 12 + 4, &[0, 0, 0, 1]);
    assert_corrupt(read(&outside), "outside");
    let mut beyond = whole.clone();
    beyond.put(child + 12 + 8, &[0, 0, 0, 1]);
    assert_corrupt(read(&beyond), "outside");
    let mut empty = whole.clone();
    empty.put(child + 12 + 4, &[0, 0]);
    assert_corrupt(read(&empty), "not in order");
    let mut overlapping = whole.clone();
    let second = overlapping.bytes[child + 12..child + 16].to_vec();
    overlapping.put(child + 24, &second);
    assert_corrupt(read(&overlapping), "not in order");
}

#[test]
fn a_file_has_no_more_blocks_than_there_are() {
    let mut image = image("-t ext2 -b 1024 -I 128", &[]);
    let comb = image.number("comb");
    let at = image.inode(comb.get());
    // All entries of the second level lead to the same block, all of whose entries do too.
    let twice = image.get(at + 0x28 + 13 * 4, 4) * 1024;
    let once = image.get(twice, 4);
    let data = u32::try_from(once + 1).unwrap().to_le_bytes().repeat(256);
    image.put(once * 1024, &data);
    let all = u32::try_from(once).unwrap().to_le_bytes().repeat(256);
    image.put(twice, &all);
    image.put(at + 4, &(60_000_000u32).to_le_bytes());
    let reader = image.open().unwrap();
    let failed = reader.segments(comb).unwrap().find_map(Result::err);
    assert_corrupt::<()>(Err(failed.unwrap()), "more blocks than there are");
}

#[test]
fn what_is_encrypted_says_so() {
    let whole = plain();
    let encrypt = |path: &str| {
        let mut image = whole.clone();
        let number = image.number(path);
        let at = image.inode(number.get()) + 0x21;
        image.bytes[at] |= 8;
        (image, number)
    };
    let (image, file) = encrypt("comb");
    let reader = image.open().unwrap();
    assert!(reader.stat(file).is_ok());
    let read = reader.read(file, 0, &mut [0; 9]);
    assert!(matches!(read, Err(Error::Encrypted { inode }) if inode == file));
    let (image, dir) = encrypt("directory");
    let reader = image.open().unwrap();
    assert!(matches!(reader.children(dir), Err(Error::Encrypted { .. })));
    let (image, link) = encrypt("link");
    let reader = image.open().unwrap();
    assert!(matches!(
        reader.read_link(link),
        Err(Error::Encrypted { .. })
    ));
}

#[test]
fn a_changed_byte_of_metadata_is_found_where_there_are_checksums() {
    let whole = image("-t ext4 -b 1024 -O ^has_journal,metadata_csum", &[]);
    let many = whole.number("many");
    let comb = whole.number("comb");
    let file = whole.number("attributes");
    let extent = |number: InodeNumber| whole.get(whole.inode(number.get()) + 0x28 + 20, 4) * 1024;
    let leaf = whole.get(whole.inode(comb.get()) + 0x28 + 16, 4) * 1024;
    let block = whole.get(whole.inode(file.get()) + 0x68, 4) * 1024;
    for (at, expected) in [
        (SUPERBLOCK + 0x10, Place::Superblock),
        (2048 + 0xc, Place::Group(0)),
        (whole.inode(2) + 4, Place::Inode(InodeNumber::ROOT)),
        (leaf + 1000, Place::Extents(comb)),
        (block + 40, Place::Xattrs(file)),
        // The first block of an index, and a block of names.
        (
            extent(many) + 41,
            Place::Directory {
                inode: many,
                block: 0,
            },
        ),
        (
            extent(many) + 1024 + 9,
            Place::Directory {
                inode: many,
                block: 1,
            },
        ),
    ] {
        let mut damaged = whole.clone();
        damaged.bytes[at] ^= 0x10;
        let look = || {
            let reader = damaged.open()?;
            reader.stat(reader.root())?;
            reader.children(many)?.collect::<Result<Vec<_>, _>>()?;
            reader.xattrs(file)?;
            reader.read(comb, 0, &mut [0; 9])
        };
        match look() {
            Err(Error::Corrupt { place, .. }) if place == expected => {}
            other => panic!("{other:?} instead of {expected}"),
        }
    }
}
