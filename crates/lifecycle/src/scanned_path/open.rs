//! Telling what a path is, and opening it.

use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
};

use longshore_image::{
    ArchiveParts, Bundle, BundleForm, Limits, Parts, Platform, is_compressed, is_docker_manifest,
};
use longshore_scan::{DirRootfs, Rootfs, read_file};
use serde::{Deserialize, Serialize};

use super::{
    archive_file::ArchiveFile,
    disk::ArchiveDisk,
    layout_dir::LayoutDir,
    scratch::Scratch,
    trouble::{compressed_bundle, no_image, other_bytes, unreadable},
};
use crate::{Class, Failure};

/// A root filesystem at a path of the host.
pub(crate) struct OpenedPath {
    /// What is to be looked into.
    pub(crate) rootfs: Box<dyn Rootfs>,
    /// The disk that it is on, where it is an archive's.
    pub(crate) disk: Option<File>,
    /// What it was taken for.
    pub(crate) form: PathForm,
}

/// What a path was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PathForm {
    /// A directory that is a root filesystem.
    Directory,
    /// An OCI image layout, as an archive or a directory.
    OciLayout,
    /// What `docker save` wrote.
    DockerArchive,
    /// The one layer of an image.
    Layer,
}

impl PathForm {
    /// The words for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "a directory",
            Self::OciLayout => "an OCI image layout",
            Self::DockerArchive => "an archive of `docker save`",
            Self::Layer => "a layer",
        }
    }
}

/// Opens what is at a path: a directory, which is a root filesystem unless it is an OCI image layout; or
/// an archive, which is one layer unless it is an image. The layers of an image are applied to a disk in
/// `scratch`, as they are for a machine, and held to `limits`. Of images for several platforms it is the one
/// for this host, on Linux.
///
/// # Errors
/// [`Class::NotFound`], [`Class::Usage`] for what is neither file nor directory, [`Class::Refused`] for
/// what breaks a rule or is not what it says, [`Class::Full`], [`Class::Failed`].
pub(crate) fn open_path(
    path: &Path,
    limits: &Limits,
    scratch: &Scratch<'_>,
) -> Result<OpenedPath, Failure> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return open_dir(path, limits, scratch);
    }
    // Looked at before it is opened: a pipe would be waited for.
    if !metadata.is_file() {
        return Err(Failure::new(
            Class::Usage,
            "not-a-file",
            format!("{} is neither a file nor a directory", path.display()),
        ));
    }
    let file = File::open(path).and_then(ArchiveFile::new);
    let file = file.map_err(|error| unreadable(path, &error))?;
    open_archive(path, file, limits, || ArchiveDisk::make(scratch))
}

fn open_dir(path: &Path, limits: &Limits, scratch: &Scratch<'_>) -> Result<OpenedPath, Failure> {
    let layout = LayoutDir::open(path).map_err(|error| unreadable(path, &error))?;
    if let Some(layout) = layout
        && let Some(bundle) = bundle(path, layout)?
    {
        return unpack(path, &bundle, limits, || ArchiveDisk::make(scratch));
    }
    let rootfs = DirRootfs::open(path).map_err(|error| unreadable(path, &error))?;
    Ok(OpenedPath {
        rootfs: Box::new(rootfs),
        disk: None,
        form: PathForm::Directory,
    })
}

/// The same of an archive, onto the disk that `disk` makes.
pub(super) fn open_archive(
    path: &Path,
    file: ArchiveFile,
    limits: &Limits,
    disk: impl FnOnce() -> Result<ArchiveDisk, Failure>,
) -> Result<OpenedPath, Failure> {
    let file = Arc::new(file);
    let first = file.first::<4>();
    let first = first.map_err(|error| unreadable(path, &error))?;
    let is_compressed = is_compressed(&first);
    if !is_compressed {
        let parts = ArchiveParts::index(Arc::clone(&file), limits);
        let parts = parts.map_err(|error| no_image(path, error))?;
        if let Some(bundle) = bundle(path, parts)? {
            return unpack(path, &bundle, limits, disk);
        }
    }
    let mut disk = disk()?;
    disk.layer(&path.display().to_string(), file.bytes(), limits)?;
    let (rootfs, disk) = disk.into_rootfs()?;
    if is_compressed && holds_bundle(&rootfs) {
        return Err(compressed_bundle(path));
    }
    Ok(OpenedPath {
        rootfs: Box::new(rootfs),
        disk: Some(disk),
        form: PathForm::Layer,
    })
}

fn bundle<P: Parts>(path: &Path, parts: P) -> Result<Option<Bundle<P>>, Failure> {
    let platform = Platform::linux(std::env::consts::ARCH);
    Bundle::open(parts, &platform).map_err(|error| no_image(path, error))
}

fn unpack<P: Parts>(
    path: &Path,
    bundle: &Bundle<P>,
    limits: &Limits,
    disk: impl FnOnce() -> Result<ArchiveDisk, Failure>,
) -> Result<OpenedPath, Failure> {
    let mut disk = disk()?;
    for layer in bundle.layers() {
        let name = layer.part.to_string();
        let stored = bundle.read(layer).map_err(|error| no_image(path, error))?;
        let applied = disk.layer(&name, stored, limits)?;
        if !layer.is(&applied) {
            return Err(other_bytes(&name));
        }
    }
    let (rootfs, disk) = disk.into_rootfs()?;
    Ok(OpenedPath {
        rootfs: Box::new(rootfs),
        disk: Some(disk),
        form: match bundle.form() {
            BundleForm::OciLayout => PathForm::OciLayout,
            BundleForm::DockerArchive => PathForm::DockerArchive,
        },
    })
}

/// Whether what was taken for a layer is an archive of an image: to scan it as a root filesystem would find
/// nothing in it.
fn holds_bundle(rootfs: &dyn Rootfs) -> bool {
    const MOST: u64 = 4 << 20;
    let is_file = |path: &[u8]| rootfs.open(path).is_ok();
    let is_docker = || {
        let json = read_file(rootfs, b"manifest.json", MOST).unwrap_or_default();
        is_docker_manifest(&json)
    };
    is_file(b"oci-layout") && is_file(b"index.json") || is_docker()
}
