//! Another implementation in Rust, `arcbox-ext4`: the same trees made by it and by us, and each read
//! by its reader and by ours.
//!
//! Its reader has no call for attributes, device numbers or what of a file is stored, reads names as
//! UTF-8, and knows maps of at most one level of index; its writer makes neither devices, fifos and
//! sockets nor holes. Those are left to the kernel and to e2fsprogs.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use arcbox_ext4::{FileTimestamps, Formatter, constants, extent::parse_extents, types::Inode};
use longshore_ext4::{
    Filesystem, Follow, Format, InodeNumber, MemoryDevice, Metadata, New, Open, Permissions,
    Reader, Timestamp, Xattrs,
};
use sha2::{Digest, Sha256};

use crate::{
    listing::{Listing, Node, assert_equal, by_reader},
    support::{FileDevice, MIB, NODES, assert_clean, directory, file, mode, noise, scratch, store},
};

const BLOCK: u64 = 4096;

/// What is at a path.
enum What {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    /// Another name of an earlier path.
    Link(&'static str),
}

/// A path with all that both writers can be told of it.
struct Item {
    path: String,
    what: What,
    permissions: u16,
    owner: (u32, u32),
    mtime: (i64, u32),
    xattrs: Xattrs,
}

/// A tree of everything that both writers know, parents first.
fn tree() -> Vec<Item> {
    let mut items = Vec::new();
    let mut add = |path: &str, what: What| {
        items.push(Item {
            path: path.into(),
            what,
            permissions: 0o755,
            owner: (1000, 70_000),
            mtime: (1_700_000_000, 123_456_789),
            xattrs: Vec::new(),
        });
    };
    for dir in ["directory", "directory/sub", "empty", "many"] {
        add(dir, What::Directory);
    }
    for len in [0, 1, 59, 60, 100, 4095, 4096, 4097, 65_536, 3_000_001] {
        let seed = u32::try_from(len).unwrap();
        add(&format!("file-{len}"), What::File(noise(seed, len)));
    }
    for len in [1, 58, 59, 60, 61, 300, 4000] {
        let target = "x".repeat(len);
        add(&format!("link-{len}"), What::Symlink(target));
    }
    // Targets that are there: by what is in the inode, and by what is in a block.
    add("directory/fast", What::Symlink("../file-100".into()));
    let slow = format!("{}file-100", "../".repeat(30));
    add("directory/slow", What::Symlink(slow));
    add("again", What::Link("file-4097"));
    add("directory/sub/again", What::Link("file-4097"));
    add("\u{2603} snowman", What::File(b"snow".to_vec()));
    add(&"n".repeat(255), What::File(b"name".to_vec()));
    // Enough that ours is hashed.
    for n in 0..600 {
        let name = format!("many/entry-{n:0>width$}", width = 4 + n % 60);
        add(&name, What::File(name.clone().into_bytes()));
    }
    for (n, item) in items.iter_mut().enumerate() {
        let modes = [0o755, 0o644, 0o600, 0o4711, 0o2750, 0o1777, 0o000];
        item.permissions = match item.what {
            // Theirs have no other.
            What::Symlink(_) => 0o777,
            _ => modes[n % modes.len()],
        };
        let owners = [(0, 0), (1000, 70_000), (65_535, 65_536), (4_000_000_000, 1)];
        item.owner = owners[n % owners.len()];
        let times = [
            0,
            -1_000_000_000,
            1_700_000_000,
            2_147_483_648,
            15_000_000_000,
        ];
        let nanos = [0, 1, 999_999_999];
        item.mtime = (times[n % times.len()], nanos[n % nanos.len()]);
        // In the inode, and in a block beside it.
        item.xattrs = match n {
            1 => vec![(b"user.small".to_vec(), b"value".to_vec())],
            2 => vec![(b"user.large".to_vec(), noise(3, 600))],
            _ => Vec::new(),
        };
    }
    items
}

fn timestamp((secs, nanos): (i64, u32)) -> Timestamp {
    Timestamp::new(secs, nanos).unwrap()
}

fn make_ours(items: &[Item]) -> Filesystem<MemoryDevice> {
    let device = MemoryDevice::new(64 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let mut inodes = HashMap::from([(String::new(), filesystem.root())]);
    for item in items {
        let (dir, name) = item.path.rsplit_once('/').unwrap_or(("", &item.path));
        let dir = inodes[dir];
        let new = match &item.what {
            What::File(content) => New::File {
                size: content.len() as u64,
            },
            What::Directory => New::Directory,
            What::Symlink(target) => New::Symlink(target.as_bytes()),
            What::Link(target) => {
                let target = inodes[*target];
                filesystem.link(dir, name.as_bytes(), target).unwrap();
                continue;
            }
        };
        let metadata = Metadata {
            permissions: Permissions::new(item.permissions.into()).unwrap(),
            uid: item.owner.0,
            gid: item.owner.1,
            mtime: timestamp(item.mtime),
            xattrs: item.xattrs.clone(),
        };
        let inode = filesystem
            .create(dir, name.as_bytes(), new, &metadata)
            .unwrap();
        if let What::File(content) = &item.what {
            filesystem.write(inode, 0, content).unwrap();
            filesystem.close(inode).unwrap();
        }
        inodes.insert(item.path.clone(), inode);
    }
    filesystem.commit().unwrap();
    filesystem
}

fn make_theirs(items: &[Item], image: &Path) {
    use constants::file_mode::{S_IFDIR, S_IFLNK, S_IFREG};
    // Whole groups: with fewer blocks it writes a superblock that claims a whole one, in a file that
    // has not got it.
    let mut formatter = Formatter::new(image, 4096, 256 * MIB).unwrap();
    for item in items {
        let path = format!("/{}", item.path);
        let (kind, target, mut content) = match &item.what {
            What::File(content) => (S_IFREG, None, &content[..]),
            What::Directory => (S_IFDIR, None, &[][..]),
            What::Symlink(target) => (S_IFLNK, Some(target.as_str()), &[][..]),
            What::Link(target) => {
                formatter.link(&path, &format!("/{target}")).unwrap();
                continue;
            }
        };
        let xattrs: HashMap<_, _> = item
            .xattrs
            .iter()
            .map(|(name, value)| (String::from_utf8(name.clone()).unwrap(), value.clone()))
            .collect();
        formatter
            .create(
                &path,
                kind | item.permissions,
                target,
                Some(their_times(item.mtime)),
                Some(&mut content),
                Some(item.owner.0),
                Some(item.owner.1),
                Some(&xattrs),
            )
            .unwrap();
    }
    formatter.close().unwrap();
}

/// It is told times as they are on disk.
fn their_times((secs, nanos): (i64, u32)) -> FileTimestamps {
    let low = u32::try_from(secs & 0xffff_ffff).unwrap();
    let sign = i64::from(low.cast_signed());
    let high = u32::try_from((secs - sign) >> 32).unwrap() | nanos << 2;
    FileTimestamps {
        access_lo: low,
        access_hi: high,
        modification_lo: low,
        modification_hi: high,
        creation_lo: low,
        creation_hi: high,
        now_lo: low,
        now_hi: high,
    }
}

/// And says them so.
fn their_time(low: u32, high: u32) -> (i64, i64) {
    let secs = i64::from(low.cast_signed()) + (i64::from(high & 3) << 32);
    (secs, i64::from(high >> 2))
}

/// What their reader says of everything there is.
fn by_theirs(image: &Path) -> Listing {
    let mut reader = arcbox_ext4::Reader::new(image).unwrap();
    let mut file = File::open(image).unwrap();
    let mut names = 0;
    let mut contents = BTreeMap::new();
    let mut found = Listing::new();
    let mut todo = vec![(String::new(), constants::ROOT_INODE)];
    while let Some((path, number)) = todo.pop() {
        let inode = reader.get_inode(number).unwrap();
        let mut node = their_node(&inode);
        if inode.is_dir() {
            for (name, child) in reader.children_of(number).unwrap() {
                if !matches!(&name[..], "." | "..") {
                    todo.push((format!("{path}/{name}"), child));
                }
            }
        } else if inode.is_link() {
            node.target = their_target(&inode, &mut file);
        } else if inode.is_reg() {
            let read = || {
                let content = reader.read_file(&path, 0, Some(32 << 20)).unwrap();
                Sha256::digest(&content).to_vec()
            };
            node.content = contents.entry(number).or_insert_with(read).clone();
        }
        names += 1;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let key = path.as_bytes().escape_ascii().to_string();
        assert!(found.insert(key, node).is_none(), "{path} is there twice");
        contents.entry(number).or_default();
    }
    // Each name of an inode after the first is a link to it.
    assert_eq!(reader.hardlinks.len(), names - contents.len());
    found
}

fn their_node(inode: &Inode) -> Node {
    // Of files the flag means that their blocks are counted, not their sectors.
    let is_in_blocks = inode.flags & constants::inode_flags::HUGE_FILE != 0;
    Node {
        mode: inode.mode.into(),
        owner: (inode.uid_full(), inode.gid_full()),
        links: inode.links_count.into(),
        size: inode.file_size(),
        mtime: their_time(inode.mtime, inode.mtime_extra),
        atime: their_time(inode.atime, inode.atime_extra),
        ctime: their_time(inode.ctime, inode.ctime_extra),
        created: Some(their_time(inode.crtime, inode.crtime_extra)),
        allocated: u64::from(inode.blocks_lo) * if is_in_blocks { BLOCK } else { 512 },
        ..Node::default()
    }
}

/// It has no call that reads a link, only one that follows it.
fn their_target(inode: &Inode, file: &mut File) -> Vec<u8> {
    let size = usize::try_from(inode.file_size()).unwrap();
    if let Some(target) = inode.block.get(..size).filter(|_| size < 60) {
        return target.to_vec();
    }
    let blocks = parse_extents(inode, BLOCK, file).unwrap();
    let [(start, _)] = blocks[..] else {
        panic!("a link in {blocks:?}");
    };
    let mut target = vec![0; size];
    file.seek(SeekFrom::Start(u64::from(start) * BLOCK))
        .unwrap();
    file.read_exact(&mut target).unwrap();
    target
}

/// What our reader says, with what is stored of files as their content.
fn by_ours(image: &Path) -> Listing {
    let reader = Reader::open(FileDevice::open(image), Open::default()).unwrap();
    let mut found = by_reader(&reader);
    let mut walk = reader.walk(reader.root());
    while let Some(step) = walk.next() {
        let inode = step.unwrap().entry.inode;
        let key = walk.path().escape_ascii().to_string();
        let node = found.get_mut(&key).unwrap();
        if node.mode & 0o170_000 == 0o100_000 {
            node.content = Sha256::digest(stored(&reader, inode, node)).to_vec();
        }
    }
    found
}

/// Compares all that their reader can say.
fn check_readers(image: &Path) -> Listing {
    let found = by_ours(image);
    let mut comparable = found.clone();
    for node in comparable.values_mut() {
        node.stored.clear();
        node.xattrs.clear();
        node.rdev = (0, 0);
    }
    assert_equal("our reader", &comparable, &by_theirs(image));
    found
}

/// What is stored of a file, without its holes: theirs reads one block of it after the other,
/// wherever in the file it is, up to the file's size.
fn stored(reader: &Reader<FileDevice>, inode: InodeNumber, node: &Node) -> Vec<u8> {
    let mut content = Vec::new();
    for (from, to) in &node.stored {
        let at = content.len();
        content.resize(at + usize::try_from(to - from).unwrap(), 0);
        let read = reader.read(inode, *from, &mut content[at..]).unwrap();
        assert_eq!(read as u64, to - from);
    }
    let blocks = (content.len() as u64).next_multiple_of(BLOCK);
    content.resize(usize::try_from(blocks.min(node.size)).unwrap(), 0);
    content
}

/// What depends on neither the writer nor the time, of what was asked for.
fn asked_for(mut listing: Listing) -> Listing {
    listing.retain(|path, _| !path.is_empty() && path != "lost+found");
    for node in listing.values_mut() {
        node.allocated = 0;
        node.stored.clear();
        (node.atime, node.ctime, node.created) = ((0, 0), (0, 0), None);
        if node.mode & 0o170_000 == 0o040_000 {
            node.size = 0;
        }
    }
    listing
}

/// Links that lead to a file, followed by their reader and by ours.
fn check_links(image: &Path) {
    let mut theirs = arcbox_ext4::Reader::new(image).unwrap();
    let ours = Reader::open(FileDevice::open(image), Open::default()).unwrap();
    let file = ours.resolve(b"file-100", Follow::NotLast).unwrap();
    for path in ["directory/fast", "directory/slow"] {
        assert_eq!(theirs.stat(path).unwrap().0, file.get(), "{path}");
        let found = ours.resolve(path.as_bytes(), Follow::Last).unwrap();
        assert_eq!(found, file, "{path}");
        let content = theirs.read_file(path, 0, None).unwrap();
        assert_eq!(content, noise(100, 100), "{path}");
    }
}

#[test]
fn two_readers_say_the_same_of_what_two_writers_make_of_a_tree() {
    let items = tree();
    let (_dir, image) = scratch();
    store(make_ours(&items).device(), &image);
    let (_dir, other) = scratch();
    make_theirs(&items, &other);
    // Not theirs: it leaves the block of attributes out of its file's count.
    assert_clean(&image);
    let [ours, theirs] = [&image, &other].map(|image| {
        let found = check_readers(image);
        // With the root and lost+found.
        assert_eq!(found.len(), items.len() + 2);
        check_links(image);
        asked_for(found)
    });
    assert_equal("their image", &theirs, &ours);
    for item in &items {
        check_item(item, &theirs);
    }
}

/// What was asked for is there: the two could be wrong alike.
fn check_item(item: &Item, listing: &Listing) {
    let path = &item.path;
    let node = &listing[&path.as_bytes().escape_ascii().to_string()];
    match &item.what {
        What::File(content) => {
            assert_eq!(node.size, content.len() as u64, "{path}");
            assert_eq!(node.content, Sha256::digest(content).to_vec(), "{path}");
        }
        What::Directory => assert_eq!(node.mode >> 12, 4, "{path}"),
        What::Symlink(target) => assert_eq!(node.target, target.as_bytes(), "{path}"),
        What::Link(target) => {
            assert_eq!(*node, listing[*target], "{path}");
            assert_eq!(node.links, 3, "{path}");
            return;
        }
    }
    assert_eq!(node.mode & 0o7777, item.permissions.into(), "{path}");
    assert_eq!(node.owner, item.owner, "{path}");
    assert_eq!(node.mtime, (item.mtime.0, item.mtime.1.into()), "{path}");
    assert_eq!(node.xattrs, item.xattrs, "{path}");
}

/// What their writer has not got, by ours: holes, nodes, and a directory with two levels of index.
#[test]
fn their_reader_says_the_same_of_what_only_our_writer_makes() {
    let (_dir, image) = scratch();
    let device = FileDevice::create(&image, 400 * MIB);
    let mut filesystem = Filesystem::make(device, &Format::default()).unwrap();
    let root = filesystem.root();
    let size = (6 << 30) + 77;
    // One and two levels of map, and none of it at the beginning or at the end.
    for (name, teeth) in [("none", 0), ("few", 3), ("comb", 700)] {
        let comb = filesystem
            .create(root, name.as_bytes(), New::File { size }, &mode(0o600))
            .unwrap();
        for n in 1..=teeth {
            let tooth = format!("tooth {n}");
            filesystem
                .write(comb, n * 8_000_000, tooth.as_bytes())
                .unwrap();
        }
        filesystem.close(comb).unwrap();
    }
    file(&mut filesystem, root, "large", &noise(5, 20 << 20));
    let small = file(&mut filesystem, root, "small", b"small");
    for (name, new) in NODES {
        filesystem
            .create(root, name.as_bytes(), new, &mode(0o640))
            .unwrap();
    }
    let many = directory(&mut filesystem, root, "many");
    for n in 0..9000 {
        let name = format!("{n:0>250}");
        filesystem.link(many, name.as_bytes(), small).unwrap();
    }
    for n in (0..9000).step_by(7) {
        let name = format!("{n:0>250}");
        filesystem.unlink(many, name.as_bytes()).unwrap();
    }
    filesystem.commit().unwrap();
    drop(filesystem);
    assert_clean(&image);
    let found = check_readers(&image);
    // The root, lost+found, the ten above, and what is left of the many.
    assert_eq!(found.len(), 2 + 10 + 9000 - 1286);
    // More leaves than one block of index has room for.
    assert!(found["many"].size > 511 * BLOCK);
    assert_eq!(found["comb"].stored.len(), 700);
}
