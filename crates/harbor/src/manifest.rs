//! What a root filesystem holds: every path with everything that must be right about it.
//!
//! Two manifests are equal when the filesystems are, in all that an image states: types, modes,
//! owners, times of modification, contents, link targets, which names are one inode, device
//! numbers, extended attributes. Sizes of directories, times of access and inode numbers are not
//! in it.

use std::collections::BTreeMap;
use std::fmt;

/// SHA-256 of a content.
pub type Sha256 = [u8; 32];

/// Extended attributes by name, values as the kernel gives them.
pub type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// The SHA-256 of its content.
        sha256: Sha256,
    },
    /// A directory.
    Directory,
    /// A symbolic link and what it says.
    Symlink(Vec<u8>),
    /// A character device, major and minor.
    CharDevice(u32, u32),
    /// A block device, major and minor.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
    /// A socket; no layer makes one.
    Socket,
}

/// One path's inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permissions with setuid, setgid and sticky: 12 bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Seconds since 1970, and nanoseconds (0 to 999,999,999) later.
    pub mtime: (i64, u32),
    /// Extended attributes.
    pub xattrs: Xattrs,
    /// The smallest path of this inode, if it has several.
    pub group: Option<Vec<u8>>,
}

/// Every path, without a leading slash; the root is the empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest(BTreeMap<Vec<u8>, Node>);

impl Manifest {
    /// A manifest of paths, each with its inode's key; paths with one key are one inode.
    pub(crate) fn of_inodes<K: Ord + Clone>(paths: Vec<(Vec<u8>, K, Node)>) -> Self {
        let mut names: BTreeMap<K, (usize, Vec<u8>)> = BTreeMap::new();
        for (path, key, _) in &paths {
            let (count, smallest) = names
                .entry(key.clone())
                .or_insert_with(|| (0, path.clone()));
            *count += 1;
            if path < smallest {
                smallest.clone_from(path);
            }
        }
        let grouped = |(path, key, node): (Vec<u8>, K, Node)| {
            let (count, smallest) = &names[&key];
            let group = (*count > 1).then(|| smallest.clone());
            (path, Node { group, ..node })
        };
        Self(paths.into_iter().map(grouped).collect())
    }

    /// The paths in the order of their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.0.iter().map(|(path, node)| (path.as_slice(), node))
    }

    /// What is at this path (without a leading slash; the root is "").
    #[must_use]
    pub fn get(&self, path: impl AsRef<[u8]>) -> Option<&Node> {
        self.0.get(path.as_ref())
    }

    /// How many paths there are, the root included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is not even a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same without extended attributes of which `dropped` holds.
    #[must_use]
    pub fn without_xattrs(mut self, dropped: impl Fn(&[u8]) -> bool) -> Self {
        for node in self.0.values_mut() {
            node.xattrs.retain(|name, _| !dropped(name));
        }
        self
    }

    /// Every difference, a line each, `self` being what was expected; empty if there is none.
    #[must_use]
    pub fn diff(&self, got: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, expected) in &self.0 {
            let shown = show(path);
            match got.0.get(path) {
                None => lines.push(format!("{shown}: missing; expected {}", expected.kind)),
                Some(node) => lines.extend(
                    differences(expected, node)
                        .into_iter()
                        .map(|line| format!("{shown}: {line}")),
                ),
            }
        }
        for (path, node) in &got.0 {
            if !self.0.contains_key(path) {
                lines.push(format!("{}: not expected; got {}", show(path), node.kind));
            }
        }
        lines
    }

    /// Panics with the first lines of [`Manifest::diff`] if there are any.
    ///
    /// # Panics
    /// If the manifests differ.
    #[track_caller]
    pub fn assert_same(&self, got: &Self) {
        let lines = self.diff(got);
        let shown = lines.len().min(40);
        assert!(
            lines.is_empty(),
            "{} differences:\n{}",
            lines.len(),
            lines[..shown].join("\n")
        );
    }
}

