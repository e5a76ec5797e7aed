//! An image as `debugfs` tells it, without root.
//!
//! Directories are listed level by level, then every inode is described, then contents are dumped
//! into a folder in batches and hashed. Paths are never given to debugfs, only inode numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::debugfs_stat::{Described, describe};
use super::tool::{self, Unreadable};
use super::walk;
use crate::manifest::{Kind, Manifest, Node, Xattrs};

/// The inode of the root directory.
const ROOT: u64 = 2;
/// Contents that are on the disk a second time at once.
const BATCH_BYTES: u64 = 256 << 20;

/// Reads an image with debugfs. `lost+found` in its root is left out.
pub fn by_debugfs(image: &Path) -> Result<Manifest, Unreadable> {
    let reader = Debugfs {
        image,
        folder: folder(image)?,
    };
    let names = reader.names()?;
    let inodes: BTreeSet<u64> = names.iter().map(|(_, inode)| *inode).collect();
    let nodes = reader.nodes(&inodes)?;
    let found = names
        .into_iter()
        .map(|(path, inode)| (path, inode, nodes[&inode].clone()));
    Ok(Manifest::of_inodes(found.collect()))
}

fn folder(image: &Path) -> Result<TempDir, Unreadable> {
    tempfile::Builder::new()
        .prefix("harbor-debugfs-")
        .tempdir()
        .map_err(Unreadable::io("make a folder to read", image))
}

#[derive(Debug)]
struct Debugfs<'a> {
    image: &'a Path,
    folder: TempDir,
}

impl Debugfs<'_> {
    /// Runs commands and returns what each printed. debugfs echoes every command of a script; the
    /// echoes are what separates the outputs.
    fn run(&self, commands: &[String]) -> Result<Vec<Vec<u8>>, Unreadable> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let script = self.folder.path().join("script");
        fs::write(&script, commands.join("\n") + "\n").map_err(Unreadable::io("write", &script))?;
        let output = tool::run(
            Command::new("debugfs")
                .arg("-f")
                .arg(&script)
                .arg(self.image),
        )?;
        let mut rest = output.stdout.as_slice();
        let mut outputs = Vec::with_capacity(commands.len());
        for (n, command) in commands.iter().enumerate() {
            let echo = format!("debugfs: {command}\n");
            rest = rest
                .strip_prefix(echo.as_bytes())
                .ok_or_else(|| strange(command))?;
            let end = match commands.get(n + 1) {
                Some(next) => position(rest, format!("debugfs: {next}\n").as_bytes())
                    .ok_or_else(|| strange(next))?,
                None => rest.len(),
            };
            outputs.push(rest[..end].to_vec());
            rest = &rest[end..];
        }
        Ok(outputs)
    }

    /// Every path and its inode.
    fn names(&self) -> Result<Vec<(Vec<u8>, u64)>, Unreadable> {
        let mut names = vec![(Vec::new(), ROOT)];
        let mut level = vec![(Vec::new(), ROOT)];
        while !level.is_empty() {
            let commands: Vec<_> = level
                .iter()
                .map(|(_, id)| format!("ls -p <{id}>"))
                .collect();
            let outputs = self.run(&commands)?;
            let mut next = Vec::new();
            for ((path, _), output) in level.iter().zip(outputs) {
                for entry in listed(&output)? {
                    let hidden = path.is_empty() && entry.name == b"lost+found";
                    if entry.name == b"." || entry.name == b".." || hidden {
                        continue;
                    }
                    let mut below = path.clone();
                    if !below.is_empty() {
                        below.push(b'/');
                    }
                    below.extend_from_slice(&entry.name);
                    if entry.is_dir {
                        next.push((below.clone(), entry.inode));
                    }
                    names.push((below, entry.inode));
                }
            }
            level = next;
        }
        Ok(names)
    }

    fn nodes(&self, inodes: &BTreeSet<u64>) -> Result<BTreeMap<u64, Node>, Unreadable> {
        let commands: Vec<_> = inodes.iter().map(|id| format!("stat <{id}>")).collect();
        let outputs = self.run(&commands)?;
        let mut described = BTreeMap::new();
        for (id, output) in inodes.iter().zip(&outputs) {
            let one = describe(output)
                .ok_or_else(|| Unreadable::Strange(format!("debugfs: inode {id} is not clear")))?;
            described.insert(*id, one);
        }
        let mut contents = self.contents(&described)?;
        let mut targets = self.targets(&described)?;
        let mut xattrs = self.xattrs(&described)?;
        let node = |(id, one): (u64, Described)| {
            let kind = match (contents.remove(&id), targets.remove(&id)) {
                (Some(content), _) => content,
                (_, Some(target)) => Kind::Symlink(target),
                (None, None) => one.node.kind,
            };
            let xattrs = xattrs.remove(&id).unwrap_or_default();
            (
                id,
                Node {
                    kind,
                    xattrs,
                    ..one.node
                },
            )
        };
        Ok(described.into_iter().map(node).collect())
    }

    /// Hashes of regular files.
    fn contents(&self, all: &BTreeMap<u64, Described>) -> Result<BTreeMap<u64, Kind>, Unreadable> {
        let mut files = BTreeMap::new();
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut regular = all
            .iter()
            .filter(|(_, one)| matches!(one.node.kind, Kind::File { .. }))
            .peekable();
        while let Some((id, one)) = regular.next() {
            batch.push(*id);
            bytes += one.size;
            if bytes < BATCH_BYTES && regular.peek().is_some() {
                continue;
            }
            let out = |id: &u64| self.folder.path().join(id.to_string());
            let dump = |id: &u64| format!("dump <{id}> {}", out(id).display());
            self.run(&batch.iter().map(dump).collect::<Vec<_>>())?;
            for id in batch.drain(..) {
                let path = out(&id);
                let mut file = fs::File::open(&path).map_err(Unreadable::io("open", &path))?;
                let (size, sha256) =
                    walk::hash(&mut file).map_err(Unreadable::io("read", &path))?;
                fs::remove_file(&path).map_err(Unreadable::io("remove", &path))?;
                files.insert(id, Kind::File { size, sha256 });
            }
            bytes = 0;
        }
        Ok(files)
    }

    /// Targets of symbolic links that are not in the inode.
    fn targets(
        &self,
        all: &BTreeMap<u64, Described>,
    ) -> Result<BTreeMap<u64, Vec<u8>>, Unreadable> {
        let slow: Vec<_> = all
            .iter()
            .filter(|(_, one)| one.slow_link)
            .map(|(id, _)| *id)
            .collect();
        let commands: Vec<_> = slow.iter().map(|id| format!("cat <{id}>")).collect();
        Ok(slow.into_iter().zip(self.run(&commands)?).collect())
    }

    fn xattrs(&self, all: &BTreeMap<u64, Described>) -> Result<BTreeMap<u64, Xattrs>, Unreadable> {
        let wanted: Vec<_> = all
            .iter()
            .flat_map(|(id, one)| one.xattrs.iter().map(move |name| (*id, name)))
            .collect();
        let out = |n: usize| self.folder.path().join(format!("xattr-{n}"));
        let command = |(n, (id, name)): (usize, &(u64, &String))| {
            format!("ea_get -f {} <{id}> \"{name}\"", out(n).display())
        };
        self.run(&wanted.iter().enumerate().map(command).collect::<Vec<_>>())?;
        let mut found: BTreeMap<u64, Xattrs> = BTreeMap::new();
        for (n, (id, name)) in wanted.iter().enumerate() {
            let path = out(n);
            let mut value = fs::read(&path).map_err(Unreadable::io("read", &path))?;
            fs::remove_file(&path).map_err(Unreadable::io("remove", &path))?;
            if name.starts_with("system.posix_acl_") {
                as_the_kernel_gives_it(&mut value);
            }
            found
                .entry(*id)
                .or_default()
                .insert(name.as_bytes().to_vec(), value);
        }
        Ok(found)
    }
}

