//! Random operations, against a tree in memory that knows nothing of blocks.

use std::{collections::BTreeMap, path::Path};

use longshore_ext4::{
    Device, Error, Filesystem, InodeNumber, Kind, MemoryDevice, Metadata, New, Permissions,
    Timestamp,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};

use crate::{
    determinism::digest,
    support::{
        MIB, assert_clean, assert_device_clean, content, debugfs, memory, noise, scratch, store,
    },
};

/// An operation; numbers are taken modulo what there is at the time.
#[derive(Debug, Clone)]
enum Op {
    File(usize, usize, u32, Vec<Piece>),
    Directory(usize, usize, u32),
    Symlink(usize, usize, usize),
    Special(usize, usize, Kind),
    Link(usize, usize, usize),
    Unlink(usize, usize),
    SetMetadata(usize, u32),
    /// So many names at once, each of another length.
    Many(usize, usize),
    /// All names of a directory but those of directories.
    Clear(usize),
    Commit,
}

/// A part of a file: how much is skipped before it, how long it is, and whether it is zeros.
#[derive(Debug, Clone)]
struct Piece {
    skip: usize,
    len: usize,
    zeros: bool,
}

fn piece() -> impl Strategy<Value = Piece> {
    let len = prop_oneof![0..200usize, 4000..9000usize, 30_000..200_000usize];
    let skip = prop_oneof![3 => Just(0usize), 1 => 1..20_000usize];
    (skip, len, prop::bool::weighted(0.2)).prop_map(|(skip, len, zeros)| Piece { skip, len, zeros })
}

fn special() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Fifo),
        Just(Kind::Socket),
        (0..4096u32, 0..1u32 << 20).prop_map(|(major, minor)| Kind::CharDevice { major, minor }),
        (0..300u32, 0..300u32).prop_map(|(major, minor)| Kind::BlockDevice { major, minor }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let (dir, name) = (0..100usize, 0..100usize);
    let at = (dir, name);
    prop_oneof![
        6 => (at.clone(), 0..100u32, prop::collection::vec(piece(), 0..4))
            .prop_map(|((dir, name), meta, pieces)| Op::File(dir, name, meta, pieces)),
        4 => (at.clone(), 0..100u32).prop_map(|((dir, name), meta)| Op::Directory(dir, name, meta)),
        2 => (at.clone(), 1..4095usize).prop_map(|((dir, name), len)| Op::Symlink(dir, name, len)),
        1 => (at.clone(), special()).prop_map(|((dir, name), kind)| Op::Special(dir, name, kind)),
        3 => (at.clone(), 0..100usize).prop_map(|((dir, name), node)| Op::Link(dir, name, node)),
        7 => at.prop_map(|(dir, name)| Op::Unlink(dir, name)),
        2 => (0..100usize, 0..100u32).prop_map(|(node, meta)| Op::SetMetadata(node, meta)),
        1 => (0..100usize, 0..400usize).prop_map(|(dir, count)| Op::Many(dir, count)),
        1 => (0..100usize).prop_map(Op::Clear),
        1 => Just(Op::Commit),
    ]
}

#[derive(Debug, Clone)]
enum Body {
    Directory(BTreeMap<Vec<u8>, InodeNumber>),
    File(Vec<u8>),
    Symlink(Vec<u8>),
    Special(Kind),
}

#[derive(Debug, Clone)]
struct Node {
    body: Body,
    metadata: Metadata,
    links: u16,
}

/// What the filesystem should be.
#[derive(Debug, Clone)]
struct Model {
    nodes: BTreeMap<InodeNumber, Node>,
}

/// Metadata number `n`: all of it differs with the number.
fn metadata(n: u32) -> Metadata {
    Metadata {
        permissions: Permissions::new(n * 37 % 0o10000).unwrap(),
        uid: n * 40_000_000,
        gid: n * 1000,
        mtime: Timestamp::new(i64::from(n) * 170_000_000 - 2_000_000_000, n * 9_999_999).unwrap(),
        xattrs: (0..n % 4)
            .map(|nth| {
                // One that may fill a block, or some that go here and there.
                let lens = [n % 20, n * 13 % 90, n * 37 % 1200];
                let len = match n % 4 {
                    1 => n * 41 % 4036,
                    _ => lens[(n / 4 + nth) as usize % 3],
                };
                (format!("user.{nth}").into_bytes(), noise(n, len as usize))
            })
            .collect(),
    }
}

/// Name number `n`: two of three short, some of the longest.
fn name(n: usize) -> Vec<u8> {
    let n = n % 24;
    match n % 6 {
        5 => vec![b'a' + u8::try_from(n).unwrap(); 255 - n],
        _ => format!("name{n}").into_bytes(),
    }
}