/// What of two nodes differs.
fn differences(expected: &Node, got: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    let mut compare = |what: &str, expected: String, got: String| {
        if expected != got {
            lines.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    let group = |node: &Node| node.group.as_deref().map_or("none".to_owned(), show);
    compare("type", expected.kind.to_string(), got.kind.to_string());
    compare(
        "mode",
        format!("{:04o}", expected.mode),
        format!("{:04o}", got.mode),
    );
    compare("uid", expected.uid.to_string(), got.uid.to_string());
    compare("gid", expected.gid.to_string(), got.gid.to_string());
    compare("mtime", show_time(expected.mtime), show_time(got.mtime));
    compare("linked with", group(expected), group(got));
    for name in expected.xattrs.keys().chain(
        got.xattrs
            .keys()
            .filter(|name| !expected.xattrs.contains_key(*name)),
    ) {
        let value = |node: &Node| {
            node.xattrs
                .get(name)
                .map_or("none".to_owned(), |value| show(value))
        };
        compare(
            &format!("xattr {}", show(name)),
            value(expected),
            value(got),
        );
    }
    lines
}

fn show_time((seconds, nanos): (i64, u32)) -> String {
    format!("{seconds}+{nanos:09}ns")
}

/// Bytes in quotes, escaped where they are not printable ASCII.
fn show(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { size, sha256 } => {
                write!(f, "file of {size} bytes, sha256:")?;
                sha256.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Directory => f.write_str("directory"),
            Self::Symlink(target) => write!(f, "symlink to {}", show(target)),
            Self::CharDevice(major, minor) => write!(f, "character device {major}:{minor}"),
            Self::BlockDevice(major, minor) => write!(f, "block device {major}:{minor}"),
            Self::Fifo => f.write_str("fifo"),
            Self::Socket => f.write_str("socket"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: Kind) -> Node {
        let xattrs = BTreeMap::from([(b"user.a".to_vec(), b"1\n".to_vec())]);
        Node {
            kind,
            mode: 0o4755,
            uid: 1,
            gid: 2,
            mtime: (-1, 5),
            xattrs,
            group: None,
        }
    }

    fn manifest(change: impl Fn(&mut Node)) -> Manifest {
        let mut changed = node(Kind::Symlink(b"x".to_vec()));
        change(&mut changed);
        Manifest::of_inodes(vec![
            (Vec::new(), 1, node(Kind::Directory)),
            (b"a".to_vec(), 2, changed),
        ])
    }

    #[test]
    fn equal_manifests_do_not_differ() {
        assert_eq!(
            manifest(|_| {}).diff(&manifest(|_| {})),
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_property_is_compared() {
        let differs = |change: &dyn Fn(&mut Node), line: &str| {
            assert_eq!(manifest(|_| {}).diff(&manifest(change)), [line]);
        };
        differs(
            &|n| n.kind = Kind::Fifo,
            "\"a\": type: expected symlink to \"x\", got fifo",
        );
        differs(&|n| n.mode = 0o755, "\"a\": mode: expected 4755, got 0755");
        differs(&|n| n.uid = 0, "\"a\": uid: expected 1, got 0");
        differs(&|n| n.gid = 0, "\"a\": gid: expected 2, got 0");
        differs(
            &|n| n.mtime.1 = 6,
            "\"a\": mtime: expected -1+000000005ns, got -1+000000006ns",
        );
        differs(
            &|n| n.xattrs.clear(),
            "\"a\": xattr \"user.a\": expected \"1\\n\", got none",
        );
        let more = |n: &mut Node| drop(n.xattrs.insert(b"b".to_vec(), Vec::new()));
        differs(&more, "\"a\": xattr \"b\": expected none, got \"\"");
    }

    #[test]
    fn missing_and_further_paths_are_told() {
        let root = Manifest::of_inodes(vec![(Vec::new(), 1, node(Kind::Directory))]);
        assert_eq!(
            manifest(|_| {}).diff(&root),
            ["\"a\": missing; expected symlink to \"x\""]
        );
        assert_eq!(
            root.diff(&manifest(|_| {})),
            ["\"a\": not expected; got symlink to \"x\""]
        );
    }

    #[test]
    fn names_of_one_inode_are_a_group_under_the_smallest() {
        let paths = [("b", 7), ("a", 7), ("c", 8)];
        let paths = paths.map(|(path, key)| (path.as_bytes().to_vec(), key, node(Kind::Fifo)));
        let manifest = Manifest::of_inodes(paths.to_vec());
        let group = |path| manifest.get(path).unwrap().group.as_deref();
        assert_eq!(
            (group("a"), group("b"), group("c")),
            (Some(&b"a"[..]), Some(&b"a"[..]), None)
        );
    }
}
