//! Images: a family or a layer of an origin, its generations, their layers and decisions.

use longshore_image::{ChainId, DiffId, Digest};
use rusqlite::{Row, params};

use crate::{
    Reader, VolumeId, Writer,
    column::{first, maybe_parsed, maybe_unsigned, parsed, rows, stored, stored_enum, unsigned},
    error::{Error, Result},
    volume::stored_id,
};

/// The id of one generation of an image.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ImageId(pub i64);

/// One generation of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRow {
    /// Its id.
    pub id: ImageId,
    /// Where it came from.
    pub origin: String,
    /// Its name within the origin: a family, or the key of one layer.
    pub name: String,
    /// 1 for what was seen first; one more for every change that was accepted.
    pub generation: u64,
    /// The run that worked on it last.
    pub run: u64,
    /// The chain of its layers, once unpacked.
    pub chain: Option<ChainId>,
    /// The sealed volume of its top layer, once unpacked.
    pub volume: Option<VolumeId>,
    /// When this generation was first seen.
    pub created_at: i64,
}

/// A layer as the origin lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLayer {
    /// The object's key.
    pub key: String,
    /// Its strong entity tag, if the store gave one.
    pub etag: Option<String>,
    /// Length of the stored bytes.
    pub size: u64,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRow {
    /// Its place in the order, from 0.
    pub position: u64,
    /// The object's key.
    pub key: String,
    /// Its strong entity tag, if the store gave one.
    pub etag: Option<String>,
    /// Length of the stored bytes.
    pub size: u64,
    /// SHA-256 of the stored bytes, once they are proven.
    pub digest: Option<Digest>,
    /// SHA-256 of the uncompressed archive, once unpacked.
    pub diff_id: Option<DiffId>,
    /// What unpacking counted and normalised, as JSON.
    pub report: Option<String>,
}

stored_enum! {
    /// What an examination of an image came to.
    Verdict, "a verdict" {
        /// Nothing has looked into it.
        Unscanned = "unscanned",
        /// Wholly covered, and nothing stands against it.
        Ready = "ready",
        /// Something that the policy blocks was found.
        Vulnerable = "vulnerable",
        /// Not wholly covered.
        Unproven = "unproven",
    }
}

/// The recorded decision about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What the examination came to.
    pub verdict: Verdict,
    /// Whether machines may be made of it.
    pub admitted: bool,
    /// What the decision rests on, as JSON.
    pub report: String,
    /// When it was made.
    pub decided_at: i64,
    /// When it has to be made again, because something that it rests on ends; never, where nothing does.
    pub valid_until: Option<i64>,
}

const IMAGES: &str =
    "SELECT id, origin, name, generation, run, chain, volume, created_at FROM images";

fn image(row: &Row<'_>) -> Result<ImageRow> {
    Ok(ImageRow {
        id: ImageId(row.get("id")?),
        origin: row.get("origin")?,
        name: row.get("name")?,
        generation: unsigned(row, "generation", "a generation")?,
        run: unsigned(row, "run", "a run's id")?,
        chain: maybe_parsed(row, "chain", "a chain id")?,
        volume: maybe_unsigned(row, "volume", "a volume's id")?.map(VolumeId),
        created_at: row.get("created_at")?,
    })
}

fn layer(row: &Row<'_>) -> Result<LayerRow> {
    Ok(LayerRow {
        position: unsigned(row, "position", "a layer's position")?,
        key: row.get("key")?,
        etag: row.get("etag")?,
        size: unsigned(row, "size", "an object's size")?,
        digest: maybe_parsed(row, "digest", "a digest")?,
        diff_id: maybe_parsed(row, "diff_id", "a diff id")?,
        report: row.get("report")?,
    })
}

impl Reader<'_> {
    /// One generation.
    pub fn image_by_id(&self, id: ImageId) -> Result<Option<ImageRow>> {
        let mut statement = self.0.prepare_cached(&format!("{IMAGES} WHERE id = ?1"))?;
        first(&mut statement, [id.0], image)
    }

    /// The newest generation of an image.
    pub fn image(&self, origin: &str, name: &str) -> Result<Option<ImageRow>> {
        let mut statement = self.0.prepare_cached(&format!(
            "{IMAGES} WHERE origin = ?1 AND name = ?2 ORDER BY generation DESC LIMIT 1"
        ))?;
        first(&mut statement, [origin, name], image)
    }

    /// All generations of all images, by name and origin, newest first.
    pub fn images(&self) -> Result<Vec<ImageRow>> {
        let mut statement = self
            .0
            .prepare_cached(&format!("{IMAGES} ORDER BY name, origin, generation DESC"))?;
        rows(&mut statement, [], image)
    }

    /// The layers of a generation, in their order.
    pub fn layers(&self, id: ImageId) -> Result<Vec<LayerRow>> {
        let mut statement = self.0.prepare_cached(
            "SELECT position, key, etag, size, digest, diff_id, report FROM layers
             WHERE image = ?1 ORDER BY position",
        )?;
        rows(&mut statement, [id.0], layer)
    }

    /// The recorded decision about a generation.
    pub fn decision(&self, id: ImageId) -> Result<Option<Decision>> {
        let mut statement = self.0.prepare_cached(
            "SELECT verdict, admitted, report, decided_at, valid_until FROM decisions
             WHERE image = ?1",
        )?;
        first(&mut statement, [id.0], |row| {
            Ok(Decision {
                verdict: parsed(row, "verdict", "a verdict")?,
                admitted: row.get("admitted")?,
                report: row.get("report")?,
                decided_at: row.get("decided_at")?,
                valid_until: row.get("valid_until")?,
            })
        })
    }
}

