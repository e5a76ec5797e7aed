//! The demonstration's family of two layers: a small root filesystem, and an application on it.

use std::{fs::File, io, path::Path};

use tar::{Builder, EntryType, Header};

/// 2024-01-01, for what is made of the layers to be the same every time.
const MTIME: u64 = 1_704_067_200;

pub(super) fn write(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    base(create(&directory.join("1.tar"))?)?;
    application(create(&directory.join("2.tar"))?)
}

fn create(path: &Path) -> io::Result<Builder<File>> {
    Ok(Builder::new(File::create(path)?))
}

fn base(mut layer: Builder<File>) -> io::Result<()> {
    for path in ["etc/", "usr/", "usr/bin/", "usr/share/", "tmp/"] {
        entry(
            &mut layer,
            EntryType::Directory,
            path,
            if path == "tmp/" { 0o1777 } else { 0o755 },
            &[],
        )?;
    }
    link(&mut layer, "bin", "usr/bin")?;
    entry(
        &mut layer,
        EntryType::Regular,
        "etc/os-release",
        0o644,
        b"ID=hello\nVERSION_ID=1\n",
    )?;
    entry(
        &mut layer,
        EntryType::Regular,
        "etc/motd",
        0o644,
        b"replaced by the next layer\n",
    )?;
    entry(
        &mut layer,
        EntryType::Regular,
        "tmp/build.log",
        0o644,
        b"removed by the next layer\n",
    )?;
    entry(
        &mut layer,
        EntryType::Regular,
        "usr/share/words",
        0o644,
        &words(),
    )?;
    layer.finish()
}

fn application(mut layer: Builder<File>) -> io::Result<()> {
    entry(
        &mut layer,
        EntryType::Regular,
        "usr/bin/hello",
        0o755,
        b"#!/bin/sh\ncat /etc/motd\n",
    )?;
    entry(
        &mut layer,
        EntryType::Regular,
        "etc/motd",
        0o644,
        b"Hello from a disk.\n",
    )?;
    entry(
        &mut layer,
        EntryType::Regular,
        "tmp/.wh.build.log",
        0o644,
        &[],
    )?;
    layer.finish()
}

fn entry(
    layer: &mut Builder<File>,
    kind: EntryType,
    path: &str,
    mode: u32,
    content: &[u8],
) -> io::Result<()> {
    let mut header = header(kind, mode);
    header.set_size(u64::try_from(content.len()).map_err(io::Error::other)?);
    layer.append_data(&mut header, path, content)
}

fn link(layer: &mut Builder<File>, path: &str, target: &str) -> io::Result<()> {
    let mut header = header(EntryType::Symlink, 0o777);
    header.set_size(0);
    layer.append_link(&mut header, path, target)
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(MTIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// A file of a few mebibytes, so that there is something to unpack.
fn words() -> Vec<u8> {
    (0_u32..400_000)
        .flat_map(|number| format!("word {number}\n").into_bytes())
        .collect()
}