/// debugfs leaves the id of an ACL entry 0 where there is none; the kernel gives
/// ACL_UNDEFINED_ID (linux/posix_acl.h).
fn as_the_kernel_gives_it(acl: &mut [u8]) {
    const USER: u8 = 2;
    const GROUP: u8 = 8;
    for entry in acl[4..].chunks_exact_mut(8) {
        if entry[0] != USER && entry[0] != GROUP {
            entry[4..].fill(0xff);
        }
    }
}

fn strange(command: &str) -> Unreadable {
    Unreadable::Strange(format!("debugfs printed no clear answer to {command:?}"))
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[derive(Debug, PartialEq, Eq)]
struct Listed {
    inode: u64,
    is_dir: bool,
    name: Vec<u8>,
}

/// What `ls -p` printed: `/INODE/MODE/UID/GID/NAME/SIZE/`, a line each. A name may hold a newline
/// but no slash.
fn listed(mut output: &[u8]) -> Result<Vec<Listed>, Unreadable> {
    let wrong = || Unreadable::Strange("debugfs: a listing is not clear".to_owned());
    let mut entries = Vec::new();
    while let Some(rest) = output.strip_prefix(b"/") {
        let mut fields = rest.splitn(7, |byte| *byte == b'/');
        let mut field = || fields.next().ok_or_else(wrong);
        let inode = std::str::from_utf8(field()?)
            .ok()
            .and_then(|text| text.parse().ok());
        let mode = field()?;
        field()?;
        field()?;
        let name = field()?.to_vec();
        field()?;
        output = field()?.strip_prefix(b"\n").ok_or_else(wrong)?;
        let is_dir = mode.starts_with(b"04");
        entries.push(Listed {
            inode: inode.ok_or_else(wrong)?,
            is_dir,
            name,
        });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read_by_their_slashes() {
        let output = b"/2/040755/0/0/.//\n/17/100644/0/0/n\nl/2/\n/18/120777/5/6/ a b/5/\n\n";
        let names: Vec<_> = listed(output)
            .unwrap()
            .into_iter()
            .map(|one| (one.inode, one.is_dir, one.name))
            .collect();
        let expected: [(u64, bool, &[u8]); 3] =
            [(2, true, b"."), (17, false, b"n\nl"), (18, false, b" a b")];
        assert_eq!(
            names,
            expected.map(|(id, dir, name)| (id, dir, name.to_vec()))
        );
    }
}