impl Model {
    fn new(filesystem: &Filesystem<MemoryDevice>) -> Self {
        let root = filesystem.root();
        let found = filesystem.lookup(root, b"lost+found").unwrap().unwrap();
        let entry = BTreeMap::from([(b"lost+found".to_vec(), found)]);
        let directory = |entries, mode| Node {
            body: Body::Directory(entries),
            metadata: Metadata {
                permissions: Permissions::new(mode).unwrap(),
                ..Metadata::default()
            },
            links: 2,
        };
        let mut root_node = directory(entry, 0o755);
        root_node.links = 3;
        let nodes = [
            (root, root_node),
            (found, directory(BTreeMap::new(), 0o700)),
        ];
        Self {
            nodes: nodes.into(),
        }
    }

    fn pick(&self, n: usize) -> InodeNumber {
        *self.nodes.keys().nth(n % self.nodes.len()).unwrap()
    }

    fn pick_directory(&self, n: usize) -> InodeNumber {
        let is_directory = |node: &&Node| matches!(node.body, Body::Directory(_));
        let count = self.nodes.values().filter(is_directory).count();
        let mut directories = self.nodes.iter().filter(|(_, node)| is_directory(node));
        *directories.nth(n % count).unwrap().0
    }

    fn entries(&mut self, dir: InodeNumber) -> &mut BTreeMap<Vec<u8>, InodeNumber> {
        match &mut self.nodes.get_mut(&dir).unwrap().body {
            Body::Directory(entries) => entries,
            body => panic!("{body:?} is no directory"),
        }
    }

    fn create<D: Device>(
        &mut self,
        filesystem: &mut Filesystem<D>,
        dir: usize,
        nth_name: usize,
        meta: u32,
        body: Body,
    ) -> Option<InodeNumber> {
        let (dir, name, metadata) = (self.pick_directory(dir), name(nth_name), metadata(meta));
        let new = match &body {
            Body::Directory(_) => New::Directory,
            Body::File(content) => New::File {
                size: content.len() as u64,
            },
            Body::Symlink(target) => New::Symlink(target),
            Body::Special(Kind::CharDevice { major, minor }) => New::CharDevice {
                major: *major,
                minor: *minor,
            },
            Body::Special(Kind::BlockDevice { major, minor }) => New::BlockDevice {
                major: *major,
                minor: *minor,
            },
            Body::Special(Kind::Fifo) => New::Fifo,
            Body::Special(_) => New::Socket,
        };
        let made = filesystem.create(dir, &name, new, &metadata);
        if self.entries(dir).contains_key(&name) {
            assert!(matches!(made, Err(Error::AlreadyExists { .. })));
            return None;
        }
        let inode = made.unwrap();
        self.entries(dir).insert(name, inode);
        let links = match body {
            Body::Directory(_) => {
                self.nodes.get_mut(&dir).unwrap().links += 1;
                2
            }
            _ => 1,
        };
        let node = Node {
            body,
            metadata,
            links,
        };
        assert!(self.nodes.insert(inode, node).is_none());
        Some(inode)
    }

    fn many<D: Device>(&mut self, filesystem: &mut Filesystem<D>, dir: usize, count: usize) {
        let dir = self.pick_directory(dir);
        for n in 0..count {
            let mut name = format!("many-{count}-{n}-").into_bytes();
            name.resize(name.len() + n * count % 230, b'n');
            let made = filesystem.create(dir, &name, New::Fifo, &metadata(3));
            if self.entries(dir).contains_key(&name) {
                assert!(matches!(made, Err(Error::AlreadyExists { .. })));
                continue;
            }
            let inode = made.unwrap();
            self.entries(dir).insert(name, inode);
            let node = Node {
                body: Body::Special(Kind::Fifo),
                metadata: metadata(3),
                links: 1,
            };
            self.nodes.insert(inode, node);
        }
    }

    fn clear<D: Device>(&mut self, filesystem: &mut Filesystem<D>, dir: usize) {
        let dir = self.pick_directory(dir);
        for (name, target) in self.entries(dir).clone() {
            let node = self.nodes.get_mut(&target).unwrap();
            if matches!(node.body, Body::Directory(_)) {
                continue;
            }
            filesystem.unlink(dir, &name).unwrap();
            node.links -= 1;
            if node.links == 0 {
                self.nodes.remove(&target);
            }
            self.entries(dir).remove(&name);
        }
    }