impl Writer<'_> {
    /// Adds a generation with its layers.
    pub fn add_image(
        &self,
        origin: &str,
        name: &str,
        generation: u64,
        layers: &[NewLayer],
        run: u64,
        now: i64,
    ) -> Result<ImageId> {
        let id: i64 = self.connection().query_row(
            "INSERT INTO images (origin, name, generation, run, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
            params![
                origin,
                name,
                stored(generation, "a generation")?,
                stored(run, "a run's id")?,
                now
            ],
            |row| row.get(0),
        )?;
        self.insert_layers(ImageId(id), layers)?;
        Ok(ImageId(id))
    }

    /// Replaces what a generation that was never unpacked consists of.
    pub fn replace_layers(&self, id: ImageId, layers: &[NewLayer]) -> Result<()> {
        self.connection()
            .execute("DELETE FROM layers WHERE image = ?1", [id.0])?;
        self.insert_layers(id, layers)
    }

    fn insert_layers(&self, id: ImageId, layers: &[NewLayer]) -> Result<()> {
        let mut insert = self.connection().prepare_cached(
            "INSERT INTO layers (image, position, key, etag, size) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (position, layer) in (0_u32..).zip(layers) {
            insert.execute(params![
                id.0,
                position,
                layer.key,
                layer.etag,
                stored(layer.size, "an object's size")?
            ])?;
        }
        Ok(())
    }

    /// Records which run works on a generation.
    pub fn image_run(&self, id: ImageId, run: u64) -> Result<()> {
        let run = stored(run, "a run's id")?;
        let changed = self.connection().execute(
            "UPDATE images SET run = ?2 WHERE id = ?1",
            params![id.0, run],
        )?;
        known(changed, id)
    }

    /// Records the proven bytes of a layer.
    pub fn layer_digest(&self, id: ImageId, position: u64, digest: &Digest) -> Result<()> {
        let changed = self.connection().execute(
            "UPDATE layers SET digest = ?3 WHERE image = ?1 AND position = ?2",
            params![
                id.0,
                stored(position, "a layer's position")?,
                digest.to_string()
            ],
        )?;
        known(changed, id)
    }

    /// Records the proven bytes of every layer that is this object, in this version.
    pub fn object_digest(
        &self,
        origin: &str,
        key: &str,
        etag: Option<&str>,
        size: u64,
        digest: &Digest,
    ) -> Result<()> {
        self.connection().execute(
            "UPDATE layers SET digest = ?5
             WHERE key = ?2 AND etag IS ?3 AND size = ?4
             AND image IN (SELECT id FROM images WHERE origin = ?1)",
            params![
                origin,
                key,
                etag,
                stored(size, "an object's size")?,
                digest.to_string()
            ],
        )?;
        Ok(())
    }

    /// Records what unpacking a layer has shown. Without a report it gets that of another image's
    /// layer of the same diff id, if there is one.
    pub fn layer_unpacked(
        &self,
        id: ImageId,
        position: u64,
        diff_id: &DiffId,
        report: Option<&str>,
    ) -> Result<()> {
        let changed = self.connection().execute(
            "UPDATE layers SET diff_id = ?3, report = coalesce(?4, report,
                 (SELECT other.report FROM layers AS other
                  WHERE other.diff_id = ?3 AND other.report IS NOT NULL LIMIT 1))
             WHERE image = ?1 AND position = ?2",
            params![
                id.0,
                stored(position, "a layer's position")?,
                diff_id.to_string(),
                report
            ],
        )?;
        known(changed, id)
    }

    /// Records the sealed volume of an image.
    pub fn image_volume(&self, id: ImageId, chain: &ChainId, volume: VolumeId) -> Result<()> {
        let changed = self.connection().execute(
            "UPDATE images SET chain = ?2, volume = ?3 WHERE id = ?1",
            params![id.0, chain.to_string(), stored_id(volume)?],
        )?;
        known(changed, id)
    }

    /// Records the decision about an image, in place of an earlier one.
    pub fn decide(&self, id: ImageId, decision: &Decision) -> Result<()> {
        self.connection().execute(
            "INSERT INTO decisions (image, verdict, admitted, report, decided_at, valid_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (image) DO UPDATE SET verdict = excluded.verdict,
                 admitted = excluded.admitted, report = excluded.report,
                 decided_at = excluded.decided_at, valid_until = excluded.valid_until",
            params![
                id.0,
                decision.verdict.as_str(),
                decision.admitted,
                decision.report,
                decision.decided_at,
                decision.valid_until
            ],
        )?;
        Ok(())
    }

    /// Forgets a generation. Refused while a machine was made of it. Pins stay.
    pub fn forget_image(&self, id: ImageId) -> Result<()> {
        let machines = self.machines_of(id)?;
        if let Some(machine) = machines.first() {
            return Err(Error::InUse {
                what: "image",
                id: id.0.to_string(),
                by: format!("machine {}", machine.name),
            });
        }
        let changed = self
            .connection()
            .execute("DELETE FROM images WHERE id = ?1", [id.0])?;
        known(changed, id)
    }
}

fn known(rows: usize, id: ImageId) -> Result<()> {
    if rows == 0 {
        return Err(Error::WrongState {
            what: "image",
            id: id.0.to_string(),
            expected: "known",
        });
    }
    Ok(())
}
