//! docs/dependencies.md has a line for each dependency of the workspace, and each is used: by a crate
//! that declares it, and in the code of every crate that does.

use std::{collections::BTreeSet, path::Path};

use super::{
    documents::{quoted, table},
    workspace::{self, File},
};

/// Ways in which the dependencies that the workspace declares differ from those that are explained
/// and from those that a package uses.
fn dependency_faults(
    declared: &BTreeSet<String>,
    explained: &BTreeSet<String>,
    used: &BTreeSet<String>,
) -> Vec<String> {
    let mut faults = Vec::new();
    for name in declared.difference(explained) {
        faults.push(format!("`{name}` has no line in docs/dependencies.md"));
    }
    for name in explained.difference(declared) {
        faults.push(format!(
            "docs/dependencies.md explains `{name}`, which is no dependency"
        ));
    }
    for name in declared.difference(used) {
        faults.push(format!(
            "`{name}` is declared in Cargo.toml and used by no crate"
        ));
    }
    for name in used.difference(declared) {
        faults.push(format!(
            "`{name}` is used and not declared in [workspace.dependencies]"
        ));
    }
    faults
}

/// Dependencies of the package `part` that its code never names.
fn unused_faults(part: &str, needed: &BTreeSet<String>, files: &[File]) -> Vec<String> {
    let folder = Path::new("crates").join(part);
    let sources: Vec<_> = files
        .iter()
        .filter(|file| file.path.starts_with(&folder))
        .collect();
    let is_named = |name: &str| sources.iter().any(|file| has_word(&file.text, name));
    needed
        .iter()
        .filter(|name| {
            let name = name.replace('-', "_");
            !is_named(&name) && !is_named(&format!("longshore_{name}"))
        })
        .map(|name| format!("`{part}` declares `{name}` and never names it"))
        .collect()
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

/// The names under `[workspace.dependencies]` that are not ours.
fn declared(manifest: &str) -> BTreeSet<String> {
    let manifest: toml::Table = manifest.parse().expect("cargo reads this file too");
    let dependencies = manifest["workspace"]["dependencies"]
        .as_table()
        .expect("a table");
    let names = dependencies
        .keys()
        .filter(|name| !name.starts_with(workspace::PREFIX));
    names.cloned().collect()
}

#[test]
fn every_dependency_is_explained_and_used() {
    let packages = workspace::packages();
    let document = workspace::read("docs/dependencies.md");
    let explained = ["Shipped", "Development only"]
        .iter()
        .flat_map(|heading| table(&document, heading))
        .flat_map(|row| quoted(&row[0]))
        .collect();
    let used = packages
        .values()
        .flat_map(|package| package.all.iter().cloned())
        .filter(|name| !packages.contains_key(name))
        .collect();
    let faults = dependency_faults(&declared(&workspace::read("Cargo.toml")), &explained, &used);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_crate_declares_what_it_does_not_use() {
    let files = workspace::rust_files();
    let packages = workspace::packages();
    let faults: Vec<_> = packages
        .values()
        .flat_map(|package| unused_faults(&package.name, &package.all, &files))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn our_own_are_not_counted_among_the_dependencies() {
        let manifest = "[workspace.dependencies]\nlongshore-a = { path = \"a\" }\nbytes = \"1\"\n";
        assert_eq!(declared(manifest), names(&["bytes"]));
    }

    #[test]
    fn a_dependency_that_no_code_names_is_a_fault() {
        let file = |path: &str, text: &str| File {
            path: path.into(),
            text: text.to_owned(),
        };
        let files = [
            file(
                "crates/a/src/lib.rs",
                "use tokio_util::sync; use longshore_image::Digest;",
            ),
            file("crates/b/src/lib.rs", "use bytes::Bytes;"),
        ];
        let needed = names(&["bytes", "image", "tokio", "tokio-util"]);
        assert_eq!(
            unused_faults("a", &needed, &files),
            [
                "`a` declares `bytes` and never names it",
                "`a` declares `tokio` and never names it",
            ]
        );
    }

    #[test]
    fn each_difference_is_a_fault() {
        let both = names(&["a"]);
        assert_eq!(dependency_faults(&both, &both, &both), [""; 0]);
        assert_eq!(
            dependency_faults(
                &names(&["a", "b"]),
                &names(&["a", "c"]),
                &names(&["a", "d"])
            ),
            [
                "`b` has no line in docs/dependencies.md",
                "docs/dependencies.md explains `c`, which is no dependency",
                "`b` is declared in Cargo.toml and used by no crate",
                "`d` is used and not declared in [workspace.dependencies]",
            ]
        );
    }
}
