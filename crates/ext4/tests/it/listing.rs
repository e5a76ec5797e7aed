//! All that there is to know of a tree: as the kernel says it, and as the reader does.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Seek, SeekFrom},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{FileExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use longshore_ext4::{Kind, ReadAt, Reader};
use sha2::{Digest, Sha256};

/// A tree by its paths.
pub(crate) type Listing = BTreeMap<String, Node>;

/// All that is known of an inode.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Node {
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) links: u64,
    pub(crate) size: u64,
    pub(crate) mtime: (i64, i64),
    pub(crate) atime: (i64, i64),
    pub(crate) ctime: (i64, i64),
    pub(crate) created: Option<(i64, i64)>,
    pub(crate) allocated: u64,
    pub(crate) rdev: (u32, u32),
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// A link's target, or the hash of a file's content and which parts are stored.
    pub(crate) target: Vec<u8>,
    pub(crate) content: Vec<u8>,
    pub(crate) stored: Vec<(u64, u64)>,
}

impl Node {
    /// The same without what depends on the filesystem that it is on, and with as much of the time
    /// as mke2fs copies: seconds, in 32 bits.
    pub(crate) fn portable(&self) -> Self {
        let is_dir = self.mode & 0o170_000 == 0o040_000;
        let is_file = self.mode & 0o170_000 == 0o100_000;
        Self {
            // mke2fs keeps only those of files.
            links: if is_file { self.links } else { 0 },
            size: if is_dir { 0 } else { self.size },
            mtime: (self.mtime.0 << 32 >> 32, 0),
            atime: (0, 0),
            ctime: (0, 0),
            created: None,
            allocated: 0,
            stored: Vec::new(),
            ..self.clone()
        }
    }
}

/// Hashes what is not zeros, so that it does not matter what of the rest is stored.
struct Content(Sha256);

impl Content {
    fn of(size: u64, stored: &[(u64, u64)], mut read: impl FnMut(u64, &mut [u8])) -> Vec<u8> {
        let mut hash = Self(Sha256::new());
        let mut next = 0;
        for (from, to) in stored {
            let mut at = next.max(from / 4096 * 4096);
            while at < *to {
                let mut piece = vec![0; usize::try_from((size - at).min(4096)).unwrap()];
                read(at, &mut piece);
                if piece.iter().any(|byte| *byte != 0) {
                    hash.0.update(at.to_le_bytes());
                    hash.0.update(&piece);
                }
                at += 4096;
            }
            next = at;
        }
        hash.0.finalize().to_vec()
    }
}

/// What the kernel says of everything below a directory, and of that itself.
pub(crate) fn by_kernel(root: &Path) -> Listing {
    let mut found = Listing::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(path) = todo.pop() {
        let full = root.join(&path);
        let node = kernel_node(&full);
        if node.mode & 0o170_000 == 0o040_000 {
            for entry in fs::read_dir(&full).unwrap() {
                todo.push(path.join(entry.unwrap().file_name()));
            }
        }
        found.insert(path.as_os_str().as_bytes().escape_ascii().to_string(), node);
    }
    found
}

fn kernel_node(path: &Path) -> Node {
    // Before anything is read, which would be seen in the access time.
    let statx = rustix::fs::statx(
        rustix::fs::CWD,
        path,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
        rustix::fs::StatxFlags::BTIME,
    )
    .unwrap();
    let has_created = statx.stx_mask & rustix::fs::StatxFlags::BTIME.bits() != 0;
    let metadata = fs::symlink_metadata(path).unwrap();
    let rdev = metadata.rdev();
    let mut node = Node {
        mode: metadata.mode(),
        owner: (metadata.uid(), metadata.gid()),
        links: metadata.nlink(),
        size: metadata.size(),
        mtime: (metadata.mtime(), metadata.mtime_nsec()),
        atime: (metadata.atime(), metadata.atime_nsec()),
        ctime: (metadata.ctime(), metadata.ctime_nsec()),
        created: has_created.then(|| {
            let created = statx.stx_btime;
            (created.tv_sec, created.tv_nsec.into())
        }),
        allocated: metadata.blocks() * 512,
        rdev: (rustix::fs::major(rdev), rustix::fs::minor(rdev)),
        xattrs: kernel_xattrs(path),
        ..Node::default()
    };
    if metadata.is_symlink() {
        node.target = fs::read_link(path).unwrap().into_os_string().into_vec();
    }
    if metadata.is_file() {
        let mut file = File::open(path).unwrap();
        let mut at = 0;
        while let Ok(from) = file.seek(SeekFrom::Start(at)).and_then(|_| {
            rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(at)).map_err(Into::into)
        }) {
            at = match rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(from)) {
                // What the kernel says past the end of what is stored in an inode: of files of
                // zeros, of which mke2fs puts the first 60 bytes there.
                Err(rustix::io::Errno::NOENT) => 60,
                found => found.unwrap(),
            };
            node.stored.push((from, at));
        }
        node.content = Content::of(node.size, &node.stored, |at, piece| {
            file.read_exact_at(piece, at).unwrap();
        });
    }
    node
}

