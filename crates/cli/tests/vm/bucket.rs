//! The bucket of the machine: a disk with families of layers, some of them of real Debian packages.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::Command,
};

use longshore_harbor::{
    family::{Family, Packing},
    real,
};

/// A family of real packages: a base, and a layer with whiteouts.
pub(crate) const REAL: &str = "images/tiny";
/// Two families that have their first three layers in common.
pub(crate) const FAMILIES: [&str; 2] = ["images/golang", "images/node"];

/// Fills the disk.
pub(crate) fn fill(disk: &Path) -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    for (number, name) in FAMILIES.iter().enumerate() {
        let mine = u8::try_from(number).map_err(io::Error::other)?;
        let family = Family::builder(name)
            .layer(|layer| {
                layer
                    .dir("etc", 0o755)
                    .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
                    .dir("var/lib/dpkg", 0o755)
                    .file("var/lib/dpkg/status", "")
                    .file("usr/share/large", vec![7_u8; 3 << 20])
            })
            .layer(|layer| layer.file("usr/bin/curl", vec![8_u8; 1 << 20]).mode(0o755))
            .layer(|layer| layer.file("usr/bin/git", vec![9_u8; 1 << 20]).mode(0o755))
            .layer(|layer| {
                layer
                    .whiteout("usr/share/large")
                    .file("usr/bin/own", vec![mine + 1; 2 << 20])
                    .mode(0o755)
            })
            .build();
        family.write(dir.path(), Packing::Plain)?;
    }
    // Where there is none, the scenarios go without.
    if let Ok(bucket) = real::small() {
        link(&bucket, dir.path())?;
    }
    let bytes = 400 << 20;
    File::create(disk)?.set_len(bytes)?;
    let made = Command::new("/sbin/mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-d"])
        .args([dir.path(), disk])
        .status()?;
    match made.success() {
        true => Ok(()),
        false => Err(io::Error::other("mke2fs failed")),
    }
}

fn link(bucket: &real::RealBucket, dir: &Path) -> io::Result<()> {
    for layer in &bucket.layers {
        let name = layer.file_name().unwrap_or_default();
        let to = dir.join(bucket.prefix);
        fs::create_dir_all(&to)?;
        fs::copy(layer, to.join(name))?;
    }
    Ok(())
}
