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

use crate::site::ours;

/// A family of real packages: a base, and a layer with whiteouts.
pub(crate) const REAL: &str = "images/tiny";
/// What unpacking goes by, here and on the host.
pub(crate) const SETTINGS: [(&str, &str); 2] = [
    ("LONGSHORE_SCANNER", "embedded"),
    ("LONGSHORE_ALLOW_UNPROVEN", "true"),
];
/// Sizes of volumes: of families, and of real packages.
pub(crate) const SMALL: &str = "64MiB";
pub(crate) const LARGE: &str = "256MiB";
pub(crate) const WHOLE: &str = "4GiB";
/// Two families that have their first three layers in common.
pub(crate) const FAMILIES: [&str; 2] = ["images/golang", "images/node"];

/// Fills a disk with the families alone.
pub(crate) fn families(disk: &Path) -> io::Result<()> {
    fill(disk, false)
}

/// Fills a disk with all there is, and with what the file backend makes of it on the host.
pub(crate) fn everything(disk: &Path) -> io::Result<()> {
    fill(disk, true)
}

fn fill(disk: &Path, whole: bool) -> io::Result<()> {
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
    let one = Family::builder("images/one").layer(|layer| layer.file("etc/hostname", "one\n"));
    one.build().write(dir.path(), Packing::Plain)?;
    // Larger than any pool here: of a sparse file only its length is looked at.
    let huge = dir.path().join("images/huge");
    fs::create_dir_all(&huge)?;
    File::create(huge.join("1.tar"))?.set_len(8 << 30)?;
    // Where there is none, the scenarios go without.
    if whole {
        in_files(dir.path(), &FAMILIES, SMALL)?;
        if let Ok(bucket) = real::small() {
            copy(&bucket, dir.path())?;
            in_files(dir.path(), &[REAL], LARGE)?;
        }
    }
    filesystem(disk, dir.path(), 1 << 30)
}

/// Fills a disk with two families of a bucket of the whole size, and with what the file backend makes of them.
pub(crate) fn whole(disk: &Path) -> io::Result<()> {
    let missing = |text: &str| Err(io::Error::new(io::ErrorKind::NotFound, text));
    let Some(bucket) = std::env::var_os("LONGSHORE_FULL_BUCKET") else {
        return missing("LONGSHORE_FULL_BUCKET does not name a bucket of the whole size");
    };
    if std::env::var_os("LONGSHORE_SOAK").is_none() {
        return missing("it is for a soak");
    }
    let dir = tempfile::tempdir()?;
    let images = dir.path().join("images");
    fs::create_dir(&images)?;
    for family in FAMILIES {
        let copied = Command::new("cp")
            .arg("-r")
            .args([Path::new(&bucket).join(family), images.clone()])
            .status()?;
        if !copied.success() {
            return Err(io::Error::other("the bucket could not be copied"));
        }
    }
    in_files(dir.path(), &FAMILIES, WHOLE)?;
    filesystem(disk, dir.path(), 16 << 30)
}

fn filesystem(disk: &Path, dir: &Path, bytes: u64) -> io::Result<()> {
    File::create(disk)?.set_len(bytes)?;
    let made = Command::new("/sbin/mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-d"])
        .args([dir, disk])
        .status()?;
    match made.success() {
        true => Ok(()),
        false => Err(io::Error::other("mke2fs failed")),
    }
}

fn copy(bucket: &real::RealBucket, dir: &Path) -> io::Result<()> {
    for layer in &bucket.layers {
        let name = layer.file_name().unwrap_or_default();
        let to = dir.join(bucket.prefix);
        fs::create_dir_all(&to)?;
        fs::copy(layer, to.join(name))?;
    }
    Ok(())
}

/// Puts beside a bucket what the file backend makes of its images: `files/MACHINE.img`.
fn in_files(bucket: &Path, images: &[&str], size: &str) -> io::Result<()> {
    let state = tempfile::tempdir()?;
    let mut source = std::ffi::OsString::from("file://");
    source.push(bucket);
    let made = ours(env!("CARGO_BIN_EXE_longshore"))
        .args(["-q", "--backend", "file", "fetch-and-create"])
        .args(images)
        .envs(SETTINGS)
        .env("LONGSHORE_VOLUME_SIZE", size)
        .env("LONGSHORE_STATE_DIR", state.path())
        .env("LONGSHORE_SOURCE", source)
        .stdout(std::process::Stdio::null())
        .status()?;
    if !made.success() {
        return Err(io::Error::other("the file backend failed"));
    }
    let files = bucket.join("files");
    fs::create_dir_all(&files)?;
    for image in images {
        let name = format!("{}.img", image.replace('/', "-"));
        let disk = fs::canonicalize(state.path().join("machines").join(&name))?;
        let copied = Command::new("cp")
            .arg("--sparse=always")
            .args([disk, files.join(name)])
            .status()?;
        if !copied.success() {
            return Err(io::Error::other("a disk could not be copied"));
        }
    }
    Ok(())
}