fn kernel_xattrs(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = vec![0; 65536];
    let len = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let mut found: Vec<_> = names[..len]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| {
            let mut value = vec![0; 65536];
            let len = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
            value.truncate(len);
            (name.to_vec(), value)
        })
        .collect();
    found.sort();
    found
}

/// What the reader says of everything there is.
pub(crate) fn by_reader<D: ReadAt>(reader: &Reader<D>) -> Listing {
    let root = reader.root();
    let mut found = Listing::from([(String::new(), reader_node(reader, root))]);
    let mut walk = reader.walk(root);
    while let Some(step) = walk.next() {
        let step = step.unwrap_or_else(|error| panic!("{}: {error}", walk.path().escape_ascii()));
        let node = reader_node(reader, step.entry.inode);
        if let Some(kind) = step.entry.kind {
            assert_eq!(
                format!("{kind:?}"),
                format!("{:?}", step.stat.kind).split(' ').next().unwrap()
            );
        }
        found.insert(walk.path().escape_ascii().to_string(), node);
    }
    found
}

fn reader_node<D: ReadAt>(reader: &Reader<D>, inode: longshore_ext4::InodeNumber) -> Node {
    let stat = reader.stat(inode).unwrap();
    let times = reader.times(inode).unwrap();
    let pair = |time: longshore_ext4::Timestamp| (time.secs(), time.nanos().into());
    let (format, rdev) = match stat.kind {
        Kind::File => (0o100_000, (0, 0)),
        Kind::Directory => (0o040_000, (0, 0)),
        Kind::Symlink => (0o120_000, (0, 0)),
        Kind::CharDevice { major, minor } => (0o020_000, (major, minor)),
        Kind::BlockDevice { major, minor } => (0o060_000, (major, minor)),
        Kind::Fifo => (0o010_000, (0, 0)),
        Kind::Socket => (0o140_000, (0, 0)),
    };
    let mut node = Node {
        mode: format | u32::from(stat.permissions.bits()),
        owner: (stat.uid, stat.gid),
        links: stat.links.into(),
        size: stat.size,
        mtime: pair(stat.mtime),
        atime: pair(times.accessed),
        ctime: pair(times.changed),
        created: times.created.map(pair),
        allocated: stat.allocated,
        rdev,
        xattrs: reader.xattrs(inode).unwrap(),
        ..Node::default()
    };
    match stat.kind {
        Kind::Symlink => node.target = reader.read_link(inode).unwrap(),
        Kind::File => {
            let mut end = 0;
            for segment in reader.segments(inode).unwrap() {
                let segment = segment.unwrap();
                assert_eq!(segment.offset, end);
                end += segment.len;
                if segment.stored {
                    node.stored.push((segment.offset, end));
                }
            }
            assert_eq!(end, stat.size);
            for (from, _) in &node.stored {
                check_read_across(reader, inode, *from);
            }
            node.content = Content::of(stat.size, &node.stored, |at, piece| {
                let read = reader.read(inode, at, piece).unwrap();
                assert_eq!(read, piece.len());
            });
        }
        _ => {}
    }
    node
}

/// A read that begins somewhere in a hole and ends in what is stored after it.
fn check_read_across<D: ReadAt>(
    reader: &Reader<D>,
    inode: longshore_ext4::InodeNumber,
    stored_from: u64,
) {
    let begin = stored_from.saturating_sub(2500);
    let before = usize::try_from(stored_from - begin).unwrap();
    let mut within = vec![1; 100];
    let found = reader.read(inode, stored_from, &mut within).unwrap();
    let mut across = vec![1; before + found];
    let read = reader.read(inode, begin, &mut across).unwrap();
    assert_eq!(read, across.len());
    assert!(
        across[before..] == within[..found],
        "{inode} at {stored_from}"
    );
}

/// Fails with the first few differences of two trees.
pub(crate) fn assert_equal(what: &str, found: &Listing, expected: &Listing) {
    let differences: Vec<String> = expected
        .keys()
        .chain(found.keys().filter(|path| !expected.contains_key(*path)))
        .filter(|path| found.get(*path) != expected.get(*path))
        .map(|path| {
            format!(
                "{path}\n  found    {:.400}\n  expected {:.400}",
                format!("{:?}", found.get(path)),
                format!("{:?}", expected.get(path))
            )
        })
        .collect();
    assert!(
        differences.is_empty(),
        "{what}: {} differences\n{}",
        differences.len(),
        differences[..differences.len().min(3)].join("\n")
    );
}
