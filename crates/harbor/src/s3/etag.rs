//! ETags of files: the MD5 of the content, as S3 gives an object that was put in one part.
//!
//! A file is hashed once; it is hashed again when its identity (device, inode, size, times of
//! modification and change) is another. `s3s-fs` is told the result in the metadata file that it
//! keeps beside its buckets, for it would otherwise hash the whole file for every range of it.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64_simd::URL_SAFE_NO_PAD;
use s3s::crypto::{Checksum, Md5};

/// What changes when a file is written to or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(meta: &fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// The ETags of one bucket's files.
#[derive(Debug)]
pub(super) struct ETags {
    /// The folder in which `s3s-fs` keeps its buckets and their metadata files.
    root: PathBuf,
    bucket: String,
    /// Held while a file is hashed, so that requests side by side hash it once.
    known: Mutex<HashMap<Identity, String>>,
}

impl ETags {
    pub(super) fn new(root: PathBuf, bucket: String) -> Self {
        Self {
            root,
            bucket,
            known: Mutex::default(),
        }
    }

    /// The bucket's name.
    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// [`ETags::of`] on a thread that may block.
    pub(super) async fn of_async(
        self: Arc<Self>,
        key: String,
        path: PathBuf,
    ) -> io::Result<String> {
        tokio::task::spawn_blocking(move || self.of(&key, &path)).await?
    }

    /// The ETag's value (without quotes) of the object `key`, whose file is `path`.
    pub(super) fn of(&self, key: &str, path: &Path) -> io::Result<String> {
        let identity = Identity::of(&fs::metadata(path)?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let etag = match known.get(&identity) {
            Some(etag) => etag.clone(),
            None => {
                let etag = md5(path)?;
                known.insert(identity, etag.clone());
                etag
            }
        };
        self.tell(key, &etag)?;
        Ok(etag)
    }

    /// Writes the metadata file of `s3s-fs` 0.14, unless it says so already.
    fn tell(&self, key: &str, etag: &str) -> io::Result<()> {
        let bucket = URL_SAFE_NO_PAD.encode_to_string(&self.bucket);
        let name = format!(
            ".bucket-{bucket}.object-{}.internal.json",
            URL_SAFE_NO_PAD.encode_to_string(key)
        );
        let path = self.root.join(name);
        let content = serde_json::json!({ "e_tag": etag }).to_string();
        if fs::read(&path).is_ok_and(|present| present == content.as_bytes()) {
            return Ok(());
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.root)?;
        io::Write::write_all(&mut file, content.as_bytes())?;
        file.persist(&path)?;
        Ok(())
    }
}

fn md5(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut hash = Md5::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hash
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect());
        }
        hash.update(&buffer[..count]);
    }
}
