//! Three families that share layers as those of the public bucket do.
//!
//! Layers 1 to 3 are the same bytes in all of them and `node/4` is `python/4`: fifteen keys, eight
//! blobs. Each layer has some megabytes, so that ranges and resuming have something to do.

use super::builder::Family;
use super::content::Content;
use super::layer::Layer;
use super::rootfs;

const MEBIBYTE: u64 = 1 << 20;

/// `images/golang`: five layers, about 17 MiB.
#[must_use]
pub fn golang() -> Family {
    let compiler = tools("g++-aarch64", 41, 4 * MEBIBYTE);
    let go = tools("go", 51, 3 * MEBIBYTE)
        .dir("usr/lib/go", 0o755)
        .each(0..60, |l, n| {
            l.file(
                &format!("usr/lib/go/src{n:02}.go"),
                format!("package p{n}\n"),
            )
        })
        .whiteout("usr/share/doc/mercurial");
    family("images/golang", compiler, go)
}

/// `images/node`: its first three layers are golang's.
#[must_use]
pub fn node() -> Family {
    let node = tools("node", 52, 3 * MEBIBYTE)
        .file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n",
        )
        .dir("home/node", 0o755)
        .owner(1000, 1000);
    family("images/node", headers(), node)
}

/// `images/python`: its first four layers are node's.
#[must_use]
pub fn python() -> Family {
    let python = tools("python3.11", 53, 2 * MEBIBYTE)
        .symlink("usr/bin/python3", "python3.11")
        .opaque("usr/share/doc/mercurial");
    family("images/python", headers(), python)
}

fn family(prefix: &str, fourth: Layer, fifth: Layer) -> Family {
    Family::builder(prefix)
        .add(
            "1",
            rootfs::base().file("usr/lib/base.bin", noise(1, 4 * MEBIBYTE)),
        )
        .add(
            "2",
            tools("curl", 2, 2 * MEBIBYTE).symlink("usr/bin/wget", "curl"),
        )
        .add("3", scm())
        .add("4", fourth)
        .add("5", fifth)
        .build()
}

fn noise(seed: u64, length: u64) -> Content {
    Content::Noise { seed, length }
}

/// A program, its library and its documentation.
fn tools(name: &str, seed: u64, size: u64) -> Layer {
    Layer::new()
        .dir("usr/bin", 0o755)
        .file(&format!("usr/bin/{name}"), noise(seed, size / 4))
        .mode(0o755)
        .file(
            &format!("usr/lib/lib{name}.so.1"),
            noise(seed + 100, size - size / 4),
        )
        .dir(&format!("usr/share/doc/{name}"), 0o755)
        .file(
            &format!("usr/share/doc/{name}/copyright"),
            format!("{name}: public domain\n"),
        )
}

fn scm() -> Layer {
    tools("git", 3, 3 * MEBIBYTE)
        .hardlink("usr/bin/git-upload-pack", "usr/bin/git")
        .dir("usr/share/doc/mercurial", 0o755)
        .each(0..20, |l, n| {
            l.file(
                &format!("usr/share/doc/mercurial/{n}"),
                format!("page {n}\n"),
            )
        })
}

fn headers() -> Layer {
    tools("pkg-config", 42, 3 * MEBIBYTE)
        .dir("usr/include/x", 0o755)
        .each(0..100, |l, n| {
            l.file(
                &format!("usr/include/x/h{n:03}.h"),
                format!("#define H{n} {n}\n"),
            )
        })
}
