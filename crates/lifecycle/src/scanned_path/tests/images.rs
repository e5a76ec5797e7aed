//! Images made for a test, and a place to open them at.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use longshore_image::{Digest, Limits};
use longshore_scan::{Rootfs, RootfsError, read_file};
use serde_json::{Value, json};

use super::super::{Scratch, open::PathForm, open_path};
use crate::Failure;

pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Names and what is in them.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// A tar of files and symbolic links (`-> TARGET`).
pub(super) fn tar<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o755);
        let as_name = name.as_bytes();
        header.as_old_mut().name[..as_name.len()].copy_from_slice(as_name);
        let content = match content.strip_prefix(b"-> ") {
            Some(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
                &[]
            }
            None => content,
        };
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(super) fn tar_of(files: &Files) -> Vec<u8> {
    tar(files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Three layers: the second hides a file of the first, the third a directory and puts a file there.
pub(super) fn layers() -> Vec<Vec<u8>> {
    vec![
        tar([
            ("etc/os-release", &b"ID=test"[..]),
            ("etc/hidden", b"x"),
            ("opt/app/old", b"x"),
        ]),
        tar([("etc/.wh.hidden", &b""[..]), ("bin/sh", b"#!")]),
        tar([("opt/app/.wh..wh..opq", &b""[..]), ("opt/app/new", b"new")]),
    ]
}

#[track_caller]
pub(super) fn holds_the_image(rootfs: &dyn Rootfs) {
    let read = |path: &str| read_file(rootfs, path.as_bytes(), 100);
    assert_eq!(read("etc/os-release").unwrap(), b"ID=test");
    assert_eq!(read("bin/sh").unwrap(), b"#!");
    assert_eq!(read("opt/app/new").unwrap(), b"new");
    for gone in ["etc/hidden", "etc/.wh.hidden", "opt/app/old"] {
        assert!(matches!(read(gone), Err(RootfsError::Missing)), "{gone}");
    }
    assert_eq!(rootfs.list(b"", 10).unwrap().len(), 3);
}

pub(super) fn put(files: &mut Files, bytes: Vec<u8>) -> Digest {
    let digest = Digest::of(&bytes);
    files.insert(format!("blobs/sha256/{}", digest.to_hex()), bytes);
    digest
}

pub(super) fn descriptor(files: &mut Files, media_type: &str, bytes: Vec<u8>) -> Value {
    let size = bytes.len();
    let digest = put(files, bytes).to_string();
    json!({ "mediaType": media_type, "digest": digest, "size": size })
}

pub(super) fn document(files: &mut Files, media_type: &str, value: &Value) -> Value {
    descriptor(files, media_type, value.to_string().into_bytes())
}

pub(super) fn config(layers: &[Vec<u8>]) -> Value {
    let diff_ids: Vec<_> = layers.iter().map(|layer| Digest::of(layer)).collect();
    json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
}

/// The manifest of an image with these layers, stored in turn as they are, with gzip and with zstd.
pub(super) fn manifest(files: &mut Files, layers: &[Vec<u8>]) -> Value {
    let config = document(files, OCI_CONFIG, &config(layers));
    let mut descriptors = Vec::new();
    for (position, layer) in layers.iter().enumerate() {
        let (suffix, stored) = match position % 3 {
            0 => ("", layer.clone()),
            1 => ("+gzip", gzip(layer)),
            _ => ("+zstd", zstd(layer)),
        };
        descriptors.push(descriptor(files, &format!("{OCI_LAYER}{suffix}"), stored));
    }
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": descriptors,
    });
    document(files, OCI_MANIFEST, &manifest)
}

pub(super) fn index(manifests: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests })
}

pub(super) fn lay_out(files: &mut Files, manifests: &[Value]) {
    let layout = json!({ "imageLayoutVersion": "1.0.0" });
    files.insert("oci-layout".to_owned(), layout.to_string().into());
    files.insert("index.json".to_owned(), index(manifests).to_string().into());
}

pub(super) fn oci() -> Files {
    let mut files = Files::new();
    let manifest = manifest(&mut files, &layers());
    lay_out(&mut files, &[manifest]);
    files
}

/// What `docker save` wrote before version 25.
pub(super) fn docker() -> Files {
    let mut files = Files::new();
    let layers = layers();
    let mut names = Vec::new();
    for (position, layer) in layers.iter().enumerate() {
        let name = format!("{position:064}/layer.tar");
        files.insert(name.clone(), layer.clone());
        names.push(name);
    }
    files.insert("c.json".to_owned(), config(&layers).to_string().into());
    let manifest = json!([{ "Config": "c.json", "RepoTags": ["test:1"], "Layers": names }]);
    files.insert("manifest.json".to_owned(), manifest.to_string().into());
    files
}

pub(super) fn change(files: &mut Files, name: &str, change: impl FnOnce(&mut Value)) {
    let bytes = files.get_mut(name).unwrap();
    let mut value = serde_json::from_slice(bytes).unwrap();
    change(&mut value);
    *bytes = value.to_string().into();
}

pub(super) struct Place(pub(super) tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn file(&self, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at("archive");
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) fn dir(&self, files: &Files) -> PathBuf {
        let root = self.at("dir");
        for (name, bytes) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        root
    }

    pub(super) fn open(&self, path: &Path) -> Result<(Box<dyn Rootfs>, PathForm), Failure> {
        let scratch = Scratch {
            dir: self.0.path(),
            size: 16 << 20,
        };
        let opened = open_path(path, &Limits::default(), &scratch)?;
        Ok((opened.rootfs, opened.form))
    }

    #[track_caller]
    pub(super) fn is(&self, path: &Path, form: PathForm) {
        let (rootfs, found) = self.open(path).unwrap();
        assert_eq!(found, form);
        holds_the_image(&*rootfs);
    }

    #[track_caller]
    pub(super) fn refused(&self, path: &Path, code: &str) -> Failure {
        let failure = self.open(path).map(|_| ()).unwrap_err();
        assert_eq!(failure.code, code, "{failure:#?}");
        failure
    }
}