    /// Removes everything but what was there from the start.
    fn remove_all<D: Device>(&mut self, filesystem: &mut Filesystem<D>) {
        while self.nodes.len() > 2 {
            for dir in 0..self.nodes.len() {
                self.clear(filesystem, dir);
            }
            for inode in self.nodes.keys().copied().collect::<Vec<_>>() {
                let Some(Body::Directory(entries)) = self.nodes.get(&inode).map(|node| &node.body)
                else {
                    continue;
                };
                let empty = |child: &&InodeNumber| matches!(&self.nodes[*child].body, Body::Directory(entries) if entries.is_empty());
                let gone: Vec<Vec<u8>> = entries
                    .iter()
                    .filter(|(name, child)| *name != b"lost+found" && empty(child))
                    .map(|(name, _)| name.clone())
                    .collect();
                for name in gone {
                    filesystem.unlink(inode, &name).unwrap();
                    let child = self.entries(inode).remove(&name).unwrap();
                    self.nodes.remove(&child);
                    self.nodes.get_mut(&inode).unwrap().links -= 1;
                }
            }
        }
    }

    fn unlink<D: Device>(&mut self, filesystem: &mut Filesystem<D>, dir: usize, nth_name: usize) {
        // Half of the time a name that is there.
        let dir = self.pick_directory(dir);
        let names: Vec<_> = self.entries(dir).keys().cloned().collect();
        let name = match names.len() {
            0 => name(nth_name),
            len => names[nth_name % len].clone(),
        };
        let result = filesystem.unlink(dir, &name);
        let Some(target) = self.entries(dir).get(&name).copied() else {
            assert!(matches!(result, Err(Error::NotFound { .. })));
            return;
        };
        let node = self.nodes.get_mut(&target).unwrap();
        match &node.body {
            Body::Directory(entries) if !entries.is_empty() => {
                assert!(matches!(result, Err(Error::NotEmpty { .. })));
                return;
            }
            Body::Directory(_) => {
                self.nodes.remove(&target);
                self.nodes.get_mut(&dir).unwrap().links -= 1;
            }
            _ if node.links > 1 => node.links -= 1,
            _ => {
                self.nodes.remove(&target);
            }
        }
        result.unwrap();
        self.entries(dir).remove(&name);
    }

    fn link<D: Device>(
        &mut self,
        filesystem: &mut Filesystem<D>,
        dir: usize,
        nth_name: usize,
        target: usize,
    ) {
        let (dir, name, target) = (self.pick_directory(dir), name(nth_name), self.pick(target));
        let result = filesystem.link(dir, &name, target);
        if self.entries(dir).contains_key(&name) {
            assert!(matches!(result, Err(Error::AlreadyExists { .. })));
            return;
        }
        let node = self.nodes.get_mut(&target).unwrap();
        if matches!(node.body, Body::Directory(_)) {
            assert!(matches!(result, Err(Error::IsADirectory { .. })));
            return;
        }
        result.unwrap();
        node.links += 1;
        self.entries(dir).insert(name, target);
    }

    fn apply<D: Device>(&mut self, filesystem: &mut Filesystem<D>, op: &Op) {
        match op {
            Op::File(dir, name, meta, pieces) => {
                let mut content = Vec::new();
                let mut writes = Vec::new();
                for (nth, piece) in (0..).zip(pieces) {
                    content.resize(content.len() + piece.skip, 0);
                    let bytes = if piece.zeros {
                        vec![0; piece.len]
                    } else {
                        noise(nth + meta, piece.len)
                    };
                    writes.push((content.len() as u64, bytes.clone()));
                    content.extend(bytes);
                }
                content.resize(content.len() + *name * 50, 0);
                if let Some(inode) =
                    self.create(filesystem, *dir, *name, *meta, Body::File(content))
                {
                    for (offset, bytes) in writes {
                        filesystem.write(inode, offset, &bytes).unwrap();
                    }
                    filesystem.close(inode).unwrap();
                }
            }
            Op::Directory(dir, name, meta) => {
                let body = Body::Directory(BTreeMap::new());
                self.create(filesystem, *dir, *name, *meta, body);
            }
            Op::Symlink(dir, name, len) => {
                // Half of them short enough for the inode.
                let len = if len % 2 == 0 { *len } else { len % 70 + 1 };
                let body = Body::Symlink(vec![b't'; len]);
                self.create(filesystem, *dir, *name, 5, body);
            }
            Op::Special(dir, name, kind) => {
                self.create(filesystem, *dir, *name, 9, Body::Special(*kind));
            }
            Op::Link(dir, name, node) => self.link(filesystem, *dir, *name, *node),
            Op::Unlink(dir, name) => self.unlink(filesystem, *dir, *name),
            Op::SetMetadata(node, meta) => {
                let inode = self.pick(*node);
                filesystem.set_metadata(inode, &metadata(*meta)).unwrap();
                self.nodes.get_mut(&inode).unwrap().metadata = metadata(*meta);
            }
            Op::Many(dir, count) => self.many(filesystem, *dir, *count),
            Op::Clear(dir) => self.clear(filesystem, *dir),
            Op::Commit => filesystem.commit().unwrap(),
        }
    }

