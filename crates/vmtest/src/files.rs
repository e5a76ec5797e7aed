//! What goes into a machine: its kernel's modules in order, and programs with their libraries.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// The kernel that `scripts/vm-kernel` has fetched, unpacked.
#[derive(Debug)]
pub(crate) struct Kernel {
    root: PathBuf,
    version: String,
}

impl Kernel {
    /// `None` where there is none.
    pub(crate) fn find() -> Option<Self> {
        // Of the workspace that this was built in.
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/vm");
        let version = fs::read_to_string(dir.join("ready")).ok()?;
        Some(Self {
            root: dir.join("root"),
            version: version.trim().to_owned(),
        })
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.root.join(format!("boot/vmlinuz-{}", self.version))
    }

    /// A file of Debian's packages, by its path without `usr`: what is where changes with Debian's releases.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        let places = [self.root.join(path), self.root.join("usr").join(path)];
        let there = places.iter().find(|place| place.exists());
        there.unwrap_or(&places[0]).clone()
    }

    /// The files of these modules and of those that they need, in the order in which they are to be loaded.
    pub(crate) fn modules(&self, names: &[&str]) -> io::Result<Vec<PathBuf>> {
        let dir = self.root.join("lib/modules").join(&self.version);
        let listed = fs::read_to_string(dir.join("modules.dep"))?;
        let built_in = fs::read_to_string(dir.join("modules.builtin"))?;
        let mut ordered = Vec::new();
        for name in names {
            let needed = needed(&listed, name);
            if needed.is_empty() && !built_in.lines().any(|path| is_module(path, name)) {
                let text = format!("kernel {} has no module {name}", self.version);
                return Err(io::Error::other(text));
            }
            for path in needed {
                let path = dir.join(path);
                if !ordered.contains(&path) {
                    ordered.push(path);
                }
            }
        }
        Ok(ordered)
    }
}

/// What a module needs and the module, in that order, by `modules.dep`: nothing for one that is built in.
fn needed<'a>(listed: &'a str, name: &str) -> Vec<&'a str> {
    let line = listed
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(path, _)| is_module(path, name));
    let Some((path, needs)) = line else {
        return Vec::new();
    };
    // The farthest is the last.
    let needs = needs.split_whitespace().rev();
    needs.chain([path]).collect()
}

/// Whether it is the file of a module, in whose name `-` and `_` are one.
fn is_module(path: &str, name: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file);
    stem.replace('_', "-") == name.replace('_', "-")
}

/// A program of the host by its name or path; `None` where there is none.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(name.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let dirs = env::split_paths(&path).chain(sbin);
    dirs.map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// The libraries that a program needs, each with the path under which it is looked for.
pub(crate) fn libraries(program: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    // One that is linked statically has none, and ldd says so as a failure.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if let Some(line) = text.lines().find(|line| line.ends_with("not found")) {
        let text = format!("{} needs a library: {}", program.display(), line.trim());
        return Err(io::Error::other(text));
    }
    let paths = text.lines().filter_map(library);
    Ok(paths
        .map(|path| (path.to_owned(), PathBuf::from(path)))
        .collect())
}

/// `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x..)`, or `/lib64/ld-linux-x86-64.so.2 (0x..)`.
fn library(line: &str) -> Option<&str> {
    let path = line.split_once("=>").map_or(line, |(_, path)| path);
    path.split_whitespace()
        .next()
        .filter(|path| path.starts_with('/'))
}

/// A program without what is for debuggers, which would only have to be unpacked.
pub(crate) fn stripped(program: &Path, to: &Path) -> io::Result<PathBuf> {
    let strip = Command::new("strip")
        .args([
            OsStr::new("--strip-debug"),
            OsStr::new("-o"),
            to.as_os_str(),
        ])
        .arg(program)
        .status();
    Ok(match strip {
        Ok(status) if status.success() => to.to_owned(),
        _ => program.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_after_what_it_needs() {
        let listed =
            "kernel/a/dm-thin-pool.ko: kernel/a/near.ko kernel/a/far.ko\nkernel/b/loop.ko.xz:\n";
        let pool = [
            "kernel/a/far.ko",
            "kernel/a/near.ko",
            "kernel/a/dm-thin-pool.ko",
        ];
        assert_eq!(needed(listed, "dm-thin-pool"), pool);
        assert_eq!(needed(listed, "loop"), ["kernel/b/loop.ko.xz"]);
        assert_eq!(needed(listed, "dm_thin_pool"), pool);
        assert_eq!(needed(listed, "ext4"), [""; 0]);
    }

    #[test]
    fn libraries_are_read_from_what_ldd_says() {
        assert_eq!(
            library("\tlibc.so.6 => /lib/libc.so.6 (0x7f)"),
            Some("/lib/libc.so.6")
        );
        assert_eq!(
            library("\t/lib64/ld-linux-x86-64.so.2 (0x7f)"),
            Some("/lib64/ld-linux-x86-64.so.2")
        );
        assert_eq!(library("\tlinux-vdso.so.1 (0x7f)"), None);
        assert_eq!(library("\tstatically linked"), None);
    }
}
