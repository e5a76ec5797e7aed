//! Pins: the first digest seen for a key of an origin, which later fetches are held to.

use longshore_image::Digest;
use rusqlite::params;

use crate::{
    Reader, Writer,
    column::{first, parsed, stored, unsigned},
    error::Result,
};

/// What a key was when its bytes were first proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The object's key.
    pub key: String,
    /// The strong entity tag it had, if the store gave one.
    pub etag: Option<String>,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the stored bytes.
    pub digest: Digest,
    /// When it was pinned.
    pub pinned_at: i64,
}

fn read(row: &rusqlite::Row<'_>) -> Result<Pin> {
    Ok(Pin {
        key: row.get("key")?,
        etag: row.get("etag")?,
        size: unsigned(row, "size", "an object's size")?,
        digest: parsed(row, "digest", "a digest")?,
        pinned_at: row.get("pinned_at")?,
    })
}

impl Reader<'_> {
    /// The pin of a key.
    pub fn pin(&self, origin: &str, key: &str) -> Result<Option<Pin>> {
        let mut statement = self.0.prepare_cached(
            "SELECT key, etag, size, digest, pinned_at FROM pins WHERE origin = ?1 AND key = ?2",
        )?;
        first(&mut statement, [origin, key], read)
    }

    /// What any key of the origin with this entity tag and size was proven to be, unpacked or not.
    /// An entity tag says nothing across origins, so there is no call that looks it up without one.
    pub fn digest_of_etag(&self, origin: &str, etag: &str, size: u64) -> Result<Option<Digest>> {
        let mut statement = self.0.prepare_cached(
            "SELECT digest FROM pins WHERE origin = ?1 AND etag = ?2 AND size = ?3
             UNION ALL
             SELECT digest FROM layers JOIN images ON images.id = layers.image
             WHERE origin = ?1 AND etag = ?2 AND size = ?3 AND digest IS NOT NULL LIMIT 1",
        )?;
        first(
            &mut statement,
            params![origin, etag, stored(size, "an object's size")?],
            |row| parsed(row, "digest", "a digest"),
        )
    }
}

impl Writer<'_> {
    /// Pins a key, in place of what it was pinned to before. Whether it may is the caller's
    /// decision, made when the family was resolved.
    pub fn record_pin(
        &self,
        origin: &str,
        key: &str,
        etag: Option<&str>,
        size: u64,
        digest: &Digest,
        now: i64,
    ) -> Result<()> {
        self.connection()
            .prepare_cached(
                "INSERT INTO pins (origin, key, etag, size, digest, pinned_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (origin, key) DO UPDATE
                 SET etag = excluded.etag, size = excluded.size,
                     digest = excluded.digest, pinned_at = excluded.pinned_at
                 WHERE digest <> excluded.digest OR etag IS NOT excluded.etag",
            )?
            .execute(params![
                origin,
                key,
                etag,
                stored(size, "an object's size")?,
                digest.to_string(),
                now
            ])?;
        Ok(())
    }
}