    fn assert_same<D: Device>(&self, filesystem: &Filesystem<D>) {
        for (inode, node) in &self.nodes {
            let stat = filesystem.stat(*inode).unwrap();
            let metadata = Metadata {
                permissions: stat.permissions,
                uid: stat.uid,
                gid: stat.gid,
                mtime: stat.mtime,
                xattrs: filesystem.xattrs(*inode).unwrap(),
            };
            assert_eq!(metadata, node.metadata);
            assert_eq!(stat.links, node.links, "{inode}");
            match &node.body {
                Body::Directory(entries) => {
                    assert_eq!(stat.kind, Kind::Directory);
                    let found = filesystem.children(*inode).unwrap();
                    assert_eq!(found.len(), entries.len());
                    for child in found {
                        assert_eq!(entries.get(&child.name), Some(&child.inode));
                        let again = filesystem.lookup(*inode, &child.name).unwrap();
                        assert_eq!(again, Some(child.inode));
                    }
                }
                Body::File(expected) => {
                    assert_eq!(stat.kind, Kind::File);
                    assert!(content(filesystem, *inode) == *expected, "{inode}");
                }
                Body::Symlink(target) => {
                    assert_eq!(filesystem.read_link(*inode).unwrap(), *target);
                }
                Body::Special(kind) => assert_eq!(stat.kind, *kind),
            }
        }
        self.assert_inodes(filesystem);
    }

    /// The names of the directory with the most of them, by another reader.
    fn assert_debugfs_lists_the_largest(&self, image: &Path) {
        let directories = self
            .nodes
            .iter()
            .filter_map(|(inode, node)| match &node.body {
                Body::Directory(entries) => Some((entries.len(), inode, entries)),
                _ => None,
            });
        let (_, inode, entries) = directories.max_by_key(|(len, ..)| *len).unwrap();
        let list = debugfs(image, &format!("ls -p <{}>", inode.get()));
        let mut found: Vec<&[u8]> = list
            .split(|byte| *byte == b'\n')
            // An entry that is not in use is told as one of inode 0.
            .filter(|line| !line.starts_with(b"/0/"))
            .filter_map(|line| line.split(|byte| *byte == b'/').nth(5))
            .filter(|name| !matches!(*name, b"." | b".."))
            .collect();
        found.sort();
        let expected: Vec<&[u8]> = entries.keys().map(Vec::as_slice).collect();
        assert!(found == expected, "{inode}");
    }

    fn assert_inodes<D: Device>(&self, filesystem: &Filesystem<D>) {
        let used = filesystem.usage().inodes - filesystem.usage().free_inodes;
        // Ten inodes are reserved, the root among them.
        assert_eq!(used as usize, self.nodes.len() + 10 - 1);
    }
}

/// Free blocks, and those that the directories have which cannot be removed.
fn blocks_but_for_what_stays<D: Device>(model: &Model, filesystem: &Filesystem<D>) -> u64 {
    let allocated = |inode: &InodeNumber| filesystem.stat(*inode).unwrap().allocated / 4096;
    filesystem.usage().free_blocks + model.nodes.keys().map(allocated).sum::<u64>()
}

fn config(cases: u32, seed: u64) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config(32, 1))]

    #[test]
    fn random_operations_give_what_the_model_says(ops in prop::collection::vec(op(), 1..150)) {
        let mut filesystem = memory(64 * MIB);
        let mut model = Model::new(&filesystem);
        let before = blocks_but_for_what_stays(&model, &filesystem);
        for op in &ops {
            model.apply(&mut filesystem, op);
        }
        model.assert_same(&filesystem);
        filesystem.commit().unwrap();
        let (_dir, image) = scratch();
        store(filesystem.device(), &image);
        assert_clean(&image);
        model.assert_same(&filesystem);
        model.assert_debugfs_lists_the_largest(&image);
        let mut anew = Filesystem::open(filesystem.into_device()).unwrap();
        model.assert_same(&anew);
        model.remove_all(&mut anew);
        model.assert_same(&anew);
        prop_assert_eq!(blocks_but_for_what_stays(&model, &anew), before);
        anew.commit().unwrap();
        assert_device_clean(anew.device());
    }
}

proptest! {
    #![proptest_config(config(20, 2))]

    #[test]
    fn opening_anew_after_a_commit_changes_nothing(ops in prop::collection::vec(op(), 1..150)) {
        let mut kept = memory(64 * MIB);
        let mut reopened = kept.device().clone();
        let mut model = Model::new(&kept);
        for part in ops.chunks(20) {
            let mut other = model.clone();
            let mut filesystem = Filesystem::open(reopened).unwrap();
            for op in part {
                model.apply(&mut kept, op);
                other.apply(&mut filesystem, op);
            }
            kept.commit().unwrap();
            filesystem.commit().unwrap();
            prop_assert_eq!(digest(&kept), digest(&filesystem));
            prop_assert_eq!(kept.usage(), filesystem.usage());
            reopened = filesystem.into_device();
        }
    }
}
