//! Blobs: stored bytes under their digest, and what unpacking them once has shown.

use longshore_image::{DiffId, Digest};
use rusqlite::params;

use crate::{
    ImageId, Reader, Writer,
    column::{first, maybe_parsed, maybe_unsigned, parsed, rows, stored, unsigned},
    error::Result,
};

/// One stored blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRow {
    /// SHA-256 of the stored bytes.
    pub digest: Digest,
    /// Length of the stored bytes.
    pub size: u64,
    /// SHA-256 of the uncompressed archive, once it was unpacked.
    pub diff_id: Option<DiffId>,
    /// Length of the uncompressed archive, once it was unpacked.
    pub unpacked_size: Option<u64>,
}

const COLUMNS: &str = "SELECT digest, size, diff_id, unpacked_size FROM blobs";

fn read(row: &rusqlite::Row<'_>) -> Result<BlobRow> {
    Ok(BlobRow {
        digest: parsed(row, "digest", "a digest")?,
        size: unsigned(row, "size", "a blob's size")?,
        diff_id: maybe_parsed(row, "diff_id", "a diff id")?,
        unpacked_size: maybe_unsigned(row, "unpacked_size", "a layer's size")?,
    })
}

impl Reader<'_> {
    /// The blob under this digest.
    pub fn blob(&self, digest: &Digest) -> Result<Option<BlobRow>> {
        let mut statement = self
            .0
            .prepare_cached(&format!("{COLUMNS} WHERE digest = ?1"))?;
        first(&mut statement, [digest.to_string()], read)
    }

    /// What unpacking the bytes of this digest has shown, whether or not they are still here.
    pub fn diff_id(&self, digest: &Digest) -> Result<Option<DiffId>> {
        let mut statement = self.0.prepare_cached(
            "SELECT diff_id FROM blobs WHERE digest = ?1 AND diff_id IS NOT NULL
             UNION SELECT diff_id FROM layers WHERE digest = ?1 AND diff_id IS NOT NULL LIMIT 1",
        )?;
        first(&mut statement, [digest.to_string()], |row| {
            parsed(row, "diff_id", "a diff id")
        })
    }

    /// All blobs, by digest.
    pub fn blobs(&self) -> Result<Vec<BlobRow>> {
        let mut statement = self
            .0
            .prepare_cached(&format!("{COLUMNS} ORDER BY digest"))?;
        rows(&mut statement, [], read)
    }

    /// Whether another image has the blob as a layer.
    pub fn blob_has_other_users(&self, digest: &Digest, image: ImageId) -> Result<bool> {
        let mut statement = self
            .0
            .prepare_cached("SELECT 1 FROM layers WHERE digest = ?1 AND image <> ?2 LIMIT 1")?;
        Ok(statement.exists(params![digest.to_string(), image.0])?)
    }

    /// Blobs that no image has as a layer.
    pub fn unused_blobs(&self) -> Result<Vec<BlobRow>> {
        let mut statement = self.0.prepare_cached(&format!(
            "{COLUMNS} WHERE digest NOT IN (SELECT digest FROM layers WHERE digest IS NOT NULL)
             ORDER BY digest"
        ))?;
        rows(&mut statement, [], read)
    }
}

impl Writer<'_> {
    /// Records a blob whose bytes are durable. Recording it again changes nothing.
    pub fn record_blob(&self, digest: &Digest, size: u64, now: i64) -> Result<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO blobs (digest, size, stored_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (digest) DO NOTHING",
            )?
            .execute(params![
                digest.to_string(),
                stored(size, "a blob's size")?,
                now
            ])?;
        Ok(())
    }

    /// Records what unpacking a blob has shown.
    pub fn record_diff_id(&self, digest: &Digest, diff_id: &DiffId, size: u64) -> Result<()> {
        self.connection()
            .prepare_cached("UPDATE blobs SET diff_id = ?2, unpacked_size = ?3 WHERE digest = ?1")?
            .execute(params![
                digest.to_string(),
                diff_id.to_string(),
                stored(size, "a layer's size")?
            ])?;
        Ok(())
    }

    /// Forgets a blob whose bytes are gone. What its layers were proven to be stays known.
    pub fn forget_blob(&self, digest: &Digest) -> Result<()> {
        self.connection()
            .execute("DELETE FROM blobs WHERE digest = ?1", [digest.to_string()])?;
        Ok(())
    }
}
