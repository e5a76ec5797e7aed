//! The workspace as it is: its packages, its sources, its documents.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// One of our packages.
pub(crate) struct Package {
    /// Without the `longshore-` in front.
    pub(crate) name: String,
    /// Names of the packages it needs to be built (neither for its tests nor its build script).
    pub(crate) normal: BTreeSet<String>,
    /// Names of the packages it needs in any way.
    pub(crate) all: BTreeSet<String>,
}

/// A text file.
pub(crate) struct File {
    /// Relative to the root of the workspace.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// What stands in front of the names of our packages.
pub(crate) const PREFIX: &str = "longshore-";

pub(crate) fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("crates/harbor");
    crates
        .parent()
        .expect("the workspace holds crates")
        .to_path_buf()
}

/// A file of the workspace.
pub(crate) fn read(path: &str) -> String {
    let file = root().join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// What `cargo metadata` says of our packages, by name. Without the packages of others, so that
/// nothing is resolved or fetched.
pub(crate) fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs, for it runs this");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {stderr}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(package)
        .map(|package| (package.name.clone(), package))
        .collect()
}

fn package(value: &Value) -> Package {
    let dependencies = value["dependencies"]
        .as_array()
        .expect("a list of dependencies");
    let named = |wanted: fn(&Value) -> bool| {
        dependencies
            .iter()
            .filter(|dependency| wanted(&dependency["kind"]))
            .map(|dependency| short(&dependency["name"]))
            .collect()
    };
    Package {
        name: short(&value["name"]),
        normal: named(Value::is_null),
        all: named(|_| true),
    }
}

fn short(name: &Value) -> String {
    let name = name.as_str().expect("a package has a name");
    name.strip_prefix(PREFIX).unwrap_or(name).to_owned()
}

/// Every Rust file under `crates/`.
pub(crate) fn rust_files() -> Vec<File> {
    files("crates", "rs")
}

/// Every Markdown file at the root and under `docs/`.
pub(crate) fn documents() -> Vec<File> {
    let mut found = files("docs", "md");
    for entry in fs::read_dir(root()).expect("the root can be listed") {
        let name = entry.expect("the root can be listed").file_name();
        if Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "md")
        {
            let text = read(name.to_str().expect("our files have plain names"));
            found.push(File {
                path: PathBuf::from(name),
                text,
            });
        }
    }
    found
}

fn files(folder: &str, extension: &str) -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("our folders can be listed") {
            let path = entry.expect("our folders can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == extension) {
                let text = fs::read_to_string(&path).expect("our files are UTF-8");
                let path = path
                    .strip_prefix(&root)
                    .expect("it was found there")
                    .to_path_buf();
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_normal_dependencies_count_as_needed_to_build() {
        let package = package(&json!({
            "name": "longshore-a",
            "dependencies": [
                {"name": "longshore-b", "kind": null},
                {"name": "serde", "kind": null},
                {"name": "tempfile", "kind": "dev"},
                {"name": "cc", "kind": "build"},
            ],
        }));
        assert_eq!(package.name, "a");
        assert_eq!(package.normal, ["b", "serde"].map(str::to_owned).into());
        assert_eq!(
            package.all,
            ["b", "cc", "serde", "tempfile"].map(str::to_owned).into()
        );
    }
}
