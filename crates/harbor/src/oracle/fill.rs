//! Layers applied to the tree, one after the other, each in two passes.

use std::path::{Path, PathBuf};

use super::archive::{self, What};
use super::tree::{self, Id, Lost, ROOT, Tree};
use crate::manifest::{Kind, Manifest, Node};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const RESERVED: &[u8] = b".wh..wh.";

/// Why the oracle has no opinion: the layer is wrong, or holds what it does not read.
#[derive(Debug, thiserror::Error)]
#[error("the oracle refuses {layer}: {why}", layer = layer.display())]
pub struct Refused {
    /// The layer's file.
    pub layer: PathBuf,
    /// What of it, in words.
    pub why: String,
}

/// What the root filesystem holds after these layers (plain or gzipped), the first being the base.
pub fn manifest<P: AsRef<Path>>(layers: &[P]) -> Result<Manifest, Refused> {
    let mut tree = Tree::new();
    for layer in layers {
        let layer = layer.as_ref();
        apply(&mut tree, layer).map_err(|why| Refused {
            layer: layer.to_owned(),
            why,
        })?;
    }
    Ok(tree.manifest())
}

fn apply(tree: &mut Tree, layer: &Path) -> Result<(), String> {
    tree.next_layer();
    archive::entries(layer, |_| false, |path, _| hide(tree, path))?;
    archive::entries(layer, is_data, |path, what| match what {
        Some(what) => add(tree, path, what),
        None => Ok(()),
    })
}

/// Whether an entry is something in the result; else it is a whiteout or of AUFS's own.
fn is_data(path: &[u8]) -> bool {
    !path
        .split(|byte| *byte == b'/')
        .any(|part| part.starts_with(WHITEOUT))
}

fn parts(path: &[u8]) -> Result<Vec<&[u8]>, String> {
    tree::components(path).map_err(|lost| format!("{lost:?}"))
}

/// First pass: what a whiteout hides, of the layers below.
fn hide(tree: &mut Tree, path: &[u8]) -> Result<(), String> {
    let parts = parts(path)?;
    let Some((name, parents)) = parts.split_last() else {
        return Ok(());
    };
    if !name.starts_with(WHITEOUT) || !is_data(&parents.join(&b'/')) {
        return Ok(());
    }
    let hidden = &name[WHITEOUT.len()..];
    if name.starts_with(RESERVED) && *name != OPAQUE {
        return Ok(());
    }
    if *name != OPAQUE && matches!(hidden, b"" | b"." | b"..") {
        return Err("a whiteout of nothing, `.` or `..`".to_owned());
    }
    let dir = match tree.directory(parents) {
        Ok(dir) => dir,
        Err(Lost::Missing | Lost::NotADirectory) => return Ok(()),
        Err(lost) => return Err(format!("{lost:?}")),
    };
    if *name == OPAQUE {
        tree.clear(dir);
    } else {
        tree.remove(dir, hidden);
    }
    Ok(())
}

/// Second pass: what an entry adds or replaces.
fn add(tree: &mut Tree, path: &[u8], what: What) -> Result<(), String> {
    let parts = parts(path)?;
    let Some((name, parents)) = parts.split_last() else {
        return match what {
            What::Node(node) if node.kind == Kind::Directory => {
                tree.set(ROOT, node);
                Ok(())
            }
            _ => Err("the root can only be a directory".to_owned()),
        };
    };
    match what {
        What::Node(node) => {
            let dir = parent(tree, parents)?;
            put(tree, dir, name, node);
        }
        What::HardLink(target) => {
            // The place is made first: what goes for it is no target any more.
            let dir = parent(tree, parents)?;
            let mut found = target_of(tree, &target)?;
            if tree.child(dir, name).is_some_and(|id| tree.is_dir(id)) {
                tree.remove(dir, name);
                found = target_of(tree, &target)?;
            }
            if tree.child(dir, name) != Some(found) {
                tree.link(dir, name, found);
            }
        }
    }
    Ok(())
}

fn put(tree: &mut Tree, dir: Id, name: &[u8], node: Node) {
    let there = tree.child(dir, name).filter(|id| tree.is_dir(*id));
    match there {
        // A directory keeps what is in it and becomes what the entry says.
        Some(id) if node.kind == Kind::Directory => tree.set(id, node),
        _ => drop(tree.put(dir, name, node)),
    }
}

/// What a hard link's target names; the target itself is not followed.
fn target_of(tree: &Tree, target: &[u8]) -> Result<Id, String> {
    let parts = parts(target)?;
    let absent = || format!("hard link to {}, which is not there", target.escape_ascii());
    let (name, parents) = parts.split_last().ok_or_else(absent)?;
    let dir = tree.directory(parents).map_err(|_| absent())?;
    let id = tree.child(dir, name).ok_or_else(absent)?;
    if tree.is_dir(id) {
        Err("hard link to a directory".to_owned())
    } else {
        Ok(id)
    }
}

/// The directory that an entry's parents lead to; made where it is missing, and in place of a file
/// of a layer below.
fn parent(tree: &mut Tree, parents: &[&[u8]]) -> Result<Id, String> {
    for length in 1..=parents.len() {
        let path = &parents[..length];
        let (here, missing) = tree.walk(path).map_err(|lost| format!("{lost:?}"))?;
        let mut dir = here;
        for name in &missing {
            if name == b".." {
                return Err("`..` in a link beyond what is there".to_owned());
            }
            dir = tree.put(dir, name, tree::bare_directory());
        }
        if !tree.is_dir(dir) {
            if tree.is_of_this_layer(dir) {
                return Err("below a file of the same layer".to_owned());
            }
            let name = path[length - 1];
            let above = tree
                .directory(&path[..length - 1])
                .map_err(|lost| format!("{lost:?}"))?;
            if tree.child(above, name) != Some(dir) {
                return Err("below a symlink to a file".to_owned());
            }
            tree.put(above, name, tree::bare_directory());
        }
    }
    tree.directory(parents).map_err(|lost| format!("{lost:?}"))
}
